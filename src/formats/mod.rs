//! Files that come from elsewhere, read strictly: an error names the file, the row and the remedy.

pub mod foundation;
pub mod people_table;
pub mod sentences;
