//! Tables: sort by a click on a header, drag to resize, copy and export; only the visible rows are laid out.

use eframe::egui::{
    Align, Button, Color32, Id, Label, Layout, Pos2, RichText, Role, ScrollArea, Sense, Shape, Stroke, Ui, Vec2,
    WidgetInfo,
};
use egui_extras::{Column, TableBuilder, TableRow};

use super::table_order::{Order, SortBy};
use crate::figures::number;
use crate::ui::command::{Command, LateTable, Table, TableFormat};
use crate::ui::theme;

/// What the pointer or the keyboard did to a table.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TableResponse {
    /// Row that was clicked: index into `table.rows`, whatever the order on screen.
    pub clicked: Option<usize>,
}

/// Height of a table in a column that scrolls as a whole.
const HEIGHT_IN_SCROLL: f32 = 400.0;
const ROW_HEIGHT: f32 = theme::TARGET;

#[derive(Clone, Default)]
struct Memory {
    by: SortBy,
    order: Order,
}

/// Draws `table`; `selected` is the index of the highlighted row. As high as its rows, at most as the space left.
pub fn data_table(
    ui: &mut Ui,
    id: &str,
    table: &Table,
    selected: Option<usize>,
    commands: &mut Vec<Command>,
) -> TableResponse {
    data_table_of(ui, id, table, selected, None, commands)
}

/// [`data_table`] whose CSV export is `data` rather than the shown words: full precision, one number in a cell, every row.
pub fn data_table_of(
    ui: &mut Ui,
    id: &str,
    table: &Table,
    selected: Option<usize>,
    data: Option<&LateTable>,
    commands: &mut Vec<Command>,
) -> TableResponse {
    let id = ui.make_persistent_id(("table", id));
    let mut memory: Memory = ui.data_mut(|data| std::mem::take(data.get_temp_mut_or_default(id)));
    memory.order.refresh(&table.header, &table.rows, memory.by);
    let mut response = TableResponse::default();
    ui.push_id(id, |ui| {
        toolbar(ui, table, &memory.order, data, commands);
        let left = ui.available_height();
        let height = if left.is_finite() { left.max(ROW_HEIGHT * 8.0) } else { HEIGHT_IN_SCROLL };
        let width = ui.available_width();
        // A table of other columns begins at its first one.
        ScrollArea::horizontal().id_salt(("columns", table.header.len())).auto_shrink([false, true]).show(ui, |ui| {
            ui.set_max_width(width);
            response.clicked = body(ui, id, table, selected, height, &mut memory);
        });
    });
    ui.data_mut(|data| data.insert_temp(id, memory));
    response
}

/// Number of rows, copy menu and export button.
fn toolbar(ui: &mut Ui, table: &Table, order: &Order, data: Option<&LateTable>, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let count = number::counted(table.rows.len() as u64, "row", "rows");
        ui.label(theme::caption(count).color(theme::palette(ui).weak_text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            // What is copied has the order that is seen.
            let shown = || Box::new(as_shown(table, order));
            let export = ui.button("Export CSV…");
            export.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Export {} as CSV", table.name)));
            let export = match data {
                Some(_) => export.on_hover_text("Every row at full precision, one number in a cell"),
                None => export,
            };
            if export.clicked() {
                commands.push(match data {
                    Some(data) => Command::ExportLate(data.clone()),
                    None => Command::ExportTable(shown()),
                });
            }
            let copy = ui.menu_button("Copy", |ui| {
                for (text, format) in [
                    ("Tab-separated, for a spreadsheet", TableFormat::Tsv),
                    ("CSV", TableFormat::Csv),
                    ("Markdown", TableFormat::Markdown),
                    ("LaTeX", TableFormat::Latex),
                ] {
                    if ui.button(text).clicked() {
                        commands.push(Command::CopyTable(shown(), format));
                    }
                }
            });
            copy.response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Copy {}", table.name)));
        });
    });
}

fn as_shown(table: &Table, order: &Order) -> Table {
    let rows = order.places.iter().filter_map(|&row| table.rows.get(row).cloned()).collect();
    Table { name: table.name.clone(), header: table.header.clone(), rows }
}

fn body(
    ui: &mut Ui,
    id: Id,
    table: &Table,
    selected: Option<usize>,
    height: f32,
    memory: &mut Memory,
) -> Option<usize> {
    if table.header.is_empty() {
        return None;
    }
    let width = |longest: &usize| (*longest as f32 * 7.4 + 20.0).clamp(64.0, 340.0);
    let widths: Vec<f32> = memory.order.longest.iter().map(width).collect();
    let (available, spacing) = (ui.available_width(), ui.spacing().item_spacing.x * widths.len() as f32);
    let mut builder = TableBuilder::new(ui)
        .id_salt(id)
        .sense(Sense::click())
        .resizable(true)
        .auto_shrink([false, true])
        .max_scroll_height(height - ROW_HEIGHT - theme::STEP)
        .cell_layout(Layout::left_to_right(Align::Center));
    // Where all columns fit, those of words share the room that is left.
    let fits = widths.iter().sum::<f32>() + spacing < available;
    for (width, numeric) in widths.into_iter().zip(&memory.order.numeric) {
        builder = builder.column(if fits && !numeric {
            Column::remainder().at_least(width).clip(true).resizable(false)
        } else {
            Column::initial(width).at_least(48.0).clip(true)
        });
    }
    let (mut clicked, mut clicked_header) = (None, None);
    builder
        .header(ROW_HEIGHT, |mut row| {
            for (column, name) in table.header.iter().enumerate() {
                row.col(|ui| {
                    let rule = Stroke::new(1.0, theme::palette(ui).hairline);
                    ui.painter().hline(ui.max_rect().expand(4.0).x_range(), ui.max_rect().bottom(), rule);
                    if header_cell(ui, name, memory.order.numeric[column], column, memory.by) {
                        clicked_header = Some(column);
                    }
                });
            }
        })
        .body(|body| {
            let order = &memory.order;
            body.rows(ROW_HEIGHT, order.places.len(), |mut row| {
                let Some(&index) = order.places.get(row.index()) else { return };
                let Some(cells) = table.rows.get(index) else { return };
                if data_row(&mut row, cells, order, table.header.len(), selected == Some(index)) {
                    clicked = Some(index);
                }
            });
        });
    if let Some(column) = clicked_header {
        memory.by = memory.by.clicked(column);
    }
    clicked
}

/// One row; true when it was clicked.
fn data_row(row: &mut TableRow<'_, '_>, cells: &[String], order: &Order, columns: usize, selected: bool) -> bool {
    row.set_selected(selected);
    for column in 0..columns {
        let text = cells.get(column).map_or("", String::as_str);
        let (_, cell) = row.col(|ui| {
            let layout = if order.numeric[column] {
                Layout::right_to_left(Align::Center)
            } else {
                Layout::left_to_right(Align::Center)
            };
            ui.with_layout(layout, |ui| {
                ui.add_space(6.0);
                ui.add(Label::new(text).selectable(false).truncate());
            });
        });
        if column == 0 {
            // The first cell stands for its row: the row's middle may be a handle that resizes a column.
            cell.widget_info(|| WidgetInfo::selected(Role::Row, true, selected, cells.join(", ")));
        }
    }
    row.response().clicked()
}

/// A header that sorts; true when it was clicked.
fn header_cell(ui: &mut Ui, name: &str, numeric: bool, column: usize, by: SortBy) -> bool {
    let sorted = by.column == Some(column);
    let layout = if numeric { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Center) };
    ui.with_layout(layout, |ui| {
        ui.spacing_mut().button_padding = Vec2::new(0.0, 2.0);
        ui.spacing_mut().item_spacing.x = 0.0;
        let colour = theme::palette(ui).weak_text;
        let text = RichText::new(name).text_style(theme::strong_style()).color(colour);
        ui.add_space(6.0);
        let response = ui.add(Button::new(text).frame(false).truncate()).on_hover_text("Click to sort");
        response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, name));
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_description(match (sorted, by.descending) {
                (false, _) => "not sorted",
                (true, false) => "sorted ascending",
                (true, true) => "sorted descending",
            });
        });
        if sorted {
            triangle(ui, by.descending, colour);
        }
        response.clicked()
    })
    .inner
}

fn triangle(ui: &mut Ui, down: bool, colour: Color32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(8.0), Sense::hover());
    let (tip, base) = if down { (rect.bottom(), rect.top()) } else { (rect.top(), rect.bottom()) };
    let corners = vec![Pos2::new(rect.center().x, tip), Pos2::new(rect.left(), base), Pos2::new(rect.right(), base)];
    ui.painter().add(Shape::convex_polygon(corners, colour, Stroke::NONE));
}
