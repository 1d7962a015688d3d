//! The window. Only this module mentions egui.

pub mod app;
pub mod command;
pub mod command_palette;
pub mod context;
mod dialog_words;
pub mod dialogs;
pub mod format;
pub mod help;
pub mod log_panel;
pub mod name_cell;
pub mod new_run;
pub mod painter;
pub mod recent;
pub mod requested;
pub mod settings;
pub mod shot;
pub mod status_bar;
pub mod table_text;
pub mod tabs;
pub mod theme;
pub mod toasts;
pub mod undo;
pub mod widgets;

pub use app::{WindowError, Workbench, open_window};
