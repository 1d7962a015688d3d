//! Paper 1: Glauber dynamics on masked language models (arXiv 2605.16378).
//!
//! The program implements the method; formulas the paper does not let us read are reconstructed from prior work and say so.

pub mod certificate;
pub mod certify;
pub mod cftp;
pub mod chain;
pub mod conditionals;
pub mod curie_weiss;
pub mod exact;
pub mod experiments;
pub mod hexfloat;
pub mod influence;
pub mod law;
pub mod margin;
pub mod mixing;
pub mod phase;
pub mod probe;
pub mod quench;
pub mod rectangle;
pub mod space;
pub mod survey;
pub mod temperature;
#[cfg(test)]
mod test_backends;
pub mod toys;
pub mod trajectories;
