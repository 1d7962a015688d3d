//! `kleroterion shot`: a picture of a tab, drawn without a display.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::demand::{Failure, Outcome};
use super::output;
use crate::ui::command::TabKind;
use crate::ui::shot;

#[derive(Clone, Copy, ValueEnum)]
enum Theme {
    Light,
    Dark,
}

/// Draw a tab as a picture.
#[derive(Args)]
pub(crate) struct Shot {
    /// The project's folder.
    #[arg(long, value_name = "DIR")]
    project: PathBuf,
    /// home, certify, mixing, trajectories or runs.
    #[arg(long, value_name = "NAME", value_parser = tab)]
    tab: TabKind,
    /// PNG file to write.
    #[arg(long, value_name = "PNG")]
    out: PathBuf,
    #[arg(long, value_enum, default_value = "light")]
    theme: Theme,
    /// Width x height in points.
    #[arg(long, value_name = "WxH", default_value = "1280x800", value_parser = size)]
    size: (u32, u32),
    /// Longest wait for queued runs, in seconds; after it the picture shows what they have found so far.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    wait: u64,
}

fn tab(name: &str) -> Result<TabKind, String> {
    let named = TabKind::ALL.into_iter().find(|tab| tab.name().eq_ignore_ascii_case(name));
    named.ok_or_else(|| format!("the tabs are {}", TabKind::ALL.map(|tab| tab.name().to_lowercase()).join(", ")))
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let parsed = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    parsed
        .filter(|&(w, h): &(u32, u32)| (320..=8192).contains(&w) && (240..=8192).contains(&h))
        .ok_or_else(|| "give a size such as 1280x800, from 320x240 to 8192x8192".into())
}

impl Shot {
    pub(crate) fn run(self) -> Outcome {
        let dark = matches!(self.theme, Theme::Dark);
        let wait = Duration::from_secs(self.wait);
        let png = shot::shot(&self.project, self.tab, dark, self.size, wait).map_err(Failure::input)?;
        output::write_file(&self.out, &png)
    }
}
