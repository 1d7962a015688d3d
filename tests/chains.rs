//! Runs of chains as a project has them: known answers, cancelled and resumed to the identical result, threads without
//! influence, bad input with a remedy.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kleroterion::glauber::chain::{Coupling, Energy, Scan};
use kleroterion::glauber::exact::ExactResult;
use kleroterion::glauber::experiments::escape::{Anchor, Criterion, EscapeFindings, EscapeSpec};
use kleroterion::glauber::experiments::exact::ExactRunSpec;
use kleroterion::glauber::experiments::mix::{MixResult, MixSpec};
use kleroterion::glauber::experiments::perfect::{PerfectResult, PerfectSpec};
use kleroterion::glauber::experiments::phase::{CellSummary, PhaseFindings, PhaseSpec};
use kleroterion::glauber::experiments::singles::{SinglesSpec, StartLaw};
use kleroterion::glauber::experiments::theory::TheorySpec;
use kleroterion::glauber::experiments::trajectories::{TrajectoriesResult, TrajectoriesSpec};
use kleroterion::glauber::experiments::{Dynamics, KeepTokens, StartChoice, Template, Vocabulary};
use kleroterion::glauber::phase::Grid;
use kleroterion::glauber::temperature::Temperature;
use kleroterion::glauber::trajectories::TrajectorySpec;
use kleroterion::jobs::chains::{FINDINGS, PERFECT, RESULT};
use kleroterion::jobs::runner::{JobError, RunOutcome, run_headless, run_stored};
use kleroterion::jobs::spec::RunSpec;
use kleroterion::models::Library;
use kleroterion::progress::{Cancelled, Progress, Silent};
use kleroterion::store::{Project, RunFilter, RunId, RunState};

fn tau(tau: f64) -> Temperature {
    Temperature::new(tau).unwrap()
}

fn mix(model: &str, length: usize) -> MixSpec {
    MixSpec {
        version: 1,
        model: model.to_owned(),
        length,
        temperature: Temperature::ONE,
        scan: Scan::Random,
        coupling: Coupling::Maximal,
        start: StartChoice::Opposite,
        pairs: 400,
        cap_sweeps: 200,
        lag_sweeps: 0,
        vocabulary: Vocabulary::Whole,
        template: None,
        record: false,
        theory: None,
        singles: None,
        seed: 11,
    }
}

fn phase(model: &str) -> PhaseSpec {
    PhaseSpec {
        version: 1,
        model: model.to_owned(),
        beside: vec!["curie-weiss:beta=0.5".to_owned()],
        grid: Grid { temperatures: vec![tau(0.5), tau(1.0), tau(2.0)], lengths: vec![4, 6, 8], cap_sweeps: 60 },
        scan: Scan::Random,
        coupling: Coupling::Maximal,
        start: StartChoice::Uniform,
        vocabulary: Vocabulary::Whole,
        batch: 16,
        most_pairs: 64,
        relative_width: 0.2,
        order_chains: 8,
        order_sweeps: 5,
        theory: Some(TheorySpec::default()),
        keep_tokens: KeepTokens::First(20),
        seed: 3,
    }
}

fn trajectories(model: &str) -> TrajectoriesSpec {
    TrajectoriesSpec {
        version: 1,
        model: model.to_owned(),
        length: 6,
        temperature: tau(0.5),
        scan: Scan::Permutation,
        dynamics: Dynamics::Glauber,
        start: StartChoice::Uniform,
        laws: None,
        chains: 8,
        sweeps: 60,
        every: 2,
        vocabulary: Vocabulary::Whole,
        template: None,
        analysis: TrajectorySpec { resamples: 20, ..TrajectorySpec::default() },
        political: None,
        corpus: Vec::new(),
        random_baseline: false,
        seed: 5,
    }
}

fn run(spec: &RunSpec, progress: &dyn Progress) -> Result<RunOutcome, JobError> {
    run_headless(None, Arc::new(Library::default()), spec, progress)
}

fn mixed(spec: MixSpec) -> MixResult {
    match run(&RunSpec::Mix(spec), &Silent).unwrap() {
        RunOutcome::Mix(result) => *result,
        other => panic!("{other:?}"),
    }
}

/// Cancels at the `after`-th checkpoint.
struct Impatient {
    after: u64,
    passed: AtomicU64,
}

impl Progress for Impatient {
    fn stage(&self, _: &str) {}
    fn report(&self, done: u64, total: u64) {
        assert!(done <= total, "{done} of {total}");
    }
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if self.passed.fetch_add(1, Ordering::SeqCst) >= self.after { Err(Cancelled) } else { Ok(()) }
    }
}

/// Runs `spec` in a project, cancelling it again and again, and gives the finished project.
fn interrupted(spec: &RunSpec, patience: u64) -> (tempfile::TempDir, Project, RunId) {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::create(&folder.path().join("p"), "Interrupted").unwrap();
    let library = Arc::new(Library::default());
    let progress = Impatient { after: patience, passed: AtomicU64::new(0) };
    let first = run_headless(Some(&project), library.clone(), spec, &progress);
    assert_eq!(first.unwrap_err(), JobError::Cancelled);
    let id = project.runs(&RunFilter::default()).unwrap()[0].id;
    let mut sittings = 1;
    loop {
        // A little more patience each time, so that any step can be passed in the end.
        let progress = Impatient { after: patience * (sittings + 1), passed: AtomicU64::new(0) };
        match run_stored(&project, library.clone(), id, &progress) {
            Ok(_) => break,
            Err(error) => assert_eq!(error, JobError::Cancelled),
        }
        sittings += 1;
        assert!(sittings < 400, "it never ends");
    }
    assert!(sittings > 1, "it was not interrupted");
    assert_eq!(project.run(id).unwrap().state, RunState::Done);
    (folder, project, id)
}

#[test]
fn independent_sites_meet_like_a_coupon_collector() {
    // glauber.md A4: E[T] = n H_n = 21.742857 with standard deviation 8.7185; t_couple(1/4) = 26.
    for coupling in [Coupling::Maximal, Coupling::Gumbel] {
        let found = mixed(MixSpec { pairs: 4000, coupling, ..mix("product:v=5", 8) });
        let mean = found.summary.restricted_mean;
        assert!((mean.mean - 21.742857).abs() < 5.0 * 8.7185 / 4000f64.sqrt(), "{mean:?}");
        let time = found.summary.t_couple;
        assert!(time.lower <= 26 && time.upper.unwrap() >= 26, "{time:?}");
        let kappa = found.summary.kappa.unwrap();
        // Every update of the one site heals it: kappa = 1. Its interval is two standard deviations each way.
        assert!((kappa.kappa - 1.0).abs() < 2.5 * (kappa.upper - kappa.kappa), "{kappa:?}");
        assert_eq!((found.summary.censored_share, found.running), (0.0, 0));
    }
}

#[test]
fn what_never_meets_is_censored_and_never_a_number() {
    let found = mixed(MixSpec { temperature: Temperature::ZERO, pairs: 40, ..mix("curie-weiss:beta=1.5", 8) });
    assert!(found.summary.t_couple.estimate.time().is_none());
    assert_eq!(found.summary.censored_share, 1.0);
    assert_eq!(found.summary.t_couple.estimate.to_string(), ">= 1600 (censored 100 %)");
}

#[test]
fn lagged_pairs_bound_the_distance_to_stationarity() {
    // Eight fair bits: A12. Infinite temperature makes any toy one.
    let spec = MixSpec { temperature: Temperature::INFINITE, pairs: 4000, lag_sweeps: 5, ..mix("ising", 8) };
    let found = mixed(spec);
    assert_eq!(found.lag, 40);
    let at = |step| found.lag_bounds.iter().find(|bound| bound.step == step).unwrap().value;
    for (step, exact) in [(5, 0.5662), (10, 0.3078), (20, 0.0773)] {
        assert!(at(step) >= exact, "{step}: {}", at(step));
    }
}

#[test]
fn exact_runs_agree_with_hand_calculation() {
    // glauber.md A6: J = [[.4,.1],[.1,.4]].
    let spec = ExactRunSpec {
        version: 1,
        model: "table-pair:p=0.8;0.2;0.2;0.8,q=0.8;0.2;0.2;0.8".to_owned(),
        vocabulary: Vocabulary::Whole,
        length: 2,
        template: None,
        temperature: Temperature::ONE,
        keep_law: true,
        perfect: None,
    };
    let found = |spec: ExactRunSpec| -> Box<ExactResult> {
        match run(&RunSpec::Exact(spec), &Silent).unwrap() {
            RunOutcome::Exact { result, .. } => result,
            other => panic!("{other:?}"),
        }
    };
    let result = found(spec.clone());
    assert_eq!((result.states, result.t_mix), (4, Some(4)));
    assert!((result.slem.unwrap() - 0.8).abs() < 1e-9 && result.max_abs_r.unwrap() < 1e-9);
    assert!((result.influence.matrix.get(0, 1) - 0.6).abs() < 1e-12);
    // One frozen site leaves two states.
    let template = Some(Template { sentence: "0 1".to_owned(), free: vec![0] });
    assert_eq!(found(ExactRunSpec { template, ..spec }).states, 2);
}

#[test]
fn interrupted_perfect_samples_end_as_uninterrupted_ones() {
    let exact = ExactRunSpec {
        version: 1,
        model: "random-table:n=4,v=3,seed=2".to_owned(),
        vocabulary: Vocabulary::Whole,
        length: 4,
        template: None,
        temperature: tau(0.7),
        keep_law: false,
        perfect: Some(PerfectSpec { samples: 3000, seed: 4, ..PerfectSpec::default() }),
    };
    let spec = RunSpec::Exact(exact.clone());
    let RunOutcome::Exact { result, perfect: Some(perfect) } = run(&spec, &Silent).unwrap() else { panic!() };
    assert!(result.pi.is_none(), "the law is kept in the comparison only");
    let fit = perfect.fit.unwrap();
    assert!(fit.p_value.unwrap() > 1e-3 && fit.tv < fit.tv_upper, "{fit:?}");
    let (_folder, project, id) = interrupted(&spec, 900);
    assert_eq!(project.document::<PerfectResult>(id, PERFECT).unwrap().unwrap(), perfect);
    // Cut short, the enumeration stands and the comparison says why it does not.
    let hurried = PerfectSpec { most_steps: 5, ..PerfectSpec::default() };
    let spec = RunSpec::Exact(ExactRunSpec { perfect: Some(hurried), ..exact });
    let RunOutcome::Exact { result, perfect: Some(perfect) } = run(&spec, &Silent).unwrap() else { panic!() };
    assert!(result.t_mix.is_some() && perfect.fit.is_none());
    assert!(perfect.problem.is_some_and(|problem| problem.contains("5 steps")));
}

#[test]
fn an_interrupted_mix_ends_as_an_uninterrupted_one() {
    let spec = MixSpec {
        record: true,
        lag_sweeps: 2,
        singles: Some(SinglesSpec { times: vec![2, 6], ..SinglesSpec::default() }),
        theory: Some(TheorySpec::default()),
        temperature: tau(0.8),
        pairs: 300,
        ..mix("potts:q=3", 6)
    };
    let whole = mixed(spec.clone());
    let (_folder, project, id) = interrupted(&RunSpec::Mix(spec.clone()), 7);
    assert_eq!(project.document::<MixResult>(id, RESULT).unwrap().unwrap(), whole);
    let meetings = project.chain_meetings(id, Some(0)).unwrap();
    assert_eq!(meetings.len(), 300);
    // Every step of a pair was kept: its tokens number its steps.
    for meeting in meetings.iter().take(20) {
        for second in [false, true] {
            assert_eq!(project.chain_tokens(id, 0, meeting.pair, second).unwrap().len() as u64, meeting.time);
        }
    }
}

#[test]
fn an_interrupted_diagram_ends_as_an_uninterrupted_one() {
    let spec = RunSpec::Phase(phase("ising:beta=0.6"));
    let RunOutcome::Phase { cells, findings } = run(&spec, &Silent).unwrap() else { panic!() };
    assert_eq!(cells.len(), 18);
    assert!(cells.iter().all(|cell| cell.finished && cell.summary.result.is_some()));
    let names: Vec<&str> = cells.iter().map(|cell| cell.model.as_str()).collect();
    assert!(names.contains(&"ising:beta=0.6,field=0,n=8,shape=ring") && names.contains(&"curie-weiss:beta=0.5,n=4"));
    assert_eq!((findings.len(), findings[0].fits.len(), findings[1].theory.len()), (2, 3, 3));
    let (_folder, project, id) = interrupted(&spec, 40);
    let kept = project.chain_cells::<CellSummary>(id).unwrap();
    assert_eq!(kept.len(), cells.len());
    for (kept, whole) in kept.iter().zip(&cells) {
        let text = |cell: &CellSummary| serde_json::to_string(cell).unwrap();
        let (kept_text, whole_text) = (text(&kept.summary), text(&whole.summary));
        let differs = kept_text.bytes().zip(whole_text.bytes()).position(|(a, b)| a != b);
        let around = |text: &str, at: usize| text[at.saturating_sub(80)..(at + 40).min(text.len())].to_owned();
        assert!(
            differs.is_none() && kept_text.len() == whole_text.len(),
            "cell {} of {}: {:?}",
            kept.cell,
            kept.model,
            differs.map(|at| (around(&kept_text, at), around(&whole_text, at)))
        );
        assert_eq!((kept.finished, kept.cap, &kept.model), (whole.finished, whole.cap, &whole.model));
    }
    assert_eq!(project.document::<Vec<PhaseFindings>>(id, FINDINGS).unwrap().unwrap(), findings);

    // The first 20 pairs of each cell have the token of every step, whether the run was interrupted or not.
    let folder = tempfile::tempdir().unwrap();
    let at_once = Project::create(&folder.path().join("p"), "At once").unwrap();
    run_headless(Some(&at_once), Arc::new(Library::default()), &spec, &Silent).unwrap();
    let once = at_once.runs(&RunFilter::default()).unwrap()[0].id;
    for cell in &cells {
        let place = 2 * cell.cell;
        let meetings = project.chain_meetings(id, Some(place)).unwrap();
        assert_eq!(cell.summary.kept, 20.min(meetings.len() as u64));
        for meeting in &meetings {
            let steps = if meeting.pair < 20 { meeting.time } else { 0 };
            for second in [false, true] {
                let tokens = project.chain_tokens(id, place, meeting.pair, second).unwrap();
                assert_eq!(tokens.len() as u64, steps, "cell {} pair {}", cell.cell, meeting.pair);
                assert_eq!(tokens, at_once.chain_tokens(once, place, meeting.pair, second).unwrap());
            }
        }
    }
}

#[test]
fn a_cell_keeps_the_tokens_that_a_run_of_its_own_pairs_keeps() {
    let keep = |keep_tokens| PhaseSpec {
        beside: Vec::new(),
        theory: None,
        order_chains: 0,
        most_pairs: 16,
        keep_tokens,
        ..phase("potts:q=3")
    };
    let folder = tempfile::tempdir().unwrap();
    let project = Project::create(&folder.path().join("p"), "Tokens").unwrap();
    let stored = |spec: RunSpec| {
        run_headless(Some(&project), Arc::new(Library::default()), &spec, &Silent).unwrap();
        project.runs(&RunFilter::default()).unwrap()[0].id
    };
    let diagram = stored(RunSpec::Phase(keep(KeepTokens::default())));
    let cells = project.chain_cells::<CellSummary>(diagram).unwrap();
    let cell = cells.iter().find(|cell| cell.length == 6 && cell.temperature == tau(1.0)).unwrap();
    assert_eq!(cell.summary.kept, 16, "a small diagram keeps all");
    let spec = keep(KeepTokens::All);
    let pairs = stored(RunSpec::Mix(MixSpec {
        cap_sweeps: spec.grid.cap_sweeps,
        start: spec.start,
        pairs: 16,
        record: true,
        seed: spec.seed,
        ..mix("potts:q=3", 6)
    }));
    for pair in 0..16 {
        for second in [false, true] {
            let of = |run, cell| project.chain_tokens(run, cell, pair, second).unwrap();
            assert!(!of(pairs, 0).is_empty());
            assert_eq!(of(diagram, 2 * cell.cell), of(pairs, 0), "pair {pair}");
        }
    }
    let bare = stored(RunSpec::Phase(keep(KeepTokens::None)));
    assert!(project.chain_tokens(bare, 2 * cell.cell, 0, false).unwrap().is_empty());
    assert!(project.chain_cells::<CellSummary>(bare).unwrap().iter().all(|cell| cell.summary.kept == 0));
}

#[test]
fn interrupted_trajectories_end_as_uninterrupted_ones() {
    let spec = RunSpec::Trajectories(trajectories("curie-weiss:beta=1.5"));
    let RunOutcome::Trajectories(whole) = run(&spec, &Silent).unwrap() else { panic!() };
    // Two wells: all plus and all minus.
    assert_eq!(whole.analysis.basins.attractors.basins.len(), 2);
    let (_folder, project, id) = interrupted(&spec, 30);
    assert_eq!(project.document::<TrajectoriesResult>(id, RESULT).unwrap().unwrap(), *whole);
}

#[test]
fn interrupted_reference_chains_end_as_uninterrupted_ones() {
    let dynamics = Dynamics::Metropolis { energy: Energy::Normalised, proposal: Temperature::ONE };
    let laws = Some([StartLaw::Anchor(1), StartLaw::Uniform]);
    let spec = TrajectoriesSpec {
        scan: Scan::Random,
        dynamics,
        laws,
        chains: 16,
        sweeps: 200,
        analysis: TrajectorySpec { resamples: 20, pseudo_log_likelihood: true, ..TrajectorySpec::default() },
        ..trajectories("random:layers=1,hidden=16,heads=2,vocabulary=40,length=12")
    };
    let spec = RunSpec::Trajectories(spec);
    let RunOutcome::Trajectories(whole) = run(&spec, &Silent).unwrap() else { panic!() };
    let reference = whole.reference.unwrap();
    let (steps, novel) = (reference.acceptance.steps, reference.acceptance.novel);
    assert_eq!(steps, 16 * 200 * 6);
    assert!(0 < reference.acceptance.accepted && reference.acceptance.accepted < novel && novel < steps);
    assert!(reference.rows <= 16 * 6 + steps + 5 * novel, "a row for each proposal, five more for each novel one");
    assert!(whole.separation.is_some(), "two laws of starts are compared");
    assert!(whole.diagnostics.iter().any(|found| found.name == "pseudo-log-likelihood"));
    let (_folder, project, id) = interrupted(&spec, 400);
    let mut resumed = project.document::<TrajectoriesResult>(id, RESULT).unwrap().unwrap();
    // How often a batch asked equal questions depends on nothing but the step, so that not even the cost differs.
    assert_eq!(resumed.reference, Some(reference));
    resumed.reference = whole.reference;
    assert_eq!(resumed, *whole);
}

#[test]
fn interrupted_escapes_end_as_uninterrupted_ones() {
    let spec = RunSpec::Escape(EscapeSpec {
        version: 1,
        model: "curie-weiss:beta=1".to_owned(),
        length: 8,
        further: vec![5],
        template: None,
        vocabulary: Vocabulary::Whole,
        temperatures: [0.5, 0.7, 1.0].map(|tau| Temperature::new(tau).unwrap()).to_vec(),
        scan: Scan::Random,
        anchor: Anchor::Quenched(8),
        criterion: Criterion::Distance,
        radius: 2,
        radius_share: None,
        chains: 100,
        cap_sweeps: 40,
        per_shell: 8,
        candidates: 2,
        seed: 4,
    });
    let RunOutcome::Escape(whole) = run(&spec, &Silent).unwrap() else { panic!() };
    assert!(whole.first.temperatures[0].censored_share > 0.0 && whole.first.temperatures[2].censored_share < 0.5);
    let (_folder, project, id) = interrupted(&spec, 8);
    assert_eq!(project.document::<EscapeFindings>(id, RESULT).unwrap().unwrap(), *whole);
    // The same of chains that leave basins, which are learnt anew after a resume.
    let RunSpec::Escape(spec) = spec else { unreachable!() };
    let spec = RunSpec::Escape(EscapeSpec { criterion: Criterion::Basin, ..spec });
    let RunOutcome::Escape(basins) = run(&spec, &Silent).unwrap() else { panic!() };
    assert_ne!(basins.first.temperatures, whole.first.temperatures);
    let (_folder, project, id) = interrupted(&spec, 8);
    assert_eq!(project.document::<EscapeFindings>(id, RESULT).unwrap().unwrap(), *basins);
}

#[test]
fn threads_change_nothing() {
    let spec =
        MixSpec { pairs: 24, cap_sweeps: 6, ..mix("random:layers=1,hidden=16,heads=2,vocabulary=40,length=12", 5) };
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| mixed(spec.clone()))
    };
    assert_eq!(with(1), with(2));
}

#[test]
fn a_transformer_runs_through_every_kind() {
    let model = "random:layers=1,hidden=16,heads=2,vocabulary=40,length=12";
    let spec = TrajectoriesSpec { sweeps: 10, chains: 6, length: 5, ..trajectories(model) };
    let RunOutcome::Trajectories(found) = run(&RunSpec::Trajectories(spec), &Silent).unwrap() else { panic!() };
    assert!(found.analysis.projection.embedding.contains("last hidden layer"));
    let small = PhaseSpec { beside: Vec::new(), order_chains: 0, most_pairs: 16, ..phase(model) };
    let RunOutcome::Phase { cells, .. } = run(&RunSpec::Phase(small), &Silent).unwrap() else { panic!() };
    assert_eq!(cells.len(), 9);
}

#[test]
fn bad_input_says_what_to_change() {
    let problem = |spec: RunSpec| match run(&spec, &Silent) {
        Err(JobError::Input(message)) => message,
        other => panic!("{other:?}"),
    };
    let nothing = Vocabulary::Typed(Vec::new());
    assert!(problem(RunSpec::Mix(MixSpec { vocabulary: nothing, ..mix("ising", 4) })).contains("vocabulary is empty"));
    let frozen = Some(Template { sentence: "+-+-+-".to_owned(), free: Vec::new() });
    assert!(problem(RunSpec::Mix(MixSpec { template: frozen, ..mix("ising", 0) })).contains("every site is frozen"));
    let long = mix("random:length=12", 40);
    assert!(problem(RunSpec::Mix(long)).contains("40 tokens"));
    assert!(problem(RunSpec::Mix(MixSpec { pairs: 0, ..mix("ising", 4) })).contains("pairs"));
    let large = ExactRunSpec {
        version: 1,
        model: "potts:q=5".to_owned(),
        vocabulary: Vocabulary::Whole,
        length: 9,
        template: None,
        temperature: Temperature::ONE,
        keep_law: false,
        perfect: None,
    };
    let message = problem(RunSpec::Exact(large));
    assert!(message.contains("65") && message.contains('5') && message.contains('9'), "{message}");
    let mut empty = phase("ising");
    empty.grid.lengths.clear();
    assert!(problem(RunSpec::Phase(empty)).contains("grid is empty"));
    let from = |from: &str| {
        let start = StartChoice::Typed(from.to_owned(), "+-+-".to_owned());
        problem(RunSpec::Mix(MixSpec { start, ..mix("ising", 4) }))
    };
    let message = from("+-x-");
    assert!(message.contains("\"x\" at position 2") && message.contains("Type tokens"), "{message}");
    assert!(from("+-").contains("2 of the 4 tokens"));
    let scan = TrajectoriesSpec {
        dynamics: Dynamics::Metropolis { energy: Energy::Raw, proposal: Temperature::ONE },
        ..trajectories("ising")
    };
    assert!(problem(RunSpec::Trajectories(scan)).contains("choose the random scan"));
    let short = TrajectoriesSpec { every: 99, ..trajectories("ising") };
    assert!(problem(RunSpec::Trajectories(short)).contains("fewer"));
}
