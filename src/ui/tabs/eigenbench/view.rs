//! What the centre shows of a collection, read on a background thread.

use std::sync::Arc;

use crate::eigenbench::findings::Judged;
use crate::jobs::collect::{self, CollectSpec, Coverage, Lengths};
use crate::jobs::speaker::Speaker;
use crate::jobs::spec::RunSpec;
use crate::store::{CallTotals, ComparisonRow, Project, RunId, StoreError};

/// A collection as far as it has come.
pub struct View {
    pub spec: Arc<CollectSpec>,
    /// By constitution, scenario, pass, judge, pair and criterion.
    pub rows: Arc<Vec<ComparisonRow>>,
    /// The same for the computation.
    pub judged: Arc<Judged>,
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
        known: Option<&(Arc<Vec<ComparisonRow>>, Arc<Judged>)>,
    ) -> Result<Option<Self>, StoreError> {
        let RunSpec::Collect(spec) = spec else { return Ok(None) };
        let paid = project.paid_calls(run)?;
        let mut costs = paid.iter().filter_map(|(model, reply)| spec.prices.cost(model, reply)).peekable();
        let free = spec.models.iter().map(|model| &model.speaker).all(Speaker::is_free);
        let cost = (free || costs.peek().is_some()).then(|| costs.fold(0.0, |sum, cost| sum + cost));
        let fresh = project.comparison_rows(run)?;
        let lengths: Option<Lengths> = project.document(run, collect::LENGTHS)?;
        let same = known.filter(|(rows, judged)| {
            **rows == fresh && lengths.as_ref().is_none_or(|lengths| *lengths == judged.lengths)
        });
        let (rows, judged) = match same {
            Some(known) => known.clone(),
            None => {
                let judged = collect::judged(spec, &fresh, lengths.as_ref(), None);
                (Arc::new(fresh), Arc::new(judged))
            }
        };
        Ok(Some(Self {
            spec: Arc::new(spec.clone()),
            rows,
            judged,
            coverage: project.document(run, collect::COVERAGE)?,
            totals: project.call_totals(run)?,
            cost,
        }))
    }
}
