//! A heat map: one coloured cell per row and column, names, colour bar, hover values, keyboard cursor.

use eframe::egui::{
    Align2, Event, EventFilter, FontId, Id, Key, Mesh, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, StrokeKind,
    TextStyle, Ui, Vec2,
};

use super::figure_view::{FigureResponse, describe};
use crate::figures::figure::{Axis, Figure, Layer, Ticks};
use crate::figures::number;
use crate::figures::scale::{Scale, Spread, heat_range, heat_share};
use crate::ui::theme;

const BAR_WIDTH: f32 = 12.0;
const GAP: f32 = 8.0;

/// The parts of a [`Layer::Heat`].
struct Heat<'a> {
    name: &'a str,
    unit: &'a str,
    rows: usize,
    columns: usize,
    values: &'a [f64],
    diverging: bool,
    at_least: &'a [bool],
    range: (f64, f64),
}

impl<'a> Heat<'a> {
    fn of(layer: &'a Layer) -> Option<Self> {
        let Layer::Heat { name, unit, rows, columns, values, diverging, at_least } = layer else { return None };
        let range = heat_range(values, *diverging);
        Some(Self { name, unit, rows: *rows, columns: *columns, values, diverging: *diverging, at_least, range })
    }
    fn value(&self, row: usize, column: usize) -> f64 {
        self.values.get(row * self.columns + column).copied().unwrap_or(f64::NAN)
    }
    fn is_bound(&self, row: usize, column: usize) -> bool {
        self.at_least.get(row * self.columns + column) == Some(&true)
    }
    fn colour(&self, value: f64) -> eframe::egui::Color32 {
        let share = heat_share(value, self.range, self.diverging);
        if self.diverging { theme::diverging(share) } else { theme::magnitude(share) }
    }
    fn cell_rect(&self, area: Rect, row: usize, column: usize) -> Rect {
        let size = Vec2::new(area.width() / self.columns as f32, area.height() / self.rows as f32);
        Rect::from_min_size(area.min + Vec2::new(column as f32 * size.x, row as f32 * size.y), size)
    }
    fn cell_at(&self, area: Rect, pointer: Pos2) -> Option<(usize, usize)> {
        let inside = (pointer - area.min) / area.size();
        let (row, column) = ((inside.y * self.rows as f32).floor(), (inside.x * self.columns as f32).floor());
        let within = row >= 0.0 && column >= 0.0 && row < self.rows as f32 && column < self.columns as f32;
        within.then_some((row as usize, column as usize))
    }
}

/// Draws the heat layer of `figure`. Arrow keys move a cursor while it has the focus; Enter clicks its cell.
pub(super) fn heat_map(
    ui: &mut Ui,
    id: Id,
    figure: &Figure,
    layer: &Layer,
    height: f32,
    marked: &[(usize, usize)],
) -> (Response, FigureResponse) {
    let (rect, response) =
        ui.allocate_exact_size(Vec2::new(ui.available_width().max(160.0), height.max(96.0)), Sense::click());
    describe(ui, &response, figure);
    let mut outcome = FigureResponse::default();
    let heat = match Heat::of(layer) {
        Some(heat) if heat.rows > 0 && heat.columns > 0 => heat,
        _ => {
            let font = TextStyle::Body.resolve(ui.style());
            let colour = theme::palette(ui).weak_text;
            ui.painter().text(rect.center(), Align2::CENTER_CENTER, "No cells to show", font, colour);
            return (response, outcome);
        }
    };
    let area = cell_area(ui, rect, figure, &heat);
    let painter = ui.painter_at(rect);
    let grounds = theme::palette(ui);
    paint_cells(&painter, area, &heat, if ui.visuals().dark_mode { grounds.background } else { grounds.text });
    paint_names(ui, &painter, rect, area, figure, &heat);
    paint_bar(ui, &painter, rect, area, &heat);

    outcome.hovered_cell = response.hover_pos().and_then(|pointer| heat.cell_at(area, pointer));
    if response.clicked()
        && let Some(cell) = response.interact_pointer_pos().and_then(|pointer| heat.cell_at(area, pointer))
    {
        outcome.clicked_cell = Some(cell);
        ui.data_mut(|data| data.insert_temp(id.with("cursor"), cell));
    }
    let cursor = keyboard(ui, id, &response, &heat, &mut outcome);
    if let Some((row, column)) = outcome.clicked_cell {
        outcome.clicked = Some([row as f64, column as f64]);
    }

    let palette = theme::palette(ui);
    // The map has the same colours in both themes, and so have its outlines: dark with a light rim.
    let (ink, rim) =
        if ui.visuals().dark_mode { (palette.background, palette.text) } else { (palette.text, palette.card) };
    for &(row, column) in marked.iter().filter(|(row, column)| *row < heat.rows && *column < heat.columns) {
        outline(&painter, heat.cell_rect(area, row, column), ink, rim, 2.0);
    }
    let pointed = outcome.hovered_cell.or(cursor);
    if let Some((row, column)) = pointed {
        outline(&painter, heat.cell_rect(area, row, column), palette.accent, rim, 1.5);
    }
    // Drawn here rather than as a tooltip: exact values at once, also while the pointer moves.
    if let Some((row, column)) = pointed {
        let text = cell_text(figure, &heat, (row, column));
        ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(text.as_str()));
        label_box(ui, &painter, heat.cell_rect(area, row, column), &text);
    }
    (response, outcome)
}

/// Row, column and exact value of a cell.
fn cell_text(figure: &Figure, heat: &Heat<'_>, (row, column): (usize, usize)) -> String {
    let value = heat.value(row, column);
    let unit = if heat.unit.is_empty() { String::new() } else { format!(" {}", heat.unit) };
    format!(
        "{}: {}\n{}: {}\n{}: {}{}{unit}",
        figure.y.label,
        name_of(&figure.y, row),
        figure.x.label,
        name_of(&figure.x, column),
        heat.name,
        if heat.is_bound(row, column) { "at least " } else { "" },
        number::general(value, 8),
    )
}

fn name_of(axis: &Axis, index: usize) -> String {
    match &axis.ticks {
        Ticks::Names(names) => names.get(index).cloned().unwrap_or_default(),
        _ => index.to_string(),
    }
}

/// Moves the cursor cell by the arrow keys and clicks it on Enter or space; `None` without focus.
fn keyboard(
    ui: &Ui,
    id: Id,
    response: &Response,
    heat: &Heat<'_>,
    outcome: &mut FigureResponse,
) -> Option<(usize, usize)> {
    if !response.has_focus() {
        return None;
    }
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let key = id.with("cursor");
    let (mut row, mut column) = ui.data(|data| data.get_temp::<(usize, usize)>(key)).unwrap_or((0, 0));
    (row, column) = (row.min(heat.rows - 1), column.min(heat.columns - 1));
    ui.input(|input| {
        for event in &input.events {
            let Event::Key { key, pressed: true, .. } = event else { continue };
            match key {
                Key::ArrowUp => row = row.saturating_sub(1),
                Key::ArrowDown => row = (row + 1).min(heat.rows - 1),
                Key::ArrowLeft => column = column.saturating_sub(1),
                Key::ArrowRight => column = (column + 1).min(heat.columns - 1),
                Key::Enter | Key::Space => outcome.clicked_cell = Some((row, column)),
                _ => {}
            }
        }
    });
    ui.data_mut(|data| data.insert_temp(key, (row, column)));
    Some((row, column))
}

/// Where the cells go: what names, labels and the colour bar leave.
fn cell_area(ui: &Ui, rect: Rect, figure: &Figure, heat: &Heat<'_>) -> Rect {
    let font = TextStyle::Small.resolve(ui.style());
    let width =
        |text: String| ui.fonts_mut(|fonts| fonts.layout_no_wrap(text, font.clone(), theme::palette(ui).text).size().x);
    let row_names = (0..heat.rows.min(200)).map(|row| width(name_of(&figure.y, row))).fold(0.0, f32::max);
    let column_names = (0..heat.columns.min(200)).map(|c| width(name_of(&figure.x, c))).fold(0.0, f32::max);
    let (low, high) = heat.range;
    let bar_scale = Scale { low, high, spread: Spread::Linear };
    let bar_names =
        bar_scale.ticks(8).into_iter().chain(bar_scale.ticks(2)).map(|tick| width(tick.text)).fold(0.0, f32::max);
    let left = row_names.min(rect.width() * 0.25) + GAP + label_space(&figure.y.label);
    let right = GAP * 2.0 + BAR_WIDTH + 4.0 + bar_names;
    let cell = (rect.width() - left - right) / heat.columns as f32;
    let slanted = column_names + 6.0 > cell;
    let bottom =
        if slanted { column_names.min(rect.height() * 0.3) } else { 14.0 } + GAP + label_space(&figure.x.label);
    Rect::from_min_max(
        rect.min + Vec2::new(left, 6.0),
        (rect.max - Vec2::new(right, bottom)).max(rect.min + Vec2::new(left + 16.0, 22.0)),
    )
}

fn label_space(label: &str) -> f32 {
    if label.is_empty() { 0.0 } else { 18.0 }
}

/// All cells as one mesh: 64 × 64 cells are 8,192 triangles in one draw call.
fn paint_cells(painter: &Painter, area: Rect, heat: &Heat<'_>, ink: eframe::egui::Color32) {
    let mut mesh = Mesh::default();
    mesh.reserve_triangles(2 * heat.rows * heat.columns);
    mesh.reserve_vertices(4 * heat.rows * heat.columns);
    for row in 0..heat.rows {
        for column in 0..heat.columns {
            mesh.add_colored_rect(heat.cell_rect(area, row, column), heat.colour(heat.value(row, column)));
        }
    }
    painter.add(Shape::mesh(mesh));
    // A stroke through cells that hold no number: grey alone would read as a middling value.
    let stroke = Stroke::new(1.0, ink);
    for (k, _) in heat.values.iter().enumerate().filter(|(_, value)| !value.is_finite()).take(heat.rows * heat.columns)
    {
        let cell = heat.cell_rect(area, k / heat.columns, k % heat.columns);
        painter.line_segment([cell.left_bottom(), cell.right_top()], stroke);
    }
    for (k, _) in heat.at_least.iter().enumerate().filter(|&(_, bound)| *bound).take(heat.rows * heat.columns) {
        hatch(painter, heat.cell_rect(area, k / heat.columns, k % heat.columns), ink);
    }
}

/// Parallel strokes over a cell: its value is only a bound.
fn hatch(painter: &Painter, cell: Rect, ink: eframe::egui::Color32) {
    const STEP: f32 = 7.0;
    let painter = painter.with_clip_rect(cell.intersect(painter.clip_rect()));
    let (width, height) = (cell.width(), cell.height());
    // Strokes keep their place on the screen, so that hatched neighbours read as one region.
    let mut at = STEP - (cell.left() + cell.bottom()).rem_euclid(STEP);
    while at < width + height {
        let ends = [cell.left_bottom() + Vec2::new(at - height, -height), cell.left_bottom() + Vec2::new(at, 0.0)];
        painter.line_segment(ends, Stroke::new(1.0, ink.gamma_multiply(0.75)));
        at += STEP;
    }
}

/// Names along the rows and columns (every k-th when they do not fit) and the axis labels.
fn paint_names(ui: &Ui, painter: &Painter, rect: Rect, area: Rect, figure: &Figure, heat: &Heat<'_>) {
    let palette = theme::palette(ui);
    let font = TextStyle::Small.resolve(ui.style());
    let line = 14.0;
    let cell = heat.cell_rect(area, 0, 0).size();
    for row in (0..heat.rows).step_by((line / cell.y).ceil().max(1.0) as usize) {
        let at = Pos2::new(area.left() - GAP / 2.0, heat.cell_rect(area, row, 0).center().y);
        let clip = Rect::from_min_max(Pos2::new(rect.left() + label_space(&figure.y.label), rect.top()), rect.max);
        let name = name_of(&figure.y, row);
        painter.with_clip_rect(clip).text(at, Align2::RIGHT_CENTER, name, font.clone(), palette.text);
    }
    let widest = (0..heat.columns.min(200))
        .map(|column| painter.layout_no_wrap(name_of(&figure.x, column), font.clone(), palette.text).size().x)
        .fold(0.0, f32::max);
    let upright = widest + 6.0 <= cell.x;
    let stride = if upright { 1 } else { (line / cell.x).ceil().max(1.0) as usize };
    for column in (0..heat.columns).step_by(stride) {
        let at = Pos2::new(heat.cell_rect(area, 0, column).center().x, area.bottom() + GAP / 2.0);
        let name = name_of(&figure.x, column);
        if upright {
            painter.text(at, Align2::CENTER_TOP, name, font.clone(), palette.text);
        } else {
            turned(painter, at, &name, &font, palette.text, Align2::RIGHT_CENTER);
        }
    }
    if !figure.x.label.is_empty() {
        let at = Pos2::new(area.center().x, rect.bottom());
        painter.text(at, Align2::CENTER_BOTTOM, &figure.x.label, font.clone(), palette.weak_text);
    }
    if !figure.y.label.is_empty() {
        let at = Pos2::new(rect.left() + 8.0, area.center().y);
        turned(painter, at, &figure.y.label, &font, palette.weak_text, Align2::CENTER_CENTER);
    }
}

/// Text read from bottom to top, with its `anchor` (in the text's own direction) at `at`.
fn turned(painter: &Painter, at: Pos2, text: &str, font: &FontId, colour: eframe::egui::Color32, anchor: Align2) {
    let galley = painter.layout_no_wrap(text.to_owned(), font.clone(), colour);
    let size = galley.size();
    // Turned by -90 degrees about its top left corner, text extends upwards from there.
    let along = match anchor {
        Align2::RIGHT_CENTER => size.x,
        _ => size.x / 2.0,
    };
    let corner = Pos2::new(at.x - size.y / 2.0, at.y + along);
    let shape = eframe::egui::epaint::TextShape::new(corner, galley, colour).with_angle(-std::f32::consts::FRAC_PI_2);
    painter.add(shape);
}

/// The colour bar with its ticks and unit.
fn paint_bar(ui: &Ui, painter: &Painter, rect: Rect, area: Rect, heat: &Heat<'_>) {
    let palette = theme::palette(ui);
    let font = TextStyle::Small.resolve(ui.style());
    let left = area.right() + GAP * 2.0;
    let top = area.top() + if heat.unit.is_empty() { 0.0 } else { 16.0 };
    let bar = Rect::from_min_max(Pos2::new(left, top), Pos2::new(left + BAR_WIDTH, area.bottom()));
    const STEPS: usize = 64;
    let (low, high) = heat.range;
    let mut mesh = Mesh::default();
    for step in 0..STEPS {
        let share = (step as f64 + 0.5) / STEPS as f64;
        let y = |step: usize| bar.bottom() - bar.height() * step as f32 / STEPS as f32;
        let slice = Rect::from_min_max(Pos2::new(bar.left(), y(step + 1)), Pos2::new(bar.right(), y(step)));
        mesh.add_colored_rect(slice, heat.colour(low + (high - low) * share));
    }
    painter.add(Shape::mesh(mesh));
    let scale = Scale { low, high, spread: Spread::Linear };
    for tick in scale.ticks((bar.height() / 40.0).clamp(2.0, 8.0) as usize) {
        let Some(place) = scale.place(tick.value) else { continue };
        let y = bar.bottom() - bar.height() * place as f32;
        let ends = [Pos2::new(bar.right(), y), Pos2::new(bar.right() + 3.0, y)];
        painter.line_segment(ends, Stroke::new(1.0, palette.weak_text));
        let at = Pos2::new(bar.right() + 5.0, y);
        painter.text(at, Align2::LEFT_CENTER, tick.text, font.clone(), palette.text);
    }
    if !heat.unit.is_empty() {
        let at = Pos2::new(rect.right(), area.top() - 2.0);
        painter.text(at, Align2::RIGHT_TOP, heat.unit, font, palette.weak_text);
    }
}

/// An outline with a light rim outside it, visible on every colour of the map.
fn outline(painter: &Painter, cell: Rect, ink: eframe::egui::Color32, rim: eframe::egui::Color32, width: f32) {
    painter.rect_stroke(cell.expand(width), 0.0, Stroke::new(1.5, rim), StrokeKind::Outside);
    painter.rect_stroke(cell, 0.0, Stroke::new(width, ink), StrokeKind::Outside);
}

/// Text on a small card beside `cell`, kept inside the figure and off the cell.
fn label_box(ui: &Ui, painter: &Painter, cell: Rect, text: &str) {
    let palette = theme::palette(ui);
    let galley = painter.layout_no_wrap(text.to_owned(), TextStyle::Small.resolve(ui.style()), palette.text);
    let clip = painter.clip_rect().shrink(2.0);
    let size = galley.size() + Vec2::splat(12.0);
    let right = cell.right() + 8.0;
    let x = if right + size.x <= clip.right() { right } else { cell.left() - 8.0 - size.x };
    let min = Pos2::new(x, cell.top()).min(clip.max - size).max(clip.min);
    let frame = Rect::from_min_size(min, size);
    painter.rect_filled(frame, 4.0, palette.card);
    painter.rect_stroke(frame, 4.0, Stroke::new(1.0, palette.control_edge), StrokeKind::Inside);
    painter.galley(frame.min + Vec2::splat(6.0), galley, palette.text);
}
