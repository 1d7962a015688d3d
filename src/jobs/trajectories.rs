//! A trajectories run: the chains first, by Glauber dynamics or as reversible reference chains, then everything that is
//! read off them.

use super::chains::{COMMIT, Pace, Pending, REFRESH, RESULT, Slices, options};
use super::work::{Bench, JobError, RunOutcome};
use crate::glauber::chain::{
    Batch, Cell, Ensemble, EnsembleState, Metropolis, MetropolisSpec, MetropolisState, Options, token_bytes,
};
use crate::glauber::conditionals::Conditionals;
use crate::glauber::experiments::ReferenceReport;
use crate::glauber::experiments::trajectories::{self, TrajectoriesSpec};
use crate::glauber::trajectories::{Part, Snapshots};
use crate::models::LoadedModel;
use crate::progress::{Progress, Silent};

/// Name of the document with the starts that two laws gave.
pub const STARTS: &str = "starts";
/// Name of the document with what reference chains accepted so far.
pub const REFERENCE: &str = "reference";

/// From where reference chains go on.
#[derive(serde::Serialize, serde::Deserialize)]
struct ReferenceState {
    chains: MetropolisState,
    /// Rows evaluated until then.
    rows: u64,
}

impl Bench<'_> {
    pub(super) fn trajectories(&self, spec: &TrajectoriesSpec) -> Result<RunOutcome, JobError> {
        spec.check()?;
        let model = match &spec.template {
            Some(_) => self.open(&spec.model)?,
            None => self.open_at(&spec.model, spec.length)?,
        };
        let random = if spec.random_baseline && !model.is_toy() {
            Some(self.open(&format!("random-like:{},seed=1", spec.model))?)
        } else {
            None
        };
        let identities: Vec<_> = std::iter::once(&model).chain(&random).map(|model| model.identity.clone()).collect();
        self.models(&identities)?;
        let conditionals = model.for_chains();
        let cell = self.cell_of(spec, &*conditionals)?;
        let (own, reference) = match spec.dynamics.reference(&cell) {
            None => (self.walk(spec, &cell, &model, &*conditionals)?, None),
            Some(chains) => {
                let (own, report) = self.reference_walk(spec, &cell, chains, &model, &*conditionals)?;
                (own, Some(report))
            }
        };
        let baseline = random.as_ref().map(|random| self.baseline(spec, random)).transpose()?;
        let mut part = |part: Part<'_>| {
            let (name, written) = match part {
                Part::Observables(found) => ("observables", self.ledger.document("observables", &found)),
                Part::Projection(found) => ("projection", self.ledger.document("projection", found)),
                Part::Recurrence(found) => ("recurrence", self.ledger.document("recurrence", found)),
                Part::Clusters(found) => ("clusters", self.ledger.document("clusters", found)),
                Part::Political(found) => ("political", self.ledger.document("political", found)),
                Part::Attractors(found) => ("attractors", self.ledger.document("attractors", found)),
                Part::Metastable(found) => ("metastable", self.ledger.document("metastable", found)),
                Part::Dwell(found) => ("dwell", self.ledger.document("dwell", found)),
            };
            written.map_err(|error| format!("{name}: {error}"))
        };
        let mut result = trajectories::read(
            spec,
            &*conditionals,
            &cell.space,
            &*model.embeddings(),
            &own,
            baseline.as_ref(),
            &mut part,
            self.progress,
        )?;
        result.reference = reference;
        self.ledger.document(RESULT, &result)?;
        model.rest();
        Ok(RunOutcome::Trajectories(Box::new(result)))
    }

    /// The run's chains. What quenches found for two laws of starts is kept, so that whoever reads the chains later need
    /// not quench again.
    fn cell_of(&self, spec: &TrajectoriesSpec, model: &dyn Conditionals) -> Result<Cell, JobError> {
        let space = spec.space(model)?;
        let start = match self.ledger.kept(STARTS)? {
            Some(kept) => kept,
            None => {
                let start = spec.starts(model, &space, self.progress)?;
                if spec.laws.is_some() {
                    self.ledger.document(STARTS, &start)?;
                }
                start
            }
        };
        Ok(spec.cell(space, start))
    }

    /// Runs the chains to their end, from what earlier sittings committed.
    fn walk(
        &self,
        spec: &TrajectoriesSpec,
        cell: &Cell,
        model: &LoadedModel,
        conditionals: &dyn Conditionals,
    ) -> Result<Snapshots, JobError> {
        let (cells, options) = (vec![cell.clone()], options(model.is_toy()));
        let mut tokens = self.ledger.chain_tokens(0, spec.chains)?;
        let mut ensemble = match self.ledger.chains::<EnsembleState>()? {
            Some((kept, _)) => {
                self.ledger.note("info", "going on with the chains of an earlier sitting")?;
                Ensemble::resume(vec![conditionals], cells, options, kept)?
            }
            None => Ensemble::new(vec![conditionals], cells, options)?,
        };
        self.progress.stage("walking");
        let (mut commits, mut slices, mut pending) = (Pace::new(COMMIT), Slices(256), Pending::default());
        loop {
            let finished = ensemble.finished();
            let advanced =
                if finished { Ok(Batch::default()) } else { slices.advance(&mut ensemble, &Quiet(self.progress)) };
            let stopped = match advanced {
                Ok(batch) => {
                    for segment in &batch.segments {
                        tokens[segment.pair as usize].extend(&segment.tokens);
                    }
                    pending.take_over(batch);
                    None
                }
                Err(error) => Some(error),
            };
            self.steps_done(cell, &tokens);
            if finished || stopped.is_some() || commits.is_due() {
                let (batch, state) = (pending.take(), ensemble.snapshot());
                commits.paced(|| self.ledger.chain_batch::<(), _>(&batch, &[], &state))?;
            }
            if let Some(stopped) = stopped {
                return Err(stopped.into());
            }
            if finished {
                return Ok(spec.snapshots(cell, &tokens)?);
            }
        }
    }

    /// Reports the steps of all chains.
    fn steps_done(&self, cell: &Cell, tokens: &[Vec<u8>]) {
        let bytes: u64 = tokens.iter().map(|bytes| bytes.len() as u64).sum();
        self.progress.report(bytes / token_bytes(&cell.space) as u64, cell.count * cell.cap);
    }

    /// As [`Self::walk`], with reference chains.
    fn reference_walk(
        &self,
        spec: &TrajectoriesSpec,
        cell: &Cell,
        chains: MetropolisSpec,
        model: &LoadedModel,
        conditionals: &dyn Conditionals,
    ) -> Result<(Snapshots, ReferenceReport), JobError> {
        let (space, options) = (cell.space.clone(), options(model.is_toy()));
        let mut tokens = self.ledger.chain_tokens(0, spec.chains)?;
        self.progress.stage("walking");
        let (mut metropolis, mut rows) = match self.ledger.chains::<ReferenceState>()? {
            Some((kept, _)) => {
                self.ledger.note("info", "going on with the chains of an earlier sitting")?;
                (Metropolis::resume(conditionals, space, chains, options, kept.chains)?, kept.rows)
            }
            None => (Metropolis::new(conditionals, space, chains, options, &Quiet(self.progress))?, 0),
        };
        let (mut commits, mut summaries) = (Pace::new(COMMIT), Pace::new(REFRESH));
        let (mut slices, mut pending) = (Slices(256), Pending::default());
        loop {
            let left = cell.cap - metropolis.state().time;
            let advanced = slices.timed(|updates| {
                let steps = (updates / cell.count).max(1).min(left);
                metropolis.advance(steps, &Quiet(self.progress)).map(|batch| (batch, steps * cell.count))
            });
            let (batch, stopped) = match advanced {
                Ok(batch) => (batch, None),
                // What was done before the step under way is kept.
                Err(error) => (metropolis.advance(0, &Silent)?, Some(error)),
            };
            for segment in &batch.segments {
                tokens[segment.pair as usize].extend(&segment.tokens);
            }
            rows += batch.rows;
            pending.take_over(Batch { segments: batch.segments, rows: batch.rows, ..Batch::default() });
            self.steps_done(cell, &tokens);
            let report = ReferenceReport { acceptance: metropolis.state().acceptance, rows };
            if left == 0 || stopped.is_some() || commits.is_due() {
                let batch = pending.take();
                let state = ReferenceState { chains: metropolis.snapshot(), rows };
                commits.paced(|| self.ledger.chain_batch::<(), _>(&batch, &[], &state))?;
            }
            if left == 0 || summaries.is_due() {
                summaries.paced(|| self.ledger.document(REFERENCE, &report))?;
            }
            if let Some(stopped) = stopped {
                return Err(stopped.into());
            }
            if left == 0 {
                return Ok((spec.snapshots(cell, &tokens)?, report));
            }
        }
    }

    /// The same chains on another model, kept nowhere.
    fn baseline(&self, spec: &TrajectoriesSpec, model: &LoadedModel) -> Result<Snapshots, JobError> {
        self.progress.stage("walking on random weights");
        let conditionals = model.for_chains();
        let space = spec.space(&*conditionals)?;
        let start = spec.starts(&*conditionals, &space, self.progress)?;
        let cell = spec.cell(space, start);
        let mut tokens = vec![Vec::new(); spec.chains as usize];
        if let Some(chains) = spec.dynamics.reference(&cell) {
            let space = cell.space.clone();
            let mut metropolis =
                Metropolis::new(&*conditionals, space, chains, Options::default(), &Quiet(self.progress))?;
            for segment in metropolis.advance(cell.cap, self.progress)?.segments {
                tokens[segment.pair as usize].extend(segment.tokens);
            }
            return Ok(spec.snapshots(&cell, &tokens)?);
        }
        let mut ensemble = Ensemble::new(vec![&*conditionals], vec![cell.clone()], Options::default())?;
        let mut slices = Slices(256);
        while !ensemble.finished() {
            for segment in slices.advance(&mut ensemble, self.progress)?.segments {
                tokens[segment.pair as usize].extend(segment.tokens);
            }
        }
        Ok(spec.snapshots(&cell, &tokens)?)
    }
}

/// Passes checkpoints on and counts nothing.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
    fn stage(&self, _: &str) {}
    fn report(&self, _: u64, _: u64) {}
    fn checkpoint(&self) -> Result<(), crate::progress::Cancelled> {
        self.0.checkpoint()
    }
}
