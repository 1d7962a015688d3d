//! Acceptance checks with exactly known answers: glauber.md A4, A6, A10, A12, and exact laws of coupled pairs.

use super::*;
use crate::glauber::conditionals::{Conditionals, Precision, Row};
use crate::glauber::space::Space;
use crate::glauber::temperature::Temperature;
use crate::glauber::toys;
use crate::progress::Silent;

fn cell(model: &dyn Conditionals, coupling: Coupling, start: Start, count: u64, cap: u64) -> Cell {
    Cell {
        model: 0,
        space: Space::whole(model, model.sites().0).unwrap(),
        temperature: Temperature::new(1.0).unwrap(),
        scan: Scan::Random,
        chains: Chains::pairs(coupling),
        start,
        count,
        cap,
        record: Record::Nothing,
        seed: 20,
    }
}

fn run(model: &dyn Conditionals, cell: Cell) -> (Vec<Meeting>, Summary) {
    let options = Options { precision: Precision::F64, batch_rows: 4096, dedupe: false };
    let mut ensemble = Ensemble::new(vec![model], vec![cell], options).unwrap();
    let batch = ensemble.advance(Budget::Rounds(u64::MAX), &Silent).unwrap();
    (batch.meetings, ensemble.summary(0).unwrap())
}

/// Share of pairs still apart after `time` steps.
fn survival(meetings: &[Meeting], time: u64) -> f64 {
    meetings.iter().filter(|meeting| meeting.time > time || !meeting.met).count() as f64 / meetings.len() as f64
}

/// Whether a share of `m` independent pairs is within five standard deviations of its probability.
fn fits(share: f64, p: f64, m: usize) -> bool {
    (share - p).abs() <= 5.0 * (p * (1.0 - p) / m as f64).sqrt() + 1e-12
}

/// P(T > t) of the coupon collector for t = 0, 1, ...: the law of the number of sites not yet updated.
fn collector(n: usize, steps: usize) -> Vec<f64> {
    let mut law = vec![0.0; n + 1];
    law[n] = 1.0;
    let mut survival = vec![1.0];
    for _ in 0..steps {
        for missing in 0..=n {
            let seen = (n - missing) as f64 / n as f64;
            law[missing] = law[missing] * seen
                + if missing < n { law[missing + 1] * (missing + 1) as f64 / n as f64 } else { 0.0 };
        }
        survival.push(1.0 - law[0]);
    }
    survival
}

/// A4: each updated site agrees from then on, so the pair has met when every site was updated.
#[test]
fn a4_product_measures_are_coupon_collectors() {
    const PAIRS: u64 = 4000;
    for (n, mean, sd, quarter) in [
        (4, 8.3333, 3.8006, 10),
        (8, 21.742857, 8.7185, 26),
        (16, 54.091664, 18.7484, 63),
        (32, 129.871846, 39.0261, 150),
    ] {
        let exact = collector(n, 2000);
        assert_eq!(exact.iter().position(|&p| p <= 0.25), Some(quarter), "t_couple(1/4)");
        let model = toys::parse(&format!("product:n={n},v=3,seed={n}")).unwrap();
        for (coupling, tau) in [(Coupling::Maximal, 1.0), (Coupling::Gumbel, 0.7), (Coupling::Maximal, f64::INFINITY)] {
            let mut cell = cell(model.as_ref(), coupling, Start::Opposite, PAIRS, 5000);
            cell.temperature = Temperature::new(tau).unwrap();
            let (meetings, summary) = run(model.as_ref(), cell);
            assert!(meetings.iter().all(|meeting| meeting.met) && summary.ended == PAIRS);
            let m = PAIRS as f64;
            let found: f64 = meetings.iter().map(|meeting| meeting.time as f64).sum::<f64>() / m;
            let square: f64 =
                meetings.iter().map(|meeting| (meeting.time as f64 - found).powi(2)).sum::<f64>() / (m - 1.0);
            assert!((found - mean).abs() < 5.0 * sd / m.sqrt(), "{coupling} n={n}: mean {found}");
            // The kurtosis of a coupon collector is below that of its Gumbel limit, 5.4.
            assert!(
                (square.sqrt() - sd).abs() < 5.0 * sd * (4.4 / (4.0 * m)).sqrt(),
                "{coupling} n={n}: sd {}",
                square.sqrt()
            );
            for time in [quarter / 2, quarter - 1, quarter, 2 * quarter] {
                assert!(
                    fits(survival(&meetings, time as u64), exact[time], PAIRS as usize),
                    "{coupling} n={n} t={time}"
                );
            }
            // E[d_t] = n (1 - 1/n)^t.
            for point in summary.curve.iter().filter(|point| point.time <= 2 * n as u64) {
                let known = n as f64 * (1.0 - 1.0 / n as f64).powi(point.time as i32);
                let error = point.standard_error.unwrap();
                assert!((point.mean - known).abs() <= 5.0 * error + 1e-9 && point.count == PAIRS, "{point:?} {known}");
            }
            // From distance h the drift is -h/n.
            for point in summary.drift.iter().filter(|point| point.count > 100) {
                let known = -f64::from(point.distance) / n as f64;
                assert!((point.mean - known).abs() <= 5.5 * point.standard_error.unwrap() + 1e-9, "{point:?} {known}");
            }
        }
    }
}

const A6: &str = "table-pair:p=0.8;0.2;0.2;0.8,q=0.8;0.2;0.2;0.8";

/// A6: from 00 and 11, P(T > t) = .8^(t - 1).
#[test]
fn a6_two_sites() {
    let model = toys::parse(A6).unwrap();
    let start = Start::Given(vec![[vec![0, 0], vec![1, 1]]]);
    for coupling in [Coupling::Maximal, Coupling::Gumbel, Coupling::InverseCdf] {
        let (meetings, _) = run(model.as_ref(), cell(model.as_ref(), coupling, start.clone(), 20_000, 200));
        assert_eq!(survival(&meetings, 1), 1.0);
        for time in 2..12 {
            let found = survival(&meetings, time);
            assert!(fits(found, 0.8f64.powi(time as i32 - 1), 20_000), "{coupling} t={time}: {found}");
        }
    }
    // Neighbours that differ at one site: it is redrawn (agreeing) half the time, the other with C = .6 in between.
    let (_, summary) =
        run(model.as_ref(), cell(model.as_ref(), Coupling::Maximal, Start::Neighbours(vec![]), 20_000, 20));
    let contraction = summary.contraction(2).unwrap();
    let error = contraction.standard_error.unwrap();
    // E[d_1] = 1/2 x 0 + 1/2 x (1 + .6), so kappa = 2 (1 - .8).
    assert!((contraction.kappa - 0.4).abs() < 5.0 * error && error < 0.02, "{contraction:?}");
    let (_, apart) = run(model.as_ref(), cell(model.as_ref(), Coupling::Maximal, Start::Opposite, 50, 20));
    assert_eq!(apart.contraction(2), None);
}

/// p(+) = eta at every site, as a table of independent sites: every row of the anchor 0 leaves with probability eta.
fn independent(eta: f64, n: usize) -> impl Conditionals {
    struct Independent(f64, usize);
    impl Conditionals for Independent {
        fn sites(&self) -> (usize, usize) {
            (self.1, self.1)
        }
        fn vocabulary(&self) -> usize {
            2
        }
        fn logits(
            &self,
            rows: &[Row<'_>],
            _: Precision,
        ) -> Result<crate::glauber::conditionals::Logits, crate::glauber::conditionals::ConditionalsError> {
            let row = [0.0, (self.0 / (1.0 - self.0)).ln()];
            Ok(crate::glauber::conditionals::Logits::new(row.repeat(rows.len()), 2))
        }
    }
    Independent(eta, n)
}

/// A10: escapes of eight independent sites, eta = .1, beyond distance 3.
#[test]
fn a10_escapes() {
    let model = independent(0.1, 8);
    let mut cell = cell(&model, Coupling::Maximal, Start::Same(vec![vec![0; 8]]), 1500, 100_000);
    cell.chains = Chains::Single { radius: Some(3) };
    let (meetings, summary) = run(&model, cell);
    let times: Vec<f64> = meetings.iter().map(|meeting| meeting.time as f64).collect();
    let m = times.len() as f64;
    let mean = times.iter().sum::<f64>() / m;
    let error = (times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (m - 1.0) / m).sqrt();
    assert!(meetings.iter().all(|meeting| meeting.met) && summary.ended == 1500);
    assert!((mean - 601.90476).abs() < 3.0 * error && error < 20.0, "{mean} +- {error}");
    // The least time is that of four departures in a row.
    assert!(times.iter().all(|&time| time >= 4.0));
    assert!(summary.curve[1].count == 1500 && summary.curve.last().unwrap().count < 1500, "the escaped do not count");
}

/// A12: lagged pairs from the all-zero state of 8 fair bits bound the distance to equilibrium.
#[test]
fn a12_lagged_pairs() {
    const PAIRS: u64 = 8000;
    let lag = 40;
    let model = independent(0.5, 8);
    let mut cell = cell(&model, Coupling::Maximal, Start::Same(vec![vec![0; 8]]), PAIRS, 2000);
    cell.chains = Chains::Pairs { coupling: Coupling::Maximal, lag };
    let (meetings, summary) = run(&model, cell);
    assert!(meetings.iter().all(|meeting| meeting.met && meeting.time >= lag));
    assert!(summary.curve.iter().all(|point| point.time >= lag));
    for (time, exact, seen) in [(5, 0.5662, 0.941), (10, 0.3078, 0.718), (20, 0.0773, 0.256), (30, 0.0200, 0.0705)] {
        let late = |meeting: &Meeting| (meeting.time - lag).saturating_sub(time).div_ceil(lag) as f64;
        let bound: f64 = meetings.iter().map(late).sum::<f64>() / PAIRS as f64;
        assert!(bound >= exact && (bound - seen).abs() < 0.025, "t={time}: bound {bound}, exact {exact}");
    }
}

/// The exact law of a coupled pair of a small chain: P(T > t) from two states, by the definition of each coupling.
struct PairLaw {
    n: usize,
    v: usize,
    states: usize,
    /// `[state, site, token]`.
    laws: Vec<f64>,
}

impl PairLaw {
    fn new(model: &dyn Conditionals, tau: f64) -> Self {
        let (n, v) = (model.sites().0, model.vocabulary());
        let states = v.pow(n as u32);
        let mut laws = Vec::new();
        for number in 0..states {
            let state = Self::state(number, n, v);
            for position in 0..n {
                let row = model.logits(&[Row { state: &state, position }], Precision::F64).unwrap();
                let weights: Vec<f64> = row.row(0).iter().map(|l| (l / tau).exp()).collect();
                let sum: f64 = weights.iter().sum();
                laws.extend(weights.iter().map(|w| w / sum));
            }
        }
        Self { n, v, states, laws }
    }

    fn state(number: usize, n: usize, v: usize) -> Vec<u32> {
        (0..n).map(|site| (number / v.pow(site as u32) % v) as u32).collect()
    }

    /// Joint law `[v, v]` of the two tokens under the maximal coupling.
    fn joint(&self, x: usize, y: usize, site: usize) -> Vec<f64> {
        let law = |state: usize| &self.laws[(state * self.n + site) * self.v..][..self.v];
        let (p, q) = (law(x), law(y));
        let tv: f64 = p.iter().zip(q).map(|(p, q)| (p - q).max(0.0)).sum();
        let mut joint = vec![0.0; self.v * self.v];
        for a in 0..self.v {
            joint[a * self.v + a] = p[a].min(q[a]);
            for b in 0..self.v {
                if tv > 0.0 {
                    joint[a * self.v + b] += (p[a] - q[a]).max(0.0) * (q[b] - p[b]).max(0.0) / tv;
                }
            }
        }
        joint
    }

    /// P(T > t) for t = 0, ..., `steps`, from uniform independent states.
    fn survival(&self, steps: usize) -> Vec<f64> {
        let mut law = vec![1.0 / (self.states * self.states) as f64; self.states * self.states];
        let mut curve = Vec::new();
        for _ in 0..=steps {
            // What has met leaves.
            (0..self.states).for_each(|x| law[x * self.states + x] = 0.0);
            curve.push(law.iter().sum());
            let mut next = vec![0.0; law.len()];
            for x in 0..self.states {
                for y in (0..self.states).filter(|&y| law[x * self.states + y] > 0.0) {
                    for site in 0..self.n {
                        let stride = self.v.pow(site as u32);
                        let moved =
                            |state: usize, token: usize| state - state / stride % self.v * stride + token * stride;
                        for (tokens, p) in self.joint(x, y, site).into_iter().enumerate() {
                            let target = moved(x, tokens / self.v) * self.states + moved(y, tokens % self.v);
                            next[target] += law[x * self.states + y] * p / self.n as f64;
                        }
                    }
                }
            }
            law = next;
        }
        curve
    }
}

#[test]
fn coalescence_follows_the_exact_law_of_the_pair() {
    const PAIRS: u64 = 20_000;
    for (text, tau) in [
        ("curie-weiss:n=2,beta=1.5", 1.0),
        ("curie-weiss:n=3,beta=0.5", 0.8),
        ("curie-weiss:n=4,beta=1.5", 1.0),
        ("potts:n=2,q=3,beta=1", 0.6),
        ("random-table:n=2,v=4,seed=8", 0.5),
    ] {
        let model = toys::parse(text).unwrap();
        let exact = PairLaw::new(model.as_ref(), tau).survival(24);
        // With two tokens the three couplings are one.
        let couplings: &[Coupling] = if model.vocabulary() == 2 { &Coupling::ALL[..3] } else { &Coupling::ALL[..1] };
        for &coupling in couplings {
            let mut cell = cell(model.as_ref(), coupling, Start::Uniform, PAIRS, 25);
            cell.temperature = Temperature::new(tau).unwrap();
            let (meetings, _) = run(model.as_ref(), cell);
            for time in [0, 1, 2, 3, 5, 8, 13, 21, 24] {
                let found = survival(&meetings, time as u64);
                assert!(
                    fits(found, exact[time], PAIRS as usize),
                    "{text} {coupling} t={time}: {found}, {}",
                    exact[time]
                );
            }
        }
    }
}
