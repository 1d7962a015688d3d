//! Pieces that several tabs use.

pub mod card;
pub mod controls;
pub mod figure_view;
pub mod heat_map;
pub mod stat;
pub mod table;
pub mod table_order;
pub mod thinning;
pub mod verdict;

pub use card::card;
pub use controls::{disabled_button, empty_state, primary_button, progress_bar};
pub use figure_view::{FigureResponse, figure_view};
pub use stat::{stat, stats, what_is};
pub use table::{TableResponse, data_table, data_table_of};
pub use verdict::{VerdictKind, verdict};
