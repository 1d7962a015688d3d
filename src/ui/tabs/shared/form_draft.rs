//! A tab's form between two undo points.

use std::ops::{Deref, DerefMut};

use eframe::egui::Ui;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::columns;
use crate::ui::command::{Command, TabKind};

/// What a form holds now, and what it held when undo and autosave last knew of it.
#[derive(Debug, Default)]
pub struct FormDraft<D> {
    now: D,
    settled: D,
}

impl<D: Clone + PartialEq + Serialize + DeserializeOwned> FormDraft<D> {
    /// Whether an edit is complete that undo does not know yet: no key or pointer is still at it.
    pub fn edited(&self, ui: &Ui) -> bool {
        columns::at_rest(ui) && self.now != self.settled
    }

    /// Makes an undo point once an edit is complete.
    pub fn settle(&mut self, ui: &Ui, tab: TabKind, commands: &mut Vec<Command>) {
        if self.edited(ui) {
            self.accept();
            commands.push(Command::DraftEdited(tab));
        }
    }

    /// Takes what is there now as known, without an undo point.
    pub fn accept(&mut self) {
        self.settled = self.now.clone();
    }

    /// A change that is no edit: undo does not take it back.
    pub fn adjust(&mut self, change: impl Fn(&mut D)) {
        change(&mut self.now);
        change(&mut self.settled);
    }

    /// The form as JSON, for autosave and undo.
    pub fn json(&self) -> String {
        serde_json::to_string(&self.now).unwrap_or_default()
    }

    /// Replaces the form (autosave, undo, "duplicate as form"); false, and no change, where it cannot be read.
    pub fn replace(&mut self, json: &str) -> bool {
        let Ok(draft) = serde_json::from_str::<D>(json) else { return false };
        self.settled = draft.clone();
        self.now = draft;
        true
    }
}

impl<D> Deref for FormDraft<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.now
    }
}

impl<D> DerefMut for FormDraft<D> {
    fn deref_mut(&mut self) -> &mut D {
        &mut self.now
    }
}
