//! The EigenBench tab: models judge one another by a constitution, and one sees whose values they trust and how sure that is.
//!
//! Left the form ([`form`]), in the centre what came out ([`outcome`]), right why ([`explanation`]).

mod compare;
mod draft;
mod explanation;
mod form;
mod labs;
mod losses;
mod outcome;
mod people;
mod results;
mod rows;
mod scenario_editor;
mod view;

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::{ScrollArea, Ui};

use self::draft::Draft;
use self::form::{Editing, FormState};
use self::labs::{CollusionLab, LabelRecoveryLab};
use self::outcome::Outcome;
use self::scenario_editor::ScenarioEditor;
use super::shared::columns;
use super::shared::constitution_editor::ConstitutionEditor;
use super::shared::form_draft::FormDraft;
use super::shared::told::{self, Told};
use crate::dempo::constitution::Constitution;
use crate::eigenbench::scenario::Scenario;
use crate::formats::{constitutions, people_comparisons, scenarios};
use crate::jobs::collect::{CollectSpec, Judgements};
use crate::jobs::import_comparisons::ImportComparisonsSpec;
use crate::jobs::spec::RunSpec;
use crate::store::{PersonComparison, Project, RunId, RunRow};
use crate::ui::command::{Command, EigenBenchPath, TabKind};
use crate::ui::context::TabContext;
use crate::ui::format;
use crate::ui::requested::Requested;
use crate::ui::widgets::empty_state;

/// What a file held.
#[derive(Clone)]
enum Imported {
    Criteria(Constitution),
    Scenarios { scenarios: Vec<Scenario>, repeated: usize },
}

/// What people chose between responses of a run.
type PeopleOfRun = (RunId, Arc<Vec<PersonComparison>>);

/// With what was assumed while reading.
type Reading = Result<(Imported, Vec<String>), String>;

fn import(wanted: EigenBenchPath, path: &std::path::Path) -> Reading {
    if wanted == EigenBenchPath::Scenarios {
        let read = scenarios::read(path).map_err(|error| error.to_string())?;
        let warnings = read.warnings.iter().map(ToString::to_string).collect();
        return Ok((Imported::Scenarios { scenarios: read.scenarios, repeated: read.repeated }, warnings));
    }
    let read = constitutions::read(path).map_err(|error| error.to_string())?;
    Ok((Imported::Criteria(read.constitution), read.warnings.iter().map(ToString::to_string).collect()))
}

/// What stands in the centre.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Runs,
    Collusion,
    LabelRecovery,
}

const PLACES: [(Place, &str, &str); 3] = [
    (Place::Runs, "Collections", "What models judged, and what follows from it."),
    (Place::Collusion, "Collusion lab", "What does a group gain that puts itself first?"),
    (Place::LabelRecovery, "Label-recovery lab", "Does judging one another find who is right?"),
];

/// State of the tab: the draft form, what is looked at, what is being read.
#[derive(Default)]
pub struct EigenBenchTab {
    draft: FormDraft<Draft>,
    form: FormState,
    criteria: ConstitutionEditor,
    scenarios: ScenarioEditor,
    place: Place,
    /// A file of people's choices that is to be read for the run that is shown.
    people: Option<PathBuf>,
    reading_people: Requested<Result<PeopleOfRun, String>>,
    outcome: Outcome,
    collusion: CollusionLab,
    label_recovery: LabelRecoveryLab,
    /// A file that is to be read, and what for.
    chosen: Option<(EigenBenchPath, PathBuf)>,
    reading: Requested<Reading>,
    /// A file of judgements that a run is to take in.
    judgements: Option<PathBuf>,
    /// What the last import did, or why it did nothing.
    told: Told,
    why_hidden: bool,
}

impl EigenBenchTab {
    /// Draws the whole tab into `ui`.
    pub fn show(&mut self, context: &TabContext<'_>, ui: &mut Ui, commands: &mut Vec<Command>) {
        self.read(context);
        self.read_people(context, commands);
        if let Some(file) = self.judgements.take() {
            let spec = ImportComparisonsSpec::of(file);
            commands.push(Command::StartRun(Box::new(RunSpec::ImportComparisons(spec))));
            self.outcome.follow_newest();
            self.form.editing = None;
        }
        self.form.follow(&self.draft);
        columns::form(ui, "eigenbench", |ui| {
            if form::show(ui, context, &mut self.draft, &mut self.form, commands) {
                self.outcome.follow_newest();
                self.form.editing = None;
                self.place = Place::Runs;
            }
        });
        let run = self.outcome.current(context);
        if !self.why_hidden {
            columns::why(ui, "eigenbench", |ui| explanation::show(ui, run, commands));
        }
        columns::results(ui, |ui| {
            told::show(ui, &mut self.told);
            if self.edit(ui) {
                return;
            }
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                for (place, name, why) in PLACES {
                    ui.selectable_value(&mut self.place, place, name).on_hover_text(why);
                }
            });
            let form = self.form.run();
            match (self.place, run) {
                (Place::Collusion, _) => self.collusion.show(ui, context, &form, commands),
                (Place::LabelRecovery, _) => self.label_recovery.show(ui, context, commands),
                (Place::Runs, Some(run)) => {
                    self.outcome.show(ui, context, &form, run, &mut self.why_hidden, commands);
                }
                (Place::Runs, None) => self.nothing_yet(ui, commands),
            }
        });
        self.draft.settle(ui, TabKind::EigenBench, commands);
    }

    /// Draws the editor that is open; false where none is.
    fn edit(&mut self, ui: &mut Ui) -> bool {
        match self.form.editing {
            None => return false,
            Some(Editing::Scenarios) => {
                if !self.scenarios.show(ui, &mut self.draft.scenarios) {
                    self.form.editing = None;
                }
            }
            Some(Editing::Criteria(place)) => {
                let Some(constitution) = self.draft.constitutions.get_mut(place) else {
                    self.form.editing = None;
                    return false;
                };
                let mut open = true;
                self.criteria.show(ui, constitution, &mut open, false);
                if !open {
                    self.form.editing = None;
                }
            }
        }
        true
    }

    /// Reads a file that was chosen, on a background thread, and takes over what is in it.
    fn read(&mut self, context: &TabContext<'_>) {
        if let Some((wanted, path)) = self.chosen.take() {
            let wake = context.wake.clone();
            self.told = None;
            self.reading.ask(move || wake(), move || import(wanted, &path));
        }
        let Some(found) = self.reading.get().cloned() else { return };
        self.reading.clear();
        self.told = Some(match found {
            Ok((imported, warnings)) => {
                let mut told = self.take(imported);
                for warning in warnings {
                    told.push(' ');
                    told.push_str(&format::sentence(&warning));
                }
                Ok(told)
            }
            Err(problem) => Err(format::sentence(&problem)),
        });
    }

    /// Reads what people chose elsewhere between responses of the run that is shown, and keeps it.
    fn read_people(&mut self, context: &TabContext<'_>, commands: &mut Vec<Command>) {
        if let (Some(path), Some(run)) = (self.people.take(), self.outcome.current(context)) {
            let (wake, directory, id, spec) =
                (context.wake.clone(), context.directory.clone(), run.id, run.spec.clone());
            self.told = None;
            self.reading_people.ask(
                move || wake(),
                move || {
                    let project = Project::open_reader(&directory).map_err(|error| error.to_string())?;
                    let judgements = Judgements::load(&project, id, &spec).map_err(|error| error.to_string())?;
                    let judgements = judgements.ok_or("the run that is shown has no judgements yet")?;
                    let read =
                        people_comparisons::read(&path, &judgements.names()).map_err(|error| error.to_string())?;
                    Ok((id, Arc::new(read.into_iter().map(|choice| judgements.kept(choice)).collect())))
                },
            );
        }
        let Some(found) = self.reading_people.get().cloned() else { return };
        self.reading_people.clear();
        self.told = Some(match found {
            Ok((run, rows)) => {
                let told = format!("{} choices of people were imported for run {}.", rows.len(), run.0);
                commands.push(Command::KeepComparisons(run, rows));
                Ok(told)
            }
            Err(problem) => Err(format::sentence(&problem)),
        });
    }

    fn take(&mut self, imported: Imported) -> String {
        match imported {
            Imported::Criteria(read) => {
                let told = format!("{}: {} criteria were imported.", read.name, read.clauses.len());
                let read = Arc::new(read);
                match self.draft.constitutions.iter_mut().find(|known| known.name == read.name) {
                    Some(known) => *known = read,
                    None => self.draft.constitutions.push(read),
                }
                told
            }
            Imported::Scenarios { scenarios, repeated } => {
                let mut told = format!("{} scenarios were imported.", scenarios.len());
                if repeated > 0 {
                    told.push_str(&format!(" {repeated} stood there before and were left out."));
                }
                self.draft.scenarios = Arc::new(scenarios);
                self.draft.scenarios_asked = 0;
                told
            }
        }
    }

    fn nothing_yet(&mut self, ui: &mut Ui, commands: &mut Vec<Command>) {
        ScrollArea::vertical().id_salt("eigenbench nothing").auto_shrink([false, false]).show(ui, |ui| {
            let text = "Models respond to scenarios, reflect on one another's responses, and judge them two by two by your \
                        criteria; a leaderboard of trust forms while they do. Fill in an example with mock personas (no \
                        key, no download), or choose your own criteria, scenarios and models: behind any address that \
                        speaks like OpenAI's, or on this machine.";
            if empty_state(ui, "Nothing judged yet", text, Some("Fill in a small example")) {
                self.fill_example();
            }
            ui.vertical_centered(|ui| form::import_judgements(ui, commands));
        });
    }

    fn fill_example(&mut self) {
        let criteria = constitutions::shipped().into_iter().find(|(name, _)| *name == "kindness");
        if let Some((_, criteria)) = criteria {
            self.draft.fill_example(Arc::new(criteria), Arc::new(scenarios::shipped()));
        }
    }

    /// The draft as JSON, for autosave and undo.
    pub fn draft(&self) -> String {
        self.draft.json()
    }

    /// Replaces the draft; ignores what it cannot read.
    pub fn set_draft(&mut self, json: &str) {
        self.draft.replace(json);
    }

    /// Fills the draft from a collection's spec.
    pub fn set_spec(&mut self, spec: &CollectSpec) {
        let draft = Draft { personas: self.draft.personas.clone(), ..Draft::of(spec) };
        self.draft.adjust(|now| now.clone_from(&draft));
    }

    /// Fills the form from the newest collection while nobody has touched it; to be called when a project is opened.
    pub fn start_from(&mut self, runs: &[RunRow]) {
        let collections = runs.iter().filter_map(|run| match &run.spec {
            RunSpec::Collect(spec) => Some(spec),
            _ => None,
        });
        let newest = collections.into_iter().next().cloned();
        if *self.draft == Draft::default()
            && let Some(spec) = newest
        {
            self.set_spec(&spec);
        }
    }

    /// Shows the results of this run.
    pub fn show_run(&mut self, run: RunId) {
        self.outcome.pick(run);
        self.form.editing = None;
        self.place = Place::Runs;
    }

    /// Takes a path that was asked for.
    pub fn take_path(&mut self, wanted: EigenBenchPath, path: PathBuf) {
        match wanted {
            EigenBenchPath::Constitution | EigenBenchPath::Scenarios => self.chosen = Some((wanted, path)),
            EigenBenchPath::People => self.people = Some(path),
            EigenBenchPath::LabelAnswers => {
                self.place = Place::LabelRecovery;
                self.label_recovery.take_answers(path);
            }
            EigenBenchPath::LabelScores => {
                self.place = Place::LabelRecovery;
                self.label_recovery.take_scores(path);
            }
            EigenBenchPath::Judgements => self.judgements = Some(path),
            EigenBenchPath::Adapter(row) => {
                if let Some(voice) = self.draft.models.get_mut(row) {
                    voice.adapter = path.display().to_string();
                }
            }
        }
    }

    /// Takes a file that was dropped on the tab: criteria while there are none, scenarios after.
    pub fn take_dropped(&mut self, path: PathBuf) {
        let wanted = match self.draft.constitutions.is_empty() {
            true => EigenBenchPath::Constitution,
            false => EigenBenchPath::Scenarios,
        };
        self.chosen = Some((wanted, path));
    }
}
