//! Figure to csv.
