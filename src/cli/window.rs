//! `kleroterion` and `kleroterion open`: the window.

use std::path::{Path, PathBuf};

use clap::Args;

use super::demand::{Failure, Outcome};
use crate::ui::app::open_window;

/// Open the window.
#[derive(Args, Default)]
pub(crate) struct Open {
    /// The project's folder (default: the quickstart sample).
    project: Option<PathBuf>,
}

impl Open {
    pub(crate) fn run(self) -> Outcome {
        let project = self.project.or_else(|| {
            let quickstart = Path::new("projects/quickstart");
            quickstart.join("project.toml").exists().then(|| quickstart.to_owned())
        });
        open_window(project).map_err(Failure::input)
    }
}
