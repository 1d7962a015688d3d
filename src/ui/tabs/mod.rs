//! One folder or file per tab.

pub mod certify;
pub mod home;
pub mod provenance;
pub mod runs;
