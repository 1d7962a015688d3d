//! Intervals of scores: 15,000 rankings of five models (3,000 questions, five passes), drawn again 1,000 times, by each method;
//! and the test of independence of irrelevant alternatives, which fits six times as often.
//!
//!     cargo bench --bench aggregation
//!
//! Everything runs on one thread, so results and times are the same however many there are.

use criterion::{Criterion, criterion_group, criterion_main};
use kleroterion::progress::Silent;
use kleroterion::ranking::Method;
use kleroterion::ranking::bootstrap::{bootstrap, bootstrap_wins};
use kleroterion::ranking::iia::independence;
use kleroterion::ranking::votes::{Ballot, Collector, Votes};
use kleroterion::statistics::Stream;

const QUESTIONS: u64 = 3_000;
const PASSES: usize = 5;
const RESAMPLES: usize = 1_000;
/// About as far apart as the published ones.
const ABILITIES: [f64; 5] = [0.37, 0.11, 0.07, 0.03, -0.58];

/// Rankings of Plackett-Luce; the passes of a question share some of their luck.
fn votes() -> Votes {
    let mut collector = Collector::default();
    collector.models(&ABILITIES.map(|ability| ability.to_string()));
    for question in 0..QUESTIONS {
        let mut stream = Stream::new(1, question);
        let luck: Vec<f64> = ABILITIES.iter().map(|ability| ability + 2.0 * (stream.unit() - 0.5)).collect();
        for _ in 0..PASSES {
            let mut sizes: Vec<f64> = luck.iter().map(|ability| ability.exp()).collect();
            let order = ABILITIES.map(|_| {
                let chosen = stream.weighted(&sizes);
                sizes[chosen] = 0.0;
                chosen as u16
            });
            collector.cast(&question.to_string(), Ballot::Order(order.to_vec()), 1);
        }
    }
    collector.votes()
}

fn aggregation(criterion: &mut Criterion) {
    let votes = votes();
    let mut group = criterion.benchmark_group("1,000 resamples of 15,000 rankings");
    group.sample_size(10);
    for method in Method::ALL {
        group.bench_function(method.name(), |bencher| {
            bencher.iter(|| bootstrap(method, &votes, RESAMPLES, 1, &Silent).expect("an answer"));
        });
    }
    group.bench_function("pairwise counts", |bencher| {
        bencher.iter(|| bootstrap_wins(&votes, RESAMPLES, 1, &Silent).expect("an answer"));
    });
    group.bench_function("independence of irrelevant alternatives", |bencher| {
        bencher.iter(|| independence(&votes, RESAMPLES, 1, &Silent).expect("an answer"));
    });
    group.finish();
}

criterion_group!(benches, aggregation);
criterion_main!(benches);
