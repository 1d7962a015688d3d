//! What the centre shows of judgements, collected or imported, read on a background thread.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::eigenbench::findings::Judged;
use crate::jobs::collect::{self, CollectSpec, Coverage, Judgements};
use crate::jobs::speaker::Speaker;
use crate::jobs::spec::RunSpec;
use crate::store::{CallId, CallTotals, ModelCalls, Project, RunId, StoreError};

/// The calls that brought responses, by scenario and model.
pub type Responses = Arc<BTreeMap<u32, BTreeMap<u16, CallId>>>;

/// The judgements of a run as far as it has come.
pub struct View {
    pub judgements: Arc<Judgements>,
    /// The same for the computation.
    pub judged: Arc<Judged>,
    /// The calls that brought responses, by scenario and model.
    pub responses: Responses,
    /// `None` where the judgements were imported.
    pub spec: Option<Arc<CollectSpec>>,
    pub coverage: Option<Coverage>,
    /// Of a collection; an import asks nobody.
    pub totals: CallTotals,
    /// The same by model.
    pub calls: Vec<ModelCalls>,
    /// US dollars of the calls that this run asked first: what providers say, else tokens at the prices of the form; `None`
    /// where neither is known.
    pub cost: Option<f64>,
}

/// What was read before: it stays the same value while nothing has changed, so that nothing is computed again.
pub type Known = (Arc<Judgements>, Arc<Judged>, Responses);

impl View {
    /// What the next reading may keep.
    pub fn known(&self) -> Known {
        (self.judgements.clone(), self.judged.clone(), self.responses.clone())
    }

    /// Reads a run; `None` where it has no judgements to show.
    ///
    /// # Errors
    /// What the store says.
    pub fn load(
        project: &Project,
        run: RunId,
        spec: &RunSpec,
        known: Option<&Known>,
    ) -> Result<Option<Self>, StoreError> {
        let Some(fresh) = Judgements::load(project, run, spec)? else { return Ok(None) };
        let (judgements, judged, responses) = match known.filter(|(known, _, _)| **known == fresh) {
            Some(known) => known.clone(),
            None => {
                let (judged, responses) = (fresh.judged(None), fresh.responses());
                (Arc::new(fresh), Arc::new(judged), Arc::new(responses))
            }
        };
        let RunSpec::Collect(spec) = spec else {
            let (totals, calls) = (CallTotals::default(), Vec::new());
            let (spec, coverage, cost) = (None, None, None);
            return Ok(Some(Self { judgements, judged, responses, spec, coverage, totals, calls, cost }));
        };
        let calls = project.calls_by_model(run)?;
        let own = |own: &ModelCalls| spec.prices.sum(&own.model, own.dollars, own.without_dollars);
        let mut costs = calls.iter().filter_map(own).peekable();
        let free = spec.models.iter().map(|model| &model.speaker).all(Speaker::is_free);
        let cost = (free || costs.peek().is_some()).then(|| costs.fold(0.0, |sum, cost| sum + cost));
        Ok(Some(Self {
            judgements,
            judged,
            responses,
            spec: Some(Arc::new(spec.clone())),
            coverage: project.document(run, collect::COVERAGE)?,
            totals: project.call_totals(run)?,
            calls,
            cost,
        }))
    }
}
