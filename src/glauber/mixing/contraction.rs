//! Contraction in one step from neighbouring states (glauber.md section 3.4).

use super::DriftCount;
use crate::glauber::conditionals::ConditionalsError;
use crate::statistics::wilson;

/// `kappa = n (1 - E[d_1])` of pairs started at distance 1.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Contraction {
    /// Positive: neighbours approach on average.
    pub kappa: f64,
    /// 95 % interval.
    pub lower: f64,
    pub upper: f64,
    pub pairs: u64,
}

/// Kappa with an interval, from first steps of pairs at distance 1; `None` without any.
///
/// A step changes the distance by -1, 0 or 1, so kappa is n times a difference of two shares. Its interval combines
/// their Wilson intervals with the correlation that shares of one whole have (MOVER: Newcombe 1998, Zou and Donner
/// 2008), and has a width also where no step or every step went one way.
pub fn contraction(sites: u32, steps: DriftCount) -> Result<Option<Contraction>, ConditionalsError> {
    let m = steps.count;
    if m == 0 {
        return Ok(None);
    }
    let size = steps.sum.unsigned_abs();
    if steps.h != 1 || steps.squares > m || size > steps.squares || !(steps.squares - size).is_multiple_of(2) {
        return Err(ConditionalsError::Invalid(
            "these are not first steps from distance 1: give sums of changes by -1, 0 or 1".to_owned(),
        ));
    }
    let fewer = (steps.squares - size) / 2;
    let more = steps.squares - fewer;
    let (up, down) = if steps.sum >= 0 { (more, fewer) } else { (fewer, more) };
    let (p, q) = (down as f64 / m as f64, up as f64 / m as f64);
    let ([p_low, p_high], [q_low, q_high]) = (wilson(down, m, 0.95), wilson(up, m, 0.95));
    let rest = (1.0 - p) * (1.0 - q);
    let correlation = if rest > 0.0 { -(p * q / rest).sqrt() } else { 0.0 };
    let half = |a: f64, b: f64| (a * a + b * b - 2.0 * correlation * a * b).max(0.0).sqrt();
    let n = f64::from(sites);
    Ok(Some(Contraction {
        kappa: n * (p - q),
        lower: n * (p - q - half(p - p_low, q_high - q)).max(-1.0),
        upper: n * (p - q + half(p_high - p, q - q_low)).min(1.0),
        pairs: m,
    }))
}
