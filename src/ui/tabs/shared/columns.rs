//! The three columns of a tab with a form: left the form, in the centre what came out, right why.

use eframe::egui::{CentralPanel, Frame, Margin, Panel, Ui};

use crate::ui::theme;

const FORM_WIDTH: f32 = 316.0;
const WHY_WIDTH: f32 = 268.0;

fn frame(ui: &Ui, left: i8, right: i8) -> Frame {
    Frame::new().fill(theme::palette(ui).background).inner_margin(Margin { left, right, top: 12, bottom: 0 })
}

/// The left column of the tab called `tab`.
pub fn form(ui: &mut Ui, tab: &str, add: impl FnOnce(&mut Ui)) {
    let frame = frame(ui, 12, 4);
    let panel = Panel::left(format!("{tab} form panel")).exact_size(FORM_WIDTH).resizable(false);
    panel.show_separator_line(false).frame(frame).show(ui, add);
}

/// The right column of the tab called `tab`; to be drawn before [`results`].
pub fn why(ui: &mut Ui, tab: &str, add: impl FnOnce(&mut Ui)) {
    let frame = frame(ui, 4, 12);
    let panel = Panel::right(format!("{tab} why panel")).exact_size(WHY_WIDTH).resizable(false);
    panel.show_separator_line(false).frame(frame).show(ui, add);
}

/// The centre: all that the other columns left.
pub fn results(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    CentralPanel::default().frame(frame(ui, 8, 8)).show(ui, add);
}

/// Whether an edit of the form may be complete: no key or pointer is still at it.
pub fn at_rest(ui: &Ui) -> bool {
    !ui.ctx().text_edit_focused() && !ui.input(|input| input.pointer.any_down())
}
