//! Projects: what is refused and how it is said, with nothing changed; samples, copies, readers, and what runs leave.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kleroterion::glauber::certify::{CertifySpec, TokenChoice};
use kleroterion::jobs::runner::{Event, RunOutcome, Runner, run_headless};
use kleroterion::jobs::spec::{FetchSpec, RunSpec};
use kleroterion::models::Library;
use kleroterion::progress::Silent;
use kleroterion::store::{Project, RunFilter, RunId, RunState};

fn certify() -> RunSpec {
    RunSpec::Certify(CertifySpec {
        version: 1,
        model: "random-table:n=4,v=9,seed=5".to_owned(),
        sentence: "1 2 3 4".to_owned(),
        positions: (0, 2),
        tokens_a: TokenChoice::Top(4),
        tokens_b: TokenChoice::Random(3),
        temperature: 0.7,
        seed: u64::MAX,
    })
}

/// Every file under `folder` with its bytes.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { drop(found.insert(path.clone(), fs::read(&path).unwrap())) }
        }
    }
    found
}

/// A closed project with one finished run.
fn project(folder: &Path) -> PathBuf {
    let path = folder.join("project");
    let project = Project::create(&path, "A project").unwrap();
    run_headless(Some(&project), Arc::new(Library::default()), &certify(), &Silent).unwrap();
    path
}

/// Opening `path` fails with `problem` first, a remedy, the path last, and leaves `folder` as it was.
#[track_caller]
fn refused(path: &Path, folder: &Path, problem: &str) {
    let before = contents(folder);
    let error = Project::open(path).expect_err("a bad project was opened").to_string();
    assert!(error.starts_with(problem), "{error}");
    assert!(error.contains(". ") && error.ends_with(')'), "{error}");
    assert!(contents(folder) == before, "opening changed the folder ({error})");
}

#[test]
fn bad_projects_are_refused_and_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    let path = project(top);
    let database = path.join("project.sqlite");
    let good = fs::read(&database).unwrap();
    fs::remove_file(path.join("project.sqlite-lock")).unwrap();

    refused(&top.join("absent"), top, "there is no such folder");
    refused(&database, top, "this is a file, but a project is a folder");
    refused(top, top, "there is no project in this folder");
    for (bytes, problem) in [
        (b"dear diary".to_vec(), "this file is not a project database"),
        (Vec::new(), "the project database is damaged: it is empty"),
        (good[..60].to_vec(), "the project database is damaged: it ends after 60 bytes"),
        (good[..good.len() / 2].to_vec(), "the project database is damaged: it has"),
        ([&good[..60], &99_u32.to_be_bytes(), &good[64..]].concat(), "this project was saved by a newer Kleroterion"),
        ([&good[..68], &7_u32.to_be_bytes(), &good[72..]].concat(), "this database belongs to another program"),
    ] {
        fs::write(&database, bytes).unwrap();
        refused(&path, top, problem);
    }
    fs::write(&database, &good).unwrap();
    Project::open(&path).unwrap();
}

#[test]
fn a_project_in_use_is_refused_here_and_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path());
    let open = Project::open(&path).unwrap();
    let error = Project::open(&path).unwrap_err().to_string();
    assert!(error.starts_with("this project is open in another window. Use that window"), "{error}");
    drop(open);
    // Another process holds the lock: to the operating system a second handle is the same.
    let lock = fs::File::open(path.join("project.sqlite-lock")).unwrap();
    lock.try_lock().unwrap();
    refused(&path, folder.path(), "this project is open in another window");
    drop(lock);
    Project::open(&path).unwrap();
}

#[cfg(unix)]
#[test]
fn links_and_paths_that_leave_the_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path());
    let open = Project::open(&path).unwrap();
    let root = open.info().directory.clone();
    fs::create_dir(path.join("texts")).unwrap();
    std::os::unix::fs::symlink(folder.path(), path.join("out")).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", path.join("dangling")).unwrap();
    assert_eq!(open.inside(Path::new("./texts/a.txt")).unwrap(), root.join("texts/a.txt"));
    for outside in ["../x", "texts/../../x", "/etc/passwd", "out/x", "out", "dangling"] {
        let error = open.inside(Path::new(outside)).unwrap_err().to_string();
        assert!(error.starts_with("this path leaves the project folder"), "{outside}: {error}");
    }
    drop(open);
    let database = path.join("project.sqlite");
    fs::rename(&database, folder.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &database).unwrap();
    let error = Project::open(&path).unwrap_err().to_string();
    assert!(error.starts_with("project.sqlite is a link or a folder"), "{error}");
}

#[test]
fn code_in_a_strangers_database_is_refused_before_it_runs() {
    for sql in [
        "CREATE TRIGGER t AFTER UPDATE ON run BEGIN DELETE FROM meta; END",
        "CREATE VIEW v AS SELECT * FROM run",
        "CREATE TABLE more (x)",
        "DROP TABLE draft; CREATE VIEW draft AS SELECT key, value AS json, '' AS changed FROM meta",
        "ALTER TABLE draft ADD COLUMN more TEXT GENERATED ALWAYS AS (upper(key))",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = project(folder.path());
        let stranger = rusqlite::Connection::open(path.join("project.sqlite")).unwrap();
        stranger.execute_batch(sql).unwrap();
        stranger.close().unwrap();
        refused(&path, folder.path(), "this project database was altered");
        let error = Project::open_reader(&path).unwrap_err().to_string();
        assert!(error.starts_with("this project database was altered"), "{error}");
    }
}

/// Permissions bind everybody but the administrator, so as administrator this thread checks files as user 65534.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_folder_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = project(folder.path());
    fs::remove_file(path.join("project.sqlite-lock")).unwrap();
    for (place, mode) in [(folder.path(), 0o755), (&*path, 0o555), (&*path.join("project.sqlite"), 0o444)] {
        fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
    }
    // SAFETY: changes only which user the file permissions of this thread are checked for.
    unsafe { libc::setfsuid(65_534) };
    refused(&path, folder.path(), "this project may not be written to. Allow writing");
}

#[test]
fn the_quickstart_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quickstart");
    fs::create_dir(&path).unwrap();
    for name in ["project.toml", "sentences.csv"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("projects/quickstart").join(name);
        fs::copy(from, path.join(name)).unwrap();
    }
    for _ in 0..2 {
        let project = Project::open(&path).unwrap();
        assert_eq!(project.info().name, "Quickstart");
        let lists = project.sentence_lists().unwrap();
        assert_eq!((lists.len(), lists[0].1.len()), (1, 40));
        let runs = project.runs(&RunFilter::default()).unwrap();
        assert_eq!(runs.iter().map(|run| &*run.kind).collect::<Vec<_>>(), ["phase", "survey", "collect", "certify"]);
        let RunSpec::Survey(survey) = &runs[1].spec else { panic!("not a survey") };
        assert_eq!(survey.sentences, lists[0].1);
        let RunSpec::Collect(collect) = &runs[2].spec else { panic!("not a collection") };
        assert_eq!(collect.check(), Ok(()));
        assert_eq!((collect.models.len(), collect.scenarios.len(), collect.constitutions[0].clauses.len()), (5, 40, 8));
    }
    fs::write(path.join("project.toml"), "name = \"x\"\n[[sentences]]\nname = \"s\"\nfile = \"../secret.txt\"\n")
        .unwrap();
    fs::remove_file(path.join("project.sqlite")).unwrap();
    fs::remove_file(path.join("project.sqlite-lock")).unwrap();
    refused(&path, folder.path(), "this path leaves the project folder");
}

#[test]
fn results_come_back_as_they_were_and_copies_hold_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p");
    let project = Project::create(&path, "Kept").unwrap();
    fs::write(path.join("notes.txt"), "mine").unwrap();
    let library = Arc::new(Library::default());
    let RunOutcome::Certify(result) = run_headless(Some(&project), library.clone(), &certify(), &Silent).unwrap()
    else {
        panic!("not a certify run")
    };
    let row = project.run(RunId(1)).unwrap();
    assert_eq!((row.state, row.seed, &row.spec), (RunState::Done, u64::MAX, &certify()));
    assert!(row.models_json.unwrap().contains("random-table") && row.finished.is_some());
    assert_eq!(row.spec_sha256.len(), 64);
    // A reader beside the writer sees what was committed, and the file holds every bit.
    let reader = Project::open_reader(&path).unwrap();
    assert_eq!(reader.certify_result(RunId(1)).unwrap().as_ref(), Some(&*result));
    let verify = RunSpec::Verify(kleroterion::jobs::spec::VerifySpec {
        version: 1,
        certificate: serde_json::to_string(&result.certificate).unwrap(),
    });
    run_headless(Some(&project), library, &verify, &Silent).unwrap();
    let found = reader.verification(RunId(2)).unwrap().unwrap();
    assert!(found.ok && found.differences.is_empty(), "{found:?}");

    let copy = folder.path().join("copy");
    project.duplicate(&copy).unwrap();
    assert!(project.duplicate(&path.join("within")).is_err());
    let copied = Project::open(&copy).unwrap();
    assert_eq!(copied.certify_result(RunId(1)).unwrap().as_ref(), Some(&*result));
    assert_eq!(fs::read_to_string(copy.join("notes.txt")).unwrap(), "mine");
    assert_eq!(copied.damage().unwrap(), None);
}

#[test]
fn a_runner_works_on_what_is_queued_and_fails_without_falling() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p");
    let project = Project::create(&path, "Work").unwrap();
    let runner = Runner::new(&path, Arc::new(Library::default()), Arc::new(|| {})).unwrap();
    let good = runner.start(&certify()).unwrap();
    let RunSpec::Certify(mut wrong) = certify() else { unreachable!() };
    wrong.sentence = "1 2 nonsense 4".to_owned();
    let bad = runner.start(&RunSpec::Certify(wrong)).unwrap();
    let last = runner.start(&certify()).unwrap();
    let began = Instant::now();
    let mut events = Vec::new();
    while runner.busy() && began.elapsed() < Duration::from_secs(60) {
        events.extend(runner.drain());
        std::thread::sleep(Duration::from_millis(5));
    }
    events.extend(runner.drain());
    let state = |run| project.run(run).unwrap().state;
    assert_eq!((state(good), state(bad), state(last)), (RunState::Done, RunState::Failed, RunState::Done));
    assert!(project.run(bad).unwrap().error.unwrap().contains("nonsense"));
    assert!(events.contains(&Event::State { run: last, state: RunState::Done, message: None }));
    assert!(runner.resume(good).is_err());
    runner.shut_down();
}

#[test]
fn a_strangers_queued_run_does_not_reach_out_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p");
    fs::create_dir(&path).unwrap();
    let spec = RunSpec::Fetch(FetchSpec { version: 1, model: "someone/something".to_owned() });
    let sample = "name = \"x\"\n[[run]]\nkind = \"fetch\"\nversion = 1\nmodel = \"someone/something\"\n";
    fs::write(path.join("project.toml"), sample).unwrap();
    let project = Project::open(&path).unwrap();
    assert_eq!(project.run(RunId(1)).unwrap().spec, spec);
    let runner = Runner::new(&path, Arc::new(Library::default()), Arc::new(|| {})).unwrap();
    assert!(!runner.busy());
    assert_eq!(project.run(RunId(1)).unwrap().state, RunState::Interrupted);
    assert!(project.log(RunId(1)).unwrap()[0].message.contains("it downloads someone/something"));
    runner.shut_down();
}
