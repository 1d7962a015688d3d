//! A training's reports as files of its output folder, a line each, that agree with its checkpoint after any end.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::formats::whole_file;
use crate::jobs::work::JobError;

/// A file that grows by a line for every report.
pub(super) struct Record<T> {
    path: PathBuf,
    file: File,
    reports: Vec<T>,
}

fn unwritable(path: &Path, problem: impl std::fmt::Display) -> JobError {
    JobError::Input(format!(
        "a report of the training cannot be kept: {problem}. Free some space or choose another folder ({})",
        path.display()
    ))
}

impl<T: Serialize + DeserializeOwned> Record<T> {
    /// Opens the file, keeping the reports that `keeps` (those of the checkpoint): later ones come again.
    pub(super) fn open(path: PathBuf, keeps: impl Fn(&T) -> bool) -> Result<Self, JobError> {
        let mut reports: Vec<T> = Vec::new();
        if let Ok(file) = File::open(&path) {
            for line in BufReader::new(file).lines() {
                // The last line may be half written; what follows the checkpoint is not needed.
                let Ok(report) =
                    line.map_err(|e| e.to_string()).and_then(|l| serde_json::from_str(&l).map_err(|e| e.to_string()))
                else {
                    break;
                };
                if !keeps(&report) {
                    break;
                }
                reports.push(report);
            }
        }
        let mut text = String::new();
        for report in &reports {
            text.push_str(&serde_json::to_string(report).map_err(|e| unwritable(&path, e))?);
            text.push('\n');
        }
        whole_file::write(&path, text.as_bytes()).map_err(|e| unwritable(&path, e))?;
        let file = OpenOptions::new().append(true).open(&path).map_err(|e| unwritable(&path, e))?;
        Ok(Self { path, file, reports })
    }

    /// Adds a report.
    pub(super) fn add(&mut self, report: T) -> Result<(), JobError> {
        let mut line = serde_json::to_string(&report).map_err(|e| unwritable(&self.path, e))?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(|e| unwritable(&self.path, e))?;
        self.reports.push(report);
        Ok(())
    }

    /// Makes sure that what was added outlives a crash of the machine.
    pub(super) fn sync(&self) -> Result<(), JobError> {
        self.file.sync_data().map_err(|e| unwritable(&self.path, e))
    }

    pub(super) fn reports(&self) -> &[T] {
        &self.reports
    }

    pub(super) fn into_reports(self) -> Vec<T> {
        self.reports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_checkpoint_does_not_know_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.jsonl");
        let mut record: Record<u64> = Record::open(path.clone(), |_| true).unwrap();
        (1..=5).for_each(|step| record.add(step).unwrap());
        record.sync().unwrap();
        std::fs::write(&path, "1\n2\n3\n4\n5\n6half").unwrap();
        let mut record: Record<u64> = Record::open(path.clone(), |step| *step <= 3).unwrap();
        assert_eq!(record.reports(), [1, 2, 3]);
        record.add(4).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n2\n3\n4\n");
    }
}
