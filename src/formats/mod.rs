//! Files that come from elsewhere, read strictly: an error names the file, the row and the remedy.

pub mod answers;
pub mod comparisons;
pub mod constitutions;
mod decode;
mod delimited;
pub mod evaluations;
pub mod foundation;
mod json_lines;
pub mod label_answers;
mod mangled;
pub mod named_people;
pub mod people_comparisons;
pub mod population_files;
pub mod preferences;
pub mod rankings;
pub mod scenarios;
pub mod sentences;
pub mod table;
pub mod verdicts;
pub mod whole_file;
mod workbook;
