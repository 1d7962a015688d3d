//! A figure in the window: pan, zoom, hover for values, context menu for export.

use eframe::egui::{self, Align, Id, Layout, Role, Stroke, Ui, Vec2b, WidgetInfo};
use egui_plot::{
    AxisHints, FilledArea, GridMark, HLine, HoverPosition, Legend, Line, LineStyle, MarkerShape, Plot, PlotMemory,
    PlotPoint, PlotPoints, PlotUi, Points,
};

use super::heat_map::heat_map;
use crate::figures::figure::{Axis, Figure, Layer, Ticks};
use crate::figures::scale::{Scale, Spread, scales};
use crate::figures::{csv, number};
use crate::ui::command::{Command, FigureFormat};
use crate::ui::theme;

/// What the pointer did to a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FigureResponse {
    /// Data coordinates of a click (for a heat map: row, column).
    pub clicked: Option<[f64; 2]>,
    pub clicked_cell: Option<(usize, usize)>,
    pub hovered_cell: Option<(usize, usize)>,
}

/// Draws `figure` at the given height with title, axes, legend, an export menu button, and hover values.
/// `marked` cells of a heat map are outlined.
pub fn figure_view(
    ui: &mut egui::Ui,
    id: &str,
    figure: &Figure,
    height: f32,
    marked: &[(usize, usize)],
    commands: &mut Vec<Command>,
) -> FigureResponse {
    let id = ui.make_persistent_id(("figure", id));
    ui.push_id(id, |ui| {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            header(ui, figure, commands);
            let heat = figure.layers.iter().find(|layer| matches!(layer, Layer::Heat { .. }));
            let (response, outcome) = match heat {
                Some(layer) => heat_map(ui, id, figure, layer, height, marked),
                None => plot(ui, id, figure, height),
            };
            response.context_menu(|ui| export_menu(ui, figure, commands));
            if !figure.caption.is_empty() {
                let caption = theme::caption(figure.caption.as_str()).color(theme::palette(ui).weak_text);
                ui.scope(|ui| {
                    ui.set_max_width(theme::READING_WIDTH.min(ui.available_width()));
                    ui.label(caption);
                });
            }
            outcome
        })
        .inner
    })
    .inner
}

/// Title, and the export menu at its right.
fn header(ui: &mut Ui, figure: &Figure, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let menu = ui.menu_button("Export", |ui| export_menu(ui, figure, commands));
            menu.response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Export {}", figure.title)));
            ui.with_layout(Layout::left_to_right(Align::Center).with_main_wrap(true), |ui| {
                ui.label(theme::strong(figure.title.as_str()));
            });
        });
    });
}

fn export_menu(ui: &mut Ui, figure: &Figure, commands: &mut Vec<Command>) {
    for (text, format) in
        [("PNG image…", FigureFormat::Png), ("SVG drawing…", FigureFormat::Svg), ("CSV data…", FigureFormat::Csv)]
    {
        if ui.button(text).clicked() {
            commands.push(Command::ExportFigure(Box::new(figure.clone()), format));
        }
    }
    ui.separator();
    if ui.button("Copy data as CSV").clicked() {
        commands.push(Command::CopyText(csv::text(figure)));
    }
    if ui.button("Copy caption").clicked() {
        commands.push(Command::CopyText(figure.caption.clone()));
    }
}

/// Everything but heat maps, through `egui_plot`.
fn plot(ui: &mut Ui, id: Id, figure: &Figure, height: f32) -> (egui::Response, FigureResponse) {
    let (x, y) = scales(figure);
    let plot_id = id.with("plot");
    let first_time = PlotMemory::load(ui.ctx(), plot_id).is_none();
    let dark = ui.visuals().dark_mode;
    let guide_colour = theme::palette(ui).weak_text;
    let named = figure.layers.iter().filter(|layer| !name_of(layer).is_empty()).count();
    let mut plot = Plot::new("plot")
        .id(plot_id)
        .height(height)
        .default_x_bounds(x.straight(x.low), x.straight(x.high))
        .default_y_bounds(y.straight(y.low), y.straight(y.high))
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_crosshair(false)
        .custom_x_axes(vec![axis_hints(AxisHints::new_x(), &figure.x, x)])
        .custom_y_axes(vec![axis_hints(AxisHints::new_y(), &figure.y, y)])
        .x_grid_spacer(move |input| marks(x, input.bounds, 8))
        .y_grid_spacer(move |input| marks(y, input.bounds, 6))
        .label_formatter(move |position| hover_text(position, figure, x, y));
    if named > 1 {
        plot = plot.legend(Legend::default().follow_insertion_order(true).text_style(egui::TextStyle::Small));
    }
    let shown = plot.show(ui, |plot_ui| {
        if first_time {
            // From then on the bounds follow the data until the reader pans; a double click follows again.
            plot_ui.set_auto_bounds(Vec2b::TRUE);
        }
        for layer in &figure.layers {
            add_layer(plot_ui, layer, (x, y), dark, guide_colour);
        }
    });
    let mut outcome = FigureResponse::default();
    if shown.response.clicked()
        && let Some(pointer) = shown.response.interact_pointer_pos()
    {
        let at = shown.transform.value_from_position(pointer);
        outcome.clicked = Some([x.bent(at.x), y.bent(at.y)]);
    }
    describe(ui, &shown.response, figure);
    (shown.response, outcome)
}

/// Name and description for screen readers and tests.
pub(super) fn describe(ui: &Ui, response: &egui::Response, figure: &Figure) {
    let title = if figure.title.is_empty() { "Figure" } else { figure.title.as_str() };
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, title));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_description(format!("{} {} against {}.", figure.caption, figure.y.label, figure.x.label));
    });
}

fn name_of(layer: &Layer) -> &str {
    match layer {
        Layer::Points { name, .. }
        | Layer::Line { name, .. }
        | Layer::Band { name, .. }
        | Layer::Intervals { name, .. }
        | Layer::Heat { name, .. }
        | Layer::Guide { name, .. } => name,
    }
}

fn axis_hints<'a>(hints: AxisHints<'a>, axis: &'a Axis, scale: Scale) -> AxisHints<'a> {
    hints.label(theme::caption(axis.label.as_str())).formatter(move |mark, range| {
        let texts = match &axis.ticks {
            Ticks::Names(names) => return name_at(names, mark.value).to_owned(),
            _ => visible(scale, (*range.start(), *range.end())).ticks(8),
        };
        let value = scale.bent(mark.value);
        let near = |tick: f64| (scale.straight(tick) - mark.value).abs() <= mark.step_size * 1e-6;
        texts.iter().find(|tick| near(tick.value)).map_or_else(|| number::general(value, 6), |tick| tick.text.clone())
    })
}

fn name_at(names: &[String], place: f64) -> &str {
    let index = place.round();
    if (place - index).abs() > 1e-6 || index < 0.0 {
        return "";
    }
    names.get(index as usize).map_or("", String::as_str)
}

/// The part of a scale between two plot coordinates.
fn visible(scale: Scale, (low, high): (f64, f64)) -> Scale {
    Scale { low: scale.bent(low), high: scale.bent(high), spread: scale.spread }
}

/// Grid marks at the ticks of the visible range. All have one thickness: marks that fade while zooming distract.
fn marks(scale: Scale, bounds: (f64, f64), about: usize) -> Vec<GridMark> {
    if scale.spread == Spread::Names {
        let last = bounds.1.min(1e4);
        return (bounds.0.ceil().max(0.0) as usize..=last.max(0.0) as usize)
            .map(|place| GridMark { value: place as f64, step_size: 1.0 })
            .collect();
    }
    let ticks = visible(scale, bounds).ticks(about);
    let values: Vec<f64> = ticks.iter().map(|tick| scale.straight(tick.value)).collect();
    let step = values.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    let step = if step.is_finite() { step } else { (bounds.1 - bounds.0).abs() };
    values.into_iter().map(|value| GridMark { value, step_size: step }).collect()
}

fn hover_text(position: &HoverPosition<'_>, figure: &Figure, x: Scale, y: Scale) -> Option<String> {
    let HoverPosition::NearDataPoint { plot_name, position, .. } = position else { return None };
    let value = |axis: &Axis, scale: Scale, at: f64| match &axis.ticks {
        Ticks::Names(names) => format!("{}: {}", axis.label, name_at(names, at.round())),
        _ => format!("{}: {}", axis.label, number::general(scale.bent(at), 6)),
    };
    let (x, y) = (value(&figure.x, x, position.x), value(&figure.y, y, position.y));
    Some(if plot_name.is_empty() { format!("{x}\n{y}") } else { format!("{plot_name}\n{x}\n{y}") })
}

/// Adds one layer; what the scales cannot show is left out.
fn add_layer(plot_ui: &mut PlotUi<'_>, layer: &Layer, scales: (Scale, Scale), dark: bool, guide_colour: egui::Color32) {
    let (xs, ys) = scales;
    let at =
        |x: f64, y: f64| (xs.drawable(x) && ys.drawable(y)).then(|| PlotPoint::new(xs.straight(x), ys.straight(y)));
    let all = |points: &[[f64; 2]]| PlotPoints::Owned(points.iter().filter_map(|p| at(p[0], p[1])).collect());
    match layer {
        Layer::Points { name, colour, points } => {
            let few = points.len() <= 400;
            let shape = if points.len() > 4000 { MarkerShape::Square } else { marker(*colour) };
            let colour = theme::categorical(*colour, dark);
            let colour = if few { colour } else { colour.gamma_multiply(0.6) };
            let radius = if few { 3.5 } else { 2.0 };
            plot_ui.points(Points::new(name.as_str(), all(points)).shape(shape).radius(radius).color(colour));
        }
        Layer::Line { name, colour, points, dashed } => {
            let style = if *dashed { LineStyle::dashed_dense() } else { LineStyle::Solid };
            let line = Line::new(name.as_str(), all(points)).width(2.0).style(style);
            plot_ui.line(line.color(theme::categorical(*colour, dark)));
        }
        Layer::Band { name, colour, points } => {
            let inside: Vec<(PlotPoint, PlotPoint)> =
                points.iter().filter_map(|p| Some((at(p[0], p[1])?, at(p[0], p[2])?))).collect();
            let [x, low, high] = [
                inside.iter().map(|p| p.0.x).collect::<Vec<_>>(),
                inside.iter().map(|p| p.0.y).collect(),
                inside.iter().map(|p| p.1.y).collect(),
            ];
            let fill = theme::categorical(*colour, dark).gamma_multiply(0.22);
            plot_ui.add(FilledArea::new(name.as_str(), &x, &low, &high).fill_color(fill));
        }
        Layer::Intervals { name, colour, points } => {
            let shape = marker(*colour);
            let colour = theme::categorical(*colour, dark);
            for p in points {
                if let (Some(low), Some(high)) = (at(p[0], p[2]), at(p[0], p[3])) {
                    let whisker = PlotPoints::Owned(vec![low, high]);
                    plot_ui.line(Line::new(name.as_str(), whisker).width(1.5).color(colour).allow_hover(false));
                }
            }
            let estimates = PlotPoints::Owned(points.iter().filter_map(|p| at(p[0], p[1])).collect());
            plot_ui.points(Points::new(name.as_str(), estimates).shape(shape).radius(4.0).color(colour));
        }
        Layer::Guide { name, slope, intercept } => {
            let stroke = Stroke::new(1.0, guide_colour);
            if *slope == 0.0 {
                if ys.drawable(*intercept) {
                    let line = HLine::new(name.as_str(), ys.straight(*intercept)).stroke(stroke);
                    plot_ui.hline(line.style(LineStyle::dashed_loose()).allow_hover(false));
                }
            } else {
                let points: Vec<PlotPoint> = guide_points(xs).filter_map(|x| at(x, slope * x + intercept)).collect();
                let line = Line::new(name.as_str(), PlotPoints::Owned(points)).stroke(stroke);
                plot_ui.line(line.style(LineStyle::dashed_loose()).allow_hover(false));
            }
        }
        Layer::Heat { .. } => {}
    }
}

/// Abscissae of a sloped guide: the shown range and as much again on both sides, for panning.
fn guide_points(scale: Scale) -> impl Iterator<Item = f64> {
    let (low, high) = (scale.straight(scale.low), scale.straight(scale.high));
    (0..=96).map(move |k| scale.bent(low + (high - low) * (f64::from(k) / 32.0 - 1.0)))
}

/// Series differ by shape too, not only by colour.
fn marker(series: usize) -> MarkerShape {
    const SHAPES: [MarkerShape; 7] = [
        MarkerShape::Circle,
        MarkerShape::Square,
        MarkerShape::Diamond,
        MarkerShape::Up,
        MarkerShape::Down,
        MarkerShape::Left,
        MarkerShape::Right,
    ];
    SHAPES[series % SHAPES.len()]
}
