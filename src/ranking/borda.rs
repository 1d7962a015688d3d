//! Borda: how many of the other models stand below a model on average (dempo.md, section 6.1).

use super::aggregation::{Aggregation, RankError};
use super::votes::Wins;

/// For each model the sum over the others of the share of comparisons it won. Where every ballot ranks every model that is
/// the mean of (number of models - 1 - place); where not, no model gains by whom it met.
///
/// # Errors
/// [`RankError::NeverMet`] where two models were never compared.
pub(super) fn borda(wins: &Wins) -> Result<Aggregation, RankError> {
    let models = wins.models();
    let mut scores = vec![0.0; models];
    for (a, score) in scores.iter_mut().enumerate() {
        for b in (0..models).filter(|b| *b != a) {
            *score += wins.share(a, b).ok_or(RankError::NeverMet { a, b })?;
        }
    }
    Ok(Aggregation::of(scores))
}
