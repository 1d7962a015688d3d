//! Cold start to the first frame, and resident memory at rest, of the release binary on an empty project.
//!
//! `cargo bench --bench window`. Linux with Xvfb; elsewhere it says that it was skipped. The first frame is seen from outside: the
//! virtual display keeps its screen in a file, which is read until it holds more colours than an empty window has. There is no
//! graphics processor, so drawing is by software and the figures are upper bounds. Cold means a fresh process; the binary itself
//! is in the page cache from the second start on.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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

fn main() -> std::io::Result<()> {
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
