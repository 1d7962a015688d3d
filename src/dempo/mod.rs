//! Paper 2 beyond the panel: preferences of raters, the schemes that weigh them, the order in which a trainer visits
//! them, and the training itself (Sana, Wu and Wells 2026, arXiv:2602.05113).

pub mod constitution;
pub mod gradients;
pub mod identity;
pub mod judging;
pub mod monitor;
pub mod objective;
pub mod pairs;
pub mod population;
mod population_texts;
pub mod preference;
pub mod rater_lottery;
pub mod schedule;
pub mod scheme;
pub mod soft_weights;
pub mod split;
pub mod training;
