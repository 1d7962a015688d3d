//! What the tabs with a form share.

pub mod columns;
pub mod constitution_editor;
pub mod diagnostics;
pub mod following;
pub mod form_draft;
pub mod loaded;
pub mod made_run;
pub mod model_picker;
pub mod money;
pub mod page;
pub mod picked_run;
pub mod questions;
pub mod run_state;
pub mod start;
pub mod start_law;
pub mod task;
pub mod template;
pub mod told;
pub mod transcript;
pub mod voice;
pub mod voices;
