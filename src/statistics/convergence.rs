//! Diagnostics of several chains' scalar histories: R-hat, effective sample sizes, autocorrelation times.
//!
//! They can show that chains have *not* mixed; values that look good are never proof that they have (glauber.md
//! section 5.2): chains stuck in one basin agree with each other too.

use super::{normal_quantile, quantile, ranks, sorted};

/// What Vehtari et al. 2021 recommend to report.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Convergence {
    pub chains: usize,
    /// Draws of each chain.
    pub draws: usize,
    /// Larger of the rank-normalised split R-hat and its folded version; above 1.01 the chains disagree. `None` for
    /// infinity: no chain moves at all, and they stand at different values.
    pub r_hat: Option<f64>,
    /// The folded version alone: differences of spread; `None` where the distance to the median does not vary in time.
    pub folded_r_hat: Option<f64>,
    /// Effective number of draws for the centre (rank-normalised), and for the 5 % and 95 % quantiles.
    pub bulk_ess: f64,
    pub tail_ess: f64,
    /// Integrated autocorrelation time of the raw values, in draws (Geyer 1992, initial monotone sequence).
    pub autocorrelation_time: f64,
}

/// Diagnoses `chains` of equal length; longer ones are cut to the shortest, at the front kept.
///
/// `None` for fewer than 4 draws, values that are not finite, or where everything is constant (nothing to compare).
pub fn convergence(chains: &[Vec<f64>]) -> Option<Convergence> {
    let draws = chains.iter().map(Vec::len).min()?;
    if draws < 4 || chains.iter().any(|chain| chain[..draws].iter().any(|x| !x.is_finite())) {
        return None;
    }
    let halves = split(chains, draws);
    let pooled: Vec<f64> = halves.concat();
    let order = sorted(&pooled);
    if order.first() == order.last() {
        return None;
    }
    let normalised = rank_normalised(&pooled, draws / 2);
    let median = quantile(&order, 0.5);
    let folded = rank_normalised(&pooled.iter().map(|x| (x - median).abs()).collect::<Vec<_>>(), draws / 2);
    let folded_r_hat = r_hat(&folded);
    let tail = |p: f64| {
        let edge = quantile(&order, p);
        let below: Vec<Vec<f64>> =
            halves.iter().map(|h| h.iter().map(|&x| if x <= edge { 1.0 } else { 0.0 }).collect()).collect();
        effective_size(&below)
    };
    let whole: Vec<Vec<f64>> = chains.iter().map(|chain| chain[..draws].to_vec()).collect();
    // An indicator that never changes says nothing about its tail; the other one decides.
    let tails = [tail(0.05), tail(0.95)].into_iter().flatten().fold(f64::INFINITY, f64::min);
    Some(Convergence {
        chains: chains.len(),
        draws,
        r_hat: r_hat(&normalised).map(|own| own.max(folded_r_hat.unwrap_or(1.0))),
        folded_r_hat,
        bulk_ess: effective_size(&normalised)?,
        tail_ess: if tails.is_finite() { tails } else { effective_size(&normalised)? },
        autocorrelation_time: (chains.len() * draws) as f64 / effective_size(&whole)?,
    })
}

/// First and last half of each chain; the middle draw of an odd number is left out.
fn split(chains: &[Vec<f64>], draws: usize) -> Vec<Vec<f64>> {
    let half = draws / 2;
    chains.iter().flat_map(|chain| [chain[..half].to_vec(), chain[draws - half..draws].to_vec()]).collect()
}

/// Normal scores of pooled ranks (Blom), cut into chains of `length`.
fn rank_normalised(pooled: &[f64], length: usize) -> Vec<Vec<f64>> {
    let total = pooled.len() as f64;
    let scores: Vec<f64> =
        ranks(pooled).into_iter().map(|rank| normal_quantile((rank - 0.375) / (total + 0.25))).collect();
    scores.chunks(length).map(<[f64]>::to_vec).collect()
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// Mean within-chain variance W and the pooled variance `(n - 1)/n W + B/n`.
fn variances(chains: &[Vec<f64>]) -> (f64, f64) {
    let n = chains[0].len() as f64;
    let means: Vec<f64> = chains.iter().map(|chain| mean(chain)).collect();
    let spread = |chain: &[f64], m: f64| chain.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / (n - 1.0);
    let within = chains.iter().zip(&means).map(|(chain, &m)| spread(chain, m)).sum::<f64>() / chains.len() as f64;
    let grand = mean(&means);
    let between = if chains.len() > 1 {
        means.iter().map(|m| (m - grand) * (m - grand)).sum::<f64>() / (means.len() - 1) as f64
    } else {
        0.0
    };
    (within, (n - 1.0) / n * within + between)
}

/// R-hat of chains of equal length, without splitting or ranks (Gelman and Rubin 1992); `None` where no chain moves.
pub fn r_hat(chains: &[Vec<f64>]) -> Option<f64> {
    if chains.first().is_none_or(|chain| chain.len() < 2) {
        return None;
    }
    let (within, pooled) = variances(chains);
    // Equal values leave a rounding of their mean behind.
    (within > 1e-24 * pooled).then(|| (pooled / within).sqrt())
}

/// Effective number of draws in chains of equal length (Geyer's initial monotone sequence over the chains' combined
/// autocorrelations; Vehtari et al. 2021, section 3.2). `None` where nothing varies.
///
/// At most `S log10 S` of `S` draws, as antithetic chains would otherwise claim any size.
pub fn effective_size(chains: &[Vec<f64>]) -> Option<f64> {
    let n = chains.first().map(Vec::len).filter(|&n| n >= 2)?;
    let total = (chains.len() * n) as f64;
    let (within, pooled) = variances(chains);
    if pooled.is_nan() || pooled <= 0.0 {
        return None;
    }
    let centred: Vec<Vec<f64>> = chains
        .iter()
        .map(|chain| {
            let m = mean(chain);
            chain.iter().map(|x| x - m).collect()
        })
        .collect();
    // With the n - 1 that the variances have, lag 0 gives rho = 1.
    let autocovariance = |lag: usize| {
        let of = |chain: &[f64]| chain[lag..].iter().zip(chain).map(|(x, y)| x * y).sum::<f64>() / n as f64;
        centred.iter().map(|chain| of(chain)).sum::<f64>() / centred.len() as f64
    };
    let rho = |lag: usize| 1.0 - (within - autocovariance(lag) * n as f64 / (n as f64 - 1.0)) / pooled;
    let (mut sum, mut last) = (0.0, f64::INFINITY);
    for pair in 0..n / 2 {
        let here = if pair == 0 { 1.0 + rho(1) } else { rho(2 * pair) + rho(2 * pair + 1) };
        if here.is_nan() || here <= 0.0 {
            break;
        }
        last = last.min(here);
        sum += last;
    }
    let time = (2.0 * sum - 1.0).max(1.0 / total.log10());
    Some(total / time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Stream;

    fn autoregressive(rho: f64, chains: usize, draws: usize, seed: u64) -> Vec<Vec<f64>> {
        (0..chains)
            .map(|chain| {
                let mut stream = Stream::new(seed, chain as u64);
                let mut normal = move || normal_quantile(stream.unit().clamp(1e-15, 1.0 - 1e-15));
                let mut x = normal();
                (0..draws)
                    .map(|_| {
                        x = rho * x + (1.0 - rho * rho).sqrt() * normal();
                        x
                    })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn r_hat_by_hand() {
        // Means 2 and 4, both variances 1: W = 1, B/n = 2, pooled = 2/3 + 2.
        let found = r_hat(&[vec![1.0, 2.0, 3.0], vec![3.0, 4.0, 5.0]]).unwrap();
        assert!((found - (8f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(r_hat(&[vec![1.0, 1.0], vec![2.0, 2.0]]), None);
    }

    #[test]
    fn independent_draws_count_fully() {
        let found = convergence(&autoregressive(0.0, 4, 2000, 1)).unwrap();
        assert!((found.r_hat.unwrap() - 1.0).abs() < 0.005, "{found:?}");
        assert!(
            (found.bulk_ess / 8000.0 - 1.0).abs() < 0.1 && (found.tail_ess / 8000.0 - 1.0).abs() < 0.12,
            "{found:?}"
        );
        assert!((found.autocorrelation_time - 1.0).abs() < 0.1);
    }

    #[test]
    fn autoregression_has_its_known_time() {
        for rho in [0.5, 0.9] {
            let found = convergence(&autoregressive(rho, 4, 10_000, 2)).unwrap();
            let known = (1.0 + rho) / (1.0 - rho);
            assert!((found.autocorrelation_time / known - 1.0).abs() < 0.12, "{rho}: {found:?}");
            assert!((found.bulk_ess * known / 40_000.0 - 1.0).abs() < 0.15, "{rho}: {found:?}");
            assert!(found.tail_ess > found.bulk_ess * 0.9, "indicators decorrelate faster");
        }
        // Antithetic draws count more than fully, within the cap.
        let found = convergence(&autoregressive(-0.5, 2, 4000, 3)).unwrap();
        assert!(found.autocorrelation_time < 0.5 && found.bulk_ess <= 8000.0 * 8000f64.log10());
    }

    #[test]
    fn disagreement_is_seen_in_place_spread_and_drift() {
        let mut shifted = autoregressive(0.0, 4, 500, 4);
        shifted[0].iter_mut().for_each(|x| *x += 2.0);
        assert!(convergence(&shifted).unwrap().r_hat > Some(1.2));
        let mut wide = autoregressive(0.0, 4, 500, 5);
        wide[0].iter_mut().for_each(|x| *x *= 4.0);
        let found = convergence(&wide).unwrap();
        assert!(found.folded_r_hat > Some(1.05) && found.r_hat == found.folded_r_hat, "{found:?}");
        let drift: Vec<Vec<f64>> = autoregressive(0.0, 2, 500, 6)
            .into_iter()
            .map(|chain| chain.into_iter().enumerate().map(|(t, x)| x + t as f64 / 100.0).collect())
            .collect();
        assert!(convergence(&drift).unwrap().r_hat > Some(1.2), "splitting sees a common drift");
    }

    #[test]
    fn nothing_to_compare() {
        assert_eq!(convergence(&[]), None);
        assert_eq!(convergence(&[vec![1.0; 100], vec![1.0; 100]]), None);
        assert_eq!(convergence(&[vec![1.0, f64::NAN, 2.0, 3.0]]), None);
        // Each chain stuck in its own place: infinitely far from agreeing, and about one draw each.
        let stuck = convergence(&[vec![0.0; 50], vec![1.0; 50]]).unwrap();
        assert!(stuck.r_hat.is_none() && stuck.bulk_ess < 4.0, "{stuck:?}");
    }
}
