//! Seconds of the fairest lotteries with their certificates, one instance a figure.
//!
//!     cargo bench --bench lottery
//!     python benches/peers/lottery.py ../shared/data/sortition
//!
//! Instances are read from the folder beside the repository; those that are not there are skipped with a message. Each
//! lottery is checked once before it is timed.

#[path = "../tests/support/instances.rs"]
mod instances;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use kleroterion::progress::Silent;
use kleroterion::sortition::leximin::{leximin, maximin};
use kleroterion::sortition::problem::Problem;
use kleroterion::sortition::relaxed_leximin::relaxed_leximin;
use kleroterion::sortition::seating::seat;

const INSTANCES: [&str; 5] =
    ["sf_fixture_22", "example_small_20", "example_large_200", "prismlike_36", "prismlike_145"];

fn lotteries(criterion: &mut Criterion) {
    for name in INSTANCES {
        let Some((pool, quotas)) = instances::instance(name) else { continue };
        let problem = Problem::new(&pool, &quotas, true).expect("quotas that fit the pool");
        let found = leximin(&problem, 1, &Silent).expect("a lottery");
        let checked = found.certificate.check(&problem, &found.lottery).expect("a certificate that holds");
        println!(
            "{name}: {} people, {} types, {} panels by types, {} of people, deviation {:.1e}, gap {:.1e}, exact: {}",
            problem.people(),
            problem.types.len(),
            found.lottery.panels.len(),
            seat(&problem, &found.lottery, 1).panels.len(),
            checked.deviation,
            checked.gap,
            checked.exact
        );
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(5));
        group.bench_function("chances", |bench| {
            bench.iter(|| relaxed_leximin(black_box(&problem), &[], usize::MAX, &Silent));
        });
        group.bench_function("maximin", |bench| bench.iter(|| maximin(black_box(&problem), 1, &Silent)));
        group.bench_function("leximin", |bench| bench.iter(|| leximin(black_box(&problem), 1, &Silent)));
        group.bench_function("seats", |bench| bench.iter(|| seat(black_box(&problem), &found.lottery, 1)));
        group.finish();
    }
}

criterion_group!(benches, lotteries);
criterion_main!(benches);
