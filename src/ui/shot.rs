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
    #[error("the project was not ready within {0} s. Run its queued work first, then take the picture")]
    Late(u64),
    #[error("the picture could not be made: {0}")]
    Picture(String),
}

/// Longest wait for queued runs and loads.
const PATIENCE: Duration = Duration::from_secs(300);
/// No answer of a thread for so long: everything asked for is there.
const QUIET: Duration = Duration::from_millis(250);
/// Enough quarter seconds for notices to go.
const FRAMES: usize = 64;
/// Frames at the end whose questions to the store and the model are waited for.
const WAITED: usize = 6;

/// The tab of the project at `project` as a PNG of `size` pixels, once its queued work and its loads are done.
pub fn shot(project: &Path, tab: TabKind, dark: bool, size: (u32, u32)) -> Result<Vec<u8>, ShotError> {
    let settings = std::env::temp_dir().join(format!("kleroterion-shot-{}", std::process::id()));
    let answers = Arc::new(AtomicU64::new(0));
    let counter = answers.clone();
    let wake: Wake = Arc::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let mut workbench = Workbench::new(settings.clone(), Arc::new(Library::default()), wake);
    let mut problem = None;
    let mut frame = 0;
    let theme = if dark { egui::Theme::Dark } else { egui::Theme::Light };
    let image = painter::shot([size.0 as usize, size.1 as usize], 1.0, theme, FRAMES, |ui| {
        if frame == 0 {
            ui.ctx().options_mut(|options| options.zoom_with_keyboard = false);
            workbench.open_project(ui.ctx(), project);
            problem = opened(&mut workbench, ui.ctx(), &answers).err();
            workbench.show_tab(tab);
        } else if frame + WAITED >= FRAMES && problem.is_none() {
            problem = settled(&mut workbench, ui.ctx(), &answers).err();
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

/// Waits until the project is open or refused.
fn opened(workbench: &mut Workbench, ctx: &egui::Context, answers: &AtomicU64) -> Result<(), ShotError> {
    settled(workbench, ctx, answers)?;
    match workbench.problem() {
        Some(problem) => Err(ShotError::Project(problem.to_owned())),
        None => Ok(()),
    }
}

/// Waits until no work is under way and no thread has answered for a while.
fn settled(workbench: &mut Workbench, ctx: &egui::Context, answers: &AtomicU64) -> Result<(), ShotError> {
    let began = Instant::now();
    let (mut heard, mut since) = (answers.load(Ordering::Relaxed), Instant::now());
    loop {
        workbench.logic(ctx);
        let now = answers.load(Ordering::Relaxed);
        if now != heard {
            (heard, since) = (now, Instant::now());
        }
        if workbench.settled() && since.elapsed() >= QUIET {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(ShotError::Late(PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
