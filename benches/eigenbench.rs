//! From judgements to a leaderboard, and browsing what is behind it: how long.
//!
//! `cargo bench --bench eigenbench` prints one figure a line, `cargo bench --bench eigenbench -- fits` or `browsing` a part. Times
//! are processor time of this process, so that a busy machine does not count; everything runs on one thread. The same rows are
//! then fitted by `benches/peers/eigenbench.py` (Adam in PyTorch, the authors' way) with the interpreter that `PYTHON` names, or
//! `python3`; that is skipped where it has no torch.
//!
//! The small set is the one of the folder beside the repository, or one of the same size from known lenses.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use kleroterion::eigenbench::btd::{Fit, FitSpec, fit};
use kleroterion::eigenbench::comparisons::{Choice, Comparison, counted};
use kleroterion::eigenbench::leaderboard::{LeaderboardSpec, leaderboard};
use kleroterion::eigenbench::reconcile::reconcile;
use kleroterion::eigenbench::trust::{Settling, eigentrust, elo, trust_matrix};
use kleroterion::eigenbench::uncertainty::{Unit, bootstrap};
use kleroterion::formats::comparisons::read;
use kleroterion::formats::evaluations::Evaluation;
use kleroterion::jobs::import_comparisons::ImportComparisonsSpec;
use kleroterion::jobs::runner::run_headless;
use kleroterion::jobs::spec::RunSpec;
use kleroterion::models::Library;
use kleroterion::progress::Silent;
use kleroterion::statistics::{Stream, normal_quantile};
use kleroterion::store::{CallId, Project, RunId};

const SMALL: &str = "../shared/data/eigenbench/eb_20250623_4x4_comparisons.csv";
/// Rows of the small set, and of one as large as the paper's largest.
const ROWS: [usize; 2] = [4_789, 137_096];
/// Scenarios under which four models are judged by one of them: 20 calls each.
const SCENARIOS: u32 = 5_000;

/// Processor seconds of this process, all threads.
fn processor_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call fills the struct it is given.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The fastest of several times, printed.
fn timed<T>(name: &str, times: u32, mut work: impl FnMut() -> T) -> T {
    let mut best = f64::INFINITY;
    let mut last = None;
    for _ in 0..times {
        let began = processor_seconds();
        last = Some(work());
        best = best.min(processor_seconds() - began);
    }
    println!("{name}: {:.2} ms", 1e3 * best);
    last.expect("at least one time")
}

/// Judgements of a Bradley-Terry-Davidson law with known lenses: a judge and four models a scenario, both orders, eight criteria.
fn synthetic(models: u16, rows: usize) -> Vec<Comparison> {
    let mut stream = Stream::new(7, 0);
    let mut normal = |spread: f64| spread * normal_quantile(stream.unit().clamp(1e-12, 1.0 - 1e-12));
    let lenses: Vec<[f64; 2]> = (0..models).map(|_| [1.0 + normal(0.4), normal(0.4)]).collect();
    let dispositions: Vec<[f64; 2]> = (0..models).map(|_| [normal(0.6), normal(0.6)]).collect();
    let log_ties: Vec<f64> = (0..models).map(|_| normal(0.5)).collect();
    let mut stream = Stream::new(7, 1);
    let mut found = Vec::with_capacity(rows);
    for scenario in 0.. {
        let judge = stream.below(u64::from(models)) as u16;
        let mut group: Vec<u16> = Vec::new();
        while group.len() < 4 {
            let model = stream.below(u64::from(models)) as u16;
            if !group.contains(&model) {
                group.push(model);
            }
        }
        let score = |model: u16| {
            let (u, v) = (lenses[usize::from(judge)], dispositions[usize::from(model)]);
            u[0] * v[0] + u[1] * v[1]
        };
        for (first, second) in group.iter().flat_map(|&a| group.iter().map(move |&b| (a, b))).filter(|(a, b)| a != b) {
            let (a, b) = (score(first), score(second));
            let sizes = [(log_ties[usize::from(judge)] + 0.5 * (a + b)).exp(), a.exp(), b.exp()];
            for criterion in 0..8 {
                if found.len() == rows {
                    return found;
                }
                let choice = [Choice::Tie, Choice::First, Choice::Second][stream.weighted(&sizes)];
                found.push(Comparison { scenario, criterion, pass: 0, judge, first, second, choice });
            }
        }
    }
    found
}

fn fits(name: &str, models: usize, rows: &[Comparison], resamples: u32) {
    let spec = FitSpec { dimension: 2, ridge: 1e-3, starts: 10, seed: 0 };
    let mut reconciled = rows.to_vec();
    timed(&format!("{name}, both orders reconciled"), 5, || reconcile(&mut rows.to_vec()));
    reconcile(&mut reconciled);
    let cells = timed(&format!("{name}, rows counted"), 5, || counted(&reconciled, |_| 1.0));
    let found: Fit = timed(&format!("{name}, fit from ten starts"), 3, || {
        fit(models, &cells, spec, None, &Silent).expect("nobody cancels")
    });
    let ratings = elo(&eigentrust(&trust_matrix(&found.model), 0.0, None).expect("one leaderboard").trust);
    println!(
        "{name}: mean loss {:.6}, {} starts agree, first Elo {:.1?}",
        found.mean_nll,
        found.starts_agreeing,
        &ratings[..4]
    );
    let plain = fit(models, &cells, FitSpec { ridge: 0.0, ..spec }, None, &Silent).expect("nobody cancels");
    println!("{name}: without a ridge mean loss {:.6}", plain.mean_nll);
    timed(&format!("{name}, fit again from the last one"), 5, || {
        fit(models, &cells, FitSpec { starts: 0, ..spec }, Some(&found.model), &Silent).expect("nobody cancels")
    });
    let names: Vec<String> = (0..models).map(|model| model.to_string()).collect();
    let settings = LeaderboardSpec {
        fit: FitSpec { starts: 2, ..spec },
        settling: Settling::default(),
        dangling: true,
        reconcile: true,
        resamples: 0,
        unit: Unit::Scenario,
        folds: None,
        anchors: Vec::new(),
    };
    timed(&format!("{name}, the whole leaderboard from rows, two starts"), 5, || {
        leaderboard(&names, &[], rows, &settings, &Silent).expect("one leaderboard")
    });
    timed(&format!("{name}, {resamples} bootstraps over scenarios"), 2, || {
        let (settling, unit) = (Settling::default(), Unit::Scenario);
        bootstrap(&reconciled, &found.model, spec, &settling, unit, resamples, &Silent).expect("nobody cancels")
    });
    peer(name, models, &reconciled);
}

/// The authors' kind of fit, in the same sitting.
fn peer(name: &str, models: usize, rows: &[Comparison]) {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has_torch =
        Command::new(&python).args(["-c", "import torch"]).output().is_ok_and(|tried| tried.status.success());
    if !has_torch {
        println!("{name}, the peer: skipped, {python} has no torch (PYTHON names another interpreter)");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for a while");
    let path = folder.path().join("rows.csv");
    let line = |row: &Comparison| format!("{},{},{},{}\n", row.judge, row.first, row.second, row.choice.figure());
    std::fs::write(&path, rows.iter().map(line).collect::<String>()).expect("room for the rows");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/eigenbench.py");
    let told =
        Command::new(&python).arg(script).arg(&path).arg(models.to_string()).output().expect("it ran a moment ago");
    println!("{name}, the peer: {}", String::from_utf8_lossy(&told.stdout).trim());
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}

/// Evaluations with texts of a hundred words, two criteria.
fn evaluations() -> String {
    const CRITERIA: [&str; 2] = ["Be kind.", "Be brief."];
    let names: Vec<String> = (0..37).map(|model| format!("model {model}")).collect();
    let long = "word ".repeat(100);
    let mut text = String::new();
    let rows = synthetic(37, SCENARIOS as usize * 96);
    for (row, next) in rows.iter().zip(rows.iter().skip(1)).step_by(8) {
        let response = |model: u16| format!("{} on {}: {long}", names[usize::from(model)], row.scenario);
        let reflection = |model: u16| format!("{} reflects: {}", names[usize::from(row.judge)], response(model));
        let shown = [row.first, row.second].map(|model| (response(model), reflection(model)));
        let choice = |place: usize, row: &Comparison| {
            format!("<criterion_{place}_choice>{}</criterion_{place}_choice>", row.choice.figure())
        };
        text += &Evaluation {
            constitution: &CRITERIA,
            scenario: (row.scenario, &format!("Matter {}: {long}", row.scenario)),
            judge: (row.judge, &names[usize::from(row.judge)]),
            evaluees: [
                (row.first, &names[usize::from(row.first)], &shown[0].0, &shown[0].1),
                (row.second, &names[usize::from(row.second)], &shown[1].0, &shown[1].1),
            ],
            verdict: &format!("{}\n{}", choice(1, row), choice(2, next)),
        }
        .line();
        text.push('\n');
    }
    text
}

fn browsing() {
    let folder = tempfile::tempdir().expect("a folder for a while");
    let file = folder.path().join("evaluations.jsonl");
    std::fs::write(&file, evaluations()).expect("room for the file");
    let project = Project::create(&folder.path().join("project"), "Browsing").expect("a new project");
    let spec = RunSpec::ImportComparisons(ImportComparisonsSpec::of(file));
    timed("import of the file", 1, || {
        run_headless(Some(&project), Arc::new(Library::default()), &spec, &Silent).expect("a good file")
    });
    let run = RunId(1);
    let totals = timed("sums of all calls", 3, || project.call_totals(run).expect("a project"));
    println!("{} calls", totals.answered);
    timed("sums of all calls by model", 3, || project.calls_by_model(run).expect("a project"));
    timed("first page of 200 calls", 3, || project.calls(run, CallId(0), 200).expect("a project"));
    let last = CallId(totals.answered as i64 - 200);
    timed("last page of 200 calls", 3, || project.calls(run, last, 200).expect("a project"));
    timed("one call", 3, || project.call(CallId(totals.answered as i64 / 2)).expect("a project"));
    let rows = timed("all judgements", 3, || project.comparison_rows(run).expect("a project"));
    println!("{} judgements", rows.len());
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let asked = |part: &str| wanted.is_empty() || wanted.iter().any(|wanted| part.contains(wanted.as_str()));
    if asked("fits") {
        let small = Path::new(env!("CARGO_MANIFEST_DIR")).join(SMALL);
        let rows = if small.exists() {
            read(&small).expect("a table").rows
        } else {
            println!("the small set is synthetic: {} is not there", small.display());
            synthetic(4, ROWS[0])
        };
        fits("4 models", 4, &rows, 500);
        fits("37 models", 37, &synthetic(37, ROWS[1]), 20);
    }
    if asked("browsing") {
        browsing();
    }
}
