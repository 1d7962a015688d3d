//! Time of a frame while a diagram of 1,000 cells runs; cold start to the first frame, and resident memory at rest, of the
//! release binary on an empty project.
//!
//! `cargo bench --bench window`. Frames need no display: the workbench lays one out and makes triangles of it, as the window
//! does, and the processor time of this one thread is counted, so that the run beside it counts only where a frame waits for
//! it. The cold start needs Linux with Xvfb; elsewhere it says that it was skipped. The first frame is seen from outside: the
//! virtual display keeps its screen in a file, which is read until it holds more colours than an empty window has. There is no
//! graphics processor, so drawing is by software and the figures are upper bounds. Cold means a fresh process; the binary itself
//! is in the page cache from the second start on.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{self, Event, Pos2, RawInput, Rect};
use kleroterion::glauber::chain::{Coupling, Scan};
use kleroterion::glauber::experiments::phase::PhaseSpec;
use kleroterion::glauber::experiments::{KeepTokens, StartChoice, Vocabulary};
use kleroterion::glauber::phase::Grid;
use kleroterion::glauber::temperature::Temperature;
use kleroterion::jobs::spec::RunSpec;
use kleroterion::models::Library;
use kleroterion::store::Project;
use kleroterion::ui::Workbench;
use kleroterion::ui::command::{Command as Order, TabKind};
use kleroterion::ui::theme;

/// How long frames are measured while the diagram runs, how many a second, and the target of one.
const WATCHED: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(33);
const FRAME: Duration = Duration::from_millis(8);
/// Starts that are measured.
const STARTS: usize = 5;
/// Colours of a drawn frame at the least: the smoothed edges of text alone have more.
const COLOURS: usize = 24;
/// How long the window is left alone before its memory is read.
const REST: Duration = Duration::from_secs(5);
/// Targets of the first frame and of memory at rest, in MB.
const FIRST_FRAME: Duration = Duration::from_secs(1);
const RESIDENT: f64 = 200.0;

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Either it has ended already or it must.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// An X server on a free display number, with its screen kept in `folder`.
fn display(folder: &Path) -> std::io::Result<(Killed, String)> {
    let mut server = Killed(
        Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-fbdir"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?,
    );
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().expect("piped")).read_line(&mut line)?;
    Ok((server, format!(":{}", line.trim())))
}

/// Different pixels on the screen, counted up to [`COLOURS`].
fn colours(screen: &Path) -> usize {
    let bytes = std::fs::read(screen).unwrap_or_default();
    // What precedes the pixels (X Window Dump: its first word is the header's size) holds the colour map.
    let header = bytes.first_chunk().map_or(0, |&size| u32::from_be_bytes(size) as usize);
    let entries = bytes.get(76..).and_then(|rest| rest.first_chunk()).map_or(0, |&n| u32::from_be_bytes(n) as usize);
    let (pixels, _) = bytes.get(header + 12 * entries..).unwrap_or_default().as_chunks::<4>();
    let mut seen: Vec<[u8; 4]> = Vec::new();
    for pixel in pixels {
        if seen.last() != Some(pixel) && !seen.contains(pixel) {
            seen.push(*pixel);
            if seen.len() == COLOURS {
                break;
            }
        }
    }
    seen.len()
}

/// A line of /proc/…/status that counts kilobytes, in MB.
fn memory(process: u32, name: &str) -> std::io::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let kilobytes = line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<f64>();
    Ok(kilobytes.map_err(std::io::Error::other)? * 1024.0 / 1e6)
}

/// Seconds to the first frame, and MB resident at rest: all of it, and the part that is not mapped files.
fn start(folder: &Path, project: &Path) -> std::io::Result<(Duration, f64, f64)> {
    let (_server, display) = display(folder)?;
    let screen = folder.join("Xvfb_screen0");
    assert!(colours(&screen) < COLOURS, "the empty screen already has colours");
    let started = Instant::now();
    let mut window = Killed(
        Command::new(env!("CARGO_BIN_EXE_kleroterion"))
            .arg("open")
            .arg(project)
            .env("DISPLAY", &display)
            .env("HOME", folder)
            .env("XDG_DATA_HOME", folder.join("data"))
            .env("XDG_CONFIG_HOME", folder.join("config"))
            .env_remove("WAYLAND_DISPLAY")
            .stderr(Stdio::null())
            .spawn()?,
    );
    while colours(&screen) < COLOURS {
        if let Some(status) = window.0.try_wait()? {
            return Err(std::io::Error::other(format!("the program ended ({status}) instead of showing a window")));
        }
        if started.elapsed() > Duration::from_secs(60) {
            return Err(std::io::Error::other("no frame in 60 s"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let first_frame = started.elapsed();
    std::thread::sleep(REST);
    let process = window.0.id();
    Ok((first_frame, memory(process, "VmRSS")?, memory(process, "RssAnon")?))
}

/// Seconds of processor time of this thread.
fn processor() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0, "this system has no clock of processor time");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// 40 temperatures by 25 lengths of a toy.
fn diagram() -> PhaseSpec {
    PhaseSpec {
        version: 1,
        model: "curie-weiss:beta=1".to_owned(),
        beside: Vec::new(),
        grid: Grid {
            temperatures: (1..=40).filter_map(|k| Temperature::new(f64::from(k) * 0.1)).collect(),
            lengths: (1..=25).map(|k| 4 * k).collect(),
            cap_sweeps: 30,
        },
        scan: Scan::Random,
        coupling: Coupling::Maximal,
        start: StartChoice::Opposite,
        vocabulary: Vocabulary::Whole,
        batch: 16,
        most_pairs: 64,
        relative_width: 0.01,
        order_chains: 0,
        order_sweeps: 1,
        theory: None,
        keep_tokens: KeepTokens::default(),
        seed: 1,
    }
}

/// Draws the Mixing tab at `size` while the diagram runs, with a cell selected in the second half of the time.
fn frames(folder: &Path, size: [f32; 2]) {
    let directory = folder.join(format!("live {}", size[0]));
    drop(Project::create(&directory, "live").expect("a new project"));
    let settings = folder.join("settings");
    let mut workbench = Workbench::new(settings, Arc::new(Library::default()), Arc::new(|| {}));
    let context = egui::Context::default();
    theme::install(&context);
    let screen = Rect::from_min_size(Pos2::ZERO, size.into());
    let began = Instant::now();
    let draw = |workbench: &mut Workbench, events: Vec<Event>| {
        let time = Some(began.elapsed().as_secs_f64());
        let input = RawInput { screen_rect: Some(screen), time, focused: true, events, ..RawInput::default() };
        let mut prepared = None;
        let before = processor();
        let mut output = context.run_ui(input, |ui| {
            workbench.logic(ui.ctx());
            prepared = Some(processor());
            workbench.ui(ui);
        });
        output.textures_delta.clear();
        let laid_out = processor();
        let triangles = context.tessellate(output.shapes, 1.0).len();
        assert!(triangles > 0, "an empty frame");
        let logic = prepared.map_or(Duration::ZERO, |at| at - before);
        (processor() - before, logic, processor() - laid_out)
    };
    workbench.prepare(&context);
    workbench.open_project(&context, &directory);
    while !workbench.project_open() {
        draw(&mut workbench, Vec::new());
        std::thread::sleep(PAUSE);
    }
    workbench.show_tab(TabKind::Mixing);
    workbench.apply(&context, Order::StartRun(Box::new(RunSpec::Phase(diagram()))));
    let watched = Instant::now();
    let mut all = Vec::new();
    // A click in the middle of the map, an event a frame as from a hand.
    let pos = Pos2::new(size[0] * 0.5, 330.0);
    let (button, modifiers) = (egui::PointerButton::Primary, egui::Modifiers::NONE);
    let mut hand = [true, false].map(|pressed| Event::PointerButton { pos, button, pressed, modifiers }).to_vec();
    hand.insert(0, Event::PointerMoved(pos));
    let mut hand = hand.into_iter();
    while watched.elapsed() < WATCHED {
        let events = if watched.elapsed() > WATCHED / 2 { hand.next().into_iter().collect() } else { Vec::new() };
        all.push(draw(&mut workbench, events));
        std::thread::sleep(PAUSE);
    }
    let reader = Project::open_reader(&directory).expect("the project is there");
    let run = reader.runs(&Default::default()).expect("its runs")[0].id;
    let cells = reader.chain_cells::<serde::de::IgnoredAny>(run).expect("its cells").len();
    workbench.shut_down();
    all.sort_unstable();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let at = |share: f64| milliseconds(all[((all.len() - 1) as f64 * share) as usize].0);
    let worst = all.last().expect("frames were drawn");
    println!(
        "frame while {cells} cells run, {}x{}, {} frames: median {:.1} ms, 99 % {:.1} ms, largest {:.1} ms (of it events {:.1}, triangles {:.1}) (target {} ms: {})",
        size[0],
        size[1],
        all.len(),
        at(0.5),
        at(0.99),
        at(1.0),
        milliseconds(worst.1),
        milliseconds(worst.2),
        FRAME.as_millis(),
        if at(0.99) < milliseconds(FRAME) { "met" } else { "missed" }
    );
}

fn main() -> std::io::Result<()> {
    let live = tempfile::tempdir()?;
    for size in [[1280.0, 800.0], [2560.0, 1440.0]] {
        frames(live.path(), size);
    }
    let xvfb = Command::new("Xvfb").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !cfg!(target_os = "linux") || xvfb.is_err() {
        println!("skipped: needs Linux and Xvfb");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let project = folder.path().join("empty");
    let made = Command::new(env!("CARGO_BIN_EXE_kleroterion")).args(["project", "new"]).arg(&project).status()?;
    assert!(made.success(), "an empty project is made");
    let mut starts = Vec::new();
    for index in 1..=STARTS {
        let (first_frame, resident, own) = start(folder.path(), &project)?;
        println!(
            "start {index}: first frame {:5.0} ms; at rest {resident:4.0} MB resident, {own:4.0} MB of it no mapped files",
            first_frame.as_secs_f64() * 1e3
        );
        starts.push((first_frame, resident));
    }
    starts.sort_by_key(|&(first_frame, _)| first_frame);
    let first_frame = starts[STARTS / 2].0;
    let resident = starts.iter().map(|&(_, resident)| resident).fold(0.0, f64::max);
    let met = |met: bool| if met { "met" } else { "missed" };
    println!(
        "first frame, median: {:.0} ms (target {} ms: {})",
        first_frame.as_secs_f64() * 1e3,
        FIRST_FRAME.as_millis(),
        met(first_frame < FIRST_FRAME)
    );
    println!("resident at rest, largest: {resident:.0} MB (target {RESIDENT} MB: {})", met(resident < RESIDENT));
    Ok(())
}
