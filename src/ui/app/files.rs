//! Reading and writing the user's files. Every function may block: they run on threads of their own.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::formats::{foundation, sentences, whole_file};
use crate::jobs::spec::{RunSpec, VerifyPanelSpec, VerifySpec};
use crate::sortition::audit::{self, AuditError, AuditFile};
use crate::ui::command::TableFormat;
use crate::ui::dialogs::{Chooser, Export, Purpose};
use crate::ui::table_text::table_text;

/// Largest certificate or audit file that is read.
const MAX_VERIFIABLE: u64 = 256 << 20;

/// What a file or folder that was dropped on the window is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Dropped {
    Project(PathBuf),
    Sentences(PathBuf),
    /// A certificate or an audit file.
    Verifiable(PathBuf),
    /// A spreadsheet.
    People(PathBuf),
    /// A table with the columns of quotas.
    Quotas(PathBuf),
    /// A file or folder that can only hold preferences.
    Preferences(PathBuf),
    Unknown(PathBuf),
}

/// What was dropped; reads tables that may hold quotas.
pub(super) fn classify(path: PathBuf) -> Dropped {
    if path.is_dir() {
        let prism = ["utterances.jsonl", "conversations.jsonl"].iter().any(|name| path.join(name).is_file());
        return if prism { Dropped::Preferences(path) } else { Dropped::Project(path) };
    }
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("txt" | "csv" | "tsv" | "xlsx" | "jsonl") if foundation::holds_quotas(&path) => Dropped::Quotas(path),
        Some("txt" | "csv" | "tsv") => Dropped::Sentences(path),
        Some("xlsx" | "jsonl") => Dropped::People(path),
        Some("parquet") => Dropped::Preferences(path),
        Some("json") => Dropped::Verifiable(path),
        Some("sqlite") => path.parent().map(Path::to_path_buf).map_or(Dropped::Unknown(path), Dropped::Project),
        _ => Dropped::Unknown(path),
    }
}

/// Opens the desktop's chooser and waits for it. `None` when it was cancelled, or when there is none.
pub(super) fn choose(purpose: &Purpose, at: &Path) -> Option<PathBuf> {
    let folder = at.ancestors().find(|folder| folder.is_dir());
    let mut dialog = rfd::FileDialog::new();
    if let Some(folder) = folder {
        dialog = dialog.set_directory(folder);
    }
    if let Some((name, endings)) = purpose.endings() {
        dialog = dialog.add_filter(name, endings);
    }
    match purpose.chooser() {
        Chooser::Folder => dialog.pick_folder(),
        Chooser::OpenFile => dialog.pick_file(),
        Chooser::SaveFile => {
            if let Some(name) = at.file_name() {
                dialog = dialog.set_file_name(name.to_string_lossy());
            }
            dialog.save_file()
        }
    }
}

/// Sentences of a file, and the name of their list: the file's.
pub(super) fn read_sentences(path: &Path) -> Result<(String, Vec<String>), String> {
    let name = path.file_stem().map_or_else(|| "sentences".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let sentences = sentences::read(path).map_err(|error| error.to_string())?;
    Ok((name, sentences))
}

/// The run that checks a certificate or a panel's audit file; what is neither is told at once.
pub(super) fn read_verifiable(path: &Path) -> Result<RunSpec, String> {
    let place = path.display();
    let unreadable = |error: std::io::Error| format!("The file could not be read: {error}. {place}");
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_VERIFIABLE {
        return Err(format!(
            "The file is larger than {} MB. Check it with `kleroterion verify`. {place}",
            MAX_VERIFIABLE >> 20
        ));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    match AuditFile::from_json(&text) {
        Ok(audit) => {
            let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            return Ok(RunSpec::VerifyPanel(VerifyPanelSpec { version: 1, name, audit: Arc::new(audit) }));
        }
        Err(error @ AuditError::Newer(_)) => return Err(format!("The audit file cannot be checked: {error}. {place}")),
        Err(error) if text.contains(&format!("\"{}\"", audit::KIND)) => {
            return Err(format!("The audit file is damaged: {error}. {place}"));
        }
        Err(_) => {}
    }
    serde_json::from_str::<crate::glauber::certificate::Certificate>(&text).map_err(|error| {
        format!(
            "This is neither a certificate nor an audit file: {error}. Choose a file that Certify or the Panel tab exported. {place}"
        )
    })?;
    Ok(RunSpec::Verify(VerifySpec { version: 1, certificate: text }))
}

/// Why an export was not written.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The file is there already.
    Exists,
    Failed(String),
}

/// Writes an export whole or not at all; an existing file only if `replace`.
pub(super) fn write_export(export: &Export, path: &Path, replace: bool) -> Result<(), WriteError> {
    let failed = |error: &dyn std::fmt::Display| {
        WriteError::Failed(format!("The {} was not saved: {error}. {}", export.noun(), path.display()))
    };
    if !replace && path.exists() {
        return Err(WriteError::Exists);
    }
    let bytes = export_bytes(export).map_err(|error| failed(&error))?;
    write_whole(path, &bytes).map_err(|error| failed(&error))
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    whole_file::write(path, bytes)
}

fn export_bytes(export: &Export) -> Result<Vec<u8>, String> {
    match export {
        Export::Figure(figure, format) => super::figure_bytes(figure, *format),
        Export::Late(table) => Ok(table_text(&table.make(), TableFormat::Csv).into_bytes()),
        Export::LateText(text) => Ok(text.make()?.into_bytes()),
        Export::Table(table) => Ok(table_text(table, TableFormat::Csv).into_bytes()),
        Export::Text { text, .. } => Ok(text.clone().into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::command::Table;

    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (directory, path)
    }

    #[test]
    fn a_list_of_sentences_has_the_name_of_its_file() {
        let (_keep, path) = file("mine.txt", b"One.\nTwo.\n");
        assert_eq!(read_sentences(&path).unwrap(), ("mine".into(), vec!["One.".into(), "Two.".into()]));
    }

    #[test]
    fn an_export_asks_before_it_replaces_and_leaves_nothing_half_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new folder/strata.csv");
        let table = Table { name: "strata".into(), header: vec!["a".into()], rows: vec![vec!["1".into()]] };
        let export = Export::Table(Box::new(table));
        write_export(&export, &path, false).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n1\n");
        assert!(matches!(write_export(&export, &path, false), Err(WriteError::Exists)));
        write_export(&export, &path, true).unwrap();
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        let below_a_file = path.join("impossible.csv");
        assert!(matches!(write_export(&export, &below_a_file, false), Err(WriteError::Failed(_))));
    }

    #[test]
    fn dropped_things_are_told_apart() {
        let (keep, path) = file("list.TXT", b"a");
        assert_eq!(classify(path.clone()), Dropped::Sentences(path));
        assert_eq!(classify(keep.path().to_path_buf()), Dropped::Project(keep.path().to_path_buf()));
        for quotas in [
            "feature,value,min,max\nGender,Woman,1,2\n",
            "category,name,min,max,min_flex,max_flex\nGender,Woman,1,2,0,3\n",
        ] {
            let (_keep, path) = file("quotas.csv", quotas.as_bytes());
            assert_eq!(classify(path.clone()), Dropped::Quotas(path), "{quotas}");
        }
        let (_keep, path) = file("people.csv", b"id,feature,value\n1,a,b\n");
        assert_eq!(classify(path.clone()), Dropped::Sentences(path));
        let (keep, path) = file("project.sqlite", b"");
        assert_eq!(classify(path), Dropped::Project(keep.path().to_path_buf()));
        let (_keep, path) = file("certificate.json", b"{}");
        assert!(read_verifiable(&path).unwrap_err().starts_with("This is neither a certificate nor an audit file"));
        let (_keep, path) = file("audit.json", br#"{"kind":"kleroterion-panel","schema":1}"#);
        assert!(read_verifiable(&path).unwrap_err().starts_with("The audit file is damaged"));
        let (_keep, path) = file("audit.json", br#"{"kind":"kleroterion-panel","schema":99}"#);
        assert!(read_verifiable(&path).unwrap_err().contains("update Kleroterion"));
    }
}
