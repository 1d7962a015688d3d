//! The window. Only this module mentions egui.

pub mod command;
pub mod context;
pub mod help;
pub mod painter;
pub mod requested;
pub mod tabs;
pub mod theme;
pub mod widgets;
