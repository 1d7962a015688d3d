//! The draw of one token, or of two coupled ones, from rows of logits or from laws made of them before.

use super::coupling::Coupling;
use super::lane;
use crate::glauber::law::Law;
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

/// What is known of a conditional: the model's row of logits, or the law that was made of it before.
#[derive(Clone, Copy)]
pub(super) enum Known<'a> {
    Logits(&'a [f64]),
    Law(&'a Law),
}

impl<'a> Known<'a> {
    /// The law at a temperature, made in `room` unless it is there already.
    fn law(self, temperature: Temperature, allowed: &[u32], room: &'a mut Law) -> &'a Law {
        match self {
            Self::Law(law) => law,
            Self::Logits(logits) => {
                room.set(temperature, logits, None, allowed);
                room
            }
        }
    }
}

/// Draws from the conditionals of one temperature, with room for two laws.
#[derive(Default)]
pub(super) struct Drawing {
    p: Law,
    q: Law,
}

impl Drawing {
    /// One token of `allowed`; nothing is `known` at infinite temperature.
    ///
    /// Two chains with equal laws draw this token under every coupling but the independent one.
    pub(super) fn one(
        &mut self,
        coupling: Coupling,
        temperature: Temperature,
        allowed: &[u32],
        known: Option<Known<'_>>,
        moment: Moment,
    ) -> Drawn {
        let Some(known) = known else { return uniform(allowed, moment, lane::TOKEN) };
        let law = known.law(temperature, allowed, &mut self.p);
        if let Some(drawn) = point(law) {
            return drawn;
        }
        match coupling {
            Coupling::Gumbel => race(alone(law), moment)[0],
            _ => cut(law, moment.units(lane::TOKEN)[1]),
        }
    }

    /// Two coupled tokens of `allowed`, from different laws.
    pub(super) fn two(
        &mut self,
        coupling: Coupling,
        temperature: Temperature,
        allowed: &[u32],
        known: Option<[Known<'_>; 2]>,
        moment: Moment,
    ) -> [Drawn; 2] {
        let Some([x, y]) = known else {
            let first = uniform(allowed, moment, lane::TOKEN);
            let second = if coupling == Coupling::Independent { uniform(allowed, moment, lane::OTHER) } else { first };
            return [first, second];
        };
        let (p, q) = (x.law(temperature, allowed, &mut self.p), y.law(temperature, allowed, &mut self.q));
        if let (Some(x), Some(y)) = (point(p), point(q)) {
            return [x, y];
        }
        // Laws over the same tokens, as at high temperature, need no merging.
        if p.tokens() == q.tokens() {
            let weights = p.weights().iter().zip(q.weights());
            return couple(coupling, p, q, p.tokens().iter().zip(weights).map(|(&v, (&p, &q))| (v, [p, q])), moment);
        }
        couple(coupling, p, q, Merged { p: alone(p).peekable(), q: alone(q).peekable() }, moment)
    }
}

/// The tokens of one law with their weights.
fn alone(law: &Law) -> impl Iterator<Item = (u32, [f64; 1])> + Clone {
    law.tokens().iter().zip(law.weights()).map(|(&token, &weight)| (token, [weight]))
}

/// The tokens of two laws, ascending, with their weights in both.
#[derive(Clone)]
struct Merged<I: Iterator<Item: Clone>> {
    p: std::iter::Peekable<I>,
    q: std::iter::Peekable<I>,
}

impl<I: Iterator<Item = (u32, [f64; 1])>> Iterator for Merged<I> {
    type Item = (u32, [f64; 2]);

    fn next(&mut self) -> Option<Self::Item> {
        let (p, q) = (self.p.peek().map(|head| head.0), self.q.peek().map(|head| head.0));
        let token = p.into_iter().chain(q).min()?;
        let take =
            |side: &mut std::iter::Peekable<I>| side.next_if(|head| head.0 == token).map_or(0.0, |head| head.1[0]);
        Some((token, [take(&mut self.p), take(&mut self.q)]))
    }
}

/// Draws from the laws p and q together; `both` goes through the tokens of either.
fn couple(
    coupling: Coupling,
    p: &Law,
    q: &Law,
    both: impl Iterator<Item = (u32, [f64; 2])> + Clone,
    moment: Moment,
) -> [Drawn; 2] {
    let [coin, u] = moment.units(lane::TOKEN);
    match coupling {
        Coupling::Gumbel => race(both, moment),
        Coupling::InverseCdf => [cut(p, u), cut(q, u)],
        Coupling::Independent => {
            let [_, w] = moment.units(lane::OTHER);
            [cut(p, u), cut(q, w)]
        }
        Coupling::Maximal => {
            let common: f64 = both.clone().map(|(_, [p, q])| p.min(q)).sum();
            let at_the_edge = (coin - common).abs() < NEAR && common < 1.0;
            let rests =
                [0, 1].map(|which| -> f64 { both.clone().map(|(_, w)| (w[which] - w[1 - which]).max(0.0)).sum() });
            // Equal laws leave no rest, though rounding may leave their overlap below 1.
            if coin < common || rests.iter().any(|&rest| rest <= 0.0) {
                let drawn = invert(both.map(|(token, [p, q])| (token, p.min(q))), common, u);
                return [Drawn { near: drawn.near || at_the_edge, ..drawn }; 2];
            }
            let units = moment.units(lane::OTHER);
            [0, 1].map(|which| {
                let left = both.clone().map(|(token, w)| (token, (w[which] - w[1 - which]).max(0.0)));
                let drawn = invert(left, rests[which], units[which]);
                Drawn { near: drawn.near || at_the_edge, ..drawn }
            })
        }
    }
}

/// At temperature 0: the token that leads.
fn point(law: &Law) -> Option<Drawn> {
    law.lead().map(|lead| Drawn { token: law.tokens()[0], near: lead < NEAR })
}

/// The token whose cell of [0, 1) holds `u`.
fn cut(law: &Law, u: f64) -> Drawn {
    invert(law.tokens().iter().copied().zip(law.weights().iter().copied()), 1.0, u)
}

/// At infinite temperature: no law is computed, and nothing is near an edge that rounding could move.
fn uniform(allowed: &[u32], moment: Moment, lane: u32) -> Drawn {
    Drawn { token: allowed[moment.below(lane, allowed.len() as u64) as usize], near: false }
}

/// The first token at which the running sum of the weights exceeds `u total`, and whether an edge is within [`NEAR`] of `u`.
fn invert(weights: impl Iterator<Item = (u32, f64)>, total: f64, u: f64) -> Drawn {
    let (target, margin) = (u * total, NEAR * total);
    let (mut below, mut last) = (0.0, (0, 0.0));
    for (token, weight) in weights {
        if weight <= 0.0 {
            continue;
        }
        let above = below + weight;
        if target < above {
            // The two ends of [0, 1) separate no tokens.
            let near_below = below > 0.0 && target - below < margin;
            let near_above = above - target < margin && total - above > margin * 1e-3;
            return Drawn { token, near: near_below || near_above };
        }
        last = (token, below);
        below = above;
    }
    // Rounding left the whole sum at or below the target: the last token's cell reaches to the end.
    Drawn { token: last.0, near: last.1 > 0.0 && target - last.1 < margin }
}

/// `argmax(log p_v + g_v)` for each law with shared Gumbel noise keyed by token, as a race of exponential clocks:
/// `argmin(E_v / p_v)`, `E_v = -log u_v`. Near is a margin below [`NEAR`] nats.
fn race<const N: usize>(laws: impl Iterator<Item = (u32, [f64; N])>, moment: Moment) -> [Drawn; N] {
    let mut winners = [(0, f64::INFINITY, f64::INFINITY); N];
    let (mut block, mut pair) = (u32::MAX, [0.0; 2]);
    for (token, weights) in laws {
        if token / 2 != block {
            block = token / 2;
            pair = moment.open_pair(lane::NOISE, block);
        }
        let u = pair[(token % 2) as usize];
        let mut clock = None;
        for (p, (winner, best, second)) in weights.into_iter().zip(&mut winners) {
            // -log u >= 1 - u: most clocks are seen to be too late without a logarithm.
            if 1.0 - u >= *second * p {
                continue;
            }
            let time = *clock.get_or_insert_with(|| -u.ln()) / p;
            if time < *best {
                (*winner, *second, *best) = (token, *best, time);
            } else if time < *second {
                *second = time;
            }
        }
    }
    winners.map(|(token, best, second)| Drawn { token, near: second < best * (1.0 + NEAR) })
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
            let [x, y] = drawing
                .two(coupling, one, allowed, Some(rows.map(Known::Logits)), moment)
                .map(|drawn| place(drawn.token));
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
        let known = Known::Logits(&row);
        let (mut drawing, one) = (Drawing::default(), Temperature::new(1.0).unwrap());
        for time in 0..500 {
            let moment = Counter::new(1).at(0, time);
            for coupling in [Coupling::Maximal, Coupling::Gumbel, Coupling::InverseCdf] {
                let [x, y] = drawing.two(coupling, one, &[0, 1, 2, 3], Some([known, known]), moment);
                let alone = drawing.one(coupling, one, &[0, 1, 2, 3], Some(known), moment);
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
            let laws = allowed.iter().zip(&p).map(|(&v, &p)| (v, [p]));
            assert_eq!(race(laws, moment)[0].token as usize, best);
            let clocks: Vec<f64> = allowed.iter().map(|&v| -moment.open(lane::NOISE, v).ln()).collect();
            assert_eq!(winner(&p, &clocks), best);
        }
    }

    #[test]
    fn the_limits_of_temperature() {
        let (mut drawing, moment) = (Drawing::default(), Counter::new(0).at(0, 1));
        let known = Known::Logits(&[9.0, 1.0, 4.0, 4.0]);
        let drawn = drawing.one(Coupling::Maximal, Temperature::ZERO, &[1, 2, 3], Some(known), moment);
        assert_eq!(drawn, Drawn { token: 2, near: true }, "a tie goes to the lowest id");
        let rows: [&[f64]; 2] = [&[0.0, 1.0], &[1.0, 0.0]];
        let [x, y] = drawing.two(Coupling::Gumbel, Temperature::ZERO, &[0, 1], Some(rows.map(Known::Logits)), moment);
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
        let inverted = |weights: &[f64], total, u| {
            let drawn = invert((0..).zip(weights.iter().copied()), total, u);
            (drawn.token, drawn.near)
        };
        let half = [0.5, 0.5];
        assert_eq!(inverted(&half, 1.0, 0.5 - 1e-6), (0, true));
        assert_eq!(inverted(&half, 1.0, 0.5), (1, true));
        assert_eq!(inverted(&half, 1.0, 0.4), (0, false));
        assert_eq!(inverted(&half, 1.0, 0.0), (0, false), "the ends are no edges");
        assert_eq!(inverted(&half, 1.0, 1.0 - 1e-9), (1, false));
        assert_eq!(inverted(&[0.0, 0.3, 0.0], 0.3, 0.999), (1, false));
    }

    #[test]
    fn laws_of_different_tokens_are_merged() {
        // Cold laws hold few tokens; padded with zeros to the whole vocabulary they must couple alike.
        let mut stream = Stream::new(9, 0);
        let allowed: Vec<u32> = (0..40).collect();
        let (cold, mut drawing) = (Temperature::new(0.05).unwrap(), Drawing::default());
        let mut unequal = 0;
        for time in 0..400 {
            let rows = [0, 1].map(|_| (0..40).map(|_| 8.0 * stream.unit()).collect::<Vec<f64>>());
            let laws = [0, 1].map(|k| {
                let mut law = Law::default();
                law.set(cold, &rows[k], None, &allowed);
                law
            });
            unequal += usize::from(laws[0].tokens() != laws[1].tokens());
            let padded = |law: &Law| {
                let mut weights = vec![0.0; 40];
                law.tokens().iter().zip(law.weights()).for_each(|(&token, &weight)| weights[token as usize] = weight);
                weights
            };
            let [p, q] = [padded(&laws[0]), padded(&laws[1])];
            let whole = allowed.iter().zip(p.iter().zip(&q)).map(|(&token, (&p, &q))| (token, [p, q]));
            let moment = Counter::new(5).at(1, time);
            for coupling in Coupling::ALL {
                let known = Some([Known::Law(&laws[0]), Known::Logits(&rows[1])]);
                let drawn = drawing.two(coupling, cold, &allowed, known, moment);
                assert_eq!(drawn, couple(coupling, &laws[0], &laws[1], whole.clone(), moment), "{coupling}");
            }
        }
        assert!(unequal > 300);
    }
}
