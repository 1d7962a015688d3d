//! A figure in the window: pan, zoom, hover for values, context menu for export.

use eframe::egui;

use crate::figures::figure::Figure;
use crate::ui::command::Command;

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
    _ui: &mut egui::Ui,
    _id: &str,
    _figure: &Figure,
    _height: f32,
    _marked: &[(usize, usize)],
    _commands: &mut Vec<Command>,
) -> FigureResponse {
    todo!()
}
