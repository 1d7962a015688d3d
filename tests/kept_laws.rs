//! Chains on a cache that keeps laws take the course they take without: laws and looks ahead save work and change nothing.

use std::sync::Arc;

use kleroterion::glauber::chain::{
    Batch, Budget, Cell, Chains, Coupling, Ensemble, Meeting, Options, Record, Scan, Segment, Start, Tally,
};
use kleroterion::glauber::conditionals::{Conditionals, ConditionalsError, Logits, Precision, Row};
use kleroterion::glauber::space::Space;
use kleroterion::glauber::temperature::Temperature;
use kleroterion::models::{CachedConditionals, Library};
use kleroterion::progress::Silent;

/// A model that shows its logits alone.
struct Forgetful(Arc<dyn Conditionals>);

impl Conditionals for Forgetful {
    fn sites(&self) -> (usize, usize) {
        self.0.sites()
    }
    fn vocabulary(&self) -> usize {
        self.0.vocabulary()
    }
    fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
        self.0.logits(rows, precision)
    }
    fn ordinary(&self, token: u32) -> bool {
        self.0.ordinary(token)
    }
}

fn cells(model: &dyn Conditionals) -> Vec<Cell> {
    let space = Space::whole(model, 5).unwrap();
    let kinds = [
        (Chains::Single { radius: None }, Scan::Random, Record::ToCap),
        (Chains::Single { radius: Some(3) }, Scan::Permutation, Record::UntilEnd),
        (Chains::pairs(Coupling::Maximal), Scan::Random, Record::ToCap),
        (Chains::pairs(Coupling::Gumbel), Scan::Systematic, Record::UntilEnd),
        (Chains::Pairs { coupling: Coupling::InverseCdf, lag: 10 }, Scan::Permutation, Record::UntilEnd),
        (Chains::pairs(Coupling::Independent), Scan::Random, Record::UntilEnd),
    ];
    let mut cells = Vec::new();
    for tau in [0.0, 0.02, 0.1, 1.0, f64::INFINITY] {
        cells.extend(kinds.map(|(chains, scan, record)| Cell {
            model: 0,
            space: space.clone(),
            temperature: Temperature::new(tau).unwrap(),
            scan,
            chains,
            start: Start::Uniform,
            count: 6,
            cap: 120,
            record,
            seed: 7,
        }));
    }
    cells
}

type Course = (Vec<Meeting>, Vec<Segment>, u64, u64, Vec<Tally>);

/// All that happened; the ensemble is kept and resumed after every `resumed` rounds, with segments joined.
fn course(model: &dyn Conditionals, options: Options, resumed: u64) -> Course {
    let mut ensemble = Ensemble::new(vec![model], cells(model), options).unwrap();
    let mut whole = Batch::default();
    while !ensemble.finished() {
        let batch = ensemble.advance(Budget::Rounds(resumed), &Silent).unwrap();
        whole.meetings.extend(batch.meetings);
        for segment in batch.segments {
            let same = |kept: &&mut Segment| {
                (kept.cell, kept.pair, kept.second) == (segment.cell, segment.pair, segment.second)
            };
            match whole.segments.iter_mut().find(same) {
                Some(kept) => kept.tokens.extend(segment.tokens),
                None => whole.segments.push(segment),
            }
        }
        whole.updates += batch.updates;
        whole.rows += batch.rows;
        let state = ensemble.snapshot();
        ensemble = Ensemble::resume(vec![model], cells(model), options, state).unwrap();
    }
    whole.segments.sort_by_key(|segment| (segment.cell, segment.pair, segment.second));
    let tallies = (0..cells(model).len()).map(|cell| ensemble.tally(cell).unwrap()).collect();
    (whole.meetings, whole.segments, whole.updates, whole.rows, tallies)
}

#[test]
fn kept_laws_change_no_course() {
    for name in ["random:layers=1,hidden=32,heads=2,vocabulary=60,length=8,seed=3"] {
        let network = Library::default().open(name, &Silent).unwrap().conditionals;
        assert!(network.row_wise(Precision::F32) && !network.row_wise(Precision::F64));
        let cache = |bytes| CachedConditionals::new(network.clone(), bytes).reproducible();
        for precision in [Precision::F32, Precision::F64] {
            let options = |batch_rows| Options { precision, batch_rows, dedupe: true };
            let plain = course(&Forgetful(Arc::new(cache(64 << 20))), options(40), u64::MAX);
            assert!(plain.0.iter().any(|meeting| meeting.met) && plain.0.iter().any(|meeting| !meeting.met));
            let keeping = cache(64 << 20);
            assert_eq!(course(&keeping, options(40), u64::MAX), plain);
            let counts = keeping.counts();
            assert!(counts.hits > 4 * counts.misses, "{counts:?}");
            // Interrupted, in other batches, and with a cache that holds next to nothing.
            let interrupted = course(&cache(64 << 20), options(40), 13);
            assert_eq!(interrupted, plain);
            let small = course(&cache(6_000), options(9), 50);
            assert_eq!((small.0.len(), &small.1, small.2, &small.4), (plain.0.len(), &plain.1, plain.2, &plain.4));
        }
    }
}
