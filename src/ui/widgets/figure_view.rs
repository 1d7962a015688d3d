//! A figure in the window: pan, zoom, hover for values, context menu for export.

use eframe::egui::{self, Align, Id, Layout, Rangef, Role, Stroke, Ui, Vec2b, WidgetInfo};
use egui_plot::{
    AxisHints, FilledArea, GridMark, HLine, HoverPosition, Line, LineStyle, MarkerShape, Plot, PlotMemory, PlotPoint,
    PlotPoints, PlotUi, Points, Text,
};

use super::heat_map::heat_map;
use super::thinning::{scattered, thinned};
use crate::figures::figure::{Axis, Figure, Layer, Ticks};
use crate::figures::scale::{Scale, Spread, scales};
use crate::figures::{csv, number};
use crate::ui::command::{Command, FigureFormat};
use crate::ui::theme;

/// Clouds with more points are thinned to what can be told apart.
const MANY_POINTS: usize = 4000;
/// Side of the square of the screen that holds at most one point of such a cloud.
const CELL: f32 = 2.0;

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
    legend(ui, figure, dark);
    let about = ((ui.available_width() / 80.0).clamp(2.0, 10.0) as usize, (height / 36.0).clamp(2.0, 10.0) as usize);
    let stride = name_stride(&figure.x, ui.available_width() - 60.0);
    let caption_font = egui::TextStyle::Small.resolve(ui.style());
    let palette = theme::palette(ui);
    let hints = |hints: AxisHints<'static>| {
        hints.tick_label_font(caption_font.clone()).tick_label_color(palette.text).label_spacing(Rangef::new(8.0, 9.0))
    };
    let plot = Plot::new("plot")
        .id(plot_id)
        .height(height)
        .default_x_bounds(x.straight(x.low), x.straight(x.high))
        .default_y_bounds(y.straight(y.low), y.straight(y.high))
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_crosshair(false)
        .grid_color(palette.hairline)
        .grid_fade(0.0)
        .grid_spacing(Rangef::new(2.0, 8.0))
        .custom_x_axes(vec![axis_hints(hints(AxisHints::new_x()), &figure.x, x, about.0)])
        .custom_y_axes(vec![axis_hints(hints(AxisHints::new_y()), &figure.y, y, about.1)])
        .x_grid_spacer(move |input| marks(x, input.bounds, about.0, stride))
        .y_grid_spacer(move |input| marks(y, input.bounds, about.1, 1))
        .label_formatter(move |position| hover_text(position, figure, x, y));
    let shown = plot.show(ui, |plot_ui| {
        if first_time {
            // From then on the bounds follow the data until the reader pans; a double click follows again.
            plot_ui.set_auto_bounds(Vec2b::TRUE);
        }
        for layer in &figure.layers {
            add_layer(plot_ui, layer, (x, y), dark, palette.weak_text);
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
        Layer::Labels { .. } => "",
    }
}

/// Names of the layers with their marks, above the plot so that they hide no data. One named layer needs none.
fn legend(ui: &mut Ui, figure: &Figure, dark: bool) {
    if figure.layers.iter().filter(|layer| !name_of(layer).is_empty()).count() < 2 {
        return;
    }
    let guide_colour = theme::palette(ui).weak_text;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::Vec2::new(12.0, 0.0);
        for layer in figure.layers.iter().filter(|layer| !name_of(layer).is_empty()) {
            // One piece: a name never stands on another line than its mark.
            let text = egui::WidgetText::from(theme::caption(name_of(layer)));
            let galley =
                text.clone().into_galley(ui, Some(egui::TextWrapMode::Extend), f32::INFINITY, egui::TextStyle::Small);
            let size = egui::Vec2::new(18.0 + 4.0 + galley.size().x, ui.spacing().interact_size.y);
            ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                let (rect, _) = ui.allocate_exact_size(egui::Vec2::new(18.0, 16.0), egui::Sense::hover());
                swatch(ui.painter(), rect, layer, dark, guide_colour);
                ui.add(egui::Label::new(text).extend());
            });
        }
    });
}

fn swatch(painter: &egui::Painter, rect: egui::Rect, layer: &Layer, dark: bool, guide_colour: egui::Color32) {
    let (left, right) = (rect.left_center(), rect.right_center());
    match layer {
        Layer::Points { colour, .. } | Layer::Intervals { colour, .. } => {
            let ink = theme::categorical(*colour, dark);
            if matches!(layer, Layer::Intervals { .. }) {
                painter.vline(rect.center().x, rect.shrink(1.0).y_range(), Stroke::new(1.5, ink));
            }
            painter.add(marker_shape(rect.center(), *colour, 4.0, ink));
        }
        Layer::Line { colour, dashed, .. } => {
            let stroke = Stroke::new(2.0, theme::categorical(*colour, dark));
            if *dashed {
                painter.extend(egui::Shape::dashed_line(&[left, right], stroke, 4.0, 3.0));
            } else {
                painter.line_segment([left, right], stroke);
            }
        }
        Layer::Band { colour, .. } => {
            let fill = theme::categorical(*colour, dark).gamma_multiply(0.22);
            painter.rect_filled(rect.shrink2(egui::Vec2::new(1.0, 3.0)), 0.0, fill);
        }
        Layer::Guide { .. } => {
            painter.extend(egui::Shape::dashed_line(&[left, right], Stroke::new(1.0, guide_colour), 4.0, 3.0));
        }
        Layer::Heat { .. } | Layer::Labels { .. } => {}
    }
}

/// The mark of a series, in the shape that the plot gives it.
fn marker_shape(centre: egui::Pos2, series: usize, radius: f32, ink: egui::Color32) -> egui::Shape {
    let polygon = |corners: &[(f32, f32)]| {
        let corners = corners.iter().map(|(x, y)| centre + egui::Vec2::new(*x, *y) * radius).collect();
        egui::Shape::convex_polygon(corners, ink, Stroke::NONE)
    };
    const H: f32 = 0.866;
    match marker(series) {
        MarkerShape::Square => polygon(&[(-0.75, -0.75), (0.75, -0.75), (0.75, 0.75), (-0.75, 0.75)]),
        MarkerShape::Diamond => polygon(&[(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)]),
        MarkerShape::Up => polygon(&[(0.0, -1.0), (H, 0.5), (-H, 0.5)]),
        MarkerShape::Down => polygon(&[(0.0, 1.0), (-H, -0.5), (H, -0.5)]),
        MarkerShape::Left => polygon(&[(-1.0, 0.0), (0.5, -H), (0.5, H)]),
        MarkerShape::Right => polygon(&[(1.0, 0.0), (-0.5, H), (-0.5, -H)]),
        _ => egui::Shape::circle_filled(centre, radius, ink),
    }
}

/// Every how many-th name fits on an axis this wide.
fn name_stride(axis: &Axis, width: f32) -> usize {
    let Ticks::Names(names) = &axis.ticks else { return 1 };
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0) as f32 * 6.6 + 10.0;
    (longest * names.len() as f32 / width.max(1.0)).ceil().max(1.0) as usize
}

fn axis_hints<'a>(hints: AxisHints<'a>, axis: &'a Axis, scale: Scale, about: usize) -> AxisHints<'a> {
    hints.label(theme::caption(axis.label.as_str())).formatter(move |mark, range| {
        let texts = match &axis.ticks {
            Ticks::Names(names) => return name_at(names, mark.value).to_owned(),
            _ => visible(scale, (*range.start(), *range.end())).ticks(about),
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
fn marks(scale: Scale, bounds: (f64, f64), about: usize, stride: usize) -> Vec<GridMark> {
    if scale.spread == Spread::Names {
        let last = bounds.1.min(1e4);
        return (bounds.0.ceil().max(0.0) as usize..=last.max(0.0) as usize)
            .filter(|place| place % stride == 0)
            .map(|place| GridMark { value: place as f64, step_size: stride as f64 })
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
    let mut text = format!("{}\n{}", value(&figure.x, x, position.x), value(&figure.y, y, position.y));
    if !plot_name.is_empty() {
        text = format!("{plot_name}\n{text}");
    }
    if let Some([_, _, lower, upper]) = interval_at(figure, plot_name, (x.bent(position.x), y.bent(position.y))) {
        text += &format!("\ninterval: {} to {}", number::general(lower, 6), number::general(upper, 6));
    }
    Some(text)
}

/// The interval of the named layer whose estimate is drawn here.
fn interval_at(figure: &Figure, name: &str, (x, y): (f64, f64)) -> Option<[f64; 4]> {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-9);
    figure.layers.iter().find_map(|layer| match layer {
        Layer::Intervals { name: own, points, .. } if own == name => {
            points.iter().copied().find(|p| near(p[0], x) && near(p[1], y))
        }
        _ => None,
    })
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
            // egui paints discs from its atlas; other shapes are tessellated one by one.
            let shape = if points.len() > MANY_POINTS { MarkerShape::Circle } else { marker(*colour) };
            let colour = theme::categorical(*colour, dark);
            let colour = if few { colour } else { colour.gamma_multiply(0.6) };
            let radius = if few { 3.5 } else { 2.0 };
            let drawn = if points.len() > MANY_POINTS {
                let (bounds, frame) = (plot_ui.plot_bounds(), plot_ui.transform().frame().size());
                let cells = [frame.x, frame.y].map(|length| (length / CELL).ceil().clamp(1.0, 4096.0) as usize);
                let points = points.iter().filter_map(|p| at(p[0], p[1]));
                PlotPoints::Owned(scattered(points, bounds.min(), bounds.max(), cells))
            } else {
                all(points)
            };
            plot_ui.points(Points::new(name.as_str(), drawn).shape(shape).radius(radius).color(colour));
        }
        Layer::Line { name, colour, points, dashed } => {
            let style = if *dashed { LineStyle::dashed_dense() } else { LineStyle::Solid };
            let places: Vec<Option<PlotPoint>> = points.iter().map(|p| at(p[0], p[1])).collect();
            // A value that cannot be drawn breaks the line.
            for run in places.split(Option::is_none).filter(|run| !run.is_empty()) {
                let bounds = plot_ui.plot_bounds();
                let run = thinned(run.iter().copied().flatten().collect(), bounds.min()[0], bounds.max()[0]);
                // A dense line may be drawn as a band between its extremes; a stair must not be.
                let dense = run.len() > MANY_POINTS;
                let line = Line::new(name.as_str(), PlotPoints::Owned(run)).width(2.0).style(style).allow_band(dense);
                plot_ui.line(line.color(theme::categorical(*colour, dark)));
            }
        }
        Layer::Labels { points, texts } => {
            for (point, text) in points.iter().zip(texts) {
                if let Some(place) = at(point[0], point[1]) {
                    // A little away from the mark, whatever the zoom.
                    let words = egui::RichText::new(format!(" {text}")).size(12.0).color(guide_colour);
                    plot_ui.text(Text::new("", place, words).anchor(egui::Align2::LEFT_BOTTOM).allow_hover(false));
                }
            }
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
