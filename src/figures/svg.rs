//! Figure to svg.
