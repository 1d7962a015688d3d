//! Files that come from elsewhere, read strictly: an error names the file, the row and the remedy.

mod decode;
mod delimited;
pub mod foundation;
mod json_lines;
mod mangled;
pub mod sentences;
pub mod table;
pub mod whole_file;
mod workbook;
