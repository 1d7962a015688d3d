//! The draw of one token, or of two coupled ones, from rows of logits.

use super::coupling::{Coupling, overlap};
use super::lane;
use crate::glauber::temperature::Temperature;
use crate::statistics::Moment;

/// How near an edge of a distribution function a draw must be to count as a near-tie (glauber.md section 10): another
/// batch shape changes f32 logits by as much, and may change such a token.
pub const NEAR: f64 = 1e-5;

/// A token drawn, and whether it was nearly another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    pub(super) token: u32,
    pub(super) near: bool,
}

/// Draws from the conditionals of one temperature, with room for two laws.
#[derive(Default)]
pub(super) struct Drawing {
    p: Vec<f64>,
    q: Vec<f64>,
}

impl Drawing {
    /// One token of `allowed`; `logits` is the model's row, `None` at infinite temperature.
    ///
    /// Two chains with equal rows draw this token under every coupling but the independent one.
    pub(super) fn one(
        &mut self,
        coupling: Coupling,
        temperature: Temperature,
        allowed: &[u32],
        logits: Option<&[f64]>,
        moment: Moment,
    ) -> Drawn {
        let Some(logits) = logits else { return uniform(allowed, moment, lane::TOKEN) };
        if temperature == Temperature::ZERO {
            return largest(logits, allowed);
        }
        temperature.law_to_draw(logits, allowed, &mut self.p);
        let (k, near) = match coupling {
            Coupling::Gumbel => race([&self.p], allowed, moment)[0],
            _ => invert(self.p.iter().copied(), 1.0, moment.units(lane::TOKEN)[1]),
        };
        Drawn { token: allowed[k], near }
    }

    /// Two coupled tokens of `allowed`, from different rows.
    pub(super) fn two(
        &mut self,
        coupling: Coupling,
        temperature: Temperature,
        allowed: &[u32],
        logits: Option<[&[f64]; 2]>,
        moment: Moment,
    ) -> [Drawn; 2] {
        let Some([x, y]) = logits else {
            let first = uniform(allowed, moment, lane::TOKEN);
            let second = if coupling == Coupling::Independent { uniform(allowed, moment, lane::OTHER) } else { first };
            return [first, second];
        };
        if temperature == Temperature::ZERO {
            return [largest(x, allowed), largest(y, allowed)];
        }
        temperature.law_to_draw(x, allowed, &mut self.p);
        temperature.law_to_draw(y, allowed, &mut self.q);
        self.couple(coupling, moment, allowed).map(|(k, near)| Drawn { token: allowed[k], near })
    }

    /// Indices drawn from the laws p and q, and whether each was nearly another.
    fn couple(&self, coupling: Coupling, moment: Moment, allowed: &[u32]) -> [(usize, bool); 2] {
        let (p, q) = (&self.p, &self.q);
        let [coin, u] = moment.units(lane::TOKEN);
        match coupling {
            Coupling::Gumbel => race([p, q], allowed, moment),
            Coupling::InverseCdf => [invert(p.iter().copied(), 1.0, u), invert(q.iter().copied(), 1.0, u)],
            Coupling::Independent => {
                let [_, w] = moment.units(lane::OTHER);
                [invert(p.iter().copied(), 1.0, u), invert(q.iter().copied(), 1.0, w)]
            }
            Coupling::Maximal => {
                let common = overlap(p, q);
                let at_the_edge = (coin - common).abs() < NEAR && common < 1.0;
                let rest = |p: &[f64], q: &[f64]| -> f64 { p.iter().zip(q).map(|(p, q)| (p - q).max(0.0)).sum() };
                let rests = [rest(p, q), rest(q, p)];
                // Equal laws leave no rest, though rounding may leave their overlap below 1.
                if coin < common || rests.iter().any(|&rest| rest <= 0.0) {
                    let (k, near) = invert(p.iter().zip(q).map(|(p, q)| p.min(*q)), common, u);
                    return [(k, near || at_the_edge); 2];
                }
                let units = moment.units(lane::OTHER);
                [(p, q, 0), (q, p, 1)].map(|(p, q, which)| {
                    let left = p.iter().zip(q).map(|(p, q)| (p - q).max(0.0));
                    let (k, near) = invert(left, rests[which], units[which]);
                    (k, near || at_the_edge)
                })
            }
        }
    }
}

/// At infinite temperature: no law is computed, and nothing is near an edge that rounding could move.
fn uniform(allowed: &[u32], moment: Moment, lane: u32) -> Drawn {
    Drawn { token: allowed[moment.below(lane, allowed.len() as u64) as usize], near: false }
}

/// At temperature 0: the largest logit, ties by lowest id (`allowed` ascends).
fn largest(logits: &[f64], allowed: &[u32]) -> Drawn {
    let (mut token, mut best, mut second) = (allowed[0], f64::NEG_INFINITY, f64::NEG_INFINITY);
    for &candidate in allowed {
        let value = logits[candidate as usize];
        if value > best {
            (token, second, best) = (candidate, best, value);
        } else {
            second = second.max(value);
        }
    }
    Drawn { token, near: best - second < NEAR }
}

/// The first index whose running sum of `weights` exceeds `u total`, and whether an edge is within [`NEAR`] of `u`.
fn invert(weights: impl Iterator<Item = f64>, total: f64, u: f64) -> (usize, bool) {
    let (target, margin) = (u * total, NEAR * total);
    let (mut below, mut last) = (0.0, (0, 0.0));
    for (k, weight) in weights.enumerate() {
        if weight <= 0.0 {
            continue;
        }
        let above = below + weight;
        if target < above {
            // The two ends of [0, 1) separate no tokens.
            let near_below = below > 0.0 && target - below < margin;
            let near_above = above - target < margin && total - above > margin * 1e-3;
            return (k, near_below || near_above);
        }
        last = (k, below);
        below = above;
    }
    // Rounding left the whole sum at or below the target: the last token's cell reaches to the end.
    (last.0, last.1 > 0.0 && target - last.1 < margin)
}

/// `argmax(log p_v + g_v)` for each law with shared Gumbel noise keyed by token, as a race of exponential clocks:
/// `argmin(E_v / p_v)`, `E_v = -log u_v`. Near is a margin below [`NEAR`] nats.
fn race<const N: usize>(laws: [&Vec<f64>; N], allowed: &[u32], moment: Moment) -> [(usize, bool); N] {
    let mut winners = [(0, f64::INFINITY, f64::INFINITY); N];
    let (mut block, mut pair) = (u32::MAX, [0.0; 2]);
    for (k, &token) in allowed.iter().enumerate() {
        if token / 2 != block {
            block = token / 2;
            pair = moment.open_pair(lane::NOISE, block);
        }
        let u = pair[(token % 2) as usize];
        let mut clock = None;
        for (law, (winner, best, second)) in laws.iter().zip(&mut winners) {
            let p = law[k];
            // -log u >= 1 - u: most clocks are seen to be too late without a logarithm.
            if 1.0 - u >= *second * p {
                continue;
            }
            let time = *clock.get_or_insert_with(|| -u.ln()) / p;
            if time < *best {
                (*winner, *second, *best) = (k, *best, time);
            } else if time < *second {
                *second = time;
            }
        }
    }
    winners.map(|(winner, best, second)| (winner, second < best * (1.0 + NEAR)))
}

/// The token index that wins the race of one law: for all states at once, as coupling from the past needs it.
/// `clocks[k]` is `-log u` of allowed token k; an unnormalised law wins alike.
pub(in crate::glauber) fn winner(weights: &[f64], clocks: &[f64]) -> usize {
    let (mut winner, mut best) = (0, f64::INFINITY);
    for (k, (weight, clock)) in weights.iter().zip(clocks).enumerate() {
        let time = clock / weight;
        if time < best {
            (winner, best) = (k, time);
        }
    }
    winner
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::{Counter, Stream};

    /// Draws `times` coupled tokens from the laws of two rows of logits at temperature 1.
    fn counts(coupling: Coupling, rows: [&[f64]; 2], allowed: &[u32], times: u64) -> Vec<Vec<u64>> {
        let mut drawing = Drawing::default();
        let mut counts = vec![vec![0; allowed.len()]; allowed.len()];
        let place = |token| allowed.binary_search(&token).unwrap();
        let one = Temperature::new(1.0).unwrap();
        for time in 0..times {
            let moment = Counter::new(11).at(3, time);
            let [x, y] = drawing.two(coupling, one, allowed, Some(rows), moment).map(|drawn| place(drawn.token));
            counts[x][y] += 1;
        }
        counts
    }

    fn law(logits: &[f64], allowed: &[u32]) -> Vec<f64> {
        let mut law = Vec::new();
        Temperature::new(1.0).unwrap().law(logits, allowed, &mut law);
        law
    }

    /// Five standard deviations of a binomial share.
    fn fits(count: u64, times: u64, p: f64) -> bool {
        let m = times as f64;
        (count as f64 / m - p).abs() <= 5.0 * (p * (1.0 - p) / m).sqrt() + 1e-12
    }

    #[test]
    fn marginals_are_the_laws_and_agreement_is_the_formula() {
        const TIMES: u64 = 20_000;
        let mut stream = Stream::new(4, 0);
        for case in 0..6 {
            // Tokens 0 and 4 are not allowed.
            let allowed: &[u32] = if case % 2 == 0 { &[1, 2, 3, 5, 6] } else { &[2, 5] };
            let mut row = || (0..7).map(|_| 3.0 * stream.unit()).collect::<Vec<f64>>();
            let rows = [row(), row()];
            let laws = [law(&rows[0], allowed), law(&rows[1], allowed)];
            for coupling in Coupling::ALL {
                let counts = counts(coupling, [&rows[0], &rows[1]], allowed, TIMES);
                for k in 0..allowed.len() {
                    let (x, y): (u64, u64) = (counts[k].iter().sum(), counts.iter().map(|row| row[k]).sum());
                    assert!(fits(x, TIMES, laws[0][k]) && fits(y, TIMES, laws[1][k]), "{coupling} {case} {k}");
                }
                let agree = (0..allowed.len()).map(|k| counts[k][k]).sum();
                let known = coupling.agreement(&laws[0], &laws[1]);
                assert!(fits(agree, TIMES, known), "{coupling} {case}: {agree} of {TIMES}, not {known}");
            }
        }
    }

    #[test]
    fn a9_drawn() {
        const TIMES: u64 = 20_000;
        // Probabilities (.5, .5, 0) and (0, .5, .5): e^-800 is 0.
        let rows: [&[f64]; 2] = [&[0.0, 0.0, -800.0], &[-800.0, 0.0, 0.0]];
        for (coupling, known) in [(Coupling::Maximal, 0.5), (Coupling::Gumbel, 1.0 / 3.0), (Coupling::InverseCdf, 0.0)]
        {
            let counts = counts(coupling, rows, &[0, 1, 2], TIMES);
            assert!(fits((0..3).map(|k| counts[k][k]).sum(), TIMES, known), "{coupling}: {counts:?}");
            assert!(counts[2].iter().sum::<u64>() == 0 && counts.iter().all(|row| row[0] == 0));
        }
    }

    #[test]
    fn equal_rows_draw_one_token() {
        let row = [0.3, -1.0, 0.9, 0.1];
        let (mut drawing, one) = (Drawing::default(), Temperature::new(1.0).unwrap());
        for time in 0..500 {
            let moment = Counter::new(1).at(0, time);
            for coupling in [Coupling::Maximal, Coupling::Gumbel, Coupling::InverseCdf] {
                let [x, y] = drawing.two(coupling, one, &[0, 1, 2, 3], Some([&row, &row]), moment);
                let alone = drawing.one(coupling, one, &[0, 1, 2, 3], Some(&row), moment);
                assert_eq!((x.token, y.token), (alone.token, alone.token), "{coupling}");
            }
        }
    }

    #[test]
    fn the_race_is_the_argmax_of_gumbels() {
        let logits: Vec<f64> = (0..50).map(|k| f64::from(k % 7) / 2.0).collect();
        let allowed: Vec<u32> = (0..50).collect();
        let p = law(&logits, &allowed);
        for time in 0..300 {
            let moment = Counter::new(2).at(9, time);
            let score = |k: usize| p[k].ln() + moment.gumbel(lane::NOISE, k as u32);
            let best = (0..50).max_by(|&a, &b| score(a).total_cmp(&score(b))).unwrap();
            assert_eq!(race([&p], &allowed, moment)[0].0, best);
            let clocks: Vec<f64> = allowed.iter().map(|&v| -moment.open(lane::NOISE, v).ln()).collect();
            assert_eq!(winner(&p, &clocks), best);
        }
    }

    #[test]
    fn the_limits_of_temperature() {
        let (mut drawing, moment) = (Drawing::default(), Counter::new(0).at(0, 1));
        let drawn = drawing.one(Coupling::Maximal, Temperature::ZERO, &[1, 2, 3], Some(&[9.0, 1.0, 4.0, 4.0]), moment);
        assert_eq!(drawn, Drawn { token: 2, near: true }, "a tie goes to the lowest id");
        let rows: [&[f64]; 2] = [&[0.0, 1.0], &[1.0, 0.0]];
        let [x, y] = drawing.two(Coupling::Gumbel, Temperature::ZERO, &[0, 1], Some(rows), moment);
        assert_eq!([x, y], [Drawn { token: 1, near: false }, Drawn { token: 0, near: false }]);
        let mut seen = [0u64; 4];
        for time in 0..4000 {
            let moment = Counter::new(0).at(0, time);
            let [x, y] = drawing.two(Coupling::Maximal, Temperature::INFINITE, &[1, 3], None, moment);
            assert_eq!(x, y);
            let [x, y] = drawing.two(Coupling::Independent, Temperature::INFINITE, &[1, 3], None, moment);
            seen[(x.token / 2 * 2 + y.token / 2) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| fits(count, 4000, 0.25)), "{seen:?}");
    }

    #[test]
    fn draws_near_an_edge_are_counted() {
        let half = || [0.5, 0.5].into_iter();
        assert_eq!(invert(half(), 1.0, 0.5 - 1e-6), (0, true));
        assert_eq!(invert(half(), 1.0, 0.5), (1, true));
        assert_eq!(invert(half(), 1.0, 0.4), (0, false));
        assert_eq!(invert(half(), 1.0, 0.0), (0, false), "the ends are no edges");
        assert_eq!(invert(half(), 1.0, 1.0 - 1e-9), (1, false));
        assert_eq!(invert([0.0, 0.3, 0.0].into_iter(), 0.3, 0.999), (1, false));
    }
}
