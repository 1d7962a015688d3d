//! The lamp: can these quotas be met? Asked again with every edit, on a background thread; the question before is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eframe::egui::{Button, Ui};

use super::draft::Draft;
use super::grid_keys::Cursor;
use super::people::Gathered;
use super::reading::Reading;
use crate::figures::number;
use crate::progress::{Cancelled, Progress};
use crate::sortition::census::{Census, Rule};
use crate::sortition::feasibility::{self, Finding, Lamp, Report, Severity, Stage, Witness};
use crate::sortition::quotas::Quotas;
use crate::sortition::reach;
use crate::store::StoredPool;
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;
use crate::ui::tabs::shared::run_state::say;
use crate::ui::theme;
use crate::ui::widgets::VerdictKind;

/// A question that can be dropped.
pub struct Dropped(pub Arc<AtomicBool>);

impl Progress for Dropped {
    fn stage(&self, _name: &str) {}
    fn report(&self, _done: u64, _total: u64) {}
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if self.0.load(Ordering::Relaxed) { Err(Cancelled) } else { Ok(()) }
    }
}

/// What quotas were asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub pool: i64,
    pub quotas: Quotas,
    pub one_per_household: bool,
}

/// What was found, and what makes the next answer quick.
pub struct Answer {
    pub question: Question,
    pub report: Report,
    /// Counted once, kept while the rows stay the same.
    pub census: Option<Arc<Census>>,
    /// Whether the people whom no panel can have were looked for.
    pub reached: bool,
}

/// The lamp between frames.
#[derive(Default)]
pub struct LampState {
    asked: Option<(Question, bool)>,
    drop: Arc<AtomicBool>,
    answer: Requested<Answer>,
    census: Option<(i64, Arc<Census>)>,
    witness: Option<Witness>,
}

impl Drop for LampState {
    fn drop(&mut self) {
        self.drop.store(true, Ordering::Relaxed);
    }
}

impl LampState {
    /// Keeps up with the grid: asks again when the quotas changed.
    pub fn follow(&mut self, context: &TabContext<'_>, draft: &Draft, reading: &Reading, found: Option<&Gathered>) {
        let (Some(found), Some(quotas)) = (found, &reading.quotas) else {
            if self.asked.take().is_some() {
                self.drop.store(true, Ordering::Relaxed);
                self.answer.clear();
            }
            return;
        };
        if let Some(answer) = self.answer.get() {
            if let Some(census) = &answer.census {
                self.census = Some((answer.question.pool, census.clone()));
            }
            if answer.report.witness.is_some() {
                self.witness.clone_from(&answer.report.witness);
            }
        }
        let pool = found.stored.id;
        let same = |question: &Question| {
            question.pool == pool && question.one_per_household == draft.one_per_household && question.quotas == *quotas
        };
        let answered = self.answer.get().map(|answer| (same(&answer.question), answer.reached, answer.report.lamp));
        let deeper = match &self.asked {
            Some((question, deep)) if same(question) => {
                // The quick checks are there: who can be chosen at all comes after them.
                if *deep || answered != Some((true, false, Lamp::Feasible)) {
                    return;
                }
                true
            }
            _ => false,
        };
        let question = Question { pool, quotas: quotas.clone(), one_per_household: draft.one_per_household };
        self.drop.store(true, Ordering::Relaxed);
        self.drop = Arc::new(AtomicBool::new(false));
        self.asked = Some((question.clone(), deeper));
        let known = self.census.as_ref().filter(|(of, _)| *of == pool).map(|(_, census)| census.clone());
        let (stored, witness, dropped, wake) =
            (found.stored.clone(), self.witness.clone(), Dropped(self.drop.clone()), context.wake.clone());
        let work = move || answer(&stored, question, known, witness, deeper, &dropped);
        self.answer.ask(move || wake(), work);
    }

    /// The answer to the present quotas, or to the ones before while it is awaited.
    pub fn answer(&mut self) -> Option<&Answer> {
        self.answer.get()
    }

    /// Whether the answer that is there is about quotas before the last edit.
    pub fn behind(&mut self) -> bool {
        let asked = self.asked.clone();
        match (asked, self.answer.get()) {
            (Some((question, _)), Some(answer)) => answer.question != question,
            (asked, _) => asked.is_some(),
        }
    }
}

fn answer(
    stored: &StoredPool,
    question: Question,
    known: Option<Arc<Census>>,
    witness: Option<Witness>,
    deeper: bool,
    progress: &Dropped,
) -> Answer {
    let (quotas, household) = (&question.quotas, question.one_per_household);
    let fits = known.filter(|census| census.fits(quotas, household));
    let census = match fits {
        Some(census) => Ok(census),
        None => Census::new(&stored.pool, quotas, household).map(Arc::new),
    };
    match census {
        Err(_) => {
            let report = feasibility::check(&stored.pool, quotas, household, progress);
            Answer { question, report, census: None, reached: true }
        }
        Ok(census) => {
            let mut report = feasibility::check_edit(&census, quotas, witness.as_ref(), progress);
            if let (true, Some(witness)) = (deeper, &report.witness)
                && let Ok(found) = reach::unreachable(&census, quotas, std::slice::from_ref(witness), progress)
            {
                report.findings.extend(found.groups.iter().map(|group| Finding {
                    stage: Stage::Reach,
                    severity: Severity::Warning,
                    sentence: group.sentence.clone(),
                    rules: group.rules.clone(),
                    numbers: None,
                }));
                report.unreachable = Some(found);
            }
            Answer { question, report, census: Some(census), reached: deeper }
        }
    }
}

/// The lamp's word and sentence.
pub fn headline(report: &Report, size: u32) -> (VerdictKind, String) {
    let size = number::count(u64::from(size));
    match report.lamp {
        Lamp::Feasible => match report.unreachable.as_ref().map(|found| found.people().len()) {
            Some(people) if people > 0 => {
                let people = number::counted(people as u64, "person", "people");
                (
                    VerdictKind::Caution,
                    format!("Possible: a panel of {size} meets every quota, but {people} can be on none."),
                )
            }
            Some(_) => (
                VerdictKind::Good,
                format!("Possible: a panel of {size} meets every quota, and everybody can be on one."),
            ),
            None => (VerdictKind::Good, format!("Possible: a panel of {size} meets every quota.")),
        },
        Lamp::Infeasible => (VerdictKind::Failed, format!("Impossible: no panel of {size} meets all quotas.")),
        Lamp::Unknown => (
            VerdictKind::Caution,
            "Not known yet: nobody has found a panel, and nobody has proved that there is none.".to_owned(),
        ),
    }
}

/// Draws the lamp above the grid, with the first finding.
pub fn show(ui: &mut Ui, state: &mut LampState, draft: &Draft, reading: &Reading) {
    if let Some(obstacle) = reading.obstacle(draft) {
        say(ui, VerdictKind::Nothing, &format!("Not ready: {obstacle}"));
        return;
    }
    let behind = state.behind();
    match state.answer() {
        Some(answer) => {
            let (kind, sentence) = headline(&answer.report, answer.question.quotas.size);
            if behind {
                // The old answer is told as such, in the same place, so that nothing jumps.
                say(ui, VerdictKind::Nothing, &format!("Checking …  Before the edit: {sentence}"));
            } else {
                say(ui, kind, &sentence);
            }
        }
        None => say(ui, VerdictKind::Nothing, "Checking …"),
    }
}

/// The rows that rules are about.
pub fn rows_of(rules: &[Rule], draft: &Draft, reading: &Reading) -> Vec<usize> {
    let row = |rule: &Rule| match rule {
        Rule::Quota { attribute, value, .. } => reading.row_of(draft, attribute, value),
        Rule::Size | Rule::Households => None,
    };
    let mut rows: Vec<usize> = rules.iter().filter_map(row).collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// Sentences of what was found; a click marks their rows in the grid.
pub fn findings(ui: &mut Ui, report: &Report, draft: &Draft, reading: &Reading, cursor: &mut Cursor) {
    for finding in &report.findings {
        let rows = rows_of(&finding.rules, draft, reading);
        let word = if finding.severity == Severity::Error { "Cannot be" } else { "Note" };
        let palette = theme::palette(ui);
        let colour = if finding.severity == Severity::Error { palette.bad } else { palette.warning };
        ui.label(theme::caption(word).color(colour));
        if rows.is_empty() {
            ui.label(finding.sentence.as_str());
        } else {
            let button = Button::new(finding.sentence.as_str()).wrap().frame(false);
            if ui.add(button).on_hover_text("Click to see the rows.").clicked() {
                cursor.mark(rows);
            }
        }
    }
}
