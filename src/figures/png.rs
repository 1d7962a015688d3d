//! Figure to png.
