//! The forms of the tabs as drafts: saved as they change, undone and redone.

use std::collections::BTreeMap;

use eframe::egui;

use super::project_thread::Request;
use super::{ProjectState, Workbench};
use crate::ui::command::TabKind;

/// Seconds between looks whether a form has changed.
const AUTOSAVE: f64 = 1.0;

/// The tabs that have a form.
pub(super) const FORMS: [TabKind; 7] = [
    TabKind::Certify,
    TabKind::Mixing,
    TabKind::Trajectories,
    TabKind::Panel,
    TabKind::Training,
    TabKind::Judging,
    TabKind::EigenBench,
];

/// Key of the Panel tab's form, which holds the draws that were made.
pub const PANEL_DRAFT: &str = "panel";

/// Drafts at the last undo point, and as last handed to the store.
#[derive(Default)]
pub(super) struct Drafts {
    undo_points: BTreeMap<TabKind, String>,
    saved: BTreeMap<TabKind, String>,
    checked: f64,
}

/// Key of a tab's form among a project's drafts.
pub(super) fn key(tab: TabKind) -> &'static str {
    match tab {
        TabKind::Home => "home",
        TabKind::Certify => "certify",
        TabKind::Mixing => "mixing",
        TabKind::Trajectories => "trajectories",
        TabKind::Panel => PANEL_DRAFT,
        TabKind::Training => "training",
        TabKind::Judging => "judging",
        TabKind::EigenBench => "eigenbench",
        TabKind::Runs => "runs",
    }
}

impl Workbench {
    fn draft(&self, tab: TabKind) -> String {
        match tab {
            TabKind::Certify => self.certify.draft(),
            TabKind::Mixing => self.mixing.draft(),
            TabKind::Trajectories => self.trajectories.draft(),
            TabKind::Panel => self.panel.draft(),
            TabKind::Training => self.training.draft(),
            TabKind::Judging => self.judging.draft(),
            TabKind::EigenBench => self.eigenbench.draft(),
            TabKind::Home | TabKind::Runs => String::new(),
        }
    }

    fn set_draft(&mut self, tab: TabKind, draft: &str) {
        match tab {
            TabKind::Certify => self.certify.set_draft(draft),
            TabKind::Mixing => self.mixing.set_draft(draft),
            TabKind::Trajectories => self.trajectories.set_draft(draft),
            TabKind::Panel => self.panel.set_draft(draft),
            TabKind::Training => self.training.set_draft(draft),
            TabKind::Judging => self.judging.set_draft(draft),
            TabKind::EigenBench => self.eigenbench.set_draft(draft),
            TabKind::Home | TabKind::Runs => {}
        }
    }

    /// Takes the forms as they are for undo points, saved already.
    pub(super) fn settle_drafts(&mut self) {
        let drafts: BTreeMap<TabKind, String> = FORMS.into_iter().map(|tab| (tab, self.draft(tab))).collect();
        self.drafts = Drafts { undo_points: drafts.clone(), saved: drafts, checked: self.drafts.checked };
    }

    /// Fills the forms from what a project kept of them and from its runs.
    pub(super) fn open_drafts(&mut self, kept: &BTreeMap<String, String>) {
        for tab in FORMS {
            if let Some(draft) = kept.get(key(tab)) {
                self.set_draft(tab, draft);
            }
        }
        if let ProjectState::Open(open, _) = &self.project {
            self.certify.start_from(&open.runs, &open.sentence_lists);
            self.mixing.start_from(&open.runs);
            self.trajectories.start_from(&open.runs);
            self.training.start_from(&open.runs);
            self.judging.start_from(&open.runs);
            self.eigenbench.start_from(&open.runs);
        }
        self.settle_drafts();
    }

    /// A form changed in a way worth an undo point.
    pub(super) fn draft_edited(&mut self, tab: TabKind) {
        let draft = self.draft(tab);
        if self.drafts.undo_points.get(&tab) != Some(&draft) {
            let before = self.drafts.undo_points.insert(tab, draft).unwrap_or_default();
            self.undo.edited(tab, before);
        }
        self.save_drafts();
    }

    /// Replaces a form by `fill` with an undo point, and shows its tab.
    pub(super) fn replace_draft(&mut self, tab: TabKind, fill: impl FnOnce(&mut Self)) {
        let before = self.draft(tab);
        fill(self);
        self.undo.edited(tab, before);
        let after = self.draft(tab);
        self.drafts.undo_points.insert(tab, after);
        self.tab = tab;
        self.save_drafts();
    }

    pub(super) fn undo_draft(&mut self) {
        let mut undo = std::mem::take(&mut self.undo);
        let step = undo.undo(|tab| self.draft(tab));
        self.undo = undo;
        self.put_draft(step);
    }

    pub(super) fn redo_draft(&mut self) {
        let mut undo = std::mem::take(&mut self.undo);
        let step = undo.redo(|tab| self.draft(tab));
        self.undo = undo;
        self.put_draft(step);
    }

    fn put_draft(&mut self, step: Option<(TabKind, String)>) {
        if let Some((tab, draft)) = step {
            self.set_draft(tab, &draft);
            let now = self.draft(tab);
            self.drafts.undo_points.insert(tab, now);
            self.tab = tab;
            self.save_drafts();
        }
    }

    /// Saves the forms once a second while they change.
    pub(super) fn autosave(&mut self, ctx: &egui::Context) {
        let now = ctx.input(|input| input.time);
        if !self.project_open() || now - self.drafts.checked < AUTOSAVE {
            return;
        }
        self.drafts.checked = now;
        self.save_drafts();
        if FORMS.contains(&self.tab) && ctx.input(|input| !input.events.is_empty()) {
            // The last key of a burst is saved too, although no further event may come.
            ctx.request_repaint_after_secs(AUTOSAVE as f32 + 0.1);
        }
    }

    pub(super) fn save_drafts(&mut self) {
        for tab in FORMS {
            let draft = self.draft(tab);
            if self.drafts.saved.get(&tab) != Some(&draft) {
                self.drafts.saved.insert(tab, draft.clone());
                self.unsaved += 1;
                self.request(Request::PutDraft(key(tab), draft));
            }
        }
    }
}
