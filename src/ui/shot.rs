//! A picture of a tab, drawn without a display: the same workbench, painted on the CPU.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use eframe::egui;

use super::app::{Wake, Workbench};
use super::command::TabKind;
use super::painter;
use crate::models::Library;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum ShotError {
    /// The project would not open; the message says why and what to do.
    #[error("{0}")]
    Project(String),
    #[error("the project was not open within {0} s. Close what else works on this machine, or give a longer --wait")]
    Late(u64),
    #[error("the picture could not be made: {0}")]
    Picture(String),
}

/// Longest wait for a project to open.
const OPENING: Duration = Duration::from_secs(60);
/// Once queued runs have been waited for long enough: how long a question to the store or the model may still take.
const LOADING: Duration = Duration::from_secs(2);
/// No answer of a thread for so long: everything asked for is there.
const QUIET: Duration = Duration::from_millis(250);
/// Enough quarter seconds for notices to go.
const FRAMES: usize = 64;
/// Frames at the end whose questions to the store and the model are waited for.
const WAITED: usize = 6;

/// The tab of the project at `project` as a PNG of `size` pixels. Its queued work goes on meanwhile: the picture is taken
/// when that is done, or as things stand after `wait`.
pub fn shot(project: &Path, tab: TabKind, dark: bool, size: (u32, u32), wait: Duration) -> Result<Vec<u8>, ShotError> {
    let settings = std::env::temp_dir().join(format!("kleroterion-shot-{}", std::process::id()));
    let answers = Arc::new(AtomicU64::new(0));
    let counter = answers.clone();
    let wake: Wake = Arc::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let mut workbench = Workbench::new(settings.clone(), Arc::new(Library::default()), wake);
    let deadline = Instant::now() + wait;
    let mut problem = None;
    let mut frame = 0;
    let theme = if dark { egui::Theme::Dark } else { egui::Theme::Light };
    let image = painter::shot([size.0 as usize, size.1 as usize], 1.0, theme, FRAMES, |ui| {
        if frame == 0 {
            ui.ctx().options_mut(|options| options.zoom_with_keyboard = false);
            workbench.open_project(ui.ctx(), project);
            problem = opened(&mut workbench, ui.ctx(), &answers, deadline).err();
            workbench.show_tab(tab);
        } else if frame + WAITED >= FRAMES && problem.is_none() {
            settle(&mut workbench, ui.ctx(), &answers, deadline);
        } else {
            workbench.logic(ui.ctx());
        }
        frame += 1;
        workbench.ui(ui);
    });
    workbench.shut_down();
    drop(workbench);
    if settings.exists() {
        // Only settings of this picture are in it; a leftover in the temporary folder harms nobody.
        drop(std::fs::remove_dir_all(&settings));
    }
    match problem {
        Some(problem) => Err(problem),
        None => image.png().map_err(|error| ShotError::Picture(error.to_string())),
    }
}

/// Waits until the project is open or refused, then for its runs.
fn opened(
    workbench: &mut Workbench,
    ctx: &egui::Context,
    answers: &AtomicU64,
    deadline: Instant,
) -> Result<(), ShotError> {
    let began = Instant::now();
    while workbench.is_opening() {
        if began.elapsed() > OPENING {
            return Err(ShotError::Late(OPENING.as_secs()));
        }
        workbench.logic(ctx);
        std::thread::sleep(Duration::from_millis(10));
    }
    settle(workbench, ctx, answers, deadline);
    match workbench.problem() {
        Some(problem) => Err(ShotError::Project(problem.to_owned())),
        None => Ok(()),
    }
}

/// Waits until no work is under way and no thread has answered for a while, or until `deadline`; past that, runs are not
/// waited for any more, only what was asked a moment ago.
fn settle(workbench: &mut Workbench, ctx: &egui::Context, answers: &AtomicU64, deadline: Instant) {
    let deadline = deadline.max(Instant::now() + LOADING);
    let (mut heard, mut since) = (answers.load(Ordering::Relaxed), Instant::now());
    while Instant::now() < deadline {
        workbench.logic(ctx);
        let now = answers.load(Ordering::Relaxed);
        if now != heard {
            (heard, since) = (now, Instant::now());
        }
        if workbench.settled() && since.elapsed() >= QUIET {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
