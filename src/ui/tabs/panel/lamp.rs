//! The lamp: can these quotas be met? Asked again with every edit, on a background thread; the question before is dropped.

use std::sync::Arc;

use eframe::egui::{Button, Ui};

use super::already::Taken;
use super::asking::Asking;
use super::draft::Draft;
use super::grid_keys::Cursor;
use super::people::Gathered;
use super::reading::Reading;
use crate::figures::number;
use crate::sortition::before::{Left, Named, settle};
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

/// What quotas were asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub pool: i64,
    /// Of the whole panel.
    pub quotas: Quotas,
    pub one_per_household: bool,
    /// Those who are on the panel already.
    pub seated: Vec<Named>,
}

/// What was found, and what makes the next answer quick.
pub struct Answer {
    pub question: Question,
    pub report: Report,
    /// What those who are seated already leave; the report is about it.
    pub left: Option<Arc<Left>>,
    /// Counted once, kept while the rows stay the same.
    pub census: Option<Arc<Census>>,
    /// Whether the people whom no panel can have were looked for.
    pub reached: bool,
}

/// The lamp between frames.
#[derive(Default)]
pub struct LampState {
    asked: Option<(Question, bool)>,
    asking: Arc<Asking>,
    answer: Requested<Answer>,
    /// Of which people, without which of them.
    census: Option<(i64, Vec<Named>, Arc<Census>)>,
    witness: Option<Witness>,
}

impl Drop for LampState {
    fn drop(&mut self) {
        self.asking.give_up();
    }
}

impl LampState {
    /// Keeps up with the grid: asks again when the quotas changed.
    pub fn follow(
        &mut self,
        context: &TabContext<'_>,
        draft: &Draft,
        reading: &Reading,
        found: Option<&Gathered>,
        taken: &Taken,
    ) {
        let (Some(found), Some(quotas)) = (found, reading.quotas.as_ref().filter(|_| taken.unknown.is_empty())) else {
            if self.asked.take().is_some() {
                self.asking.give_up();
                self.answer.clear();
            }
            return;
        };
        if let Some(answer) = self.answer.get() {
            if let Some(census) = &answer.census {
                self.census = Some((answer.question.pool, answer.question.seated.clone(), census.clone()));
            }
            if answer.report.witness.is_some() {
                self.witness.clone_from(&answer.report.witness);
            }
        }
        let pool = found.stored.id;
        let same = |question: &Question| {
            question.pool == pool
                && question.one_per_household == draft.one_per_household
                && question.quotas == *quotas
                && question.seated == taken.named
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
        let question = Question {
            pool,
            quotas: quotas.clone(),
            one_per_household: draft.one_per_household,
            seated: taken.named.clone(),
        };
        self.asking.give_up();
        self.asking = Arc::default();
        self.asked = Some((question.clone(), deeper));
        let known = self.census.as_ref().filter(|(of, without, _)| *of == pool && *without == taken.named);
        let known = known.map(|(.., census)| census.clone());
        let (stored, witness, asking, wake) =
            (found.stored.clone(), self.witness.clone(), self.asking.clone(), context.wake.clone());
        let work = move || answer(&stored, question, known, witness, deeper, &asking);
        self.answer.ask(move || wake(), work);
    }

    /// The answer to the present quotas, or to the ones before while it is awaited.
    pub fn answer(&mut self) -> Option<&Answer> {
        self.answer.get()
    }

    /// What is still being looked for about the present quotas, and how far that is.
    pub fn looking(&mut self) -> Option<String> {
        let deeper = self.asked.as_ref().is_some_and(|(_, deeper)| *deeper) && self.answer.waiting();
        (deeper && !self.behind()).then(|| format!("Whom can no panel have? Looking …{}", self.asking.percent()))
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

/// Quotas that the seated themselves break.
fn broken(question: Question, sentence: String) -> Answer {
    let finding = Finding { stage: Stage::Sums, severity: Severity::Error, sentence, rules: Vec::new(), numbers: None };
    let report = Report { lamp: Lamp::Infeasible, findings: vec![finding], witness: None, unreachable: None };
    Answer { question, report, left: None, census: None, reached: true }
}

fn answer(
    stored: &StoredPool,
    question: Question,
    known: Option<Arc<Census>>,
    witness: Option<Witness>,
    deeper: bool,
    progress: &Asking,
) -> Answer {
    let household = question.one_per_household;
    let left = match question.seated.is_empty() {
        true => None,
        false => match settle(&stored.pool, &question.quotas, &question.seated, &[], household, None) {
            Ok(left) => Some(Arc::new(left)),
            Err(error) => return broken(question, format!("{error}.")),
        },
    };
    let (pool, quotas) = match &left {
        Some(left) => (&*left.pool, &left.quotas),
        None => (&*stored.pool, &question.quotas),
    };
    let fits = known.filter(|census| census.fits(quotas, household));
    let census = match fits {
        Some(census) => Ok(census),
        None => Census::new(pool, quotas, household).map(Arc::new),
    };
    match census {
        Err(_) => {
            let report = feasibility::check(pool, quotas, household, progress);
            Answer { question, report, left, census: None, reached: true }
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
            Answer { question, report, left, census: Some(census), reached: deeper }
        }
    }
}

/// The lamp's word and sentence; `seated` are on the panel already.
pub fn headline(report: &Report, size: u32, seated: usize) -> (VerdictKind, String) {
    let size = match seated {
        0 => number::count(u64::from(size)),
        seated => format!("{} ({} seated already)", number::count(u64::from(size)), number::count(seated as u64)),
    };
    match report.lamp {
        Lamp::Feasible => match report.unreachable.as_ref().map(|found| found.count()) {
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
            let (kind, sentence) = headline(&answer.report, answer.question.quotas.size, answer.question.seated.len());
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
