//! Runs as the window has them: queued, paused, stopped, resumed, failing; and the live questions of a form.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

mod pauses;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::time::{Duration, Instant};

use kleroterion::glauber::certify::{CertifySpec, TokenChoice};
use kleroterion::glauber::conditionals::{Conditionals, ConditionalsError, Logits, ModelIdentity, Precision, Row};
use kleroterion::glauber::survey::{Control, Distance, Plausibility, Record, Stratum, SurveySpec};
use kleroterion::glauber::toys;
use kleroterion::jobs::runner::{Event, JobError, RunOutcome, Runner, run_headless, run_stored};
use kleroterion::jobs::session::{Answer, Question, Session};
use kleroterion::jobs::spec::RunSpec;
use kleroterion::models::{Library, LoadedModel, TrainMlmSpec};
use kleroterion::progress::{Cancelled, Progress, Silent};
use kleroterion::store::{Project, RunFilter, RunId, RunState};

const TABLE: &str = "random-table:n=4,v=9,seed=5";

fn certify(seed: u64) -> RunSpec {
    RunSpec::Certify(CertifySpec {
        version: 1,
        model: TABLE.to_owned(),
        sentence: "1 2 3 4".to_owned(),
        positions: (0, 2),
        tokens_a: TokenChoice::Top(4),
        tokens_b: TokenChoice::Random(3),
        temperature: 0.7,
        seed,
    })
}

fn survey(model: &str, sentences: &[&str], per_context: u32) -> RunSpec {
    RunSpec::Survey(SurveySpec {
        version: 1,
        model: model.to_owned(),
        beside: Vec::new(),
        sentences: sentences.iter().map(|&sentence| sentence.to_owned()).collect(),
        plausibilities: vec![Plausibility::OriginalAndDraw, Plausibility::TopK],
        distances: vec![Distance::One, Distance::ThreeFour],
        per_context,
        top_k: 5,
        temperature: 1.0,
        controls: vec![Control::Ising, Control::Permuted],
        resamples: 1000,
        seed: 3,
    })
}

/// A survey of the shipped model: some seconds, so that there is time to interfere.
fn long() -> RunSpec {
    let sentences = [
        "the president ordered the army to cross the river .",
        "she opened the door and looked at the sea .",
        "the old man gave his son a book .",
        "a letter came from the city in the morning .",
    ];
    survey("agora", &sentences, 2)
}

/// What [`long`] finds if nobody interferes.
static WHOLE: LazyLock<(Vec<Record>, Vec<Stratum>)> = LazyLock::new(|| {
    let outcome = run_headless(None, Arc::new(Library::default()), &long(), &Silent).unwrap();
    let RunOutcome::Survey { records, strata, .. } = outcome else { panic!("not a survey") };
    (records, strata)
});

/// Holds whoever passes until it is opened.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    reached: AtomicU32,
}

impl Gate {
    fn pass(&self) {
        self.reached.fetch_add(1, Ordering::SeqCst);
        drop(self.opened.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap());
    }
    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// A toy that first passes a gate, and panics where token 8 stands at both ends.
struct Gated(Box<dyn Conditionals>, Arc<Gate>);

impl Conditionals for Gated {
    fn sites(&self) -> (usize, usize) {
        self.0.sites()
    }
    fn vocabulary(&self) -> usize {
        self.0.vocabulary()
    }
    fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
        self.1.pass();
        assert!(rows.iter().all(|row| (row.state[0], row.state[3]) != (8, 8)), "the lots fell off the table");
        self.0.logits(rows, precision)
    }
}

/// A library with the model `gated`.
fn gated() -> (Arc<Library>, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let identity = ModelIdentity {
        reference: "gated".to_owned(),
        architecture: "toy".to_owned(),
        revision: None,
        weights_sha256: "0".repeat(64),
        config_sha256: String::new(),
        tokenizer_sha256: String::new(),
        parameters: 0,
    };
    let model = LoadedModel::new(identity, Arc::new(Gated(toys::parse(TABLE).unwrap(), gate.clone())));
    (Arc::new(Library::default().with_model("gated", model)), gate)
}

/// A project with a runner, and what the runner told.
struct Desk {
    _folder: tempfile::TempDir,
    path: PathBuf,
    runner: Option<Runner>,
    reader: Project,
    events: Vec<Event>,
}

impl Desk {
    fn new(library: Arc<Library>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        drop(Project::create(&path, "Desk").unwrap());
        let runner = Runner::new(&path, library, Arc::new(|| {})).unwrap();
        let reader = Project::open_reader(&path).unwrap();
        Self { _folder: folder, path, runner: Some(runner), reader, events: Vec::new() }
    }
    fn runner(&self) -> &Runner {
        self.runner.as_ref().unwrap()
    }
    /// Waits for `what`, at most a minute.
    #[track_caller]
    fn until(&mut self, what: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        loop {
            let told = self.runner().drain();
            self.events.extend(told);
            if what(self) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "a minute passed; {:?}", self.events.last());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    fn idle(&mut self) {
        self.until(|desk| !desk.runner().busy());
        self.until(|_| true);
    }
    fn state(&self, run: RunId) -> RunState {
        self.reader.run(run).unwrap().state
    }
    fn records(&self, run: RunId) -> Vec<Record> {
        self.reader.survey_records(run, 0, u64::MAX).unwrap()
    }
    /// The states that were told of a run.
    fn states(&self, wanted: RunId) -> Vec<RunState> {
        let state = |event: &Event| match event {
            Event::State { run, state, .. } if *run == wanted => Some(*state),
            _ => None,
        };
        self.events.iter().filter_map(state).collect()
    }
    #[track_caller]
    fn assert_whole(&self, run: RunId) {
        assert_eq!(self.records(run), WHOLE.0);
        assert_eq!(self.reader.survey_strata(run).unwrap().1, WHOLE.1);
    }
}

#[test]
fn a_cancelled_run_keeps_what_it_committed_and_resumes_to_the_identical_result() {
    let mut desk = Desk::new(Arc::default());
    let run = desk.runner().start(&long()).unwrap();
    let waiting = desk.runner().start(&certify(1)).unwrap();
    desk.until(|desk| !desk.records(run).is_empty());
    desk.runner().cancel(waiting);
    desk.runner().cancel(run);
    desk.idle();
    assert_eq!((desk.state(run), desk.state(waiting)), (RunState::Cancelled, RunState::Cancelled));
    assert_eq!(desk.states(waiting), [RunState::Queued, RunState::Cancelled]);
    let kept = desk.records(run);
    assert!(!kept.is_empty() && kept.len() < WHOLE.0.len());
    assert_eq!(kept, WHOLE.0[..kept.len()]);
    // A paused run can be cancelled, too.
    desk.runner().resume(run).unwrap();
    desk.until(|desk| desk.state(run) == RunState::Running);
    desk.runner().pause(run);
    desk.until(|desk| desk.states(run).contains(&RunState::Paused));
    desk.runner().cancel(run);
    desk.idle();
    assert_eq!(desk.state(run), RunState::Cancelled);
    desk.runner().resume(run).unwrap();
    desk.idle();
    desk.assert_whole(run);
    assert_eq!(desk.state(run), RunState::Done);
}

#[test]
fn queued_runs_are_done_in_their_order() {
    let mut desk = Desk::new(Arc::default());
    let runs: Vec<RunId> = (0..5).map(|seed| desk.runner().start(&certify(seed)).unwrap()).collect();
    desk.idle();
    let story = |event: &Event| match event {
        Event::State { run, state, .. } if *state != RunState::Queued => Some((*run, *state)),
        _ => None,
    };
    let expected: Vec<_> = runs.iter().flat_map(|&run| [(run, RunState::Running), (run, RunState::Done)]).collect();
    assert_eq!(desk.events.iter().filter_map(story).collect::<Vec<_>>(), expected);
    assert!(runs.iter().all(|&run| desk.reader.certify_result(run).unwrap().is_some()));
}

#[test]
fn a_panic_fails_its_run_and_no_other() {
    let (library, gate) = gated();
    gate.open();
    let mut desk = Desk::new(library);
    let RunSpec::Certify(mut spec) = certify(1) else { unreachable!() };
    spec.model = "gated".to_owned();
    let sound = RunSpec::Certify(spec.clone());
    spec.sentence = "8 2 3 8".to_owned();
    spec.positions = (1, 2);
    let bad = desk.runner().start(&RunSpec::Certify(spec)).unwrap();
    let good = desk.runner().start(&sound).unwrap();
    desk.idle();
    let row = desk.reader.run(bad).unwrap();
    assert_eq!((row.state, desk.state(good)), (RunState::Failed, RunState::Done));
    assert!(row.error.unwrap().contains("the lots fell off the table"));
    assert!(desk.reader.log(bad).unwrap().iter().any(|line| line.level == "error"));
}

#[test]
fn shutting_down_interrupts_and_another_runner_goes_on() {
    let mut desk = Desk::new(Arc::default());
    let run = desk.runner().start(&long()).unwrap();
    let waiting = desk.runner().start(&certify(1)).unwrap();
    desk.until(|desk| !desk.records(run).is_empty());
    desk.runner.take().unwrap().shut_down();
    assert_eq!((desk.state(run), desk.state(waiting)), (RunState::Interrupted, RunState::Queued));
    let kept = desk.records(run);
    assert!(!kept.is_empty() && kept.len() < WHOLE.0.len());
    assert_eq!(kept, WHOLE.0[..kept.len()]);

    desk.runner = Some(Runner::new(&desk.path, Arc::default(), Arc::new(|| {})).unwrap());
    desk.idle();
    // What was queued is done; what was interrupted waits for its user.
    assert_eq!((desk.state(run), desk.state(waiting)), (RunState::Interrupted, RunState::Done));
    desk.runner().resume(run).unwrap();
    desk.idle();
    assert_eq!(desk.state(run), RunState::Done);
    desk.assert_whole(run);
}

#[test]
fn events_come_at_most_ten_times_a_second() {
    let mut desk = Desk::new(Arc::default());
    let sentences: Vec<String> = (0..300).map(|k: u32| format!("{} {} 3 4", k % 9, k / 9 % 9)).collect();
    let sentences: Vec<&str> = sentences.iter().map(String::as_str).collect();
    let began = Instant::now();
    let run = desk.runner().start(&survey(TABLE, &sentences, 2)).unwrap();
    desk.idle();
    let most = (began.elapsed().as_secs_f64() * 10.0) as usize + 4;
    let results = desk.events.iter().filter(|event| matches!(event, Event::Results { .. })).count();
    let progress = desk.events.iter().filter(|event| matches!(event, Event::Progress { .. })).count();
    let batches = desk.records(run).len() / 16;
    assert!(batches > 2 * most, "{batches} batches in {:?} show no throttle", began.elapsed());
    assert!(results <= most && progress <= most, "{results} results, {progress} progress; at most {most}");
    // The last results are told, before the end is.
    let place = |wanted: &dyn Fn(&Event) -> bool| desk.events.iter().rposition(wanted).unwrap();
    assert!(place(&|e| matches!(e, Event::Results { .. })) < place(&|e| matches!(e, Event::State { .. })));
}

#[test]
fn a_run_shows_what_it_is_about_while_it_works() {
    let (library, gate) = gated();
    let mut desk = Desk::new(library);
    let run = desk.runner().start(&survey("gated", &["1 2 3 4", "2 3 4 5"], 1)).unwrap();
    desk.until(|_| gate.reached.load(Ordering::SeqCst) > 0);
    let row = desk.reader.run(run).unwrap();
    assert_eq!((row.state, row.finished), (RunState::Running, None));
    assert!(row.started.is_some() && row.seconds > 0.0);
    let models: Vec<ModelIdentity> = serde_json::from_str(&row.models_json.unwrap()).unwrap();
    assert_eq!(models.iter().map(|model| &*model.reference).collect::<Vec<_>>()[0], "gated");
    assert_eq!(models.len(), 2, "{models:?}");
    let log: Vec<String> = desk.reader.log(run).unwrap().into_iter().map(|line| line.message).collect();
    // Two subjects, two contexts, two kinds of tokens, two distances.
    let total = 16;
    assert!(log[0] == "loading gated" && log[2] == format!("sampled {total} rectangles"), "{log:?}");
    assert_eq!(desk.reader.survey_strata(run).unwrap().0, ["gated", "Ising model"]);
    gate.open();
    desk.idle();
    assert_eq!(desk.records(run).len(), total);
}

/// Cancels once `units` of the stage `name` are done.
struct CancelAt(&'static str, u64, Mutex<(String, u64)>);

impl Progress for CancelAt {
    fn stage(&self, name: &str) {
        *self.2.lock().unwrap() = (name.to_owned(), 0);
    }
    fn report(&self, done: u64, _total: u64) {
        self.2.lock().unwrap().1 = done;
    }
    fn checkpoint(&self) -> Result<(), Cancelled> {
        let at = self.2.lock().unwrap();
        if at.0 == self.0 && at.1 >= self.1 { Err(Cancelled) } else { Ok(()) }
    }
}

fn training(text: &str, out: &str) -> TrainMlmSpec {
    TrainMlmSpec {
        text: text.into(),
        out: out.into(),
        vocabulary: 100,
        hidden: 16,
        layers: 1,
        heads: 2,
        intermediate: 16,
        length: 12,
        batch: 4,
        steps: 40,
        warmup_steps: 5,
        validation: 0.1,
        validate_every: 20,
        checkpoint_every: 15,
        ..TrainMlmSpec::default()
    }
}

fn write_text(folder: &Path) {
    let nouns = ["wolf", "cook", "judge", "sailor", "child", "clerk"];
    let line = |k: usize| format!("the {} saw the {} by the river\n", nouns[k % 6], nouns[k / 6 % 6]);
    std::fs::write(folder.join("text.txt"), (0..120).map(line).collect::<String>()).unwrap();
}

#[test]
fn a_stored_training_resumes_to_the_identical_curve() {
    let folder = tempfile::tempdir().unwrap();
    let spec = RunSpec::TrainMlm(training("text.txt", "model"));
    let library = Arc::new(Library::default());
    let make = |name: &str| {
        let project = Project::create(&folder.path().join(name), name).unwrap();
        write_text(&folder.path().join(name));
        project
    };
    let whole = make("whole");
    run_headless(Some(&whole), library.clone(), &spec, &Silent).unwrap();
    let curve = whole.training_curve(RunId(1)).unwrap();
    assert_eq!(curve.iter().map(|point| point.step).collect::<Vec<_>>(), [10, 20, 30, 40]);
    assert!(curve[1].accuracy.is_some() && curve[0].accuracy.is_none());
    let row = whole.run(RunId(1)).unwrap();
    assert!(row.inputs_json.unwrap().contains("text.txt") && row.seconds > 0.0);

    let broken = make("broken");
    let cancel = CancelAt("training", 25, Mutex::default());
    assert!(matches!(run_headless(Some(&broken), library.clone(), &spec, &cancel), Err(JobError::Cancelled)));
    assert_eq!(broken.run(RunId(1)).unwrap().state, RunState::Cancelled);
    assert_eq!(broken.training_curve(RunId(1)).unwrap(), curve[..2]);
    // As after a kill before the first checkpoint: points that are stored come again.
    std::fs::remove_file(folder.path().join("broken/model/checkpoint.safetensors")).unwrap();
    let cancel = CancelAt("training", 35, Mutex::default());
    assert!(matches!(run_stored(&broken, library.clone(), RunId(1), &cancel), Err(JobError::Cancelled)));
    assert_eq!(broken.training_curve(RunId(1)).unwrap(), curve[..3]);
    run_stored(&broken, library.clone(), RunId(1), &Silent).unwrap();
    assert_eq!(broken.training_curve(RunId(1)).unwrap(), curve);
    let weights = |name: &str| std::fs::read(folder.path().join(name).join("model/model.safetensors")).unwrap();
    assert!(weights("whole") == weights("broken"));

    let escaping = RunSpec::TrainMlm(training("text.txt", "../elsewhere"));
    let error = run_headless(Some(&broken), library, &escaping, &Silent).unwrap_err().to_string();
    assert!(error.starts_with("this path leaves the project folder"), "{error}");
    assert!(!folder.path().join("elsewhere").exists());
}

#[test]
fn a_strangers_training_writes_nothing_outside_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p");
    std::fs::create_dir(&path).unwrap();
    write_text(&path);
    let outside = folder.path().join("outside").to_string_lossy().into_owned();
    let text = folder.path().join("p/text.txt").to_string_lossy().into_owned();
    let mut runs: Vec<toml::Table> = [("text.txt", &*outside), ("text.txt", "../outside"), (&text, "model")]
        .iter()
        .map(|(text, out)| toml::Table::try_from(RunSpec::TrainMlm(training(text, out))).unwrap())
        .collect();
    let reading = format!("random-like:{},seed=1", folder.path().display());
    runs.push(toml::Table::try_from(survey(&reading, &["a b"], 1)).unwrap());
    runs.push(toml::Table::try_from(RunSpec::TrainMlm(training("text.txt", "model"))).unwrap());
    let sample = toml::Table::from_iter([("name".to_owned(), "x".into()), ("run".to_owned(), runs.into())]);
    std::fs::write(path.join("project.toml"), toml::to_string(&sample).unwrap()).unwrap();

    let runner = Runner::new(&path, Arc::default(), Arc::new(|| {})).unwrap();
    let began = Instant::now();
    while runner.busy() {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    runner.shut_down();
    let project = Project::open(&path).unwrap();
    for (run, reason) in [(1, "it uses "), (2, "it uses "), (3, "it uses "), (4, "it reads the folder ")] {
        assert_eq!(project.run(RunId(run)).unwrap().state, RunState::Interrupted, "run {run}");
        assert!(project.log(RunId(run)).unwrap()[0].message.contains(reason), "run {run}");
    }
    assert!(!folder.path().join("outside").exists());
    // The one that stays inside needed nobody's leave.
    assert_eq!(project.run(RunId(5)).unwrap().state, RunState::Done);
    assert!(path.join("model/model.safetensors").is_file());
    assert_eq!(project.runs(&RunFilter::default()).unwrap().len(), 5);
}

#[test]
fn the_json_of_a_survey_keeps_controls_apart() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.txt"), "1 2 3 4\n4 3 2 1\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kleroterion"))
        .args(["survey", "--model", TABLE, "--beside", "random-table:n=4,v=9,seed=6", "--sentences", "s.txt"])
        .args(["--controls", "ising,permuted", "--strata", "d1,t2", "--json", "-"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let controls = |key: &str| -> Vec<(u64, String)> {
        let told =
            |s: &serde_json::Value| (s["subject"].as_u64().unwrap(), s["control"].as_str().unwrap_or("-").to_owned());
        report[key].as_array().unwrap().iter().map(told).collect()
    };
    assert_eq!(controls("strata"), [(0, "-".to_owned()), (1, "-".to_owned())]);
    assert_eq!(controls("controls"), [(2, "ising".to_owned()), (0, "permuted".to_owned())]);
}

/// Waits for `count` answers, and a moment for further ones.
#[track_caller]
fn answers(session: &Session, count: usize) -> Vec<Answer> {
    let began = Instant::now();
    let mut found = Vec::new();
    while found.len() < count {
        assert!(began.elapsed() < Duration::from_secs(60), "{found:?}");
        found.extend(session.drain());
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_millis(100));
    found.extend(session.drain());
    found
}

fn likely_at(model: &str, site: usize, k: usize) -> Question {
    Question::Likely { model: model.to_owned(), sentence: "1 2 3 4".to_owned(), site, k }
}

#[test]
fn only_the_newest_question_of_a_site_is_answered() {
    let (library, gate) = gated();
    let woken = Arc::new(AtomicU32::new(0));
    let wake = woken.clone();
    let session = Session::new(
        library,
        Arc::new(move || {
            wake.fetch_add(1, Ordering::SeqCst);
        }),
    );
    session.ask(likely_at("gated", 0, 1));
    let began = Instant::now();
    while gate.reached.load(Ordering::SeqCst) == 0 {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(1));
    }
    // The first is being answered; meanwhile the form changes.
    session.ask(likely_at("gated", 0, 2));
    session.ask(likely_at("gated", 1, 4));
    session.ask(likely_at("gated", 0, 3));
    gate.open();
    let found = answers(&session, 2);
    let told: Vec<(&Question, usize)> = found
        .iter()
        .map(|answer| match answer {
            Answer::Likely { question, tokens } => (question, tokens.as_ref().unwrap().len()),
            other => panic!("nobody asked: {other:?}"),
        })
        .collect();
    assert_eq!(told, [(&likely_at("gated", 0, 3), 3), (&likely_at("gated", 1, 4), 4)]);
    assert_eq!(woken.load(Ordering::SeqCst), 2);
}

#[test]
fn answers_are_in_words_also_where_they_are_errors() {
    let (library, gate) = gated();
    gate.open();
    let session = Session::new(library, Arc::new(|| {}));
    let tokens = |model: &str, sentence: &str| Question::Tokens { model: model.into(), sentence: sentence.into() };
    for (question, reason) in [
        (tokens("no such model", "a"), "names no model. Write"),
        (
            tokens(TABLE, "1 2 three 4"),
            "\"three\" at position 2 (counted from 0) of \"1 2 three 4\" is not one of this model's tokens",
        ),
        (likely_at(TABLE, 9, 3), "position 9 is outside a state of 4 tokens"),
        // The model panics at this one.
        (
            Question::Likely { model: "gated".into(), sentence: "8 2 3 8".into(), site: 1, k: 1 },
            "a defect of the program: the lots fell off the table",
        ),
    ] {
        session.ask(question.clone());
        match answers(&session, 1).as_slice() {
            [Answer::Tokens { question: asked, tokens: Err(error) }]
            | [Answer::Likely { question: asked, tokens: Err(error) }] => {
                assert_eq!(asked, &question);
                assert!(error.contains(reason), "{error}");
            }
            other => panic!("{question:?}: {other:?}"),
        }
    }
    // It still answers, the shipped model too.
    let sentence = "the army crossed the river .";
    session.ask(tokens("agora", sentence));
    session.ask(Question::Likely { model: "agora".into(), sentence: sentence.into(), site: 3, k: 5 });
    for answer in answers(&session, 2) {
        match answer {
            Answer::Tokens { tokens, .. } => {
                let texts: Vec<String> = tokens.unwrap().into_iter().map(|(_, text)| text).collect();
                assert_eq!(texts.join(" "), sentence);
            }
            Answer::Likely { tokens, .. } => {
                let tokens = tokens.unwrap();
                assert_eq!((tokens.len(), &*tokens[0].1), (5, "the"));
                assert!(tokens.is_sorted_by(|x, y| x.2 >= y.2) && tokens[0].2 > 0.3, "{tokens:?}");
            }
            _ => panic!("nobody asked: {answer:?}"),
        }
    }
}
