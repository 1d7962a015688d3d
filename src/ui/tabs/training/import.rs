//! Preferences on their way into the project: from a file or PRISM's folder, or made up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use eframe::egui::{self, Ui};

use super::draft::{Draft, LotterySource, SchemeKind};
use crate::dempo::pairs::Pairing;
use crate::dempo::population::Size;
use crate::figures::number;
use crate::formats::preferences::{
    Field, Format, ImportOptions, ImportReport, PreferenceFile, PreferencesError, Source, import,
};
use crate::jobs::sample_population::{self, SampleError, write_sample};
use crate::progress::Progress;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::run_state::say;
use crate::ui::tabs::shared::task::Task;
use crate::ui::theme;
use crate::ui::widgets::VerdictKind;

/// The folder of the sample inside the project.
const SAMPLE: &str = "sample-population";
/// Large enough that groups differ by more than chance, small enough to be trained on in a minute.
const SAMPLE_SIZE: Size = Size { raters: 200, pairs_per_rater: 8, panel: 20 };
/// What the model is asked while it learns from the sample.
const QUESTIONS: &str = "What should our town do about youth clubs?\nHow should we handle quiet hours?";

/// Why an import ended without preferences.
#[derive(Clone, Debug)]
enum Problem {
    Cancelled,
    /// Lines cannot be read; they may be left out.
    Lines(String),
    /// Columns have other names than usual.
    Columns(String),
    Other(String),
}

/// Where preferences are now, and what became of their source where it was imported.
type Imported = Result<(PathBuf, Option<ImportReport>), Problem>;

/// Imports between frames.
#[derive(Default)]
pub struct Imports {
    /// Chosen since the last frame.
    wanted: Option<PathBuf>,
    source: PathBuf,
    task: Option<Task<Imported>>,
    problem: Option<Problem>,
    report: Option<ImportReport>,
    /// Only the chosen reply beside each other one, in first turns.
    pub best: bool,
    /// `rater=worker_id`, between commas.
    columns: String,
    sample: Option<Task<Result<(), SampleError>>>,
    /// A training on the sample follows.
    pub start_after: bool,
}

impl Imports {
    /// Takes a file or folder in, from the next frame on.
    pub fn take(&mut self, path: PathBuf) {
        self.columns.clear();
        self.wanted = Some(path);
    }

    /// Makes the sample up.
    pub fn begin_sample(&mut self, context: &TabContext<'_>, start_after: bool) {
        self.start_after = start_after;
        let folder = context.directory.join(SAMPLE);
        self.sample = Some(Task::begin(context, move |progress| write_sample(&folder, SAMPLE_SIZE, 0, progress)));
    }

    /// Whether something is under way.
    pub fn busy(&self) -> bool {
        self.task.is_some() || self.sample.is_some() || self.wanted.is_some()
    }

    /// Goes on with what is under way; true when the form was filled from it.
    pub fn advance(&mut self, context: &TabContext<'_>, draft: &mut Draft) -> bool {
        if let Some(path) = self.wanted.take() {
            self.begin(context, path, false);
        }
        let mut filled = false;
        if let Some(task) = &mut self.task
            && let Some(done) = task.result()
        {
            match done {
                Ok((path, report)) => {
                    let inside = path.strip_prefix(context.directory).unwrap_or(path);
                    draft.preferences = inside.display().to_string();
                    let survey = self.source.join("survey.jsonl");
                    if draft.people.is_empty() && report.is_some() && survey.is_file() {
                        draft.people = survey.display().to_string();
                    }
                    (self.report, self.problem, filled) = (report.clone(), None, true);
                }
                Err(problem) => {
                    self.report = None;
                    self.problem = Some(problem.clone());
                }
            }
            self.task = None;
        }
        if let Some(task) = &mut self.sample
            && let Some(done) = task.result()
        {
            match done {
                Ok(()) => {
                    let file = |name: &str| format!("{SAMPLE}/{name}");
                    (draft.preferences, draft.people) = (file("preferences.jsonl"), file("people.csv"));
                    draft.lottery = LotterySource::File(file(sample_population::LOTTERY));
                    draft.scheme = SchemeKind::Soft;
                    if draft.questions.trim().is_empty() {
                        QUESTIONS.clone_into(&mut draft.questions);
                    }
                    (self.report, self.problem, filled) = (None, None, true);
                }
                Err(SampleError::Cancelled(_)) => self.start_after = false,
                Err(SampleError::Failed(text)) => {
                    self.problem = Some(Problem::Other(text.clone()));
                    self.start_after = false;
                }
            }
            self.sample = None;
        }
        filled
    }

    fn begin(&mut self, context: &TabContext<'_>, path: PathBuf, skip_malformed: bool) {
        (self.problem, self.report) = (None, None);
        self.source.clone_from(&path);
        let columns = match columns(&self.columns) {
            Ok(columns) => columns,
            Err(problem) => {
                self.problem = Some(Problem::Columns(problem));
                return;
            }
        };
        let pairing = if self.best { Pairing::Best } else { Pairing::All { delta: 0.0 } };
        let options = ImportOptions { pairing, skip_malformed, columns };
        let folder = context.directory.join("preferences");
        self.task = Some(Task::begin(context, move |progress| take_in(&path, &folder, &options, progress)));
    }

    /// Draws what is under way, what became of the last import, and the remedies.
    pub fn show(&mut self, ui: &mut Ui, context: &TabContext<'_>) {
        if let Some(task) = &self.task
            && task.show(ui, "Cancel import")
        {
            self.task = None;
        }
        if let Some(task) = &self.sample
            && task.show(ui, "Cancel sample")
        {
            (self.sample, self.start_after) = (None, false);
        }
        if let Some(report) = &self.report {
            account(ui, report);
        }
        let mut again = None;
        if let Some(problem) = &self.problem {
            match problem {
                Problem::Cancelled => {}
                Problem::Other(text) => told(ui, text),
                Problem::Lines(text) => {
                    told(ui, text);
                    if ui.button("Import without these lines").clicked() {
                        again = Some(true);
                    }
                }
                Problem::Columns(text) => {
                    told(ui, text);
                    let label = ui.label("Columns by other names");
                    let field = egui::TextEdit::singleline(&mut self.columns).id_salt("training columns");
                    ui.add(field.hint_text("rater=worker_id, prompt=question").desired_width(ui.available_width()))
                        .labelled_by(label.id)
                        .on_hover_text(format!("The fields are {}.", Field::names()));
                    if ui.button("Import with these columns").clicked() {
                        again = Some(false);
                    }
                }
            }
        }
        if let Some(skip) = again {
            self.begin(context, self.source.clone(), skip);
        }
    }
}

fn told(ui: &mut Ui, text: &str) {
    say(ui, VerdictKind::Failed, "Nothing was imported.");
    ui.label(theme::caption(crate::ui::format::sentence(text)));
}

fn account(ui: &mut Ui, report: &ImportReport) {
    let [least, _, median, _, most] = report.pairs_per_rater;
    let mut lines = vec![format!(
        "Imported {} of {} ({}): {least} to {most} a rater, median {median}.",
        number::counted(report.pairs, "pair", "pairs"),
        number::counted(report.raters, "rater", "raters"),
        report.format
    )];
    for (why, count) in &report.dropped {
        let why = serde_json::to_value(why).ok().and_then(|why| why.as_str().map(|why| why.replace('-', " ")));
        lines.push(format!("Left out: {} for {}.", number::count(*count), why.unwrap_or_default()));
    }
    if report.malformed.count > 0 {
        let (bad, all) = (number::count(report.malformed.count), number::count(report.lines));
        lines.push(format!("{bad} of {all} lines cannot be read and were left out: {}.", report.malformed));
    }
    if let Some(without) = report.raters_without_demographics.filter(|&without| without > 0) {
        lines.push(format!("{} without demographics were kept.", number::counted(without, "rater", "raters")));
    }
    lines.extend(report.notes.iter().map(|note| crate::ui::format::sentence(note)));
    for line in lines {
        ui.label(theme::caption(line));
    }
}

fn columns(text: &str) -> Result<BTreeMap<Field, String>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (field, name) = part.split_once('=').ok_or("write FIELD=NAME, such as rater=worker_id")?;
            let field = Field::named(field.trim()).ok_or_else(|| format!("the fields are {}", Field::names()))?;
            Ok((field, name.trim().to_owned()))
        })
        .collect()
}

/// Uses a file as it is where it is in the program's form already, and imports everything else into `folder`.
fn take_in(path: &Path, folder: &Path, options: &ImportOptions, progress: &dyn Progress) -> Imported {
    progress.stage("looking at the file");
    let lines = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("jsonl"));
    if lines && options.columns.is_empty() {
        match PreferenceFile::open(path, progress) {
            Ok(_) => return Ok((path.to_path_buf(), None)),
            Err(PreferencesError::Cancelled(_)) => return Err(Problem::Cancelled),
            Err(_) => {}
        }
    }
    std::fs::create_dir_all(folder)
        .map_err(|error| Problem::Other(format!("the folder cannot be made: {error} ({})", folder.display())))?;
    let stem = path.file_stem().map_or_else(|| "preferences".into(), |stem| stem.to_string_lossy().into_owned());
    let names = (1..).map(|number: u32| match number {
        1 => format!("{stem}.jsonl"),
        number => format!("{stem}-{number}.jsonl"),
    });
    let out = names.map(|name| folder.join(name)).find(|out| !out.exists()).unwrap_or_default();
    let source =
        if path.is_dir() { Source::Prism(path.to_path_buf()) } else { Source::File(path.to_path_buf(), Format::Auto) };
    match import(&source, &out, options, progress) {
        Ok(report) => Ok((out, Some(report))),
        Err(PreferencesError::Cancelled(_)) => Err(Problem::Cancelled),
        Err(PreferencesError::Lines { bad_lines, lines, .. }) => Err(Problem::Lines(format!(
            "{} of {} lines cannot be read: {bad_lines}. Mend them, or leave them out",
            number::count(bad_lines.count),
            number::count(lines)
        ))),
        Err(error @ (PreferencesError::NoRaters { .. } | PreferencesError::NoColumn { .. })) => {
            Err(Problem::Columns(error.to_string().replace(" with --column", " below, such as")))
        }
        Err(error) => Err(Problem::Other(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn a_source_is_imported_once_and_ready_preferences_stay_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.csv");
        std::fs::write(&path, "rater,prompt,chosen,rejected\na,Q?,yes,no\nb,Q?,no,yes\n").unwrap();
        let into = folder.path().join("in");
        let (out, report) = take_in(&path, &into, &ImportOptions::default(), &Silent).unwrap();
        assert_eq!((out.clone(), report.unwrap().pairs), (into.join("mine.jsonl"), 2));
        let (same, report) = take_in(&out, &into, &ImportOptions::default(), &Silent).unwrap();
        assert_eq!((same, report), (out, None));
        let (second, _) = take_in(&path, &into, &ImportOptions::default(), &Silent).unwrap();
        assert_eq!(second, into.join("mine-2.jsonl"));
    }

    #[test]
    fn what_stands_in_the_way_of_an_import_has_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.csv");
        std::fs::write(&path, "whose,prompt,chosen,rejected\na,Q?,yes,no\n").unwrap();
        let problem = take_in(&path, folder.path(), &ImportOptions::default(), &Silent).unwrap_err();
        assert!(matches!(problem, Problem::Columns(_)), "{problem:?}");
        let options = ImportOptions { columns: columns("rater=whose").unwrap(), ..ImportOptions::default() };
        assert!(take_in(&path, folder.path(), &options, &Silent).is_ok());
        let path = folder.path().join("bad.jsonl");
        std::fs::write(&path, "{\"rater\":\"a\",\"prompt\":\"Q\",\"chosen\":\"y\",\"rejected\":\"n\"}\nnonsense\n")
            .unwrap();
        let problem = take_in(&path, folder.path(), &ImportOptions::default(), &Silent).unwrap_err();
        assert!(matches!(problem, Problem::Lines(_)), "{problem:?}");
        assert!(columns("x=y").is_err() && columns("rater").is_err());
    }
}
