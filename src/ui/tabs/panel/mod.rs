//! The Panel tab: a citizens' assembly drawn by lot, under quotas that everybody can check.
//!
//! Left the form ([`form`]), in the centre the quotas ([`grid`]) and what the lottery gave, right why.

mod already;
mod asking;
mod audit_view;
mod cells;
mod ceremony;
mod draft;
mod draw;
pub mod drawn;
mod form;
mod grid;
mod grid_keys;
mod import;
mod import_columns;
mod lamp;
mod lottery;
mod lottery_view;
mod outcome;
mod people;
mod presets;
mod quotas;
mod reading;
mod replacements;
mod sizes;
mod suggestions;
mod why;
mod words;

use std::path::PathBuf;

use eframe::egui::Ui;

use self::already::AlreadyState;
use self::audit_view::AuditView;
use self::draft::{AlreadyDraft, Draft};
use self::grid_keys::Cursor;
use self::import::Import;
use self::lamp::LampState;
use self::outcome::{Outcome, View};
use self::people::{Gathered, People};
use self::presets::QuotaFile;
use self::reading::Reading;
use self::suggestions::Suggestions;
use crate::jobs::spec::RunSpec;
use crate::sortition::before::Standing;
use crate::sortition::lottery_run::LotterySpec;
use crate::sortition::sample_pool;
use crate::store::RunId;
use crate::ui::command::{Command, TabKind};
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::columns;
use crate::ui::tabs::shared::form_draft::FormDraft;

/// State of the tab: the draft form, the cursor of the grid, what was asked of the store.
#[derive(Default)]
pub struct PanelTab {
    draft: FormDraft<Draft>,
    /// The draft as of the last undo point.
    cursor: Cursor,
    people: People,
    already: AlreadyState,
    quota_file: QuotaFile,
    /// The grid as it was read, with the draft and the pool that were read.
    read: Option<(Draft, Option<i64>, Reading)>,
    /// The next people to arrive are those of the sample, whose quotas come with them.
    sample_arrives: bool,
    import: Option<Import>,
    lamp: LampState,
    suggestions: Suggestions,
    outcome: Outcome,
    audit: AuditView,
    /// The right side is hidden.
    why_hidden: bool,
}

impl PanelTab {
    /// Draws the whole tab (left form, centre quotas and lottery, right why) into `ui`.
    pub fn show(&mut self, context: &TabContext<'_>, ui: &mut Ui, commands: &mut Vec<Command>) {
        self.people.follow(context, self.draft.pool);
        self.quota_file.follow(context, &mut self.draft, self.people.get());
        self.already.take_file(context, &mut self.draft, self.people.get());
        self.read();
        let run = self.outcome.follow(context, &self.draft);
        if self.outcome.ceremony(ui, run, &mut self.draft, commands) {
            return;
        }
        columns::form(ui, "panel", |ui| {
            let ready = self.obstacle().map_or(Ok(()), Err);
            let lamp = &mut self.lamp;
            let spec = |draft: &Draft, found: &Gathered| spec(draft, found, lamp);
            if form::show(ui, &mut self.people, &mut self.already, &mut self.draft, ready, spec, commands) {
                self.outcome.follow_newest();
            }
        });
        self.read();
        self.ask_lamp(context);
        if !self.why_hidden {
            columns::why(ui, "panel", |ui| self.why(ui, commands));
        }
        columns::results(ui, |ui| {
            if let Some(import) = &mut self.import {
                if !import.show(ui, context, commands) {
                    self.import = None;
                }
                return;
            }
            let looking = self.lamp.looking();
            self.outcome.switch(ui, &mut self.why_hidden, looking.as_deref());
            match self.outcome.view {
                View::Quotas => self.quotas(ui, commands),
                View::Audit => self.audit.show(ui, context, commands),
                View::Lottery | View::Draw => {
                    let form = self.people.get().map(|found| (found.stored.clone(), self.read.as_ref()));
                    let quotas = form.and_then(|(_, read)| read.and_then(|(_, _, reading)| reading.quotas.as_ref()));
                    self.outcome.show(ui, context, run, &mut self.draft, quotas, commands);
                }
            }
        });
        self.draft.settle(ui, TabKind::Panel, commands);
    }

    /// Asks whether the quotas can be met, where they changed.
    fn ask_lamp(&mut self, context: &TabContext<'_>) {
        let found = self.people.get().cloned();
        let taken = self.already.follow(&self.draft, found.as_ref());
        if let Some((_, _, reading)) = &self.read {
            self.lamp.follow(context, &self.draft, reading, found.as_ref(), &taken);
            self.suggestions.follow(context, &self.draft, &mut self.lamp);
        }
    }

    /// Reads the grid again where it changed.
    fn read(&mut self) {
        let found = self.people.get().map(|found| found.stored.id);
        if self.read.as_ref().is_some_and(|(draft, pool, _)| *pool == found && *draft == *self.draft) {
            return;
        }
        let counts = self.people.get().map(|found| found.counts.clone());
        let reading = Reading::new(&self.draft, counts.as_deref());
        self.read = Some((self.draft.clone(), found, reading));
    }

    /// Why no lottery can start.
    fn obstacle(&mut self) -> Option<String> {
        if self.draft.pool.is_none() {
            return Some("Import people first, or begin with the sample.".to_owned());
        }
        if self.people.get().is_none() {
            return Some("The people are being read.".to_owned());
        }
        let (_, _, reading) = self.read.as_ref()?;
        if let Some(obstacle) = reading.obstacle(&self.draft) {
            return Some(obstacle);
        }
        let taken = self.already.follow(&self.draft, self.people.get());
        if let Some(unknown) = taken.unknown.first() {
            return Some(format!("Nobody among the people has the id {unknown}, who is to be on the panel already."));
        }
        if taken.named.is_empty() {
            return None;
        }
        let behind = self.lamp.behind();
        match self.lamp.answer() {
            Some(answer) if !behind && answer.left.is_some() => None,
            Some(answer) if !behind => answer.report.findings.first().map(|finding| finding.sentence.clone()),
            _ => Some("The seats that are left are being counted.".to_owned()),
        }
    }

    fn begin_sample(&mut self, commands: &mut Vec<Command>) {
        if let Ok(people) = people::sample() {
            self.sample_arrives = true;
            commands.push(Command::StorePool(people));
        }
    }

    /// The draft as JSON, for autosave and undo.
    pub fn draft(&self) -> String {
        self.draft.json()
    }

    /// Replaces the draft (autosave, undo, "duplicate as form"); ignores what it cannot read.
    pub fn set_draft(&mut self, json: &str) {
        if self.draft.replace(json) {
            self.cursor.editor = None;
        }
    }

    /// People arrived in the project: the form is about them from now on.
    pub fn take_pool(&mut self, pool: i64) {
        self.draft.pool = Some(pool);
        self.outcome.view = View::Quotas;
        if std::mem::take(&mut self.sample_arrives) {
            self.draft.set_quotas(&sample_pool::quotas());
        }
        self.draft.accept();
    }

    /// Everybody was deleted from the project.
    pub fn people_forgotten(&mut self) {
        self.draft.pool = None;
        self.draft.already.clear();
        self.draft.accept();
    }

    /// Shows what is in a table of people, before anything is stored.
    pub fn preview(&mut self, path: PathBuf) {
        self.import = Some(Import::new(path));
    }

    /// Seats the people of a list.
    pub fn read_seated(&mut self, path: PathBuf) {
        self.already.ask(path);
    }

    /// Shows the results of this run.
    pub fn show_run(&mut self, run: RunId) {
        self.outcome.pick(run);
    }

    /// Shows a check of an audit file.
    pub fn show_audit(&mut self, run: RunId) {
        self.audit.pick(run);
        self.outcome.view = View::Audit;
    }

    /// Fills the form from a lottery's spec; the people stay those of the form.
    pub fn set_spec(&mut self, spec: &LotterySpec) {
        self.draft.set_quotas(spec.before.as_ref().map_or(&spec.quotas, |before| &before.quotas));
        self.draft.already = already(spec);
        self.draft.one_per_household = spec.one_per_household;
        self.draft.algorithm = spec.algorithm;
        self.draft.draws = spec.draws;
        self.draft.seed = spec.seed;
        self.draft.accept();
    }
}

/// Those who were seated before a lottery, as the form names them.
fn already(spec: &LotterySpec) -> Vec<AlreadyDraft> {
    let Some(before) = &spec.before else { return Vec::new() };
    let all = before.pool.ids().iter().zip(&before.settled);
    all.filter(|(_, settled)| settled.standing == Standing::Seated)
        .map(|(id, settled)| AlreadyDraft { id: id.clone(), why: settled.why.clone() })
        .collect()
}

/// The lottery that the form describes: over everybody, or over what those who are seated already leave.
fn spec(draft: &Draft, found: &Gathered, lamp: &mut LampState) -> Option<RunSpec> {
    let (pool, quotas, before) = if draft.already.is_empty() {
        (found.stored.pool.clone(), Reading::new(draft, Some(&found.counts)).quotas?, None)
    } else {
        let left = lamp.answer()?.left.clone()?;
        (left.pool.clone(), left.quotas.clone(), Some(left.before.clone()))
    };
    Some(RunSpec::Lottery(LotterySpec {
        version: 1,
        pool,
        before,
        quotas,
        one_per_household: draft.one_per_household,
        algorithm: draft.algorithm,
        draws: draft.draws,
        seed: draft.seed,
    }))
}
