//! What the centre shows of a collection, read on a background thread.

use std::sync::Arc;

use crate::jobs::collect::{self, CollectSpec, Coverage, Lengths};
use crate::jobs::speaker::Speaker;
use crate::jobs::spec::RunSpec;
use crate::store::{CallTotals, ComparisonRow, Project, RunId, StoreError};

/// A collection as far as it has come.
pub struct View {
    pub spec: Arc<CollectSpec>,
    /// By constitution, scenario, pass, judge, pair and criterion.
    pub rows: Arc<Vec<ComparisonRow>>,
    /// Once the collection has ended.
    pub lengths: Option<Arc<Lengths>>,
    pub coverage: Option<Coverage>,
    pub totals: CallTotals,
    /// US dollars of the calls that this run asked first: what providers say, else tokens at the prices of the form; `None`
    /// where neither is known.
    pub cost: Option<f64>,
}

impl View {
    /// Reads a run; `None` where it is no collection. Rows that have not changed stay the same value, so that nothing is
    /// computed again.
    ///
    /// # Errors
    /// What the store says.
    pub fn load(
        project: &Project,
        run: RunId,
        spec: &RunSpec,
        known: Option<&Arc<Vec<ComparisonRow>>>,
    ) -> Result<Option<Self>, StoreError> {
        let RunSpec::Collect(spec) = spec else { return Ok(None) };
        let paid = project.paid_calls(run)?;
        let mut costs = paid.iter().filter_map(|(model, reply)| spec.prices.cost(model, reply)).peekable();
        let free = spec.models.iter().map(|model| &model.speaker).all(Speaker::is_free);
        let cost = (free || costs.peek().is_some()).then(|| costs.fold(0.0, |sum, cost| sum + cost));
        let fresh = project.comparison_rows(run)?;
        let rows = match known {
            Some(known) if **known == fresh => known.clone(),
            _ => Arc::new(fresh),
        };
        Ok(Some(Self {
            spec: Arc::new(spec.clone()),
            rows,
            lengths: project.document(run, collect::LENGTHS)?.map(Arc::new),
            coverage: project.document(run, collect::COVERAGE)?,
            totals: project.call_totals(run)?,
            cost,
        }))
    }
}
