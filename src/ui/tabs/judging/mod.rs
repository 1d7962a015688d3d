//! Judging: models' answers to a constitution's questions, and what judges make of them.

pub(in crate::ui) mod results;
