//! The Certify tab: does any joint distribution have this model's conditionals?

use crate::store::RunId;
use crate::ui::command::Command;
use crate::ui::context::TabContext;

/// State of the tab: the draft form, what is selected, what was asked of the store.
#[derive(Default)]
pub struct CertifyTab {}

impl CertifyTab {
    /// Draws the whole tab (left form, centre results, right explanation) into `ui`.
    pub fn show(&mut self, _context: &TabContext<'_>, _ui: &mut eframe::egui::Ui, _commands: &mut Vec<Command>) {
        todo!()
    }
    /// The draft as JSON, for autosave and undo.
    pub fn draft(&self) -> String {
        todo!()
    }
    /// Replaces the draft (autosave, undo, "duplicate as form"); ignores what it cannot read.
    pub fn set_draft(&mut self, _json: &str) {
        todo!()
    }
    /// Fills the draft from a certify or survey spec.
    pub fn set_spec(&mut self, _spec: &crate::jobs::spec::RunSpec) {
        todo!()
    }
    /// Shows the results of this run.
    pub fn show_run(&mut self, _run: RunId) {
        todo!()
    }
}
