use super::super::Trace;
use super::*;
use crate::glauber::conditionals::Precision;
use crate::glauber::toys;
use crate::progress::{Cancelled, Silent};
use std::sync::atomic::{AtomicU32, Ordering};

const TOY: &str = "random-table:n=3,v=3,seed=6";

fn options() -> Options {
    Options { precision: Precision::F64, batch_rows: 64, dedupe: true }
}

fn spec(energy: Energy, chains: u64) -> MetropolisSpec {
    MetropolisSpec {
        energy,
        temperature: Temperature::new(1.2).unwrap(),
        proposal: Temperature::new(0.8).unwrap(),
        start: Start::Uniform,
        chains,
        seed: 3,
        record: false,
    }
}

fn states() -> Vec<Vec<u32>> {
    (0..27).map(|k| vec![k / 9, k / 3 % 3, k % 3]).collect()
}

/// The target law computed from its definition, state by state.
fn target(model: &dyn Conditionals, spec: &MetropolisSpec) -> Vec<f64> {
    let weight = |state: &Vec<u32>| {
        let rows: Vec<Row<'_>> = (0..3).map(|position| Row { state, position }).collect();
        let logits = model.logits(&rows, Precision::F64).unwrap();
        let energy: f64 = (0..3)
            .map(|site| {
                let row = logits.row(site);
                let norm = match spec.energy {
                    Energy::Raw => 0.0,
                    Energy::Normalised => row.iter().map(|l| l.exp()).sum::<f64>().ln(),
                };
                norm - row[state[site] as usize]
            })
            .sum();
        (-energy / spec.temperature.get()).exp()
    };
    let weights: Vec<f64> = states().iter().map(weight).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}

/// States are visited by their target shares, and moves x -> y as often as y -> x.
#[test]
fn the_law_is_the_target_and_the_chain_is_reversible() {
    let toy = toys::parse(TOY).unwrap();
    let space = Space::whole(toy.as_ref(), 3).unwrap();
    for energy in [Energy::Raw, Energy::Normalised] {
        const CHAINS: u64 = 1500;
        let spec = spec(energy, CHAINS);
        let law = target(toy.as_ref(), &spec);
        let mut chains = Metropolis::new(toy.as_ref(), space.clone(), spec, options(), &Silent).unwrap();
        let number = |state: &[u32]| (state[0] * 9 + state[1] * 3 + state[2]) as usize;
        let numbers =
            |chains: &Metropolis<'_>| -> Vec<usize> { chains.state().states.chunks_exact(3).map(number).collect() };
        let (mut visits, mut moves) = (vec![0u32; 27], vec![0i64; 27 * 27]);
        // 40 steps before the first look, 20 between looks: the moves of a look's last step are nearly independent.
        chains.advance(40, &Silent).unwrap();
        const LOOKS: u32 = 12;
        for _ in 0..LOOKS {
            chains.advance(19, &Silent).unwrap();
            let before = numbers(&chains);
            chains.advance(1, &Silent).unwrap();
            for (x, y) in before.into_iter().zip(numbers(&chains)) {
                visits[y] += 1;
                moves[x * 27 + y] += 1;
            }
        }
        let total = (CHAINS * u64::from(LOOKS)) as f64;
        let chi: f64 = visits.iter().zip(&law).map(|(&c, p)| (f64::from(c) - total * p).powi(2) / (total * p)).sum();
        // 26 degrees of freedom: four standard deviations. Looks of one chain are slightly dependent.
        assert!(chi < 26.0 + 4.0 * 52f64.sqrt(), "{energy:?}: {chi}");
        let (mut flux, mut edges) = (0.0f64, 0.0f64);
        for x in 0..27 {
            for y in 0..x {
                let (forth, back) = (moves[x * 27 + y] as f64, moves[y * 27 + x] as f64);
                if forth + back > 0.0 {
                    flux += (forth - back).powi(2) / (forth + back);
                    edges += 1.0;
                }
            }
        }
        assert!(edges >= 70.0 && flux < edges + 4.0 * (2.0 * edges).sqrt(), "{energy:?}: {flux} over {edges} edges");
        let acceptance = chains.state().acceptance;
        assert_eq!(acceptance.steps, CHAINS * (40 + 20 * u64::from(LOOKS)));
        assert!(acceptance.rate().is_some_and(|rate| (0.2..0.95).contains(&rate)), "{acceptance:?}");
        assert!(acceptance.novel_transition_rate() < acceptance.rate());
    }
}

/// Where conditionals have a joint and E is its energy, a proposal at the target's temperature is a Gibbs step: with
/// independent sites `E(x) - E(x')` is what the ratio of proposals takes back, and all are accepted.
#[test]
fn proposals_from_independent_sites_are_always_accepted() {
    let toy = toys::parse("product:n=4,v=5,seed=1").unwrap();
    let space = Space::whole(toy.as_ref(), 4).unwrap();
    let same = Temperature::new(0.7).unwrap();
    let spec = MetropolisSpec { temperature: same, proposal: same, ..spec(Energy::Raw, 50) };
    let mut chains = Metropolis::new(toy.as_ref(), space, spec, options(), &Silent).unwrap();
    chains.advance(40, &Silent).unwrap();
    assert_eq!(chains.state().acceptance.rate(), Some(1.0));
}

#[test]
fn kept_chains_go_on_as_if_they_had_not_been_and_traces_hold_their_states() {
    let toy = toys::parse("potts:n=5,q=4,beta=0.6").unwrap();
    let space = Space::new(toy.as_ref(), vec![3; 5], &[2], vec![0, 1, 3]).unwrap();
    let spec = MetropolisSpec { record: true, ..spec(Energy::Normalised, 7) };
    let new = || Metropolis::new(toy.as_ref(), space.clone(), spec.clone(), options(), &Silent).unwrap();
    let mut whole = new();
    let long = whole.advance(60, &Silent).unwrap();
    let (mut parts, mut tokens) = (new(), vec![Vec::new(); 7]);
    for _ in 0..6 {
        let state = serde_json::to_string(&parts.snapshot()).unwrap();
        let state = serde_json::from_str(&state).unwrap();
        parts = Metropolis::resume(toy.as_ref(), space.clone(), spec.clone(), options(), state).unwrap();
        for segment in parts.advance(10, &Silent).unwrap().segments {
            tokens[segment.pair as usize].extend(segment.tokens);
        }
    }
    assert_eq!(parts.state(), whole.state());
    for (segment, tokens) in long.segments.iter().zip(tokens) {
        assert_eq!(segment.tokens, tokens);
        let [start, _] = spec.start.pair(&space, spec.seed, segment.pair);
        let trace = Trace::new(&space, whole.scan(), spec.seed, segment.pair, 0, start, tokens).unwrap();
        assert_eq!(trace.state(60).unwrap(), whole.state().states[segment.pair as usize * 5..][..5]);
    }
}

/// Cancels at a given call.
struct CancelAt(AtomicU32, u32);
impl Progress for CancelAt {
    fn stage(&self, _: &str) {}
    fn report(&self, _: u64, _: u64) {}
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if self.0.fetch_add(1, Ordering::Relaxed) == self.1 { Err(Cancelled) } else { Ok(()) }
    }
}

#[test]
fn a_cancelled_step_is_undone() {
    let toy = toys::parse(TOY).unwrap();
    let space = Space::whole(toy.as_ref(), 3).unwrap();
    let new = || Metropolis::new(toy.as_ref(), space.clone(), spec(Energy::Raw, 9), options(), &Silent).unwrap();
    let mut whole = new();
    whole.advance(12, &Silent).unwrap();
    for at in 0..20 {
        let mut chains = new();
        assert_eq!(
            chains.advance(12, &CancelAt(AtomicU32::new(0), at)).unwrap_err(),
            ConditionalsError::Cancelled(Cancelled)
        );
        let made = chains.state().time;
        chains.advance(12 - made, &Silent).unwrap();
        assert_eq!(chains.state(), whole.state());
    }
}

#[test]
fn what_cannot_run_is_refused() {
    let toy = toys::parse(TOY).unwrap();
    let space = Space::whole(toy.as_ref(), 3).unwrap();
    let cold = MetropolisSpec { temperature: Temperature::ZERO, ..spec(Energy::Raw, 2) };
    let problem = |spec| Metropolis::new(toy.as_ref(), space.clone(), spec, options(), &Silent).err().unwrap();
    assert!(problem(cold).to_string().contains("above 0"));
    let other = Metropolis::resume(toy.as_ref(), space.clone(), spec(Energy::Raw, 2), options(), Default::default());
    assert!(other.err().unwrap().to_string().contains("another run"));
}
