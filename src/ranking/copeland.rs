//! Copeland in both senses (dempo.md, sections 0 and 6.1): opponents beaten less opponents lost to, and votes won less votes
//! lost. The second says nothing that Borda does not where all ballots are complete.

use super::aggregation::Aggregation;
use super::votes::Wins;

/// Opponents that a model beat in more comparisons than it lost, less those that it lost to.
pub(super) fn classical(wins: &Wins) -> Aggregation {
    sums(wins, |net| if net == 0.0 { 0.0 } else { net.signum() })
}

/// Comparisons won less comparisons lost.
pub(super) fn net(wins: &Wins) -> Aggregation {
    sums(wins, |net| net)
}

fn sums(wins: &Wins, of: impl Fn(f64) -> f64) -> Aggregation {
    let models = wins.models();
    let score = |a: usize| (0..models).filter(|b| *b != a).map(|b| of(wins.of(a, b) - wins.of(b, a))).sum();
    Aggregation::of((0..models).map(score).collect())
}
