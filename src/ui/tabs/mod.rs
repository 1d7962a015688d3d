//! One folder or file per tab.

pub mod certify;
pub mod eigenbench;
pub mod home;
pub mod judging;
pub mod mixing;
pub mod panel;
pub mod provenance;
pub mod runs;
pub mod shared;
pub mod training;
pub mod trajectories;
