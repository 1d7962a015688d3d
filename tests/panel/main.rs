//! The Panel tab in the whole workbench, driven through the accessibility tree.

mod assembly;
mod files;
mod size;
#[path = "../support/mod.rs"]
mod support;
mod tab;
#[path = "../support/workbench.rs"]
mod workbench;
