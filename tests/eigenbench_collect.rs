//! EigenBench from end to end against a provider on this machine that follows a script: personas whose verdicts follow a known
//! model are recovered, faults are counted and shown to nobody, and a run that was stopped goes on to the same result.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/mock_provider.rs"]
#[allow(dead_code, reason = "each test file uses a part of the provider's faults")]
mod mock_provider;
#[path = "support/program.rs"]
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kleroterion::dempo::constitution::Constitution;
use kleroterion::eigenbench::btd::{Btd, FitSpec, fit};
use kleroterion::eigenbench::comparisons::{Choice, counted};
use kleroterion::eigenbench::protocol::{Form, Scope};
use kleroterion::eigenbench::reconcile::reconcile;
use kleroterion::eigenbench::sampling::Scheme;
use kleroterion::eigenbench::scenario::Scenario;
use kleroterion::eigenbench::trust::{eigentrust, elo, trust_matrix};
use kleroterion::jobs::collect::{CollectSpec, Collected, Participant, TextCounts, comparisons};
use kleroterion::jobs::runner::{JobError, RunOutcome, Runner, run_headless, run_stored};
use kleroterion::jobs::speaker::Speaker;
use kleroterion::jobs::spec::RunSpec;
use kleroterion::models::Library;
use kleroterion::progress::{Cancelled, Progress, Silent};
use kleroterion::providers::mock::MockPersona;
use kleroterion::providers::price::Price;
use kleroterion::providers::settings::ProviderSettings;
use kleroterion::store::{CallId, ComparisonRow, Project, RunFilter, RunId, RunState};
use mock_provider::{MockProvider, MockReply};
use program::{kleroterion, stderr};
use serde_json::Value;

/// Personas with their lens and their disposition: judge i sees model j at lens(i) x disposition(j).
const PERSONAS: [(&str, f64, f64); 4] =
    [("alpha", 1.2, 1.0), ("beta", 0.9, 0.3), ("gamma", 0.6, -0.4), ("delta", 1.0, -0.9)];
const LAMBDA: f64 = 0.8;
const CRITERIA: usize = 5;

fn constitution() -> Arc<Constitution> {
    let texts = ["Aid the weak.", "Tell the truth.", "Keep promises.", "Waste nothing.", "Listen well."];
    Arc::new(Constitution::from_lines("Small", &texts.join("\n")))
}

fn scenarios(count: usize) -> Arc<Vec<Scenario>> {
    let one = |n: usize| Scenario { id: format!("s{n}"), text: format!("Matter {n}: what shall I do?") };
    Arc::new((0..count).map(one).collect())
}

fn system(request: &Value) -> &str {
    request["messages"][0]["content"].as_str().unwrap()
}

fn question(request: &Value) -> &str {
    request["messages"][1]["content"].as_str().unwrap()
}

/// Who is asked, by the persona.
fn persona(request: &Value) -> usize {
    PERSONAS.iter().position(|(name, ..)| system(request).contains(&format!("You are called {name}."))).unwrap()
}

/// Who wrote what stands in a block.
fn writer(request: &Value, block: &str) -> usize {
    let text = question(request).split_once(&format!("<{block}>\n")).unwrap().1;
    PERSONAS.iter().position(|(name, ..)| text.starts_with(&format!("I, {name},"))).unwrap()
}

#[derive(PartialEq)]
enum Asked {
    Response,
    Reflection,
    Verdict,
}

fn asked(request: &Value) -> Asked {
    match question(request) {
        text if text.contains("<first_response>") => Asked::Verdict,
        text if text.contains("<response>") => Asked::Reflection,
        _ => Asked::Response,
    }
}

/// Number of the scenario.
fn matter(request: &Value) -> usize {
    let text = question(request).split_once("Matter ").unwrap().1;
    text.split_once(':').unwrap().0.parse().unwrap()
}

/// A number in (0, 1) out of a text.
fn chance(text: &str) -> f64 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (hash ^ (hash >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// Figures drawn from the known model, the same pair in both orders.
fn figures(request: &Value) -> Vec<u8> {
    let (first, second) = (writer(request, "first_response"), writer(request, "second_response"));
    let (low, high) = (first.min(second), first.max(second));
    let judge = persona(request);
    let size = |model: usize| f64::exp(PERSONAS[judge].1 * PERSONAS[model].2);
    let sizes = [LAMBDA * (size(low) * size(high)).sqrt(), size(low), size(high)];
    let drawn = |criterion: usize| {
        let at = chance(&format!("{judge} {low} {high} {criterion} {}", matter(request))) * sizes.iter().sum::<f64>();
        let figure = if at < sizes[0] { 0 } else { 1 + u8::from(at >= sizes[0] + sizes[1]) };
        if first == low || figure == 0 { figure } else { 3 - figure }
    };
    (0..CRITERIA).map(drawn).collect()
}

fn tags(figures: &[u8]) -> String {
    let tag = |(n, figure): (usize, &u8)| format!("<criterion_{n}_choice>{figure}</criterion_{n}_choice>\n");
    (1..).zip(figures).map(tag).collect()
}

fn respond(request: &Value) -> MockReply {
    match asked(request) {
        Asked::Response => MockReply::said(&format!("I, {}, think of it: wait.", PERSONAS[persona(request)].0)),
        Asked::Reflection => MockReply::said("It has some of each."),
        Asked::Verdict => MockReply::said(&tags(&figures(request))),
    }
}

fn speaker(provider: &MockProvider) -> Speaker {
    let provider =
        ProviderSettings { first_wait_seconds: 0.01, ..ProviderSettings::new("Mock", provider.base_url(), None) };
    Speaker::Provider { provider, model: "mock".to_owned() }
}

fn spec(provider: &MockProvider, count: usize) -> CollectSpec {
    let model = |(name, ..): (&str, f64, f64)| Participant {
        name: format!("NAME-{name}"),
        persona: format!("You are called {name}."),
        speaker: speaker(provider),
    };
    CollectSpec {
        models: PERSONAS.into_iter().map(model).collect(),
        ..CollectSpec::of(constitution(), scenarios(count))
    }
}

fn collected(project: Option<&Project>, spec: &CollectSpec) -> Result<Collected, JobError> {
    match run_headless(project, Arc::new(Library::default()), &RunSpec::Collect(spec.clone()), &Silent)? {
        RunOutcome::Collect(collected) => Ok(*collected),
        other => panic!("{other:?}"),
    }
}

/// Rows without the numbers of calls.
fn bare(rows: &[ComparisonRow]) -> Vec<ComparisonRow> {
    rows.iter().map(|row| ComparisonRow { calls: Default::default(), ..row.clone() }).collect()
}

#[test]
fn a_known_model_is_recovered_and_everybody_is_blind() {
    let provider = MockProvider::start(|request, _| respond(request));
    let spec = spec(&provider, 120);
    let found = collected(None, &spec).unwrap();
    assert_eq!(found.rows.len(), 120 * 12 * CRITERIA);
    assert!(found.coverage.warnings().is_empty(), "{:?}", found.coverage.warnings());
    let mut rows = comparisons(&spec, &found.rows, Some(0));
    let orders = reconcile(&mut rows);
    assert_eq!((orders.single, orders.first + orders.second), (0, 0));
    let spec_of_fit = FitSpec { dimension: 1, ridge: 0.0, starts: 5, seed: 1 };
    let fitted = fit(4, &counted(&rows, |_| 1.0), spec_of_fit, None, &Silent).unwrap();
    let truth = Btd {
        dimension: 1,
        lenses: PERSONAS.iter().map(|(_, lens, _)| *lens).collect(),
        dispositions: PERSONAS.iter().map(|(.., disposition)| *disposition).collect(),
        log_ties: vec![LAMBDA.ln(); 4],
    };
    let board = |model: &Btd| elo(&eigentrust(&trust_matrix(model), 0.0, None).unwrap().trust);
    for (found, known) in board(&fitted.model).iter().zip(board(&truth)) {
        // About three standard errors: 3,600 independent choices in clusters of scenarios.
        assert!((found - known).abs() < 20.0, "{:?} {:?}", board(&fitted.model), board(&truth));
    }
    for log in &fitted.model.log_ties {
        assert!((log.exp() - LAMBDA).abs() < 0.2, "{}", log.exp());
    }
    // Evaluees see no criterion, judges no name and no persona but their own.
    let all = provider.asked();
    assert_eq!(all.len(), 480 + 480 + 1440);
    for question in &all {
        let text = question.body["messages"].to_string();
        assert!(!text.contains("NAME-"));
        assert_eq!(text.matches("You are called").count(), 1);
        assert_eq!(text.contains("Tell the truth."), asked(&question.body) != Asked::Response);
    }
}

fn counts(of: [u64; 8]) -> TextCounts {
    let [wanted, whole, truncated, filtered, refused, empty, failed, skipped] = of;
    TextCounts { wanted, whole, truncated, filtered, refused, empty, failed, skipped }
}

/// The matrix of eigenbench.md, section 13: what passes is counted right, what does not is shown to nobody.
#[test]
fn faults_are_counted_and_never_reach_another_prompt() {
    let seen = Mutex::new(BTreeSet::new());
    let provider = MockProvider::start(move |request, _| {
        let is_first = seen.lock().unwrap().insert(request["messages"].to_string());
        let again = request["messages"].as_array().unwrap().len() > 2;
        let (who, whom) = (persona(request), asked(request));
        let long = format!("I, {}, say: {} {}", PERSONAS[who].0, "é😀".repeat(10), "word ".repeat(4000));
        match (whom, matter(request), who) {
            // Responses.
            (Asked::Response, 1, 1) => MockReply::truncated("I, beta, LEAK"),
            (Asked::Response, 2, 2) => MockReply::empty(),
            (Asked::Response, 3, 3) => MockReply::refusal("LEAK: I refuse"),
            (Asked::Response, 4, 0) => MockReply::filtered(),
            (Asked::Response, 5, 1) => MockReply::error(500, "LEAK down"),
            // What passes in the end.
            (Asked::Response, 6, 0) if is_first => MockReply::limited(Some("0")),
            (Asked::Response, 6, 1) if is_first => MockReply::error(500, "LEAK once"),
            (Asked::Response, 6, 2) if is_first => MockReply::cut(),
            (Asked::Response, 6, 3) if is_first => MockReply::invalid_json(),
            (Asked::Response, 7, 0) if is_first => MockReply::error_inside(502, "LEAK inside"),
            (Asked::Response, 7, 1) => MockReply::without_usage("I, beta, wait."),
            (Asked::Response, 7, 2) => MockReply::said(&long),
            (Asked::Response, 7, 3) => respond(request).after(Duration::from_millis(80)),
            (Asked::Response, 8, 0) => MockReply::reasoning("reasoning", "LEAK thought", "I, alpha, wait."),
            (Asked::Response, 8, 1) => MockReply::said("<think>LEAK thought</think>I, beta, wait."),
            // Reflections of the one judge, which is called alpha.
            (Asked::Reflection, 9, _) if writer(request, "response") == 2 => MockReply::truncated("LEAK half"),
            // Verdicts.
            (Asked::Verdict, 10, _) if !again => {
                MockReply::said("<criterion_1_choice>1</criterion_1_choice>, the rest alike")
            }
            (Asked::Verdict, 10, _) => MockReply::said(&tags(&[2, 2, 0, 1, 2])),
            (Asked::Verdict, 11, _) => MockReply::said("I would rather not."),
            (Asked::Verdict, 12, _) => MockReply::said(
                "{\"criterion_1_choice\": 1, \"criterion_2_choice\": \"2\", \"choices\": \"-\", \"criterion 3\": 0, \"4\": 1, \"5\": 2}",
            ),
            (Asked::Verdict, 13, _) if is_first => {
                MockReply::truncated("LEAK <criterion_1_choice>1</criterion_1_choice>")
            }
            _ => respond(request),
        }
    });
    let mut spec = spec(&provider, 14);
    spec.judges = vec!["NAME-alpha".into()];
    spec.scheme = Scheme::AllToAll;
    spec.prices.0.insert("mock".into(), Price { prompt: 1.0, completion: 1.0 });
    let found = collected(None, &spec).unwrap();
    let models = &found.coverage.models;
    assert_eq!(models[0].responses, counts([14, 13, 0, 1, 0, 0, 0, 0]));
    assert_eq!(models[1].responses, counts([14, 12, 1, 0, 0, 0, 1, 0]));
    assert_eq!(models[2].responses, counts([14, 13, 0, 0, 0, 1, 0, 0]));
    assert_eq!(models[3].responses, counts([14, 13, 0, 0, 1, 0, 0, 0]));
    assert_eq!(models[0].reflections, counts([56, 50, 1, 0, 0, 0, 0, 5]));
    // Six scenarios lack one of four models, and with it half of twelve ordered pairs; one scenario's verdicts are cut first.
    assert_eq!(models[0].verdicts, counts([168, 120, 12, 0, 0, 0, 0, 36]));
    let choices = &models[0].choices;
    assert_eq!(choices.wanted, 132 * CRITERIA as u64);
    assert_eq!((choices.missing, choices.tolerant), (12 * CRITERIA as u64, 12 * CRITERIA as u64));
    // Four of five in scenario 10, four of five in scenario 13.
    assert_eq!((choices.repaired, models[0].repairs), (96, 36));
    assert_eq!(found.rows.len(), 120 * CRITERIA);
    assert_eq!(found.coverage.criteria[1].choices.missing, 12);
    // What was read first stays: the repair said 2 by criterion 1.
    let of_10 = |criterion: u16| {
        found.rows.iter().filter(move |row| row.scenario == 10 && row.criterion == criterion).map(|row| row.choice)
    };
    assert!(of_10(0).all(|choice| choice == Choice::First) && of_10(1).all(|choice| choice == Choice::Second));
    assert_eq!(found.coverage.cost.unpriced, 1);
    assert_eq!(models[1..].iter().map(|model| model.verdicts.wanted).sum::<u64>(), 0);
    assert_eq!(found.lengths[1], [Some(6), None, Some(6), Some(6)]);
    for question in provider.asked() {
        assert!(!question.body["messages"].to_string().contains("LEAK"), "{}", question.body);
    }
    // A verdict that was cut is asked for anew, one that can be read in part is shown to its judge with the problem.
    let asked_again: Vec<String> = provider
        .asked()
        .iter()
        .filter(|asked| asked.body["messages"].as_array().unwrap().len() == 4 && matter(&asked.body) == 10)
        .map(|asked| asked.body["messages"][3]["content"].to_string())
        .collect();
    assert_eq!(asked_again.len(), 12);
    assert!(asked_again[0].contains("<criterion_2_choice>, <criterion_3_choice>"), "{}", asked_again[0]);
    assert_eq!(found.coverage.warnings().len(), 7, "{:?}", found.coverage.warnings());
}

/// Cancels after so many reports.
struct Ends {
    left: AtomicUsize,
}

impl Progress for Ends {
    fn stage(&self, _name: &str) {}
    fn report(&self, _done: u64, _total: u64) {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(1))).unwrap();
    }
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if self.left.load(Ordering::SeqCst) == 0 { Err(Cancelled) } else { Ok(()) }
    }
}

fn project(folder: &Path) -> Project {
    Project::create(&folder.join("project"), "Test").unwrap()
}

/// Check 17.
#[test]
fn a_stopped_run_goes_on_to_the_same_result_and_asks_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let provider = MockProvider::start(|request, _| match (asked(request), matter(request)) {
        (Asked::Verdict, 3) if request["messages"].as_array().unwrap().len() == 2 => MockReply::said("hm"),
        (Asked::Response, 4) if persona(request) == 2 => MockReply::refusal("no"),
        _ => respond(request),
    });
    let spec = CollectSpec { scheme: Scheme::RandomJudgeGroup { size: 3, groups: 2 }, ..spec(&provider, 10) };
    let whole = collected(None, &spec).unwrap();
    let needed = provider.asked().len();
    let project = project(folder.path());
    let library = Arc::new(Library::default());
    let run_spec = RunSpec::Collect(spec.clone());
    let ends = || Ends { left: AtomicUsize::new(35) };
    let first = run_headless(Some(&project), library.clone(), &run_spec, &ends());
    assert!(matches!(first, Err(JobError::Cancelled)));
    let run = project.runs(&RunFilter::default()).unwrap()[0].id;
    let mut sittings = 1;
    let resumed = loop {
        match run_stored(&project, library.clone(), run, &ends()) {
            Err(JobError::Cancelled) => sittings += 1,
            Ok(RunOutcome::Collect(collected)) => break *collected,
            other => panic!("{other:?}"),
        }
    };
    assert!(sittings > 2, "{sittings}");
    assert_eq!(bare(&resumed.rows), whole.rows);
    assert_eq!((&resumed.coverage, &resumed.lengths), (&whole.coverage, &whole.lengths));
    assert_eq!(project.comparison_rows(run).unwrap(), resumed.rows);
    // What was under way when a sitting ended may be asked again; nothing that was kept is.
    assert_eq!(project.call_totals(run).unwrap().answered as usize, needed, "an uninterrupted run asks nothing twice");
    let again = provider.asked().len() - 2 * needed;
    assert!(again <= 10 * sittings, "{again} calls were repeated over {sittings} stops");
    // The same collection as another run costs nothing, and its rows lead to the calls of the first.
    let before = provider.asked().len();
    let second = collected(Some(&project), &spec).unwrap();
    assert_eq!((second.rows, provider.asked().len()), (resumed.rows, before));
}

#[test]
fn every_row_leads_to_what_its_judge_saw_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let provider = MockProvider::start(|request, _| respond(request));
    let project = project(folder.path());
    let found = collected(Some(&project), &spec(&provider, 3)).unwrap();
    for row in &found.rows {
        let call = |id: Option<CallId>| project.call(id.unwrap()).unwrap().unwrap();
        let verdict = call(row.calls.verdict);
        let shown = &verdict.request.messages[1].content;
        for (place, model) in [row.first, row.second].into_iter().enumerate() {
            let response = call(row.calls.responses[place]).reply.unwrap().text;
            assert!(response.starts_with(&format!("I, {},", PERSONAS[usize::from(model)].0)));
            assert!(shown.contains(&response));
            let reflection = call(row.calls.reflections[place]);
            assert!(reflection.request.messages[1].content.contains(&response));
        }
        let tag = format!("<criterion_{}_choice>{}<", row.criterion + 1, row.choice.figure());
        assert!(verdict.reply.unwrap().text.contains(&tag));
    }
}

#[test]
fn equal_questions_are_one_call() {
    let provider = MockProvider::start(|request, _| match asked(request) {
        // Everybody says the same, so that all reflections of one judge are the same question.
        Asked::Response => MockReply::said("Wait."),
        Asked::Reflection => MockReply::said("Fine."),
        Asked::Verdict => MockReply::said("<choice>0</choice>"),
    });
    let mut spec = spec(&provider, 2);
    spec.scheme = Scheme::AllToAll;
    spec.form = Form { scope: Scope::Whole, ties: true };
    let found = collected(None, &spec).unwrap();
    assert_eq!(found.rows.len(), 2 * 4 * 12);
    assert_eq!(found.coverage.models[0].verdicts.whole, 24);
    // Four responses, four reflections (one a judge), four verdicts (one a judge) under each scenario.
    assert_eq!(provider.asked().len(), 2 * 12);
}

/// Judges who always name what comes first say nothing, and several constitutions are judged apart over the same responses.
#[test]
fn two_constitutions_share_responses_and_order_bias_becomes_ties() {
    let provider = MockProvider::start(|request, _| match asked(request) {
        Asked::Verdict => MockReply::said(&tags(&[1; CRITERIA])),
        _ => respond(request),
    });
    let mut spec = spec(&provider, 4);
    spec.constitutions.push(Arc::new(Constitution::from_lines("Other", "Be brave.\nBe calm.")));
    let found = collected(None, &spec).unwrap();
    assert_eq!(found.rows.len(), 4 * 12 * (CRITERIA + 2));
    assert_eq!(provider.asked().len(), 16 + 2 * 16 + 2 * 48);
    let mut all = comparisons(&spec, &found.rows, None);
    assert_eq!(all.iter().map(|row| row.criterion).collect::<BTreeSet<_>>(), (0..7).collect());
    let orders = reconcile(&mut all);
    assert_eq!((orders.pairs, orders.first), (24 * 7, 24 * 7));
    assert!(all.iter().all(|row| row.choice == Choice::Tie));
    assert_eq!(comparisons(&spec, &found.rows, Some(1)).len(), 4 * 12 * 2);
}

#[test]
fn a_strangers_queued_collection_asks_nobody_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let provider = MockProvider::start(|request, _| respond(request));
    let spec = RunSpec::Collect(spec(&provider, 2));
    let path = folder.path().join("stranger");
    std::fs::create_dir(&path).unwrap();
    let run = toml::Value::try_from(&spec).unwrap();
    let sample = toml::Table::from_iter([
        ("name".to_owned(), toml::Value::from("x")),
        ("run".to_owned(), toml::Value::from(vec![run])),
    ]);
    std::fs::write(path.join("project.toml"), toml::to_string(&sample).unwrap()).unwrap();
    let project = Project::open(&path).unwrap();
    assert_eq!(project.run(RunId(1)).unwrap().spec, spec);
    let runner = Runner::new(&path, Arc::new(Library::default()), Arc::new(|| {})).unwrap();
    assert!(!runner.busy());
    assert_eq!(project.run(RunId(1)).unwrap().state, RunState::Interrupted);
    let told = &project.log(RunId(1)).unwrap()[0].message;
    assert!(told.contains(&format!("it sends texts to {}", provider.base_url())), "{told}");
    runner.shut_down();
    assert!(provider.asked().is_empty());
}

#[test]
fn the_command_line_collects_reports_and_exchanges_files() {
    let folder = tempfile::tempdir().unwrap();
    let provider = MockProvider::start(|request, _| respond(request));
    let clauses: Vec<String> = constitution().clauses.iter().map(|clause| clause.text.clone()).collect();
    std::fs::write(folder.path().join("small.txt"), clauses.join("\n")).unwrap();
    let texts: Vec<String> = scenarios(24).iter().map(|one| one.text.clone()).collect();
    std::fs::write(folder.path().join("matters.json"), serde_json::to_string(&texts).unwrap()).unwrap();
    let models: Vec<String> = PERSONAS
        .iter()
        .map(|(name, ..)| format!("NAME-{name}={}#mock;You are called {name}.", provider.base_url()))
        .collect();
    let run = |arguments: &[&str]| {
        let output = kleroterion(folder.path(), arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or(Value::Null)
    };
    run(&["project", "new", "p"]);
    let mut line = vec!["eigenbench", "collect", "--constitution", "small.txt", "--scenarios", "matters.json"];
    for model in &models {
        line.extend(["--model", model]);
    }
    line.extend(["--price", "mock=1,2", "--json", "-"]);
    let planned = run(&[&line[..], &["--estimate"]].concat());
    assert_eq!(planned["estimate"]["calls"], 24 * 20);
    assert!(planned["estimate"]["dollars"].as_f64().unwrap() > 0.0);
    assert!(provider.asked().is_empty());
    let found = run(&[&line[..], &["--project", "p", "--out", "rows.csv"]].concat());
    assert_eq!(found["rows"].as_array().unwrap().len(), 24 * 12 * CRITERIA);
    assert_eq!(found["cost"]["replies"], 24 * 20);
    assert_eq!(found["rows"][0]["criterion"], "small/1");

    let report = run(&[
        "eigenbench",
        "report",
        "--project",
        "p",
        "--run",
        "1",
        "--dim",
        "1",
        "--bootstrap",
        "20",
        "--json",
        "-",
    ]);
    let one = &report["constitutions"][0];
    let board = &one["leaderboard"];
    assert_eq!(board["models"][0], "NAME-alpha");
    let ratings: Vec<f64> = board["elo"].as_array().unwrap().iter().map(|elo| elo.as_f64().unwrap()).collect();
    assert!(ratings[0] > ratings[1] && ratings[1] > ratings[2] && ratings[2] > ratings[3], "{ratings:?}");
    assert_eq!(board["intervals"]["elo"].as_array().unwrap().len(), 4);
    let judged: u64 = one["judges"].as_array().unwrap().iter().map(|judge| judge["rows"].as_u64().unwrap()).sum();
    assert_eq!(judged, 24 * 12 * CRITERIA as u64);
    assert_eq!(report["calls"]["answered"], 24 * 20);
    assert_eq!(report["complete"], true);

    // Out as the authors' file and in again: the same rows, models known by name.
    run(&["eigenbench", "export", "--project", "p", "--run", "1", "--out", "evaluations.jsonl"]);
    let read = run(&["eigenbench", "import", "evaluations.jsonl", "--out", "again.csv", "--json", "-"]);
    assert_eq!((&read["evaluations"], &read["rows"]), (&(24 * 12).into(), &(24 * 12 * CRITERIA).into()));
    assert!(read["losses"].as_object().unwrap().values().all(|count| count == 0));
    let trust = |file: &str| -> BTreeMap<String, f64> {
        let board = run(&["eigenbench", "fit", "--comparisons", file, "--dim", "1", "--json", "-"]);
        let names = board["models"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
        names.zip(board["trust"].as_array().unwrap().iter().map(|share| share.as_f64().unwrap())).collect()
    };
    for ((name, one), (other, two)) in trust("rows.csv").into_iter().zip(trust("again.csv")) {
        assert!(name == other && (one - two).abs() < 1e-5, "{name} {one} {two}");
    }
    // A typing error is told before anybody is asked.
    let asked = provider.asked().len();
    let output = kleroterion(folder.path(), &[&line[..], &["--judge", "nobody"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("\"nobody\" is to judge"), "{}", stderr(&output));
    assert_eq!(provider.asked().len(), asked);
}

/// Mock personas, which the program offers for trying the lab, follow the model that they say they follow.
#[test]
fn the_numbers_of_mock_personas_are_recovered_without_a_provider() {
    let personas =
        [([1.0, 0.0], [1.2, 0.0]), ([0.3, 0.0], [0.9, 0.0]), ([-0.4, 0.0], [0.6, 0.0]), ([-0.9, 0.0], [1.0, 0.0])];
    let model = |(number, (disposition, lens)): (usize, ([f64; 2], [f64; 2]))| Participant {
        name: format!("mock {number}"),
        persona: String::new(),
        speaker: Speaker::Mock { mock: MockPersona { disposition, lens, ties: LAMBDA, first: 0.0 } },
    };
    let spec = CollectSpec {
        models: personas.into_iter().enumerate().map(model).collect(),
        ..CollectSpec::of(constitution(), scenarios(80))
    };
    assert_eq!(spec.estimate().dollars, Some(0.0));
    let found = collected(None, &spec).unwrap();
    assert_eq!(found.rows.len(), 80 * 12 * CRITERIA);
    assert!(found.coverage.warnings().is_empty(), "{:?}", found.coverage.warnings());
    let mut rows = comparisons(&spec, &found.rows, Some(0));
    let orders = reconcile(&mut rows);
    assert_eq!(orders.first + orders.second, 0, "without a bias both orders agree");
    let spec_of_fit = FitSpec { dimension: 1, ridge: 0.0, starts: 5, seed: 1 };
    let fitted = fit(4, &counted(&rows, |_| 1.0), spec_of_fit, None, &Silent).unwrap();
    let truth = Btd {
        dimension: 1,
        lenses: personas.iter().map(|(_, lens)| lens[0]).collect(),
        dispositions: personas.iter().map(|(disposition, _)| disposition[0]).collect(),
        log_ties: vec![LAMBDA.ln(); 4],
    };
    let board = |model: &Btd| elo(&eigentrust(&trust_matrix(model), 0.0, None).unwrap().trust);
    for (found, known) in board(&fitted.model).iter().zip(board(&truth)) {
        // About three standard errors: 2,400 independent choices.
        assert!((found - known).abs() < 25.0, "{:?} {:?}", board(&fitted.model), board(&truth));
    }
}
