use super::super::{Coupling, Record, Scan, Start, Trace};
use super::*;
use crate::glauber::space::Space;
use crate::glauber::temperature::Temperature;
use crate::glauber::test_backends::Noisy;
use crate::glauber::toys;
use crate::progress::{Cancelled, Silent};
use std::sync::atomic::{AtomicU32, Ordering};

fn cell(model: &dyn Conditionals, number: usize, sites: usize, tau: f64) -> Cell {
    Cell {
        model: number,
        space: Space::whole(model, sites).unwrap(),
        temperature: Temperature::new(tau).unwrap(),
        scan: Scan::Random,
        chains: Chains::pairs(Coupling::Maximal),
        start: Start::Uniform,
        count: 20,
        cap: 150,
        record: Record::Nothing,
        seed: 1,
    }
}

/// Two models, all scans and couplings, a lag, escapes, every way of recording, both limits of temperature.
fn cells(models: &[&dyn Conditionals]) -> Vec<Cell> {
    let base = |number: usize, tau| cell(models[number], number, models[number].sites().0, tau);
    vec![
        Cell { record: Record::UntilEnd, ..base(0, 1.0) },
        Cell {
            scan: Scan::Permutation,
            chains: Chains::pairs(Coupling::Gumbel),
            record: Record::ToCap,
            ..base(1, 0.5)
        },
        Cell {
            scan: Scan::Systematic,
            chains: Chains::pairs(Coupling::InverseCdf),
            start: Start::Opposite,
            ..base(0, 2.0)
        },
        Cell {
            chains: Chains::Pairs { coupling: Coupling::Independent, lag: 7 },
            record: Record::ToCap,
            ..base(1, 1.0)
        },
        Cell { chains: Chains::Single { radius: Some(2) }, record: Record::UntilEnd, ..base(0, 0.6) },
        Cell {
            scan: Scan::Permutation,
            chains: Chains::Single { radius: None },
            record: Record::ToCap,
            ..base(1, 1.0)
        },
        Cell { start: Start::Opposite, record: Record::UntilEnd, ..base(0, f64::INFINITY) },
        Cell { chains: Chains::Basin, record: Record::UntilEnd, ..base(1, 0.7) },
        Cell { start: Start::Neighbours(vec![]), ..base(1, 0.0) },
    ]
}

fn models() -> [Box<dyn Conditionals>; 2] {
    // The first errs by how many rows travel together, as a network does.
    [Box::new(Noisy::new("potts:n=5,q=3,beta=0.6", false)), toys::parse("random-table:n=4,v=3,seed=2").unwrap()]
}

fn options() -> Options {
    Options { batch_rows: 24, ..Options::default() }
}

/// Everything an ensemble says, whatever batches it came in.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    meetings: Vec<Meeting>,
    tokens: std::collections::BTreeMap<(usize, u64, bool), Vec<u8>>,
    updates: u64,
    rows: u64,
}

impl Heard {
    fn hear(&mut self, batch: Batch) {
        self.meetings.extend(batch.meetings);
        for segment in batch.segments {
            self.tokens.entry((segment.cell, segment.pair, segment.second)).or_default().extend(segment.tokens);
        }
        self.updates += batch.updates;
        self.rows += batch.rows;
    }
}

fn run(mut ensemble: Ensemble<'_>, budget: Budget) -> (Heard, Vec<Summary>) {
    let mut heard = Heard::default();
    while !ensemble.finished() {
        heard.hear(ensemble.advance(budget, &Silent).unwrap());
    }
    heard.hear(ensemble.advance(budget, &Silent).unwrap());
    let summaries = (0..ensemble.runs.len()).map(|cell| ensemble.summary(cell).unwrap()).collect();
    (heard, summaries)
}

#[test]
fn calls_may_be_split_killed_and_resumed_anywhere() {
    let owned = models();
    let models: Vec<&dyn Conditionals> = owned.iter().map(AsRef::as_ref).collect();
    let new = || Ensemble::new(models.clone(), cells(&models), options()).unwrap();
    let whole = run(new(), Budget::Rounds(u64::MAX));
    assert_eq!(run(new(), Budget::Rounds(7)), whole);
    assert_eq!(run(new(), Budget::Updates(1)), whole);

    // Killed after every call; the call after the last snapshot is made twice, as after a crash.
    let (mut heard, mut ensemble) = (Heard::default(), new());
    while !ensemble.finished() {
        let state = serde_json::to_string(&ensemble.snapshot()).unwrap();
        ensemble.advance(Budget::Updates(300), &Silent).unwrap();
        let state = serde_json::from_str(&state).unwrap();
        ensemble = Ensemble::resume(models.clone(), cells(&models), options(), state).unwrap();
        heard.hear(ensemble.advance(Budget::Updates(170), &Silent).unwrap());
    }
    let summaries: Vec<Summary> = (0..9).map(|cell| ensemble.summary(cell).unwrap()).collect();
    assert_eq!((heard, summaries), whole);

    // Every pair ends once.
    let mut ended: Vec<_> = whole.0.meetings.iter().map(|meeting| (meeting.cell, meeting.pair)).collect();
    ended.sort_unstable();
    assert_eq!(ended, (0..9).flat_map(|cell| (0..20).map(move |pair| (cell, pair))).collect::<Vec<_>>());
    for (cell, summary) in whole.1.iter().enumerate() {
        let met = whole.0.meetings.iter().filter(|meeting| meeting.cell == cell && meeting.met).count() as u64;
        assert_eq!((summary.count, summary.ended, summary.censored), (20, met, 20 - met));
    }
}

/// Cancels at a given call.
struct CancelAt(AtomicU32, u32);
impl Progress for CancelAt {
    fn stage(&self, _: &str) {}
    fn report(&self, done: u64, total: u64) {
        assert!(done <= total);
    }
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if self.0.fetch_add(1, Ordering::Relaxed) == self.1 { Err(Cancelled) } else { Ok(()) }
    }
}

#[test]
fn a_cancel_loses_nothing() {
    let owned = models();
    let models: Vec<&dyn Conditionals> = owned.iter().map(AsRef::as_ref).collect();
    let new = || Ensemble::new(models.clone(), cells(&models), options()).unwrap();
    let whole = run(new(), Budget::Rounds(u64::MAX));
    for at in [0, 1, 5, 100, 333] {
        let mut ensemble = new();
        let error = ensemble.advance(Budget::Rounds(u64::MAX), &CancelAt(AtomicU32::new(0), at)).unwrap_err();
        assert_eq!(error, ConditionalsError::Cancelled(Cancelled));
        let state = ensemble.snapshot();
        let resumed = Ensemble::resume(models.clone(), cells(&models), options(), state).unwrap();
        assert_eq!(run(resumed, Budget::Rounds(50)), whole);
        assert_eq!(run(ensemble, Budget::Rounds(u64::MAX)), whole);
    }
}

#[test]
fn a_pair_is_the_same_alone_and_beside_others() {
    let toy = toys::parse("potts:n=5,q=3,beta=0.9").unwrap();
    let base = Cell { record: Record::ToCap, ..cell(toy.as_ref(), 0, 5, 0.7) };
    let other = Cell { temperature: Temperature::new(1.3).unwrap(), seed: 9, ..base.clone() };
    let run_with = |cells: Vec<Cell>, options| {
        let (heard, _) = run(Ensemble::new(vec![toy.as_ref()], cells, options).unwrap(), Budget::Rounds(40));
        let tokens: Vec<_> = heard.tokens.into_iter().filter(|((cell, pair, _), _)| *cell == 0 && *pair < 5).collect();
        (tokens, heard.rows)
    };
    let few = Cell { count: 5, ..base.clone() };
    let (alone, _) = run_with(vec![few], Options { batch_rows: 2, ..options() });
    let (beside, deduped) = run_with(vec![base.clone(), other.clone()], options());
    let (plain, asked) = run_with(vec![base, other], Options { dedupe: false, ..options() });
    assert!(alone == beside && alone == plain && alone.len() == 10);
    assert!(deduped < asked, "{deduped} of {asked} rows were new");
}

/// The states of recorded pairs agree with meetings, distances and drift.
#[test]
fn traces_tell_what_the_tallies_tell() {
    let toy = toys::parse("potts:n=5,q=3,beta=0.9").unwrap();
    for scan in Scan::ALL {
        for lag in [0, 10] {
            let chains = Chains::Pairs { coupling: Coupling::Maximal, lag };
            let cell = Cell { record: Record::ToCap, scan, chains, ..cell(toy.as_ref(), 0, 5, 0.8) };
            let mut ensemble = Ensemble::new(vec![toy.as_ref()], vec![cell.clone()], options()).unwrap();
            let mut heard = Heard::default();
            heard.hear(ensemble.advance(Budget::Rounds(u64::MAX), &Silent).unwrap());
            let summary = ensemble.summary(0).unwrap();
            let (mut sums, mut drift) = (vec![0.0; 151], vec![(0u64, 0.0); 6]);
            for meeting in &heard.meetings {
                let [x, y] = cell.start.pair(&cell.space, cell.seed, meeting.pair);
                let trace = |second, lag, start| {
                    let tokens = heard.tokens.get(&(0, meeting.pair, second)).cloned().unwrap_or_default();
                    Trace::new(&cell.space, scan, cell.seed, meeting.pair, lag, start, tokens).unwrap()
                };
                let (x, y) = (trace(false, 0, x), trace(true, lag, y));
                assert_eq!((x.steps(), y.steps()), (150, meeting.time - lag));
                let mut before = None;
                for time in lag..=meeting.time {
                    let distance = cell.space.hamming(&x.state(time).unwrap(), &y.state(time - lag).unwrap());
                    assert_eq!(distance == 0, meeting.met && time == meeting.time, "met at the first equality");
                    sums[time as usize] += distance as f64;
                    if let Some(before) = before.replace(distance) {
                        drift[before].0 += 1;
                        drift[before].1 += distance as f64 - before as f64;
                    }
                }
            }
            assert!(summary.ended > 5, "{summary:?}");
            for point in &summary.curve {
                assert!(point.time >= lag && point.count == 20);
                assert!((point.mean - sums[point.time as usize] / 20.0).abs() < 1e-12);
            }
            for point in &summary.drift {
                let (count, sum) = drift[point.distance as usize];
                assert!(point.count == count && (point.mean - sum / count as f64).abs() < 1e-12);
            }
            assert_eq!(summary.curve.last().unwrap().time, 150, "20 pairs are censored at the cap or recorded to it");
        }
    }
}

#[test]
fn cells_are_added_extended_and_stopped_between_calls() {
    let toy = toys::parse("potts:n=5,q=3,beta=0.9").unwrap();
    let long = Cell { cap: 4000, count: 6, ..cell(toy.as_ref(), 0, 5, 0.8) };
    let mut ensemble = Ensemble::new(vec![toy.as_ref()], vec![long.clone()], options()).unwrap();
    let mut heard = Heard::default();
    // In the middle of a round.
    heard.hear(ensemble.advance(Budget::Updates(1), &Silent).unwrap());
    ensemble.extend(0, 14).unwrap();
    let cold = Cell { temperature: Temperature::new(0.05).unwrap(), start: Start::Opposite, ..long.clone() };
    assert_eq!(ensemble.add(cold), Ok(1));
    heard.hear(ensemble.advance(Budget::Rounds(60), &Silent).unwrap());
    heard.hear(ensemble.advance(Budget::Updates(1), &Silent).unwrap());
    let apart = ensemble.apart(1);
    ensemble.stop(1).unwrap();
    assert!(ensemble.apart(1).is_empty() && !ensemble.apart(0).is_empty());
    assert_eq!(ensemble.cell_finished(1), Some(true));
    while !ensemble.finished() {
        heard.hear(ensemble.advance(Budget::Rounds(100), &Silent).unwrap());
    }
    let stopped: Vec<_> = heard.meetings.iter().filter(|meeting| meeting.cell == 1 && !meeting.met).collect();
    assert!(!stopped.is_empty() && stopped.iter().all(|meeting| (59..=61).contains(&meeting.time)), "{stopped:?}");
    assert!(apart.iter().eq(stopped.iter().copied()), "what is apart is what a stop censors");
    let summary = ensemble.summary(1).unwrap();
    assert_eq!((summary.count, summary.censored), (6, stopped.len() as u64));

    // Pairs added later are those a larger cell would have begun with.
    let all = Ensemble::new(vec![toy.as_ref()], vec![Cell { count: 20, ..long }], options()).unwrap();
    let (at_once, summaries) = run(all, Budget::Rounds(1000));
    let times = |heard: &Heard| {
        let mut times: Vec<_> = heard.meetings.iter().filter(|meeting| meeting.cell == 0).copied().collect();
        times.sort_by_key(|meeting| meeting.pair);
        times
    };
    assert_eq!(times(&heard), times(&at_once));
    assert_eq!(ensemble.summary(0).unwrap(), summaries[0]);
    assert!(ensemble.extend(7, 1).is_err() && ensemble.stop(7).is_err() && ensemble.summary(7).is_none());
}

#[test]
fn infinite_temperature_asks_nothing_and_equal_chains_ask_once() {
    let toy = toys::parse("product:n=6,v=4").unwrap();
    let hot = Cell { start: Start::Opposite, ..cell(toy.as_ref(), 0, 6, f64::INFINITY) };
    let (heard, _) = run(Ensemble::new(vec![toy.as_ref()], vec![hot], options()).unwrap(), Budget::Rounds(9));
    assert!(heard.rows == 0 && heard.updates > 20 * 6);
    let together =
        Cell { start: Start::Same(vec![vec![1; 6]]), record: Record::ToCap, ..cell(toy.as_ref(), 0, 6, 1.0) };
    let plain = Options { dedupe: false, ..options() };
    let (heard, summaries) = run(Ensemble::new(vec![toy.as_ref()], vec![together], plain).unwrap(), Budget::Rounds(9));
    assert!(heard.meetings.iter().all(|meeting| meeting.met && meeting.time == 0));
    assert_eq!((heard.rows, heard.updates), (20 * 150, 20 * 150));
    assert_eq!(summaries[0].draws, 20 * 150);
}

#[test]
fn zero_temperature_reaches_a_fixed_point_and_counts_near_ties() {
    let toy = toys::parse("potts:n=4,q=3,beta=1").unwrap();
    let cold =
        Cell { scan: Scan::Systematic, start: Start::Same(vec![vec![2, 2, 1, 2]]), ..cell(toy.as_ref(), 0, 4, 0.0) };
    let single = Cell { chains: Chains::Single { radius: None }, cap: 8, count: 1, record: Record::ToCap, ..cold };
    let mut ensemble = Ensemble::new(vec![toy.as_ref()], vec![single], options()).unwrap();
    let batch = ensemble.advance(Budget::Rounds(100), &Silent).unwrap();
    // At site 1 neighbours 2 and 1 tie, and the lower id wins; then site 2 lies between 1 and 2.
    assert_eq!(batch.segments[0].tokens, [2, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!((batch.meetings[0].met, batch.meetings[0].time), (false, 8));
    let summary = ensemble.summary(0).unwrap();
    assert_eq!((summary.draws, summary.near_ties), (8, 3));
}

#[test]
fn kept_states_of_other_runs_are_refused() {
    let toy = toys::parse("potts:n=5,q=3").unwrap();
    let base = cell(toy.as_ref(), 0, 5, 1.0);
    let state = Ensemble::new(vec![toy.as_ref()], vec![base.clone()], options()).unwrap().snapshot();
    let resume = |cells: Vec<Cell>, state: &EnsembleState| {
        Ensemble::resume(vec![toy.as_ref()], cells, options(), state.clone())
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(resume(vec![base.clone()], &state), Ok(()));
    assert!(resume(vec![], &state).unwrap_err().contains("another run"));
    let narrow = Space::new(toy.as_ref(), vec![0; 5], &[], vec![0, 1]).unwrap();
    assert!(resume(vec![Cell { space: narrow, ..base.clone() }], &state).unwrap_err().contains("does not fit"));
    let mut short = state.clone();
    short.cells[0].waves[0].y.pop();
    assert!(resume(vec![base.clone()], &short).is_err());
    let few = Options { batch_rows: 1, ..options() };
    assert!(Ensemble::new(vec![toy.as_ref()], vec![base], few).err().unwrap().to_string().contains("from 2"));
}
