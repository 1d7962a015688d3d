//! What the centre shows of judgements, collected or imported, read on a background thread.

use std::sync::Arc;

use crate::jobs::collect::{self, CollectSpec, Coverage, Judgements};
use crate::jobs::speaker::Speaker;
use crate::jobs::spec::RunSpec;
use crate::store::{CallTotals, ComparisonRow, ModelCalls, Project, RunId, StoreError};

/// The judgements of a run as far as it has come.
pub struct View {
    pub judgements: Judgements,
    /// `None` where the judgements were imported.
    pub spec: Option<Arc<CollectSpec>>,
    pub coverage: Option<Coverage>,
    /// Of a collection; an import asks nobody.
    pub totals: CallTotals,
    /// US dollars of the calls that this run asked first: what providers say, else tokens at the prices of the form; `None`
    /// where neither is known.
    pub cost: Option<f64>,
}

impl View {
    /// Reads a run; `None` where it has no judgements to show. Rows that have not changed stay the same value, so that nothing
    /// is computed again.
    ///
    /// # Errors
    /// What the store says.
    pub fn load(
        project: &Project,
        run: RunId,
        spec: &RunSpec,
        known: Option<&Arc<Vec<ComparisonRow>>>,
    ) -> Result<Option<Self>, StoreError> {
        let Some(mut judgements) = Judgements::load(project, run, spec)? else { return Ok(None) };
        if let Some(known) = known.filter(|known| **known == judgements.rows) {
            judgements.rows = known.clone();
        }
        let RunSpec::Collect(spec) = spec else {
            let (coverage, totals, cost) = (None, CallTotals::default(), None);
            return Ok(Some(Self { judgements, spec: None, coverage, totals, cost }));
        };
        let calls = project.calls_by_model(run)?;
        let own = |own: &ModelCalls| spec.prices.sum(&own.model, own.dollars, own.without_dollars);
        let mut costs = calls.iter().filter_map(own).peekable();
        let free = spec.models.iter().map(|model| &model.speaker).all(Speaker::is_local);
        let cost = (free || costs.peek().is_some()).then(|| costs.fold(0.0, |sum, cost| sum + cost));
        Ok(Some(Self {
            judgements,
            spec: Some(Arc::new(spec.clone())),
            coverage: project.document(run, collect::COVERAGE)?,
            totals: project.call_totals(run)?,
            cost,
        }))
    }
}
