//! The real window on a virtual display: it opens on the sample, certifies the shipped model, and closes.
//!
//! Needs Xvfb and xdotool (Debian: xvfb, xdotool, libgl1, libegl1, libxkbcommon-x11-0); skipped with a message otherwise.

#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kleroterion::store::{Project, RunFilter, RunState};

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Either it has ended already or it must.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn installed(program: &str) -> bool {
    Command::new("which").arg(program).stdout(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// An X server on a free display number.
fn display() -> (Killed, String) {
    let mut server = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Xvfb starts");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("piped")).read_line(&mut line).expect("Xvfb names its display");
    (Killed(server), format!(":{}", line.trim()))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        // Only the sample's text: a database made by an earlier opening stays where it is.
        if path.is_file() && !name.to_string_lossy().starts_with("project.sqlite") {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn wait_for(what: &str, seconds: u64, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(seconds), "waited {seconds} s for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_window_opens_on_the_sample_certifies_the_shipped_model_and_closes() {
    if !installed("Xvfb") || !installed("xdotool") {
        println!("skipped: Xvfb and xdotool are not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("quickstart");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("projects/quickstart"), &project);
    let (_server, display) = display();
    let xdotool = |arguments: &[&str]| {
        let output = Command::new("xdotool").args(arguments).env("DISPLAY", &display).output().expect("xdotool starts");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let mut window = Killed(
        Command::new(env!("CARGO_BIN_EXE_kleroterion"))
            .args(["open", project.to_str().unwrap()])
            .env("DISPLAY", &display)
            .env("HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path().join("data"))
            .env("XDG_CONFIG_HOME", folder.path().join("config"))
            .env_remove("WAYLAND_DISPLAY")
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts"),
    );
    let mut id = String::new();
    wait_for("a window", 60, || {
        assert!(window.0.try_wait().unwrap().is_none(), "the program ended instead of showing a window");
        id = xdotool(&["search", "--onlyvisible", "--name", "Kleroterion"]);
        !id.is_empty()
    });
    let id = id.lines().next().unwrap().to_owned();

    // The sample queues a certify run on its first opening; nobody has to click for it.
    let certified = || {
        let Ok(reader) = Project::open_reader(&project) else { return false };
        let Ok(runs) = reader.runs(&RunFilter::default()) else { return false };
        let failed: Vec<_> = runs.iter().filter(|r| r.state == RunState::Failed).map(|r| &r.error).collect();
        assert!(failed.is_empty(), "{failed:?}");
        runs.iter().any(|run| {
            run.kind == "certify"
                && run.state == RunState::Done
                && reader.certify_result(run.id).ok().flatten().is_some_and(|result| result.max_abs_r > 1e-3)
        })
    };
    wait_for("the certificate of the shipped model", 120, certified);

    xdotool(&["windowfocus", "--sync", &id]);
    xdotool(&["key", "--window", &id, "ctrl+q"]);
    // With the survey still running the window asks; the default answer keeps the work for later.
    let started = Instant::now();
    while window.0.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_secs(30), "the window did not close");
        std::thread::sleep(Duration::from_millis(500));
        xdotool(&["key", "--window", &id, "Return"]);
    }
    assert!(window.0.wait().unwrap().success(), "the program closed cleanly");
    let reader = Project::open_reader(&project).unwrap();
    let left = reader.runs(&RunFilter::default()).unwrap();
    assert!(left.iter().all(|run| run.state != RunState::Running), "nothing claims to be running");
}
