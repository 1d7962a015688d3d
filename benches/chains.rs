//! Site updates per second of processor time, on one thread; exact mode; bytes per stored step.
//!
//!     cargo bench --bench chains
//!     python benches/peers/chains.py
//!
//! Single chains step together, 64 of them on a masked language model, with the conditional cache that chains have in the
//! program. Prints one figure a line; the peer runs the same loop in transformers and PyTorch, batch for batch, and the
//! unbatched loop that people write first. Processor time rather than time on the clock, so that other work counts little.

use std::path::Path;
use std::sync::Arc;

use kleroterion::glauber::chain::{
    Budget, Cell, Chains, Coupling, Ensemble, Options, Record, Scan, Start, token_bytes,
};
use kleroterion::glauber::conditionals::Conditionals;
use kleroterion::glauber::exact::{ExactSpec, exact};
use kleroterion::glauber::experiments::phase::PhaseSpec;
use kleroterion::glauber::experiments::{KeepTokens, StartChoice, Vocabulary};
use kleroterion::glauber::phase::Grid;
use kleroterion::glauber::space::Space;
use kleroterion::glauber::temperature::Temperature;
use kleroterion::glauber::toys;
use kleroterion::jobs::runner::run_headless;
use kleroterion::jobs::spec::RunSpec;
use kleroterion::models::{CachedConditionals, Library, MaskedLm, MaskedLmConditionals, MlmTokenizer};
use kleroterion::progress::Silent;
use kleroterion::store::{Project, RunFilter};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Seconds of processor time of this process.
fn processor() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0, "this system has no clock of processor time");
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn cell(space: Space, tau: f64, chains: Chains, count: u64, sweeps: u64) -> Cell {
    let cap = sweeps * space.free().len() as u64;
    Cell {
        model: 0,
        space,
        temperature: Temperature::new(tau).expect("a temperature"),
        scan: Scan::Random,
        chains,
        start: Start::Uniform,
        count,
        cap,
        record: Record::Nothing,
        seed: 1,
    }
}

/// Updates of a toy and seconds of processor time until every chain has made its sweeps, or `least` seconds are over.
fn updates(model: &dyn Conditionals, cell: Cell, least: f64) -> (u64, f64) {
    let options = Options { dedupe: false, ..Options::default() };
    let mut ensemble = Ensemble::new(vec![model], vec![cell], options).expect("a cell that can run");
    let began = processor();
    let mut updates = 0;
    while !ensemble.finished() && processor() - began < least {
        updates += ensemble.advance(Budget::Rounds(16), &Silent).expect("the model answers").updates;
    }
    (updates, processor() - began)
}

fn curie_weiss() {
    for n in [8, 16, 64] {
        let toy = toys::parse(&format!("curie-weiss:n={n},beta=1.5")).expect("a toy of the list");
        let space = Space::whole(toy.as_ref(), n).expect("a space");
        // Cold pairs started apart stay apart: every step is two updates.
        let chains = Chains::pairs(Coupling::Maximal);
        let (updates, seconds) = updates(toy.as_ref(), cell(space, 0.5, chains, 2000, 1 << 40), 3.0);
        println!("curie-weiss n={n}: {:.2} million updates/s", updates as f64 / seconds / 1e6);
    }
}

/// Two figures for each cell: the first sweeps from uniform starts, when most contexts are new, and as many after them, when
/// cold chains stay among contexts they have seen. The peer's speed is the same in both, since it keeps nothing.
fn masked_lm(name: &str, model: &Arc<dyn Conditionals>, lengths: &[usize], sweeps: u64, least: f64) {
    for &n in lengths {
        for tau in [1.5, 0.5, 0.1] {
            let cached = CachedConditionals::new(model.clone(), CachedConditionals::DEFAULT_BYTES).reproducible();
            let space = Space::whole(model.as_ref(), n).expect("a space");
            let single = Chains::Single { radius: None };
            let cell = cell(space, tau, single, 64, 2 * sweeps);
            let mut ensemble =
                Ensemble::new(vec![&cached], vec![cell], Options::default()).expect("a cell that can run");
            let mut asked = 0;
            for part in ["from the start", "after that"] {
                let (began, mut updates, mut rounds) = (processor(), 0, 0);
                while rounds < sweeps * n as u64 && processor() - began < least {
                    updates += ensemble.advance(Budget::Rounds(8), &Silent).expect("the model answers").updates;
                    rounds += 8;
                }
                let seconds = processor() - began;
                let misses = cached.counts().misses - asked;
                asked += misses;
                println!(
                    "{name} n={n} tau={tau} {part}: {:.0} updates/s ({updates} updates, {:.1} % asked of the model)",
                    updates as f64 / seconds,
                    100.0 * misses as f64 / updates as f64
                );
            }
        }
    }
}

fn exact_mode() {
    for (text, n) in [("random-table:n=12,v=2", 12), ("random-table:n=16,v=2", 16)] {
        let toy = toys::parse(text).expect("a toy of the list");
        let space = Space::whole(toy.as_ref(), n).expect("a space");
        let began = processor();
        let found = exact(toy.as_ref(), &space, &ExactSpec::new(Temperature::ONE), &Silent).expect("a small space");
        println!("exact, {} states: {:.1} s", found.states, processor() - began);
    }
}

/// What a project takes for each million stored steps, rows and index included: a diagram of a toy with one byte a token.
fn stored() {
    let size = |keep_tokens: KeepTokens| -> (u64, u64) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let project = Project::create(&folder.path().join("p"), "stored").expect("a new project");
        let spec = RunSpec::Phase(PhaseSpec {
            version: 1,
            model: "curie-weiss:beta=1".to_owned(),
            beside: Vec::new(),
            grid: Grid {
                temperatures: [0.5, 1.0, 2.0].into_iter().filter_map(Temperature::new).collect(),
                lengths: vec![16, 32, 64],
                cap_sweeps: 100,
            },
            scan: Scan::Random,
            coupling: Coupling::Maximal,
            start: StartChoice::Opposite,
            vocabulary: Vocabulary::Whole,
            batch: 64,
            most_pairs: 64,
            relative_width: 0.01,
            order_chains: 0,
            order_sweeps: 1,
            theory: None,
            keep_tokens,
            seed: 1,
        });
        run_headless(Some(&project), Arc::new(Library::default()), &spec, &Silent).expect("a run that ends");
        let run = project.runs(&RunFilter::default()).expect("its runs")[0].id;
        // Both chains of a pair make every step until they meet.
        let pairs = project.chain_meetings(run, None).expect("its pairs");
        let steps = pairs.iter().filter(|pair| pair.cell % 2 == 0).map(|pair| 2 * pair.time).sum();
        drop(project);
        let files = std::fs::read_dir(folder.path().join("p")).expect("the project's folder");
        let bytes = files.filter_map(|file| file.ok()?.metadata().ok()).map(|file| file.len()).sum();
        (bytes, steps)
    };
    let ((without, _), (with, steps)) = (size(KeepTokens::None), size(KeepTokens::All));
    let more = with.saturating_sub(without);
    println!(
        "stored in a project: {steps} steps take {:.2} MB, {:.2} MB per million",
        more as f64 / 1e6,
        more as f64 / steps as f64
    );
}

fn main() {
    // SAFETY: no other thread runs yet that could read the environment.
    unsafe { std::env::set_var("RAYON_NUM_THREADS", "1") };
    curie_weiss();
    let agora = Library::default().open("agora", &Silent).expect("the shipped model opens").conditionals;
    let space = Space::whole(agora.as_ref(), 16).expect("a space");
    println!("tokens: {} bytes a step of a chain, {} MB per million", token_bytes(&space), token_bytes(&space));
    stored();
    masked_lm("agora", &agora, &[8, 16], 30, 20.0);
    let config = r#"{"model_type": "bert", "vocab_size": 8192, "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "intermediate_size": 3072, "max_position_embeddings": 512}"#;
    let base = MaskedLm::random(config, 1).expect("the shape is one the program reads");
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/models/agora");
    let tokenizer = Arc::new(MlmTokenizer::from_folder(&assets).expect("the shipped tokenizer"));
    let base: Arc<dyn Conditionals> = Arc::new(MaskedLmConditionals::new(base, tokenizer).expect("they fit"));
    masked_lm("base shape", &base, &[16], 30, 60.0);
    exact_mode();
}
