//! What the trainings share.

pub(in crate::models) mod real;
