//! Rectangles certified per second: on toys, what the program itself costs beside the model, and with the shipped model.
//!
//! `cargo bench --bench rectangles`. The throughput is in rectangles, all four evaluations and the verdict included.

use std::hint::black_box;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use kleroterion::glauber::certificate::assess;
use kleroterion::glauber::certify::{CertifySpec, TokenChoice, certify};
use kleroterion::glauber::conditionals::{Conditionals, ModelIdentity};
use kleroterion::glauber::rectangle::Rectangle;
use kleroterion::glauber::toys;
use kleroterion::models::Library;
use kleroterion::progress::Silent;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn toy(text: &str) -> Box<dyn Conditionals> {
    toys::parse(text).expect("a toy of the list")
}

/// One rectangle, four rows in each evaluation.
fn single(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one rectangle");
    group.throughput(Throughput::Elements(1));
    let pair = Rectangle { i: 0, j: 1, a: 0, a2: 1, b: 0, b2: 1 };
    for text in ["table-pair", "ising:n=64", "product:n=16,v=30522"] {
        let model = toy(text);
        let state = vec![0; model.sites().0];
        group.bench_function(text, |bencher| {
            bencher.iter(|| assess(model.as_ref(), black_box(&state), pair, 1.0, &Silent).expect("a toy answers"));
        });
    }
    group.finish();
}

/// All rectangles among k and k tokens, from 2k rows in each evaluation.
fn block(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("block");
    let model = toy("random-table:n=2,v=1000");
    let identity = ModelIdentity {
        reference: "random-table:n=2,v=1000".to_owned(),
        architecture: "toy".to_owned(),
        revision: None,
        weights_sha256: String::new(),
        config_sha256: String::new(),
        tokenizer_sha256: String::new(),
        parameters: 0,
    };
    for k in [8u32, 32] {
        let spec = CertifySpec {
            version: 1,
            model: identity.reference.clone(),
            sentence: "0 0".to_owned(),
            positions: (0, 1),
            tokens_a: TokenChoice::Top(k),
            tokens_b: TokenChoice::Top(k),
            temperature: 1.0,
            seed: 0,
        };
        let pairs = u64::from(k * (k - 1) / 2);
        group.throughput(Throughput::Elements(pairs * pairs));
        group.bench_function(format!("{k} by {k} tokens"), |bencher| {
            bencher.iter(|| certify(black_box(&spec), model.as_ref(), &identity, &Silent).expect("a toy answers"));
        });
    }
    group.finish();
}

/// One rectangle of the shipped model: its four rows in single precision together (twice, for the same bits) and alone, then in
/// double precision together and alone.
fn shipped(criterion: &mut Criterion) {
    let model = Library::default().open("agora", &Silent).expect("the shipped model opens").conditionals;
    let state = model.tokenize("liberty and equality are the first principles of the republic").expect("plain words");
    let tokens: Vec<u32> =
        (0..model.vocabulary() as u32).filter(|&token| model.ordinary(token) && !model.continuation(token)).collect();
    let mut group = criterion.benchmark_group("shipped model");
    group.sample_size(10).sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(1));
    let mut drawn = 0;
    group.bench_function("one rectangle", |bencher| {
        bencher.iter(|| {
            // Another rectangle each time, though nothing here remembers an answer.
            drawn += 4;
            let token = |k: usize| tokens[(drawn + k) * 97 % tokens.len()];
            let pair = Rectangle { i: 0, j: 2, a: token(0), a2: token(1), b: token(2), b2: token(3) };
            assess(model.as_ref(), black_box(&state), pair, 1.0, &Silent).expect("the shipped model answers")
        });
    });
    group.finish();
}

criterion_group!(rectangles, single, block, shipped);
criterion_main!(rectangles);
