//! Democratic preference alignment (arXiv 2602.05113): what a policy is trained on, by which weights, and how.

pub mod objective;
