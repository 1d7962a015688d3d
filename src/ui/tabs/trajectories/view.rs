//! What the centre draws, read and worked out on a background thread whenever results arrive.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::shared::diagnostics;
use super::basin_view::BasinSet;
use super::political_view::PoliticalView;
use super::time_view::{Markov, RecurrenceView, Timing};
use super::words;
use crate::figures::number;
use crate::glauber::conditionals::ConditionalsError;
use crate::glauber::experiments::trajectories::{Diagnostic, Reading, TrajectoriesSpec};
use crate::glauber::probe::PoliticalResult;
use crate::glauber::trajectories::{
    AttractorBasins, BasinKind, ClusterBasins, Dwell, MetastableBasins, Projection, RecurrenceResult,
    SnapshotObservables, Snapshots, StartDependence,
};
use crate::jobs::chains::RESULT;
use crate::statistics::Separation;
use crate::store::{Project, RunId, StoreError};
use crate::ui::command::Table;

/// What only the end of a run tells; its document holds everything else too, which was read before.
#[derive(Deserialize)]
pub struct Ending {
    pub start_dependence: StartDependence,
    pub separation: Option<Separation>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Finished stages, each read once.
#[derive(Clone, Default)]
pub struct Stages {
    pub observables: Option<Arc<Vec<Vec<SnapshotObservables>>>>,
    pub projection: Option<Arc<Projection>>,
    pub recurrence: Option<Arc<RecurrenceResult>>,
    pub clusters: Option<Arc<ClusterBasins>>,
    pub political: Option<Arc<PoliticalResult>>,
    pub attractors: Option<Arc<AttractorBasins>>,
    pub metastable: Option<Arc<MetastableBasins>>,
    pub dwell: Option<Arc<Dwell>>,
    pub ending: Option<Arc<Ending>>,
}

/// Reads a document that is not known yet.
fn complete<T: DeserializeOwned>(
    known: &mut Option<Arc<T>>,
    project: &Project,
    run: RunId,
    name: &str,
) -> Result<(), StoreError> {
    if known.is_none() {
        *known = project.document(run, name)?.map(Arc::new);
    }
    Ok(())
}

impl Stages {
    fn read(&mut self, project: &Project, run: RunId) -> Result<(), StoreError> {
        complete(&mut self.observables, project, run, "observables")?;
        complete(&mut self.projection, project, run, "projection")?;
        complete(&mut self.recurrence, project, run, "recurrence")?;
        complete(&mut self.clusters, project, run, "clusters")?;
        complete(&mut self.political, project, run, "political")?;
        complete(&mut self.attractors, project, run, "attractors")?;
        complete(&mut self.metastable, project, run, "metastable")?;
        complete(&mut self.dwell, project, run, "dwell")?;
        complete(&mut self.ending, project, run, RESULT)
    }
}

/// Everything known of a run, ready to draw.
pub struct View {
    /// Another number for every view, so that what is made from one is made anew from the next.
    pub serial: u64,
    pub spec: Arc<TrajectoriesSpec>,
    /// How the model reads the recorded tokens; `None` while it is asked, or where it could not be opened.
    pub reading: Option<Arc<Reading>>,
    pub stages: Stages,
    /// States of the chains as far as they went.
    pub walk: Option<Arc<Snapshots>>,
    /// The recorded tokens could not be read.
    pub unread: Option<String>,
    /// Notions of a basin that are ready.
    pub basins: Vec<BasinSet>,
    pub timing: Option<Timing>,
    pub markov: Option<Markov>,
    pub recurrence: Vec<RecurrenceView>,
    pub diagnostics: Option<Table>,
    pub political: Option<PoliticalView>,
}

impl View {
    /// Reads what `run` has committed; `known` is the view before.
    pub fn load(
        project: &Project,
        run: RunId,
        spec: Arc<TrajectoriesSpec>,
        reading: Option<Arc<Reading>>,
        known: Option<&Known>,
    ) -> Result<Self, StoreError> {
        let mut stages = known.map(|known| known.stages.clone()).unwrap_or_default();
        stages.read(project, run)?;
        let mut walk = known.and_then(|known| known.walk.clone());
        let mut unread = None;
        if let Some(reading) = &reading
            && !walk.as_ref().is_some_and(|walk| is_whole(&spec, walk))
        {
            let tokens = (0..spec.chains)
                .map(|chain| project.chain_tokens(run, 0, chain, false))
                .collect::<Result<Vec<_>, _>>()?;
            // Before the first commit there is nothing to read.
            if tokens.iter().any(|bytes| !bytes.is_empty()) {
                match spec.snapshots(&reading.cell, &tokens) {
                    Ok(found) => walk = Some(Arc::new(found)),
                    Err(ConditionalsError::Invalid(problem)) => unread = Some(problem),
                    Err(problem) => unread = Some(problem.to_string()),
                }
            }
        }
        Ok(Self::new(known.map_or(0, |known| known.serial) + 1, spec, reading, stages, walk, unread))
    }

    /// Works out tables and figures.
    pub fn new(
        serial: u64,
        spec: Arc<TrajectoriesSpec>,
        reading: Option<Arc<Reading>>,
        stages: Stages,
        walk: Option<Arc<Snapshots>>,
        unread: Option<String>,
    ) -> Self {
        let tell = |[chain, snapshot]: [usize; 2]| {
            let state = walk.as_ref()?.chains.get(chain)?.get(snapshot)?;
            Some(reading.as_ref()?.sentence(state))
        };
        let mut basins = Vec::new();
        let projection = stages.projection.as_deref();
        if let Some(found) = &stages.clusters {
            basins.push(BasinSet::clusters(found, projection, &tell));
        }
        if let Some(found) = &stages.attractors {
            let reading = reading.as_deref();
            basins.push(BasinSet::attractors(found, projection, reading));
        }
        if let Some(found) = &stages.metastable
            && found.relaxation.is_some()
        {
            basins.push(BasinSet::metastable(found, projection, &tell));
        }
        let timed = spec.analysis.cores.basins;
        Self {
            serial,
            timing: stages.dwell.as_ref().map(|dwell| Timing::new(dwell, timed)),
            markov: stages.metastable.as_ref().map(|found| Markov::new(found)),
            recurrence: stages.recurrence.as_ref().map(|r| RecurrenceView::all(r, spec.every)).unwrap_or_default(),
            diagnostics: stages.ending.as_ref().map(|ending| diagnostics::table(&ending.diagnostics, spec.every)),
            political: stages.political.as_ref().map(|found| PoliticalView::new(found)),
            basins,
            spec,
            reading,
            stages,
            walk,
            unread,
        }
    }

    /// What the next view starts from.
    pub fn known(&self) -> Known {
        Known { serial: self.serial, stages: self.stages.clone(), walk: self.walk.clone() }
    }

    /// Basins of a notion, if they are ready.
    pub fn basins_of(&self, kind: BasinKind) -> Option<&BasinSet> {
        self.basins.iter().find(|set| set.kind == kind)
    }

    /// What shares depend on, once that is known.
    pub fn start_dependence(&self) -> Option<StartDependence> {
        let political = self.stages.political.as_ref().map(|found| found.start_dependence);
        self.stages.ending.as_ref().map(|ending| ending.start_dependence).or(political)
    }

    /// Sweep of a snapshot.
    pub fn sweep(&self, snapshot: usize) -> u64 {
        snapshot as u64 * self.spec.every
    }

    /// A snapshot as one line.
    pub fn sentence(&self, [chain, snapshot]: [usize; 2]) -> Option<String> {
        let state = self.walk.as_ref()?.chains.get(chain)?.get(snapshot)?;
        Some(self.reading.as_ref()?.sentence(state))
    }

    /// Everything said of the snapshots of one chain, as a table.
    pub fn chain_table(&self, chain: usize) -> Table {
        let mut header: Vec<String> = ["chain", "sweep", "sentence"].map(str::to_owned).to_vec();
        header.extend(self.basins.iter().map(|set| words::kind_singular(set.kind).to_owned()));
        let observed = self.stages.observables.as_ref().and_then(|all| all.get(chain));
        if observed.is_some() {
            header.extend(OBSERVED.map(str::to_owned));
        }
        let count = self.walk.as_ref().and_then(|walk| walk.chains.get(chain)).map_or(0, Vec::len);
        let rows = (0..count)
            .map(|snapshot| {
                let mut row = vec![
                    (chain + 1).to_string(),
                    self.sweep(snapshot).to_string(),
                    self.sentence([chain, snapshot]).unwrap_or_default(),
                ];
                row.extend(
                    self.basins
                        .iter()
                        .map(|set| set.label(chain, snapshot).map_or(String::new(), |basin| (basin + 1).to_string())),
                );
                if let Some(all) = observed {
                    row.extend(observed_cells(all.get(snapshot)));
                }
                row
            })
            .collect();
        Table { name: format!("chain-{}", chain + 1), header, rows }
    }
}

const OBSERVED: [&str; 5] =
    ["tokens off the start", "cosine to the start", "edit rate", "distinct tokens", "pseudo-log-likelihood (nats)"];

fn observed_cells(observed: Option<&SnapshotObservables>) -> [String; 5] {
    let Some(seen) = observed else { return Default::default() };
    [
        seen.hamming_to_start.to_string(),
        number::fixed(seen.cosine_to_start, 4),
        seen.edit_rate.map_or(String::new(), |rate| number::fixed(rate, 4)),
        number::fixed(seen.distinct_token_share, 4),
        seen.pseudo_log_likelihood.map_or(String::new(), number::nats),
    ]
}

/// What one view hands to the next.
pub struct Known {
    pub serial: u64,
    pub stages: Stages,
    pub walk: Option<Arc<Snapshots>>,
}

/// Whether the chains are at their end.
fn is_whole(spec: &TrajectoriesSpec, walk: &Snapshots) -> bool {
    let all = (spec.sweeps / spec.every.max(1) + 1) as usize;
    walk.chains.len() as u64 == spec.chains && walk.chains.iter().all(|states| states.len() == all)
}
