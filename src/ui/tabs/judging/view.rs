//! What the centre shows of a judging, read on a background thread.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::jobs::judge::{self, Coverage, JudgeSpec, WrittenQuestions};
use crate::jobs::speaker::Speaker;
use crate::jobs::spec::RunSpec;
use crate::providers::price::PriceTable;
use crate::ranking::verdicts::Verdicts;
use crate::store::{AnswerRow, CallTotals, ModelCalls, Project, RunId, StoreError, VerdictRow};

/// Answers by question and model.
pub type Answered = BTreeMap<(u32, u16), AnswerRow>;

/// A judging as far as it has come.
pub struct View {
    pub spec: Option<Arc<JudgeSpec>>,
    /// By question and model.
    pub answers: Arc<Answered>,
    /// By question, in the order of judges, passes and pairs.
    pub rows: Arc<BTreeMap<u32, Vec<VerdictRow>>>,
    pub verdicts: Arc<Verdicts>,
    pub coverage: Option<Coverage>,
    pub written: Option<WrittenQuestions>,
    pub totals: CallTotals,
    /// US dollars of the calls that this run asked first: what providers say, else tokens at the prices of the form; `None`
    /// where neither is known.
    pub cost: Option<f64>,
}

impl View {
    /// Reads a run; verdicts that have not changed stay the same value, so that nothing is computed again.
    ///
    /// # Errors
    /// What the store says.
    pub fn load(
        project: &Project,
        run: RunId,
        spec: &RunSpec,
        known: Option<&Arc<Verdicts>>,
    ) -> Result<Self, StoreError> {
        let totals = project.call_totals(run)?;
        let prices = match spec {
            RunSpec::Judge(spec) => &spec.prices,
            RunSpec::Questions(spec) => &spec.prices,
            _ => &PriceTable::default(),
        };
        let calls = project.calls_by_model(run)?;
        let own = |own: &ModelCalls| prices.sum(&own.model, own.dollars, own.without_dollars);
        let mut costs = calls.iter().filter_map(own).peekable();
        let free = spec.speakers().all(Speaker::is_free);
        let cost = (free || costs.peek().is_some()).then(|| costs.fold(0.0, |sum, cost| sum + cost));
        let RunSpec::Judge(spec) = spec else {
            let written = project.document(run, judge::QUESTIONS)?;
            let verdicts = match spec {
                RunSpec::ImportVerdicts(spec) => spec.verdicts.clone(),
                _ => Arc::default(),
            };
            return Ok(Self {
                spec: None,
                answers: Arc::default(),
                rows: Arc::default(),
                verdicts,
                coverage: None,
                written,
                totals,
                cost,
            });
        };
        let answers = project.answers(run)?;
        let rows = project.verdicts(run)?;
        let fresh = judge::collected(spec, &answers, &rows);
        let verdicts = match known {
            Some(known) if **known == fresh => known.clone(),
            _ => Arc::new(fresh),
        };
        let mut by_question: BTreeMap<u32, Vec<VerdictRow>> = BTreeMap::new();
        for row in rows {
            by_question.entry(row.question).or_default().push(row);
        }
        Ok(Self {
            spec: Some(Arc::new(spec.clone())),
            answers: Arc::new(answers.into_iter().map(|answer| ((answer.question, answer.model), answer)).collect()),
            rows: Arc::new(by_question),
            verdicts,
            coverage: project.document(run, judge::COVERAGE)?,
            written: None,
            totals,
            cost,
        })
    }
}
