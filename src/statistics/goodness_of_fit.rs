//! How well counts agree with a law they should follow.

use statrs::function::gamma::ln_gamma;

use super::special::chi_square_survival;

/// Least expected count of a cell of the chi-square test; cells below are pooled (Cochran 1954).
pub const LEAST_EXPECTED: f64 = 5.0;

/// Counts beside the law that they are tested against.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct GoodnessOfFit {
    /// Draws counted.
    pub total: u64,
    /// Pearson's statistic over `cells`; `None` where fewer than two cells are expected to hold enough.
    pub chi_square: Option<f64>,
    /// Cells of the test, the pooled one included.
    pub cells: u64,
    /// Outcomes that were pooled because each is expected fewer than [`LEAST_EXPECTED`] times.
    pub pooled: u64,
    /// `cells - 1`.
    pub degrees: u64,
    /// P(chi-square at least as large) under the law; small: the counts do not follow it.
    pub p_value: Option<f64>,
    /// Total variation between the counts' shares and the law.
    pub tv: f64,
    /// Its exact expectation if the counts follow the law: by chance alone it is never 0.
    pub tv_expected: f64,
    /// The counts' total variation stays below this with probability at least 95 % if they follow the law: expectation
    /// plus `sqrt(ln 20 / (2 total))` (bounded differences, McDiarmid 1989). Conservative.
    pub tv_upper: f64,
}

/// Compares counts of independent draws with `law`, a probability for each outcome. `None` without draws, or where the
/// two differ in length.
pub fn goodness_of_fit(counts: &[u64], law: &[f64]) -> Option<GoodnessOfFit> {
    let total: u64 = counts.iter().sum();
    if total == 0 || counts.len() != law.len() {
        return None;
    }
    let n = total as f64;
    let mut cells: Vec<(f64, f64)> = counts.iter().zip(law).map(|(&count, p)| (n * p, count as f64)).collect();
    // Ties keep the order of the outcomes, so that pooling is the same everywhere.
    cells.sort_by(|x, y| y.0.total_cmp(&x.0));
    let enough = cells.partition_point(|&(expected, _)| expected >= LEAST_EXPECTED);
    let rest = cells.split_off(enough);
    let mut pooled = rest.len() as u64;
    if !rest.is_empty() {
        let mut pool = rest.iter().fold((0.0, 0.0), |pool, cell| (pool.0 + cell.0, pool.1 + cell.1));
        if pool.0 < LEAST_EXPECTED
            && let Some(last) = cells.pop()
        {
            pool = (pool.0 + last.0, pool.1 + last.1);
            pooled += 1;
        }
        cells.push(pool);
    }
    let degrees = cells.len() as u64 - 1;
    let chi_square = (degrees > 0)
        .then(|| cells.iter().map(|&(expected, count)| (count - expected).powi(2) / expected).sum::<f64>());
    let tv = counts.iter().zip(law).map(|(&count, p)| (count as f64 / n - p).abs()).sum::<f64>() / 2.0;
    let tv_expected = law.iter().map(|&p| mean_absolute_deviation(total, p)).sum::<f64>() / (2.0 * n);
    Some(GoodnessOfFit {
        total,
        p_value: chi_square.map(|chi| chi_square_survival(chi, degrees as f64)),
        chi_square,
        cells: cells.len() as u64,
        pooled,
        degrees,
        tv,
        tv_expected,
        tv_upper: (tv_expected + (20f64.ln() / (2.0 * n)).sqrt()).min(1.0),
    })
}

/// `E|X - n p|` of a binomial X: `2 m C(n, m) p^m (1 - p)^(n - m + 1)` with `m = floor(n p) + 1` (de Moivre 1730).
fn mean_absolute_deviation(n: u64, p: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 {
        return 0.0;
    }
    let all = n as f64;
    let m = (all * p).floor() + 1.0;
    if m > all {
        // All of the deviation lies below: E|X - np| = 2 E(X - np)^+, and X > np only at n.
        return 2.0 * (all - all * p) * (all * p.ln()).exp();
    }
    let log_choose = ln_gamma(all + 1.0) - ln_gamma(m + 1.0) - ln_gamma(all - m + 1.0);
    2.0 * (m.ln() + log_choose + m * p.ln() + (all - m + 1.0) * (-p).ln_1p()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_absolute_deviation_is_that_of_the_sum() {
        for (n, p) in [(1u64, 0.5), (7, 0.3), (20, 0.01), (20, 0.99), (33, 0.5), (4, 0.75)] {
            let q = 1.0 - p;
            let choose = |k: u64| (1..=k).map(|j| (n + 1 - j) as f64 / j as f64).product::<f64>();
            let term = |k: u64| {
                let deviation = (k as f64 - n as f64 * p).abs();
                deviation * choose(k) * f64::powi(p, k as i32) * f64::powi(q, (n - k) as i32)
            };
            let known: f64 = (0..=n).map(term).sum();
            assert!((mean_absolute_deviation(n, p) - known).abs() < 1e-12, "n = {n}, p = {p}");
        }
        assert_eq!(mean_absolute_deviation(9, 0.0), 0.0);
    }

    #[test]
    fn a_die_thrown_sixty_times() {
        // Pearson's statistic by hand: (25 + 4 + 1 + 4 + 0 + 36) / 10 on 5 degrees of freedom.
        let found = goodness_of_fit(&[5, 8, 9, 12, 10, 16], &[1.0 / 6.0; 6]).unwrap();
        let chi = (25.0 + 4.0 + 1.0 + 4.0 + 0.0 + 36.0) / 10.0;
        assert!((found.chi_square.unwrap() - chi).abs() < 1e-12);
        assert_eq!((found.cells, found.pooled, found.degrees), (6, 0, 5));
        assert!((found.p_value.unwrap() - 0.2206).abs() < 1e-4, "{:?}", found.p_value);
        assert!((found.tv - 16.0 / 120.0).abs() < 1e-12, "(5 + 2 + 1 + 2 + 0 + 6) / 60 / 2");
        assert!(found.tv_expected > 0.0 && found.tv_expected < found.tv_upper);
    }

    #[test]
    fn rare_outcomes_are_pooled_until_enough_are_expected() {
        // Expected 50, 46, 2, 1, 1: the last three make 4 and draw in the 46.
        let found = goodness_of_fit(&[48, 47, 3, 2, 0], &[0.5, 0.46, 0.02, 0.01, 0.01]).unwrap();
        assert_eq!((found.cells, found.pooled, found.degrees), (2, 4, 1));
        assert!((found.chi_square.unwrap() - (4.0 / 50.0 + 4.0 / 50.0)).abs() < 1e-12);
        // Expected 90, 4, 6: the 4 cannot stand alone and draws in the 6.
        let found = goodness_of_fit(&[90, 4, 6], &[0.9, 0.04, 0.06]).unwrap();
        assert_eq!((found.cells, found.chi_square), (2, Some(0.0)));
        let few = goodness_of_fit(&[2, 1], &[0.5, 0.5]).unwrap();
        assert_eq!((few.cells, few.chi_square, few.p_value), (1, None, None));
        assert_eq!(goodness_of_fit(&[0, 0], &[0.5, 0.5]), None);
    }

    #[test]
    fn the_expected_distance_is_met_by_draws_from_the_law() {
        let law = [0.4, 0.3, 0.2, 0.06, 0.04];
        let (mut sum, mut above) = (0.0, 0);
        for repeat in 0..400 {
            let mut stream = crate::statistics::Stream::new(9, repeat);
            let mut counts = [0; 5];
            for _ in 0..200 {
                let mut u = stream.unit();
                let place = law.iter().position(|p| {
                    u -= p;
                    u < 0.0
                });
                counts[place.unwrap_or(4)] += 1;
            }
            let found = goodness_of_fit(&counts, &law).unwrap();
            sum += found.tv;
            above += u32::from(found.tv > found.tv_upper);
            assert!(found.p_value.unwrap() > 1e-6);
        }
        let expected = goodness_of_fit(&[1, 0, 0, 0, 199], &law).unwrap().tv_expected;
        // The mean of 400 repeats; one of them spreads by about 0.01.
        assert!((sum / 400.0 - expected).abs() < 0.003, "{} and {expected}", sum / 400.0);
        assert!(above <= 20, "{above} of 400 beyond a 95 % bound");
    }
}
