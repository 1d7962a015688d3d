//! Masked rows per second of processor time, on one thread.
//!
//!     cargo bench --bench forward
//!     python benches/peers/forward.py --ours target/criterion
//!
//! Random weights of two shapes: BERT-base, and the shipped model. A row is one masked position of one sequence. Processor time
//! rather than time on the clock, so that other work on the machine counts little.

use std::hint::black_box;

use criterion::measurement::{Measurement, ValueFormatter};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use kleroterion::glauber::conditionals::Precision;
use kleroterion::models::MaskedLm;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Nanoseconds of processor time of this process.
struct ProcessorTime;

impl Measurement for ProcessorTime {
    type Intermediate = u64;
    type Value = u64;

    fn start(&self) -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a valid place for the answer.
        let status = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
        assert_eq!(status, 0, "this system has no clock of processor time");
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    }

    fn end(&self, start: u64) -> u64 {
        self.start() - start
    }

    fn add(&self, a: &u64, b: &u64) -> u64 {
        a + b
    }

    fn zero(&self) -> u64 {
        0
    }

    fn to_f64(&self, value: &u64) -> f64 {
        *value as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self
    }
}

impl ValueFormatter for ProcessorTime {
    fn scale_values(&self, _typical: f64, values: &mut [f64]) -> &'static str {
        values.iter_mut().for_each(|nanoseconds| *nanoseconds *= 1e-6);
        "ms of processor time"
    }

    fn scale_throughputs(&self, _typical: f64, throughput: &Throughput, values: &mut [f64]) -> &'static str {
        let Throughput::Elements(rows) = throughput else { return "?" };
        values.iter_mut().for_each(|nanoseconds| *nanoseconds = *rows as f64 * 1e9 / *nanoseconds);
        "rows/s"
    }

    fn scale_for_machines(&self, _values: &mut [f64]) -> &'static str {
        "ns"
    }
}

fn config(vocabulary: u32, hidden: u32, layers: u32, heads: u32, intermediate: u32) -> String {
    format!(
        r#"{{"model_type": "bert", "vocab_size": {vocabulary}, "hidden_size": {hidden}, "num_hidden_layers": {layers},
             "num_attention_heads": {heads}, "intermediate_size": {intermediate}, "max_position_embeddings": 512}}"#
    )
}

fn main() {
    // SAFETY: no other thread runs yet that could read the environment.
    unsafe { std::env::set_var("RAYON_NUM_THREADS", "1") };
    let mut criterion = Criterion::default().with_measurement(ProcessorTime).configure_from_args();
    for (name, config) in [("base", config(30_522, 768, 12, 12, 3072)), ("shipped", config(8192, 256, 4, 4, 1024))] {
        let model = MaskedLm::random(&config, 1).expect("the shape is one the program reads");
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).sampling_mode(SamplingMode::Flat);
        for (batch, length) in [(1, 16), (64, 16), (16, 64)] {
            let sequences: Vec<Vec<u32>> =
                (0..batch).map(|b| (0..length).map(|i| ((b * 131 + i * 17) % 8000 + 100) as u32).collect()).collect();
            let positions: Vec<usize> = (0..batch).map(|b| b % length).collect();
            group.throughput(Throughput::Elements(batch as u64));
            group.bench_function(BenchmarkId::from_parameter(format!("{batch}x{length}")), |bencher| {
                bencher.iter(|| {
                    let logits = model.logits(black_box(&sequences), &positions, Precision::F32);
                    black_box(logits.expect("random weights give finite logits"))
                });
            });
        }
        group.finish();
    }
    criterion.final_summary();
}
