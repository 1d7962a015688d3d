//! Runs of chains: coupled pairs, exact spaces, phase diagrams. What they do is committed about once a
//! second together with the state from which a later sitting goes on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::work::{Bench, JobError, RunOutcome};
use crate::glauber::chain::{Batch, Budget, Ensemble, EnsembleState, Meeting, Options};
use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::experiments::exact::ExactRunSpec;
use crate::glauber::experiments::mix::{self, MixSpec};
use crate::glauber::experiments::phase::{CellSummary, PhaseRun, PhaseSpec, PhaseState, Subject};
use crate::glauber::experiments::space;
use crate::glauber::experiments::theory::{Theory, theory};
use crate::glauber::toys;
use crate::models::{LoadedModel, ModelSource};
use crate::progress::Progress;
use crate::store::ChainCellRow;

/// Time between two commits, at least.
pub(super) const COMMIT: Duration = Duration::from_secs(1);
/// Time between two summaries, at least; they take at most a tenth of the time.
pub(super) const REFRESH: Duration = Duration::from_secs(2);
/// How long one call to an ensemble should take.
const SLICE: f64 = 0.2;
/// Name of the one document that a mix, exact or trajectories run leaves.
pub const RESULT: &str = "result";
/// Name of an exact run's document of perfect samples.
pub const PERFECT: &str = "perfect";
/// Name of a phase run's document of findings.
pub const FINDINGS: &str = "findings";

/// When something that costs time is due again.
pub(super) struct Pace {
    last: Instant,
    pause: Duration,
    least: Duration,
}

impl Pace {
    pub(super) fn new(least: Duration) -> Self {
        Self { last: Instant::now(), pause: least, least }
    }

    pub(super) fn is_due(&self) -> bool {
        self.last.elapsed() >= self.pause
    }

    /// Does the work, and puts off the next so that it takes a tenth of the time at most.
    pub(super) fn paced<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        self.pause = self.least.max(began.elapsed() * 9);
        self.last = Instant::now();
        done
    }
}

/// How many site updates fill a slice of time. How calls are cut never changes a result.
pub(super) struct Slices(pub(super) u64);

impl Slices {
    pub(super) fn advance(
        &mut self,
        ensemble: &mut Ensemble<'_>,
        progress: &dyn Progress,
    ) -> Result<Batch, ConditionalsError> {
        self.timed(|updates| {
            let batch = ensemble.advance(Budget::Updates(updates), progress)?;
            let updates = batch.updates;
            Ok((batch, updates))
        })
    }

    /// Does as many updates as fill a slice, and learns from how long it took how many those are. `work` says how many
    /// it did.
    pub(super) fn timed<T>(
        &mut self,
        work: impl FnOnce(u64) -> Result<(T, u64), ConditionalsError>,
    ) -> Result<T, ConditionalsError> {
        let began = Instant::now();
        let (done, updates) = work(self.0)?;
        let seconds = began.elapsed().as_secs_f64().max(1e-4);
        let wanted = updates.max(1) as f64 * SLICE / seconds;
        self.0 = wanted.clamp(self.0 as f64 / 4.0, self.0 as f64 * 4.0).clamp(64.0, 1e8) as u64;
        Ok(done)
    }
}

/// What waits for the next commit. The segments of a chain are joined to one: a commit stores a row for each chain that
/// moved, however often the ensemble was asked meanwhile.
#[derive(Default)]
pub(super) struct Pending {
    batch: Batch,
    /// Where the segment of a chain (cell, pair, Y or not) is.
    segments: HashMap<(usize, u64, bool), usize>,
}

impl Pending {
    pub(super) fn take_over(&mut self, more: Batch) {
        let all = &mut self.batch;
        all.meetings.extend(more.meetings);
        all.updates += more.updates;
        all.rows += more.rows;
        for segment in more.segments {
            let key = (segment.cell, segment.pair, segment.second);
            match self.segments.get(&key) {
                Some(&at) => all.segments[at].tokens.extend(segment.tokens),
                None => {
                    self.segments.insert(key, all.segments.len());
                    all.segments.push(segment);
                }
            }
        }
    }

    /// Hands over what has come together.
    pub(super) fn take(&mut self) -> Batch {
        self.segments.clear();
        std::mem::take(&mut self.batch)
    }
}

/// From where a mix run goes on.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct MixState {
    ensemble: EnsembleState,
    theory: Option<Theory>,
}

/// Toys evaluate a row faster than equal ones are found.
pub(super) fn options(toy: bool) -> Options {
    Options { dedupe: !toy, ..Options::default() }
}

/// The reference of a model for chains of `length` sites: a toy is taken at that length, everything else as it is.
pub(super) fn at_length(reference: &str, length: usize) -> Result<String, String> {
    match ModelSource::parse(reference) {
        // Random transformers take any length as they are.
        Ok(ModelSource::Toy(text)) if !text.starts_with("random:") && !text.starts_with("random-like:") => {
            toys::with_sites(&text, length)
        }
        _ => Ok(reference.to_owned()),
    }
}

impl Bench<'_> {
    /// Opens a model for chains of `length` sites: a toy is taken at that length, everything else as it is.
    pub(super) fn open_at(&self, reference: &str, length: usize) -> Result<LoadedModel, JobError> {
        self.open(&at_length(reference, length).map_err(JobError::Input)?)
    }

    /// Steps an ensemble to its end. What came together is committed about once a second with the `state` to go on from, and
    /// where a project shows it, `so_far` sums up now and then; `seen` hears of every slice.
    ///
    /// Meetings are known at once: a summary that left out who has just met would err towards long times.
    pub(super) fn chains_to_the_end<S: serde::Serialize>(
        &self,
        ensemble: &mut Ensemble<'_>,
        meetings: &mut Vec<Meeting>,
        mut seen: impl FnMut(&Batch),
        state: impl Fn(EnsembleState) -> S,
        so_far: impl Fn(&Ensemble<'_>, &[Meeting]) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let mut pending = Pending::default();
        let (mut commits, mut summaries, mut slices) = (Pace::new(COMMIT), Pace::new(REFRESH), Slices(1024));
        loop {
            let finished = ensemble.finished();
            let advanced = if finished { Ok(Batch::default()) } else { slices.advance(ensemble, self.progress) };
            let stopped = match advanced {
                Ok(batch) => {
                    seen(&batch);
                    meetings.extend(batch.meetings.iter().copied());
                    pending.take_over(batch);
                    None
                }
                Err(error) => Some(error),
            };
            if finished || stopped.is_some() || commits.is_due() {
                let batch = pending.take();
                let state = state(ensemble.snapshot());
                commits.paced(|| self.ledger.chain_batch::<(), _>(&batch, &[], &state))?;
            }
            if let Some(stopped) = stopped {
                return Err(stopped.into());
            }
            if finished {
                return Ok(());
            }
            if summaries.is_due() && self.ledger.project().is_some() {
                summaries.paced(|| so_far(ensemble, meetings))?;
            }
        }
    }

    pub(super) fn mix(&self, spec: &MixSpec) -> Result<RunOutcome, JobError> {
        spec.check()?;
        let model = match &spec.template {
            Some(_) => self.open(&spec.model)?,
            None => self.open_at(&spec.model, spec.length)?,
        };
        self.models(std::slice::from_ref(&model.identity))?;
        let conditionals = model.for_chains();
        let mut cells = spec.cells(&*conditionals)?;
        let singles = match &spec.singles {
            Some(singles) => Some((cells.len(), singles.cell(&cells[mix::MAIN], &*conditionals, self.progress)?)),
            None => None,
        };
        cells.extend(singles.iter().map(|(_, cell)| cell.clone()));
        let mut tokens = match &singles {
            Some((at, cell)) => self.ledger.chain_tokens(*at as u32, cell.count)?,
            None => Vec::new(),
        };
        let options = options(model.is_toy());
        let (mut ensemble, mut found, mut meetings) = match self.ledger.chains::<MixState>()? {
            Some((kept, meetings)) => {
                self.ledger.note("info", &format!("going on after {} pairs", meetings.len()))?;
                (Ensemble::resume(vec![&*conditionals], cells, options, kept.ensemble)?, kept.theory, meetings)
            }
            None => (Ensemble::new(vec![&*conditionals], cells, options)?, None, Vec::new()),
        };

        self.progress.stage("coupling pairs");
        self.chains_to_the_end(
            &mut ensemble,
            &mut meetings,
            |batch| {
                let own = |cell: usize| singles.as_ref().is_some_and(|(at, _)| *at == cell);
                for segment in batch.segments.iter().filter(|segment| own(segment.cell)) {
                    tokens[segment.pair as usize].extend(&segment.tokens);
                }
            },
            |ensemble| MixState { ensemble, theory: found.clone() },
            |ensemble, meetings| self.mix_so_far(spec, ensemble, meetings, found.as_ref()),
        )?;
        if let (Some(settings), None) = (&spec.theory, &found) {
            let space = space(&*conditionals, spec.length, &spec.vocabulary, spec.template.as_ref())?;
            let taus = [spec.temperature];
            found = Some(theory(settings, &*conditionals, &space, &taus, spec.seed, self.progress)?);
        }
        self.progress.stage("summing up");
        let result = mix::result(spec, &ensemble, &meetings, found.as_ref())?;
        let mut result = result.ok_or_else(|| JobError::Internal("no pair was run".to_owned()))?;
        if let (Some(settings), Some((_, cell))) = (&spec.singles, &singles) {
            let embeddings = model.embeddings();
            result.singles = Some(settings.read(cell, &tokens, &*conditionals, &*embeddings, self.progress)?);
        }
        self.ledger.document(RESULT, &result)?;
        model.rest();
        Ok(RunOutcome::Mix(Box::new(result)))
    }

    fn mix_so_far(
        &self,
        spec: &MixSpec,
        ensemble: &Ensemble<'_>,
        meetings: &[Meeting],
        found: Option<&Theory>,
    ) -> Result<(), JobError> {
        if let Some(result) = mix::result(spec, ensemble, meetings, found)? {
            self.ledger.document(RESULT, &result)?;
        }
        Ok(())
    }

    pub(super) fn exact(&self, spec: &ExactRunSpec) -> Result<RunOutcome, JobError> {
        let model = match &spec.template {
            Some(_) => self.open(&spec.model)?,
            None => self.open_at(&spec.model, spec.length)?,
        };
        self.models(std::slice::from_ref(&model.identity))?;
        self.enumerated(spec, &*model.conditionals)
    }

    pub(super) fn phase(&self, spec: &PhaseSpec) -> Result<RunOutcome, JobError> {
        spec.check()?;
        let mut opened: Vec<(usize, u32, LoadedModel, Arc<dyn Conditionals>)> = Vec::new();
        for (subject, reference) in spec.subjects().enumerate() {
            for &length in &spec.grid.lengths {
                let model = self.open_at(reference, length as usize)?;
                let conditionals = model.for_chains();
                opened.push((subject, length, model, conditionals));
            }
        }
        let identities: Vec<_> = opened.iter().map(|(_, _, model, _)| model.identity.clone()).collect();
        self.models(&identities)?;
        let subjects: Vec<Subject<'_>> = opened
            .iter()
            .map(|(subject, length, model, conditionals)| Subject {
                subject: *subject,
                length: *length,
                name: model.identity.reference.clone(),
                model: &**conditionals,
            })
            .collect();
        let kept = self.ledger.chains::<PhaseState>()?;
        if let Some((_, meetings)) = &kept {
            self.ledger.note("info", &format!("going on after {} pairs", meetings.len()))?;
        }
        let mut run =
            PhaseRun::new(spec, &subjects, kept.as_ref().map(|(state, meetings)| (state.clone(), &**meetings)))?;
        drop(kept);

        let row = |run: &PhaseRun<'_>, cell: usize| -> Result<ChainCellRow<CellSummary>, JobError> {
            let (model, temperature, cap, finished) = run.cell(cell);
            let Subject { subject, length, name, .. } = &subjects[model];
            Ok(ChainCellRow {
                cell: cell as u32,
                subject: *subject as u32,
                model: name.clone(),
                length: *length,
                temperature,
                cap,
                finished,
                summary: run.summary(cell)?,
            })
        };
        let mut pending = Pending::default();
        let (mut commits, mut fits) = (Pace::new(COMMIT), Pace::new(REFRESH * 5));
        loop {
            let stepped = run.step(self.progress);
            let (ended, stopped) = match stepped {
                Ok(Some(batch)) => {
                    pending.take_over(batch);
                    (false, None)
                }
                Ok(None) => (true, None),
                Err(error) => (false, Some(error)),
            };
            if ended || stopped.is_some() || commits.is_due() {
                let batch = pending.take();
                commits.paced(|| {
                    let rows = run.changed().into_iter().map(|cell| row(&run, cell)).collect::<Result<Vec<_>, _>>()?;
                    self.ledger.chain_batch(&batch, &rows, &run.state()).map_err(JobError::from)
                })?;
            }
            if let Some(stopped) = stopped {
                return Err(stopped.into());
            }
            if ended {
                break;
            }
            if fits.is_due() && self.ledger.project().is_some() {
                fits.paced(|| self.ledger.document(FINDINGS, &run.findings(self.progress)?).map_err(JobError::from))?;
            }
        }
        self.progress.stage("fitting growth laws");
        let findings = run.findings(self.progress)?;
        self.ledger.document(FINDINGS, &findings)?;
        let cells = (0..run.cells()).map(|cell| row(&run, cell)).collect::<Result<Vec<_>, _>>()?;
        self.ledger.chain_batch(&Batch::default(), &cells, &run.state())?;
        opened.iter().for_each(|(_, _, model, _)| model.rest());
        Ok(RunOutcome::Phase { cells, findings })
    }
}
