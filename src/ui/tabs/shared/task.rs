//! Work of a tab that is no run (an import, an export): on a background thread, with progress, and it can be cancelled.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use eframe::egui::Ui;

use crate::progress::{Cancelled, Progress};
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;
use crate::ui::widgets::progress_bar;

/// Room for the button that ends the work, beside its bar.
const BUTTON: f32 = 150.0;

/// What the work has reported.
#[derive(Default)]
struct Report {
    stage: Mutex<String>,
    done: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
}

impl Progress for Report {
    fn stage(&self, name: &str) {
        name.clone_into(&mut self.stage.lock().unwrap_or_else(PoisonError::into_inner));
        self.report(0, 0);
    }

    fn report(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    fn checkpoint(&self) -> Result<(), Cancelled> {
        if self.cancelled.load(Ordering::Relaxed) { Err(Cancelled) } else { Ok(()) }
    }
}

/// A piece of work and its result. Dropping it cancels the work.
pub struct Task<T> {
    report: Arc<Report>,
    result: Requested<T>,
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.report.cancelled.store(true, Ordering::Relaxed);
    }
}

impl<T: Send + 'static> Task<T> {
    /// Begins `work`.
    pub fn begin(context: &TabContext<'_>, work: impl FnOnce(&dyn Progress) -> T + Send + 'static) -> Self {
        let report = Arc::new(Report::default());
        let (heard, wake) = (report.clone(), context.wake.clone());
        let mut result = Requested::default();
        result.ask(move || wake(), move || work(&*heard));
        Self { report, result }
    }

    /// The result, once it is there.
    pub fn result(&mut self) -> Option<&T> {
        self.result.get()
    }

    /// Draws how far the work has come, and a button named `cancel` that ends it; true when that was pressed.
    pub fn show(&self, ui: &mut Ui, cancel: &str) -> bool {
        let stage = self.report.stage.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (done, total) = (self.report.done.load(Ordering::Relaxed), self.report.total.load(Ordering::Relaxed));
        ui.ctx().request_repaint_after_secs(0.2);
        ui.horizontal(|ui| {
            ui.spinner();
            ui.label(if stage.is_empty() { "Starting".to_owned() } else { crate::ui::format::sentence(&stage) });
        });
        ui.horizontal(|ui| {
            let share = if total == 0 { 0.0 } else { done as f32 / total as f32 };
            let width = (ui.available_width() - BUTTON).max(60.0);
            progress_bar(ui, share, width, 12.0, "");
            ui.button(cancel).clicked()
        })
        .inner
    }
}
