//! Takes in judgements of models on one another that were given elsewhere: a table of comparisons, or the EigenBench authors'
//! evaluations (eigenbench.md, section 2.1). Everything is read before anything is written; the spec names the file, rows are
//! in the project.

mod transcripts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::collect::Lengths;
use super::work::{Bench, JobError, RunOutcome, hash_file};
use crate::eigenbench::comparisons::Comparison;
use crate::eigenbench::scenario::Scenario;
use crate::formats::comparisons::{self, ReadComparisons};
use crate::formats::evaluations::{self, Losses, ReadEvaluations};
use crate::store::{CallsBehind, ComparisonRow};
use transcripts::Transcripts;

/// Name of the document that says what the numbers in rows stand for.
pub const IMPORTED: &str = "imported-comparisons";

/// Who "answers" calls that were made elsewhere. It is a part of every call's key, so that none of them is ever taken for the
/// answer of a provider.
pub const PROVIDER: &str = "imported";

/// What a file of judgements is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComparisonSource {
    /// CSV: scenario, judge, eval1, eval2 and choice, and where wanted criterion and pass.
    Comparisons,
    /// The authors' evaluations, JSON lines or an array, with all texts.
    Evaluations,
}

impl ComparisonSource {
    /// What a file is by the ending of its name: JSON holds evaluations, anything else a table.
    pub fn of(file: &Path) -> Self {
        let ending = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if matches!(ending.as_str(), "json" | "jsonl") { Self::Evaluations } else { Self::Comparisons }
    }
}

fn first_version() -> u32 {
    1
}

/// Which file is taken in.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportComparisonsSpec {
    #[serde(default = "first_version")]
    pub version: u32,
    /// Inside the project's folder where it is relative.
    pub file: PathBuf,
    /// Of the file, hexadecimal; a file that has another one is refused. `None` takes it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// `None` goes by the ending of the file's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ComparisonSource>,
}

impl ImportComparisonsSpec {
    /// A file as it is when the run begins.
    pub fn of(file: PathBuf) -> Self {
        Self { version: first_version(), file, sha256: None, source: None }
    }

    /// What the file is.
    pub fn source(&self) -> ComparisonSource {
        self.source.unwrap_or_else(|| ComparisonSource::of(&self.file))
    }
}

/// What numbers in the rows of an import stand for, and what the file held besides.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ImportedNames {
    /// Who was judged, by place.
    pub models: Vec<String>,
    /// Judges who were not judged, at places from the number of models on.
    pub outside: Vec<String>,
    /// By the criterion of a row; empty where the file does not tell criteria apart.
    pub criteria: Vec<String>,
    /// Without text where the file has none.
    pub scenarios: Vec<Scenario>,
    /// Words of responses, those of the first pass; empty where the file has no responses.
    pub lengths: Lengths,
    /// Evaluations in the file, and what gave no choice; nothing is lost of a table.
    #[serde(default)]
    pub evaluations: u64,
    #[serde(default)]
    pub losses: Losses,
    /// By judge's name.
    #[serde(default)]
    pub losses_by_judge: BTreeMap<String, Losses>,
}

/// What an import came to.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedComparisons {
    pub names: ImportedNames,
    /// By scenario, pass, judge, pair and criterion as the file has them.
    pub rows: Vec<ComparisonRow>,
}

impl Bench<'_> {
    pub(super) fn import_comparisons(&self, spec: &ImportComparisonsSpec) -> Result<RunOutcome, JobError> {
        let path = self.place(&spec.file)?;
        self.progress.stage("reading judgements");
        let hash = hash_file(&path, self.progress)?;
        if spec.sha256.as_ref().is_some_and(|known| !known.eq_ignore_ascii_case(&hash)) {
            return Err(JobError::Input(format!(
                "the file has changed since this run was made. Put the old file back, or import this one as a new run ({})",
                path.display()
            )));
        }
        self.ledger.inputs(&BTreeMap::from([(spec.file.to_string_lossy().into_owned(), hash)]))?;
        let (names, rows) = match spec.source() {
            ComparisonSource::Comparisons => {
                let mut read = comparisons::read(&path).map_err(|error| JobError::Input(error.to_string()))?;
                let judged = read.evaluees_first();
                let scenarios = read.scenarios.iter().map(|id| Scenario { id: id.clone(), text: String::new() });
                let names = ImportedNames { scenarios: scenarios.collect(), ..named(&read, judged) };
                let behind = vec![CallsBehind::default(); read.rows.len()];
                (names, numbered(&read.rows, behind))
            }
            ComparisonSource::Evaluations => {
                let mut read = evaluations::read(&path).map_err(|error| JobError::Input(error.to_string()))?;
                let judged = read.comparisons.evaluees_first();
                let behind = Transcripts::keep(self, &read)?;
                (of_evaluations(&read, judged), numbered(&read.comparisons.rows, behind))
            }
        };
        self.progress.checkpoint()?;
        // First the names: whoever sees rows can tell what they mean.
        self.ledger.document(IMPORTED, &names)?;
        self.ledger.put_comparisons(&rows)?;
        let words = |count: usize, what: &str| format!("{count} {what}");
        let message = [words(rows.len(), "judgements"), words(names.models.len(), "models")].join(" of ");
        self.ledger.note("info", &message)?;
        for warning in names.losses.words() {
            self.ledger.note("warning", &warning)?;
        }
        Ok(RunOutcome::ImportComparisons(Box::new(ImportedComparisons { names, rows })))
    }
}

fn named(read: &ReadComparisons, judged: usize) -> ImportedNames {
    ImportedNames {
        models: read.models[..judged].to_vec(),
        outside: read.models[judged..].to_vec(),
        criteria: read.criteria.clone(),
        ..ImportedNames::default()
    }
}

fn of_evaluations(read: &ReadEvaluations, judged: usize) -> ImportedNames {
    let found = &read.comparisons;
    let mut lengths: Lengths = vec![vec![None; judged]; found.scenarios.len()];
    for said in &read.said {
        let row = &found.rows[said.rows.start];
        for (model, response) in [row.first, row.second].into_iter().zip(said.responses) {
            let own = &mut lengths[row.scenario as usize][usize::from(model)];
            if let (None, Some(response)) = (*own, response) {
                *own = Some(read.texts[response].split_whitespace().count() as u32);
            }
        }
    }
    let scenarios = found.scenarios.iter().zip(&read.scenario_texts);
    ImportedNames {
        scenarios: scenarios.map(|(id, text)| Scenario { id: id.clone(), text: text.clone() }).collect(),
        lengths,
        evaluations: read.evaluations,
        losses: read.losses.clone(),
        losses_by_judge: read.by_judge.clone(),
        ..named(found, judged)
    }
}

/// Rows as a project keeps them. Where a file repeats a judgement without telling passes apart, each repetition gets a pass of its
/// own; the first judgement of one order still belongs to the first of the other, and so on.
fn numbered(rows: &[Comparison], behind: Vec<CallsBehind>) -> Vec<ComparisonRow> {
    let mut seen: BTreeMap<(u32, u16, u32, [u16; 3]), u32> = BTreeMap::new();
    let mut extra: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let free = rows.iter().map(|row| row.pass + 1).max().unwrap_or_default();
    let kept = |(row, calls): (&Comparison, CallsBehind)| {
        let before =
            seen.entry((row.scenario, row.criterion, row.pass, [row.judge, row.first, row.second])).or_default();
        let pass = match *before {
            0 => row.pass,
            repeated => {
                let next = extra.len() as u32;
                free + *extra.entry((row.pass, repeated)).or_insert(next)
            }
        };
        *before += 1;
        ComparisonRow {
            constitution: 0,
            scenario: row.scenario,
            pass,
            judge: row.judge,
            first: row.first,
            second: row.second,
            criterion: row.criterion,
            choice: row.choice,
            calls,
        }
    };
    rows.iter().zip(behind).map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eigenbench::comparisons::Choice;
    use crate::eigenbench::reconcile::orders;

    fn row(pass: u32, first: u16, second: u16, choice: Choice) -> Comparison {
        Comparison { scenario: 0, criterion: 0, pass, judge: 0, first, second, choice }
    }

    #[test]
    fn repetitions_get_passes_of_their_own_and_orders_still_find_each_other() {
        use Choice::{First, Second};
        let rows = [
            row(0, 0, 1, First),
            row(0, 0, 1, Second),
            row(0, 1, 0, Second),
            row(0, 1, 0, Second),
            row(3, 0, 1, First),
        ];
        let kept = numbered(&rows, vec![CallsBehind::default(); rows.len()]);
        assert_eq!(kept.iter().map(|row| row.pass).collect::<Vec<_>>(), [0, 4, 0, 4, 3]);
        let again: Vec<Comparison> =
            rows.iter().zip(&kept).map(|(row, kept)| Comparison { pass: kept.pass, ..*row }).collect();
        assert_eq!(orders(&again, |_| true), orders(&rows, |_| true));
    }

    #[test]
    fn endings_tell_what_a_file_is_and_a_spec_may_leave_out_the_rest() {
        assert_eq!(ComparisonSource::of(Path::new("a/b.JSONL")), ComparisonSource::Evaluations);
        assert_eq!(ComparisonSource::of(Path::new("b.csv")), ComparisonSource::Comparisons);
        let spec: crate::jobs::spec::RunSpec =
            toml::from_str("kind = \"import-comparisons\"\nfile = \"mock.jsonl\"").unwrap();
        assert_eq!(spec, crate::jobs::spec::RunSpec::ImportComparisons(ImportComparisonsSpec::of("mock.jsonl".into())));
    }
}
