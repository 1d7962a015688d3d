//! The quota grid: a spreadsheet of bounds. Only the visible rows are laid out.

use std::collections::HashMap;

use eframe::egui::{
    self, Align, Align2, EventFilter, Id, Layout, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, TextEdit,
    TextStyle, Ui, Vec2, WidgetInfo,
};
use egui_extras::{Column as Width, TableBuilder};

use super::cells::Column;
use super::draft::Draft;
use super::grid_keys::{Cursor, Wish};
use super::reading::{Counts, Reading};
use crate::figures::number;
use crate::ui::command::Command;
use crate::ui::theme;

const ROW: f32 = 28.0;

/// Seats by attribute and value.
pub type Seats = HashMap<(String, String), f64>;

/// What the grid shows beside the draft.
#[derive(Clone, Copy)]
pub struct Beside<'a> {
    pub reading: &'a Reading,
    pub counts: Option<&'a Counts>,
    pub expected: Option<&'a Seats>,
    pub drawn: Option<&'a Seats>,
}

/// Draws the grid into `height` points and lets it be edited.
pub fn show(
    ui: &mut Ui,
    draft: &mut Draft,
    cursor: &mut Cursor,
    beside: Beside<'_>,
    height: f32,
    commands: &mut Vec<Command>,
) {
    let id = ui.make_persistent_id("quota grid");
    let rows = beside.reading.places.len();
    cursor.clamp(rows);
    let cell_id = |cell: (usize, usize)| id.with(cell);
    keys(ui, id, draft, cursor, beside.reading, height, commands);
    // A key may have added rows that the reading does not know yet.
    let moved = std::mem::take(&mut cursor.moved);
    let scroll = moved.then_some(cursor.at.0);
    if moved && cursor.editor.is_none() {
        ui.memory_mut(|memory| memory.request_focus(cell_id(cursor.at)));
    }
    if !ui.input(|input| input.pointer.any_down()) {
        cursor.pulling = false;
    }
    ui.push_id(id, |ui| {
        let width = ui.available_width();
        ui.spacing_mut().item_spacing = Vec2::new(0.0, 0.0);
        ScrollArea::horizontal().id_salt("quota columns").auto_shrink([false, true]).show(ui, |ui| {
            ui.set_max_width(width);
            let mut builder = TableBuilder::new(ui)
                .id_salt("quota rows")
                .striped(false)
                .auto_shrink([false, true])
                .animate_scrolling(false)
                .min_scrolled_height(ROW * 4.0)
                .max_scroll_height((height - ROW).max(ROW * 4.0))
                .cell_layout(Layout::left_to_right(Align::Center));
            for column in Column::ALL {
                builder = builder.column(Width::exact(column.width()).clip(true));
            }
            if let Some(row) = scroll.filter(|&row| row < rows) {
                builder = builder.scroll_to_row(row, None);
            }
            builder.header(ROW, header).body(|body| {
                body.rows(ROW, rows, |mut row| {
                    let index = row.index();
                    for (k, &column) in Column::ALL.iter().enumerate() {
                        row.col(|ui| cell(ui, cell_id((index, k)), (index, k), column, draft, cursor, beside));
                    }
                });
            });
        });
    });
}

/// Gives the keyboard's events to the cursor.
fn keys(
    ui: &mut Ui,
    id: Id,
    draft: &mut Draft,
    cursor: &mut Cursor,
    reading: &Reading,
    height: f32,
    commands: &mut Vec<Command>,
) {
    let focused = ui.memory(|memory| memory.focused());
    let here = id.with(cursor.at);
    let editing = cursor.editor.as_ref().is_some_and(|editor| editor.focused);
    if !editing && focused != Some(here) {
        return;
    }
    if focused == Some(here) {
        let filter = EventFilter { tab: true, horizontal_arrows: true, vertical_arrows: true, escape: true };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(here, filter));
    }
    let events = ui.input(|input| input.events.clone());
    let page = ((height / ROW) as usize).saturating_sub(2).max(1);
    let mut left = Vec::with_capacity(events.len());
    for event in events {
        let (used, wish) = if cursor.editor.is_some() {
            (cursor.edit_event(&event, draft, &reading.places), None)
        } else {
            cursor.event(&event, draft, &reading.places, page)
        };
        match wish {
            Some(Wish::Copy(text)) => commands.push(Command::CopyText(text)),
            Some(Wish::Leave) => ui.memory_mut(|memory| memory.surrender_focus(here)),
            None => {}
        }
        if !used {
            left.push(event);
        }
    }
    ui.input_mut(|input| input.events = left);
}

fn header(mut row: egui_extras::TableRow<'_, '_>) {
    for column in Column::ALL {
        row.col(|ui| {
            let rect = ui.max_rect();
            let palette = theme::palette(ui);
            ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.control_edge));
            let response = ui.interact(rect, ui.scope_id().with(column), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, column.name()));
            let (at, align) = text_place(rect, column);
            let font = theme::strong_style().resolve(ui.style());
            ui.painter().text(at, align, column.name(), font, palette.weak_text);
            response.on_hover_text(column.meaning());
        });
    }
}

fn text_place(rect: Rect, column: Column) -> (egui::Pos2, Align2) {
    if column.words() {
        (egui::pos2(rect.left() + 6.0, rect.center().y), Align2::LEFT_CENTER)
    } else if column.toggle() {
        (rect.center(), Align2::CENTER_CENTER)
    } else {
        (egui::pos2(rect.right() - 8.0, rect.center().y), Align2::RIGHT_CENTER)
    }
}

/// What stands in a cell.
fn shown(draft: &Draft, row: usize, column: Column, beside: Beside<'_>) -> String {
    let Some(&place) = beside.reading.places.get(row) else { return String::new() };
    let Some(typed) = draft.row(place) else { return String::new() };
    let attribute = &draft.quotas[place.attribute].name;
    let seats =
        |seats: Option<&Seats>| seats.and_then(|seats| seats.get(&(attribute.clone(), typed.value.clone()))).copied();
    match column {
        Column::Pool => {
            let Some(counts) = beside.counts else { return String::new() };
            counts.of(attribute, &typed.value).map_or("–".to_owned(), |people| {
                let share = 100.0 * people as f64 / counts.people.max(1) as f64;
                format!("{} ({} %)", number::count(people as u64), number::fixed(share, 0))
            })
        }
        Column::Expected => seats(beside.expected).map(|seats| number::fixed(seats, 1)).unwrap_or_default(),
        Column::Drawn => seats(beside.drawn).map(|seats| number::fixed(seats, 0)).unwrap_or_default(),
        column => draft.cell(place, column),
    }
}

fn cell(
    ui: &mut Ui,
    id: Id,
    at: (usize, usize),
    column: Column,
    draft: &mut Draft,
    cursor: &mut Cursor,
    beside: Beside<'_>,
) {
    let rect = ui.max_rect();
    let palette = theme::palette(ui);
    let Some(&place) = beside.reading.places.get(at.0) else { return };
    let first = place.value == 0;
    if cursor.at == at && cursor.editor.is_some() {
        editor(ui, id, rect, draft, cursor, beside.reading);
        return;
    }
    let text = shown(draft, at.0, column, beside);
    let issue = beside.reading.issues.get(&(at.0, column));
    let mut response = ui.interact(rect, id, Sense::click_and_drag());
    response.widget_info(|| {
        let names = [draft.cell(place, Column::Attribute), draft.cell(place, Column::Value)];
        let value = if text.is_empty() { "empty" } else { &text };
        let problem = issue.map(|issue| format!(". Problem: {issue}")).unwrap_or_default();
        let label = match column {
            Column::Attribute => format!("attribute, {value}{problem}"),
            Column::Value => format!("{}, value, {value}{problem}", names[0]),
            column => format!("{}, {}, {}, {value}{problem}", names[0], names[1], column.spoken()),
        };
        WidgetInfo::selected(Role::Cell, true, cursor.selects(at), label)
    });
    let selected = cursor.selects(at);
    let marked = cursor.marked.contains(&at.0);
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    if selected && (response.has_focus() || cursor.at != cursor.anchor) || marked {
        painter.rect_filled(rect, 0.0, palette.selection);
    } else if response.hovered() {
        painter.rect_filled(rect, 0.0, palette.control_hovered);
    }
    if marked && at.1 == 0 {
        painter.rect_filled(Rect::from_min_size(rect.min, Vec2::new(3.0, rect.height())), 0.0, palette.warning);
    }
    let edge = if first { palette.control_edge } else { palette.hairline };
    painter.hline(rect.x_range(), rect.top(), Stroke::new(1.0, edge));
    contents(ui, &painter, rect, column, &text, first, issue.is_some());
    if response.has_focus() {
        painter.rect_stroke(rect.shrink(1.0), 2.0, Stroke::new(2.0, palette.accent), StrokeKind::Inside);
    }
    if let Some(issue) = issue {
        response = response.on_hover_text(issue);
    } else if column.words() {
        let galley_width = ui.fonts_mut(|fonts| {
            fonts.layout_no_wrap(text.clone(), TextStyle::Body.resolve(ui.style()), palette.text).size().x
        });
        if galley_width > rect.width() - 10.0 {
            response = response.on_hover_text(&text);
        }
    }
    pointer(ui, &response, at, column, draft, cursor, beside.reading);
}

fn contents(ui: &Ui, painter: &egui::Painter, rect: Rect, column: Column, text: &str, first: bool, wrong: bool) {
    let palette = theme::palette(ui);
    if wrong {
        // A shape as well as a colour.
        let corner = rect.right_top();
        let triangle = vec![corner, corner + Vec2::new(-8.0, 0.0), corner + Vec2::new(0.0, 8.0)];
        painter.add(egui::Shape::convex_polygon(triangle, palette.bad, Stroke::NONE));
        painter.rect_stroke(rect.shrink(1.5), 2.0, Stroke::new(1.0, palette.bad), StrokeKind::Inside);
    }
    if column.toggle() {
        let square = Rect::from_center_size(rect.center(), Vec2::splat(14.0));
        painter.rect_stroke(square, 3.0, Stroke::new(1.0, palette.control_edge), StrokeKind::Inside);
        if !text.is_empty() {
            let at = |x: f32, y: f32| square.center() + Vec2::new(x, y);
            let tick = vec![at(-4.0, 0.0), at(-1.2, 3.2), at(4.4, -3.4)];
            painter.add(egui::Shape::line(tick, Stroke::new(2.0, palette.accent)));
        }
        return;
    }
    let (at, align) = text_place(rect, column);
    let style = if column == Column::Attribute && first { theme::strong_style() } else { TextStyle::Body };
    let colour = match column {
        _ if wrong => palette.bad,
        Column::Attribute if !first => palette.weak_text,
        column if column.editable() => palette.text,
        _ => palette.weak_text,
    };
    painter.text(at, align, text, style.resolve(ui.style()), colour);
}

/// Selecting by pointer: click, shift-click, pull; a double click edits.
fn pointer(
    ui: &Ui,
    response: &egui::Response,
    at: (usize, usize),
    column: Column,
    draft: &mut Draft,
    cursor: &mut Cursor,
    reading: &Reading,
) {
    let pressed = response.is_pointer_button_down_on() && ui.input(|input| input.pointer.any_pressed());
    if pressed {
        if cursor.editor.is_some() {
            cursor.commit(draft, &reading.places);
        }
        if ui.input(|input| input.modifiers.shift) {
            (cursor.at, cursor.moved) = (at, true);
        } else {
            cursor.put(at);
        }
        cursor.pulling = true;
    } else if cursor.pulling && cursor.at != at && response.contains_pointer() {
        // The corner where the pull began stays.
        (cursor.at, cursor.moved) = (at, true);
    } else if response.gained_focus() && cursor.at != at {
        cursor.put(at);
    } else if response.clicked() && cursor.at != at && !cursor.pulling {
        // A screen reader's click has no pointer.
        cursor.put(at);
    }
    let switched = column.toggle() && response.clicked() && cursor.at == at && cursor.at == cursor.anchor;
    if response.double_clicked() && !column.toggle() || switched {
        cursor.begin(draft, &reading.places, None);
    }
}

fn editor(ui: &mut Ui, id: Id, rect: Rect, draft: &mut Draft, cursor: &mut Cursor, reading: &Reading) {
    let Some(state) = &mut cursor.editor else { return };
    let field = id.with("editor");
    let filter = EventFilter { tab: true, horizontal_arrows: true, vertical_arrows: true, escape: true };
    let edit = TextEdit::singleline(&mut state.text)
        .id(field)
        .event_filter(filter)
        .margin(egui::Margin::symmetric(5, 2))
        .align(if Column::ALL[cursor.at.1].words() { Align2::LEFT_CENTER } else { Align2::RIGHT_CENTER });
    let response = ui.put(rect, edit);
    let column = Column::ALL[cursor.at.1];
    let names = reading
        .places
        .get(cursor.at.0)
        .map(|&place| (draft.cell(place, Column::Attribute), draft.cell(place, Column::Value)));
    let (attribute, value) = names.unwrap_or_default();
    response.widget_info(|| {
        let mut info =
            WidgetInfo::labeled(Role::TextInput, true, format!("Edit {attribute}, {value}, {}", column.spoken()));
        info.current_text_value = Some(state.text.clone());
        info
    });
    if !state.focused {
        response.request_focus();
        let mut kept = TextEdit::load_state(ui.ctx(), field).unwrap_or_default();
        let end = egui::text::CCursor::new(state.text.chars().count());
        let start = if state.typed { end } else { egui::text::CCursor::new(0) };
        kept.cursor.set_char_range(Some(egui::text::CCursorRange::two(start, end)));
        kept.store(ui.ctx(), field);
        state.focused = true;
    } else if response.lost_focus() {
        cursor.commit(draft, &reading.places);
    }
}
