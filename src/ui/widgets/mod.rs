//! Pieces that several tabs use.

pub mod figure_view;
