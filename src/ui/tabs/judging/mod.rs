//! Judging: models' answers to a constitution's questions, and what judges make of them.

pub mod results;
