//! One folder or file per tab.

pub mod certify;
