//! Judging answers by a constitution: what a judge is asked, in which order answers are shown, and what her reply says
//! (dempo.md, section 6). The texts are our own and may be edited.

pub mod ballot;
pub mod display;
pub mod prompts;
pub mod questions;
pub mod word_rule;

pub use ballot::read_ballot;
pub use display::{Comparing, Display, displays};
pub use prompts::{PromptError, Prompts, ShownAnswer};
pub use questions::read_questions;
pub use word_rule::WordRule;
