//! `kleroterion` and `kleroterion open`: the window.

use std::path::PathBuf;

use clap::Args;

use super::demand::{Failure, Outcome};
use crate::ui::app::open_window;
use crate::ui::recent;

/// Open the window.
#[derive(Args, Default)]
pub(crate) struct Open {
    /// The project's folder (default: the quickstart sample).
    project: Option<PathBuf>,
}

impl Open {
    pub(crate) fn run(self) -> Outcome {
        open_window(self.project.or_else(recent::quickstart)).map_err(Failure::input)
    }
}
