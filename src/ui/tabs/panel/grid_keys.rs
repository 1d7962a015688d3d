//! The quota grid under the keyboard: where the cursor is, what is selected, and what keys do to the draft.

use eframe::egui::{Event, Key, Modifiers};

use super::cells::Column;
use super::draft::{Draft, Place};
use crate::figures::number;

/// A cell: row from the top, column from the left.
pub type Cell = (usize, usize);

/// A cell being edited.
#[derive(Clone, Debug, PartialEq)]
pub struct Editor {
    pub text: String,
    /// Typing began the edit: the cursor belongs at the end. Otherwise everything is selected.
    pub typed: bool,
    /// Its field was drawn and has the keyboard.
    pub focused: bool,
}

/// Where the cursor is and what is going on.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    pub at: Cell,
    /// The other corner of the selection.
    pub anchor: Cell,
    pub editor: Option<Editor>,
    /// Rows that a sentence or a suggestion is about.
    pub marked: Vec<usize>,
    /// The cursor moved: scroll there, and take the keyboard.
    pub moved: bool,
    /// The pointer is pulling a selection.
    pub pulling: bool,
    /// What the last key did, in words.
    pub note: Option<String>,
}

/// What a key asks for beyond the grid.
#[derive(Debug, PartialEq)]
pub enum Wish {
    /// Put this on the clipboard.
    Copy(String),
    /// Let the keyboard go.
    Leave,
}

impl Cursor {
    /// Rows and columns of the selection: first row, last row, first column, last column.
    pub fn block(&self) -> (usize, usize, usize, usize) {
        let ((r, c), (s, d)) = (self.at, self.anchor);
        (r.min(s), r.max(s), c.min(d), c.max(d))
    }

    /// Whether a cell is selected.
    pub fn selects(&self, (row, column): Cell) -> bool {
        let (top, bottom, left, right) = self.block();
        (top..=bottom).contains(&row) && (left..=right).contains(&column)
    }

    /// Puts the cursor on a cell and selects it alone.
    pub fn put(&mut self, at: Cell) {
        (self.at, self.anchor, self.moved) = (at, at, true);
        self.marked.clear();
    }

    /// Keeps the cursor within the grid.
    pub fn clamp(&mut self, rows: usize) {
        let last = (rows.saturating_sub(1), Column::ALL.len() - 1);
        for cell in [&mut self.at, &mut self.anchor] {
            *cell = (cell.0.min(last.0), cell.1.min(last.1));
        }
        self.marked.retain(|&row| row < rows);
    }

    /// Marks the rows that something is about and shows the first.
    pub fn mark(&mut self, rows: Vec<usize>) {
        if let Some(&first) = rows.first() {
            self.put((first, self.at.1.max(Column::Min.place())));
        }
        self.marked = rows;
    }

    /// Moves by rows and columns; with `extend` the selection grows instead.
    fn step(&mut self, rows: usize, down: isize, right: isize, extend: bool) {
        let move_by = |at: usize, by: isize, count: usize| at.saturating_add_signed(by).min(count.saturating_sub(1));
        self.at = (move_by(self.at.0, down, rows), move_by(self.at.1, right, Column::ALL.len()));
        if !extend {
            self.anchor = self.at;
        }
        self.moved = true;
        self.marked.clear();
    }

    /// Moves to the next cell to the right or left, from row to row.
    fn tab(&mut self, rows: usize, back: bool) {
        let (columns, (row, column)) = (Column::ALL.len(), self.at);
        match (back, column) {
            (false, column) if column + 1 < columns => self.put((row, column + 1)),
            (false, _) if row + 1 < rows => self.put((row + 1, 0)),
            (true, column) if column > 0 => self.put((row, column - 1)),
            (true, _) if row > 0 => self.put((row - 1, columns - 1)),
            _ => self.put((row, column)),
        }
    }

    /// Begins to edit the cell under the cursor, or switches it.
    pub fn begin(&mut self, draft: &mut Draft, places: &[Place], typed: Option<&str>) {
        let Some(&place) = places.get(self.at.0) else { return };
        let column = Column::ALL[self.at.1];
        if column.toggle() {
            let set = draft.cell(place, column).is_empty();
            draft.set(place, column, if set { "yes" } else { "" });
        } else if column.editable() {
            let text = typed.map_or_else(|| draft.cell(place, column), str::to_owned);
            self.editor = Some(Editor { text, typed: typed.is_some(), focused: false });
            self.anchor = self.at;
            self.moved = true;
        } else {
            self.note = Some(format!("The column {} is counted, not typed.", column.name()));
        }
    }

    /// Takes over what was typed.
    pub fn commit(&mut self, draft: &mut Draft, places: &[Place]) {
        if let (Some(editor), Some(&place)) = (self.editor.take(), places.get(self.at.0)) {
            draft.set(place, Column::ALL[self.at.1], &editor.text);
        }
    }

    /// What an event does while a cell is edited; whether it is used up.
    pub fn edit_event(&mut self, event: &Event, draft: &mut Draft, places: &[Place]) -> bool {
        if let (Event::Text(text), Some(editor)) = (event, &mut self.editor)
            && !editor.focused
        {
            // Typed faster than the field could take the keyboard.
            editor.text += text;
            return true;
        }
        let Event::Key { key, pressed: true, modifiers, .. } = event else { return false };
        match key {
            Key::Enter => {
                self.commit(draft, places);
                self.step(places.len(), if modifiers.shift { -1 } else { 1 }, 0, false);
            }
            Key::Tab => {
                self.commit(draft, places);
                self.tab(places.len(), modifiers.shift);
            }
            Key::ArrowUp | Key::ArrowDown => {
                self.commit(draft, places);
                self.step(places.len(), if *key == Key::ArrowUp { -1 } else { 1 }, 0, false);
            }
            Key::Escape => {
                self.editor = None;
                self.moved = true;
            }
            _ => return false,
        }
        true
    }

    /// What an event does while the cursor stands on a cell; whether it is used up, and what follows.
    pub fn event(&mut self, event: &Event, draft: &mut Draft, places: &[Place], page: usize) -> (bool, Option<Wish>) {
        let used = (true, None);
        match event {
            Event::Copy => return (true, Some(Wish::Copy(self.copied(draft, places)))),
            Event::Cut => {
                let text = self.copied(draft, places);
                self.clear(draft, places);
                return (true, Some(Wish::Copy(text)));
            }
            Event::Paste(text) => {
                self.paste(draft, places, text);
                return used;
            }
            Event::Text(text) if Column::ALL[self.at.1].toggle() => {
                if text == " " {
                    self.begin(draft, places, None);
                }
                return used;
            }
            Event::Text(text) if !text.trim().is_empty() => {
                self.begin(draft, places, Some(text));
                return used;
            }
            _ => {}
        }
        let Event::Key { key, pressed: true, modifiers, .. } = event else { return (false, None) };
        if self.key(*key, *modifiers, draft, places, page) {
            used
        } else if *key == Key::Escape {
            (true, Some(Wish::Leave))
        } else {
            (false, None)
        }
    }

    fn key(&mut self, key: Key, modifiers: Modifiers, draft: &mut Draft, places: &[Place], page: usize) -> bool {
        let (rows, extend, command) = (places.len(), modifiers.shift, modifiers.command);
        let far = isize::MAX / 2;
        match key {
            Key::ArrowUp => self.step(rows, if command { -far } else { -1 }, 0, extend),
            Key::ArrowDown => self.step(rows, if command { far } else { 1 }, 0, extend),
            Key::ArrowLeft => self.step(rows, 0, if command { -far } else { -1 }, extend),
            Key::ArrowRight => self.step(rows, 0, if command { far } else { 1 }, extend),
            Key::PageUp => self.step(rows, -(page as isize), 0, extend),
            Key::PageDown => self.step(rows, page as isize, 0, extend),
            Key::Home => self.step(rows, if command { -far } else { 0 }, -far, extend),
            Key::End => self.step(rows, if command { far } else { 0 }, far, extend),
            Key::Tab => self.tab(rows, modifiers.shift),
            Key::Enter if !command => self.step(rows, if modifiers.shift { -1 } else { 1 }, 0, false),
            Key::F2 => self.begin(draft, places, None),
            Key::Delete | Key::Backspace => self.clear(draft, places),
            Key::D if command => self.fill_down(draft, places),
            Key::A if command => {
                (self.anchor, self.at) = ((0, 0), (rows.saturating_sub(1), Column::ALL.len() - 1));
                self.moved = true;
            }
            // Its text arrives as an event of its own.
            Key::Space => {}
            _ => return false,
        }
        true
    }

    /// The selection as lines of cells between tabs.
    fn copied(&self, draft: &Draft, places: &[Place]) -> String {
        let (top, bottom, left, right) = self.block();
        let line = |place: &Place| {
            let cells: Vec<String> = (left..=right).map(|column| draft.cell(*place, Column::ALL[column])).collect();
            cells.join("\t")
        };
        let lines: Vec<String> = places.iter().skip(top).take(bottom + 1 - top).map(line).collect();
        lines.join("\n")
    }

    fn clear(&mut self, draft: &mut Draft, places: &[Place]) {
        let (top, bottom, left, right) = self.block();
        for &place in places.iter().skip(top).take(bottom + 1 - top) {
            // Names go only where nothing else is selected: an emptied block is meant for its numbers.
            let named = |column: usize| Column::ALL[column].words() && left != right;
            for column in (left..=right).filter(|&column| !named(column)) {
                draft.set(place, Column::ALL[column], "");
            }
        }
    }

    /// Repeats the first selected row in those below it; a single row repeats the one above.
    fn fill_down(&mut self, draft: &mut Draft, places: &[Place]) {
        let (mut top, bottom, left, right) = self.block();
        if top == bottom {
            top = top.saturating_sub(1);
        }
        let Some(&from) = places.get(top) else { return };
        for column in (left..=right).map(|column| Column::ALL[column]).filter(|column| !column.words()) {
            let text = draft.cell(from, column);
            for &place in places.iter().skip(top + 1).take(bottom - top) {
                draft.set(place, column, &text);
            }
        }
    }

    /// Puts lines of cells between tabs at the selection; one value fills all of it. Lines that begin with attribute and
    /// value go to the row of that name, which is made where there is none; other lines past the end become new values.
    fn paste(&mut self, draft: &mut Draft, places: &[Place], text: &str) {
        let lines: Vec<Vec<&str>> = text
            .trim_end_matches(['\n', '\r'])
            .split('\n')
            .map(|line| line.trim_end_matches('\r').split('\t').collect())
            .collect();
        let (top, bottom, left, right) = self.block();
        let width = lines.iter().map(Vec::len).max().unwrap_or(0);
        if let [line] = lines.as_slice()
            && let [one] = line.as_slice()
        {
            for &place in places.iter().skip(top).take(bottom + 1 - top) {
                for column in left..=right {
                    draft.set(place, Column::ALL[column], one);
                }
            }
            return;
        }
        let named = left == Column::Attribute.place() && width > 1;
        let mut counted = 0;
        for (k, line) in lines.iter().enumerate() {
            let place = match places.get(top + k) {
                _ if named => named_place(draft, line[0].trim(), line.get(1).map_or("", |value| value.trim())),
                Some(&place) => place,
                None => draft.add_value(None),
            };
            for (column, text) in Column::ALL.iter().skip(left).zip(line) {
                counted += usize::from(!column.editable() && !text.trim().is_empty());
                if !(named && column.words()) {
                    draft.set(place, *column, text);
                }
            }
        }
        let rows = number::counted(lines.len() as u64, "row", "rows");
        self.note = Some(match counted {
            0 => format!("Pasted {rows}."),
            _ => format!("Pasted {rows}; columns that are counted were left as they are."),
        });
        self.at = (top, left);
        let last_row = (top + lines.len()).min(draft.places().len()).saturating_sub(1);
        self.anchor = (last_row, (left + width).min(Column::ALL.len()).saturating_sub(1));
        self.moved = true;
    }
}

/// The place of a value by names, made where there is none.
fn named_place(draft: &mut Draft, attribute: &str, value: &str) -> Place {
    let at = match draft.quotas.iter().position(|known| known.name == attribute) {
        Some(at) => at,
        None => {
            let place = draft.add_attribute();
            draft.set(place, Column::Attribute, attribute);
            draft.set(place, Column::Value, value);
            return place;
        }
    };
    if let Some(found) = draft.quotas[at].values.iter().position(|known| known.value == value) {
        return Place { attribute: at, value: found };
    }
    let last = Place { attribute: at, value: draft.quotas[at].values.len().saturating_sub(1) };
    let place = draft.add_value(Some(last));
    draft.set(place, Column::Value, value);
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::sample_pool;

    fn sample() -> (Cursor, Draft) {
        let mut draft = Draft::default();
        draft.set_quotas(&sample_pool::quotas());
        (Cursor::default(), draft)
    }

    fn press(cursor: &mut Cursor, draft: &mut Draft, key: Key, modifiers: Modifiers) {
        let event = Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers };
        let places = draft.places();
        if cursor.editor.is_some() {
            cursor.edit_event(&event, draft, &places);
        } else {
            cursor.event(&event, draft, &places, 10);
        }
    }

    fn paste(cursor: &mut Cursor, draft: &mut Draft, text: &str) {
        let places = draft.places();
        cursor.event(&Event::Paste(text.to_owned()), draft, &places, 10);
    }

    const NONE: Modifiers = Modifiers::NONE;

    #[test]
    fn typing_replaces_f2_edits_and_escape_keeps() {
        let (mut cursor, mut draft) = sample();
        let places = draft.places();
        cursor.put((0, Column::Min.place()));
        cursor.event(&Event::Text("7".into()), &mut draft, &places, 10);
        assert_eq!(cursor.editor.as_ref().unwrap().text, "7");
        press(&mut cursor, &mut draft, Key::Enter, NONE);
        assert_eq!((draft.cell(places[0], Column::Min), cursor.at.0), ("7".into(), 1));
        press(&mut cursor, &mut draft, Key::ArrowUp, NONE);
        press(&mut cursor, &mut draft, Key::F2, NONE);
        cursor.editor.as_mut().unwrap().text = "9".into();
        press(&mut cursor, &mut draft, Key::Escape, NONE);
        assert_eq!((draft.cell(places[0], Column::Min), cursor.editor.is_none()), ("7".into(), true));
        cursor.put((0, Column::Slack.place()));
        cursor.event(&Event::Text(" ".into()), &mut draft, &places, 10);
        assert!(draft.row(places[0]).unwrap().slack);
    }

    #[test]
    fn the_cursor_stays_in_the_grid_and_tab_wraps() {
        let (mut cursor, mut draft) = sample();
        press(&mut cursor, &mut draft, Key::ArrowUp, NONE);
        assert_eq!(cursor.at, (0, 0));
        press(&mut cursor, &mut draft, Key::Tab, Modifiers::SHIFT);
        assert_eq!(cursor.at, (0, 0));
        press(&mut cursor, &mut draft, Key::End, NONE);
        press(&mut cursor, &mut draft, Key::Tab, NONE);
        assert_eq!(cursor.at, (1, 0));
        press(&mut cursor, &mut draft, Key::End, Modifiers::COMMAND);
        assert_eq!(cursor.at, (draft.places().len() - 1, Column::ALL.len() - 1));
    }

    #[test]
    fn a_block_is_copied_pasted_and_filled_down() {
        let (mut cursor, mut draft) = sample();
        let places = draft.places();
        cursor.put((0, Column::Min.place()));
        press(&mut cursor, &mut draft, Key::ArrowRight, Modifiers::SHIFT);
        press(&mut cursor, &mut draft, Key::ArrowDown, Modifiers::SHIFT);
        let (_, wish) = cursor.event(&Event::Copy, &mut draft, &places, 10);
        assert_eq!(wish, Some(Wish::Copy("13\t17\n12\t16".into())));
        cursor.put((3, Column::Min.place()));
        paste(&mut cursor, &mut draft, "1\t2\r\n3\t4\r\n");
        assert_eq!(draft.cell(places[4], Column::Max), "4");
        press(&mut cursor, &mut draft, Key::D, Modifiers::COMMAND);
        assert_eq!(draft.cell(places[4], Column::Max), "2");
        paste(&mut cursor, &mut draft, "5");
        assert!([3, 4].iter().all(|&row| draft.cell(places[row], Column::Min) == "5"));
        press(&mut cursor, &mut draft, Key::Delete, NONE);
        assert_eq!(draft.cell(places[3], Column::Min), "");
    }

    #[test]
    fn a_pasted_table_finds_its_rows_and_makes_new_ones() {
        let (mut cursor, mut draft) = sample();
        let rows = draft.places().len();
        cursor.put((0, 0));
        paste(&mut cursor, &mut draft, "Age\t60 and over\t30\t0\nLanguage\tWelsh\t20\nLanguage\tEnglish\t80");
        assert_eq!(draft.quotas[1].values[3].share, "30");
        assert_eq!(draft.places().len(), rows + 2);
        let language = draft.quotas.last().unwrap();
        assert_eq!((language.name.as_str(), language.values[1].value.as_str()), ("Language", "English"));
        cursor.put((rows + 1, Column::Min.place()));
        paste(&mut cursor, &mut draft, "1\n2\n3");
        assert_eq!(draft.places().len(), rows + 4, "nothing is dropped");
    }
}
