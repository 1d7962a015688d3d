//! kill -9 in the middle of the work, several times, then resume: nothing is lost, nothing differs.
//!
//! The first test runs itself as the child process (an environment variable names the project), so that what is killed
//! is a whole process with its database connections and locks. The others kill the program itself: a survey of the shipped
//! model, and a training.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kleroterion::glauber::chain::Scan;
use kleroterion::glauber::experiments::Vocabulary;
use kleroterion::glauber::experiments::escape::{Anchor, Criterion, EscapeFindings, EscapeSpec};
use kleroterion::glauber::survey::{Control, Distance, Plausibility, Record, SurveySpec};
use kleroterion::glauber::temperature::Temperature;
use kleroterion::jobs::chains::RESULT;
use kleroterion::jobs::runner::{RunOutcome, run_headless, run_stored};
use kleroterion::jobs::spec::RunSpec;
use kleroterion::models::Library;
use kleroterion::progress::Silent;
use kleroterion::store::{Project, RunFilter, RunId, RunState};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Names the project in the child process.
const CHILD: &str = "KLEROTERION_TEST_KILLED_PROJECT";
/// When to kill is drawn from this seed.
const SEED: u64 = 20_260_516;

fn spec() -> RunSpec {
    let sentences = (0..400).map(|k: u32| {
        let digits = (0..6).map(|site| ((k * 7 + site * 5 + k * site) % 7).to_string());
        digits.collect::<Vec<_>>().join(" ")
    });
    RunSpec::Survey(SurveySpec {
        version: 1,
        model: "random-table:n=6,v=7,seed=3".to_owned(),
        beside: vec!["random-table:n=6,v=7,seed=4".to_owned()],
        sentences: sentences.collect(),
        plausibilities: vec![Plausibility::OriginalAndDraw, Plausibility::TopK, Plausibility::Uniform],
        distances: vec![Distance::One, Distance::Two, Distance::ThreeFour, Distance::FiveToEight],
        per_context: 1,
        top_k: 5,
        temperature: 1.0,
        controls: vec![Control::Ising, Control::Permuted],
        resamples: 1000,
        seed: 7,
    })
}

/// What the child does: works on run 1 of the project until it is done or killed.
#[test]
fn child() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let project = Project::open(Path::new(&directory)).unwrap();
    run_stored(&project, Arc::new(Library::default()), RunId(1), &Silent).unwrap();
}

fn start_child(directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(CHILD, directory)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// A closed project in `folder` with the queued run 1.
fn queued(folder: &Path, spec: &RunSpec) -> PathBuf {
    let directory = folder.join("killed");
    // The library's own way to queue a run without a worker: a sample project.
    std::fs::create_dir(&directory).unwrap();
    let run = toml::Table::try_from(spec).unwrap();
    let sample = toml::Table::from_iter([("name".to_owned(), "Killed".into()), ("run".to_owned(), vec![run].into())]);
    std::fs::write(directory.join("project.toml"), toml::to_string(&sample).unwrap()).unwrap();
    let project = Project::open(&directory).unwrap();
    let runs = project.runs(&RunFilter::default()).unwrap();
    assert_eq!((runs.len(), runs[0].state, &runs[0].spec), (1, RunState::Queued, spec));
    directory
}

/// How many records are committed; counted through a reader beside the child that writes.
fn stored(directory: &Path) -> u64 {
    Project::open_reader(directory).unwrap().survey_records(RunId(1), 0, u64::MAX).unwrap().len() as u64
}

#[test]
fn a_killed_survey_resumes_to_the_identical_records() {
    let outcome = run_headless(None, Arc::new(Library::default()), &spec(), &Silent).unwrap();
    let RunOutcome::Survey { subjects, records: whole, strata } = outcome else { panic!("not a survey") };
    assert!(whole.len() > 2000, "{} records leave no time to kill", whole.len());

    let folder = tempfile::tempdir().unwrap();
    let directory = queued(folder.path(), &spec());

    let mut generator = ChaCha8Rng::seed_from_u64(SEED);
    let (mut kills, mut last) = (0, 0);
    for _ in 0..4 {
        // Killed a random while after it has committed something new, so that every sitting gets somewhere.
        let mut child = start_child(&directory);
        let began = Instant::now();
        while stored(&directory) <= last && child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < Duration::from_secs(60), "nothing was committed in a minute");
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(generator.random_range(0..30)));
        // SIGKILL on Unix.
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(!status.success(), "the survey ended after {kills} kills; make it longer");
        kills += 1;
        let project = Project::open(&directory).unwrap();
        let row = project.run(RunId(1)).unwrap();
        assert_eq!(row.state, RunState::Interrupted);
        assert!(row.seconds > 0.0);
        let kept: Vec<Record> = project.survey_records(RunId(1), 0, u64::MAX).unwrap();
        assert!(kept.len() as u64 >= last, "committed records were lost");
        assert_eq!(kept, whole[..kept.len()], "a prefix of the uninterrupted run");
        last = kept.len() as u64;
    }
    assert!(kills == 4 && last > 0);

    let project = Project::open(&directory).unwrap();
    run_stored(&project, Arc::new(Library::default()), RunId(1), &Silent).unwrap();
    assert_eq!(project.run(RunId(1)).unwrap().state, RunState::Done);
    assert_eq!(project.survey_records(RunId(1), 0, u64::MAX).unwrap(), whole);
    assert_eq!(project.survey_strata(RunId(1)).unwrap(), (subjects, strata));
    assert!(project.log(RunId(1)).unwrap().iter().any(|line| line.message.starts_with("going on after")));
    assert_eq!(project.damage().unwrap(), None);
}

/// Escapes that take some seconds: at the coldest temperature most chains run to the cap.
fn escapes() -> RunSpec {
    RunSpec::Escape(EscapeSpec {
        version: 1,
        model: "curie-weiss:beta=1".to_owned(),
        length: 8,
        further: Vec::new(),
        template: None,
        vocabulary: Vocabulary::Whole,
        temperatures: [0.25, 0.5, 1.0].map(|tau| Temperature::new(tau).unwrap()).to_vec(),
        scan: Scan::Random,
        anchor: Anchor::Quenched(8),
        criterion: Criterion::Distance,
        radius: 2,
        radius_share: None,
        chains: 10_000,
        cap_sweeps: 500,
        per_shell: 8,
        candidates: 0,
        seed: 5,
    })
}

#[test]
fn killed_escapes_resume_to_the_identical_result() {
    let outcome = run_headless(None, Arc::new(Library::default()), &escapes(), &Silent).unwrap();
    let RunOutcome::Escape(whole) = outcome else { panic!("not escapes") };
    let folder = tempfile::tempdir().unwrap();
    let directory = queued(folder.path(), &escapes());
    let met = || Project::open_reader(&directory).unwrap().chain_meetings(RunId(1), None).unwrap().len();
    let mut generator = ChaCha8Rng::seed_from_u64(SEED);
    let mut last = 0;
    for kill in 0..2 {
        let mut child = start_child(&directory);
        let began = Instant::now();
        while met() <= last {
            assert!(child.try_wait().unwrap().is_none(), "the escapes ended after {kill} kills; make them longer");
            assert!(began.elapsed() < Duration::from_secs(60), "nothing was committed in a minute");
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(generator.random_range(0..300)));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "the escapes ended after {kill} kills; make them longer");
        let project = Project::open(&directory).unwrap();
        assert_eq!(project.run(RunId(1)).unwrap().state, RunState::Interrupted);
        last = met();
    }
    let project = Project::open(&directory).unwrap();
    run_stored(&project, Arc::new(Library::default()), RunId(1), &Silent).unwrap();
    assert_eq!(project.document::<EscapeFindings>(RunId(1), RESULT).unwrap().unwrap(), *whole);
    assert_eq!(project.damage().unwrap(), None);
}

/// A survey of the shipped model, small enough for a test and long enough to be killed in.
fn shipped() -> RunSpec {
    let RunSpec::Survey(toys) = spec() else { unreachable!() };
    let sentences = [
        "the president ordered the army to cross the river .",
        "she opened the door and looked at the sea .",
        "the old man gave his son a book .",
        "a letter came from the city in the morning .",
        "the ship was lost in the storm last night .",
        "they walked home through the quiet fields .",
    ];
    RunSpec::Survey(SurveySpec {
        model: "agora".to_owned(),
        beside: Vec::new(),
        sentences: sentences.map(str::to_owned).to_vec(),
        plausibilities: vec![Plausibility::OriginalAndDraw, Plausibility::Uniform],
        distances: vec![Distance::One, Distance::FiveToEight],
        per_context: 2,
        controls: vec![Control::Permuted],
        ..toys
    })
}

#[test]
fn the_killed_program_resumes_to_the_identical_records() {
    let outcome = run_headless(None, Arc::new(Library::default()), &shipped(), &Silent).unwrap();
    let RunOutcome::Survey { records: whole, strata, .. } = outcome else { panic!("not a survey") };
    let folder = tempfile::tempdir().unwrap();
    let directory = queued(folder.path(), &shipped());
    let program = || {
        Command::new(env!("CARGO_BIN_EXE_kleroterion"))
            .args(["run", "--run", "1", "--project"])
            .arg(&directory)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut generator = ChaCha8Rng::seed_from_u64(SEED);
    let mut last = 0;
    for kill in 0..4 {
        let mut child = program();
        let began = Instant::now();
        // Every second time some work must have been committed; else it may be killed while it loads.
        let far_enough = || {
            let reader = Project::open_reader(&directory).unwrap();
            reader.run(RunId(1)).unwrap().state == RunState::Running && (kill % 2 == 0 || stored(&directory) > last)
        };
        while !far_enough() {
            assert!(child.try_wait().unwrap().is_none(), "the survey ended after {kill} kills; make it longer");
            assert!(began.elapsed() < Duration::from_secs(60), "nothing happened in a minute");
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(generator.random_range(0..150)));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "the survey ended after {kill} kills; make it longer");
        let project = Project::open(&directory).unwrap();
        assert_eq!(project.run(RunId(1)).unwrap().state, RunState::Interrupted);
        assert_eq!(project.damage().unwrap(), None);
        let kept = project.survey_records(RunId(1), 0, u64::MAX).unwrap();
        assert!(kept.len() as u64 >= last, "committed records were lost");
        assert_eq!(kept, whole[..kept.len()], "a prefix of the uninterrupted run");
        last = kept.len() as u64;
    }
    assert!(last > 0);
    assert!(program().wait().unwrap().success());
    let project = Project::open(&directory).unwrap();
    assert_eq!(project.run(RunId(1)).unwrap().state, RunState::Done);
    assert_eq!(project.survey_records(RunId(1), 0, u64::MAX).unwrap(), whole);
    assert_eq!(project.survey_strata(RunId(1)).unwrap().1, strata);
}

#[test]
fn a_killed_training_ends_with_the_identical_model() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.txt");
    let words = ["the", "river", "army", "crossed", "old", "bridge", "at", "night", "and", "rested"];
    let mut generator = ChaCha8Rng::seed_from_u64(SEED);
    let lines = (0..400).map(|_| {
        let line: Vec<&str> = (0..12).map(|_| words[generator.random_range(0..words.len())]).collect();
        line.join(" ")
    });
    std::fs::write(&text, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let program = |out: &Path| {
        let settings = "--vocabulary 300 --hidden 32 --layers 2 --heads 2 --intermediate 64 --length 16 --batch 8 \
                        --steps 400 --validate-every 100 --checkpoint-every 20 --seed 5";
        Command::new(env!("CARGO_BIN_EXE_kleroterion"))
            .arg("train-mlm")
            .arg("--text")
            .arg(&text)
            .arg("--out")
            .arg(out)
            .args(settings.split_whitespace())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    assert!(program(&whole).wait().unwrap().success());

    let checkpoint = killed.join("checkpoint.safetensors");
    let written = || std::fs::metadata(&checkpoint).and_then(|metadata| metadata.modified()).ok();
    for kill in 0..3 {
        let before = written();
        let mut child = program(&killed);
        let began = Instant::now();
        while written() == before {
            assert!(child.try_wait().unwrap().is_none(), "the training ended after {kill} kills; make it longer");
            assert!(began.elapsed() < Duration::from_secs(60), "no checkpoint in a minute");
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(generator.random_range(0..100)));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "the training ended after {kill} kills; make it longer");
        assert!(!killed.join("model.safetensors").exists());
    }
    assert!(program(&killed).wait().unwrap().success());
    for file in ["model.safetensors", "vocab.txt", "tokenizer.json", "loss_curve.csv"] {
        let read = |folder: &Path| std::fs::read(folder.join(file)).unwrap();
        assert_eq!(read(&whole), read(&killed), "{file}");
    }
}
