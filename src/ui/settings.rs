//! What the window remembers between sittings: theme, zoom, recent projects, last folders.
//!
//! One small JSON file in a folder that the caller names, so that tests never touch a home folder.

use std::io;
use std::path::{Path, PathBuf};

use super::recent::RecentProject;

/// Light, dark, or what the desktop says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeChoice {
    Light,
    Dark,
    #[default]
    System,
}

/// Everything remembered. Fields that a file lacks take their defaults; unknown fields are ignored.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Settings {
    pub theme: ThemeChoice,
    /// Factor on every length, 0.5 to 3.
    pub zoom: f32,
    /// Newest first.
    pub recent: Vec<RecentProject>,
    /// Where the last project was made or opened.
    pub project_folder: Option<PathBuf>,
    /// Where the last figure or table was written.
    pub export_folder: Option<PathBuf>,
    pub log_open: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::System,
            zoom: 1.0,
            recent: Vec::new(),
            project_folder: None,
            export_folder: None,
            log_open: false,
        }
    }
}

/// Smallest and largest zoom.
pub const ZOOM: (f32, f32) = (0.5, 3.0);
const FILE: &str = "settings.json";

impl Settings {
    /// Reads the settings in `directory`. A missing file gives the defaults; an unreadable one gives the defaults and
    /// a sentence for the log.
    pub fn load(directory: &Path) -> (Self, Option<String>) {
        let path = directory.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (Self::default(), None),
            Err(error) => return (Self::default(), Some(Self::unreadable(&error, &path))),
        };
        match serde_json::from_str::<Self>(&text) {
            Ok(mut settings) => {
                settings.zoom = if settings.zoom.is_finite() { settings.zoom.clamp(ZOOM.0, ZOOM.1) } else { 1.0 };
                (settings, None)
            }
            Err(error) => (Self::default(), Some(Self::unreadable(&error, &path))),
        }
    }

    fn unreadable(error: &dyn std::fmt::Display, path: &Path) -> String {
        format!(
            "Settings could not be read ({error}); defaults are used. Delete the file if this stays: {}",
            path.display()
        )
    }

    /// Writes the settings into `directory`, whole or not at all.
    pub fn save(&self, directory: &Path) -> io::Result<()> {
        std::fs::create_dir_all(directory)?;
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        crate::formats::whole_file::write(&directory.join(FILE), text.as_bytes())
    }
}

/// The folder for settings on this machine, if it has one.
pub fn default_directory() -> Option<PathBuf> {
    directories::ProjectDirs::from("org", "kleroterion", "kleroterion").map(|dirs| dirs.config_dir().to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_as_saved() {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = Settings { theme: ThemeChoice::Dark, zoom: 1.25, ..Settings::default() };
        settings.export_folder = Some(PathBuf::from("figures"));
        settings.save(directory.path()).unwrap();
        assert_eq!(Settings::load(directory.path()), (settings, None));
    }

    #[test]
    fn a_missing_file_is_no_problem_and_a_broken_one_is_told() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Settings::load(directory.path()), (Settings::default(), None));
        std::fs::write(directory.path().join(FILE), "{ not json").unwrap();
        let (settings, problem) = Settings::load(directory.path());
        assert_eq!(settings, Settings::default());
        assert!(problem.unwrap().starts_with("Settings could not be read"));
    }

    #[test]
    fn a_wild_zoom_is_brought_back() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(FILE), r#"{"zoom": 400.0, "theme": "light", "from_the_future": 1}"#)
            .unwrap();
        let (settings, problem) = Settings::load(directory.path());
        assert_eq!((settings.zoom, settings.theme, problem), (ZOOM.1, ThemeChoice::Light, None));
    }
}
