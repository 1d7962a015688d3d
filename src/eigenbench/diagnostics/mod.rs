//! Whether to believe a leaderboard (eigenbench.md, section 7): what each judge is like, whether judges agree, and what moves
//! trust in models that are language models under personas.

mod agreement;
mod judges;
mod variance;

pub use agreement::{Distance, agreement, krippendorff_alpha, trust_distances};
pub use judges::{Cycles, JudgeDiagnosis, SelfPreference, coverage, diagnose_judges, longer_shares};
pub use variance::{VarianceShares, variance_shares};
