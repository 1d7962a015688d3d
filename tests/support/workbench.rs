//! The whole workbench in a harness.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use eframe::egui::{Theme, Ui};
use egui_kittest::Harness;
use kleroterion::models::Library;
use kleroterion::ui::Workbench;

/// A workbench with its settings in this folder, and the harness that shows it.
pub fn shown(settings: &Path, size: [f32; 2], theme: Theme) -> (Rc<RefCell<Workbench>>, Harness<'static>) {
    let workbench = Workbench::new(settings.to_path_buf(), Arc::new(Library::default()), Arc::new(|| {}));
    let workbench = Rc::new(RefCell::new(workbench));
    let shown = workbench.clone();
    let mut prepared = false;
    let harness = crate::support::harness(size, theme, move |ui: &mut Ui| {
        let mut workbench = shown.borrow_mut();
        if !prepared {
            workbench.prepare(ui.ctx());
            prepared = true;
            ui.ctx().request_repaint();
            return;
        }
        workbench.logic(ui.ctx());
        workbench.ui(ui);
    });
    (workbench, harness)
}
