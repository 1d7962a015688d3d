//! Undo and redo of draft forms: whole values, since a draft is a small JSON text.

use super::command::TabKind;

/// Past and future values of the drafts, newest last. Each entry is the value *before* (past) or *after* (future) an
/// edit.
#[derive(Debug, Default)]
pub struct UndoHistory {
    past: Vec<(TabKind, String)>,
    future: Vec<(TabKind, String)>,
}

const KEPT: usize = 200;

impl UndoHistory {
    /// Notes that the draft of `tab` was `before` until just now. What was undone can no longer be redone.
    pub fn edited(&mut self, tab: TabKind, before: String) {
        self.future.clear();
        self.past.push((tab, before));
        if self.past.len() > KEPT {
            self.past.remove(0);
        }
    }
    /// Takes one step back: the tab and the value its draft gets. `current` is asked for the value that leaves.
    pub fn undo(&mut self, current: impl FnOnce(TabKind) -> String) -> Option<(TabKind, String)> {
        let (tab, value) = self.past.pop()?;
        self.future.push((tab, current(tab)));
        Some((tab, value))
    }
    /// Takes back one [`UndoHistory::undo`].
    pub fn redo(&mut self, current: impl FnOnce(TabKind) -> String) -> Option<(TabKind, String)> {
        let (tab, value) = self.future.pop()?;
        self.past.push((tab, current(tab)));
        Some((tab, value))
    }
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undo_and_redo_walk_the_same_values() {
        let mut history = UndoHistory::default();
        let mut draft = String::from("one");
        for next in ["two", "three"] {
            history.edited(TabKind::Certify, std::mem::replace(&mut draft, next.into()));
        }
        for expected in ["two", "one"] {
            draft = history.undo(|_| draft.clone()).unwrap().1;
            assert_eq!(draft, expected);
        }
        assert!(!history.can_undo());
        draft = history.redo(|_| draft.clone()).unwrap().1;
        assert_eq!(draft, "two");
        history.edited(TabKind::Certify, std::mem::replace(&mut draft, "other".into()));
        assert!(!history.can_redo(), "an edit ends the old future");
        assert_eq!(history.undo(|_| draft.clone()).unwrap().1, "two");
    }
}
