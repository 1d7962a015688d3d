//! B3: sets between which the chain relaxes slowly, from a Markov state model of microstates.

use super::{chains_visiting, occupancy};
use crate::glauber::conditionals::ConditionalsError;
use crate::glauber::trajectories::{AttractorBasins, Projection, Snapshots};
use crate::progress::Progress;
use crate::statistics::KMeans;
use crate::statistics::markov_state_model::{
    BootstrapShare, ChapmanKolmogorov, MarkovStateModel, TimescalesAtLag, TransitionCounts, chapman_kolmogorov,
    implied_timescales, largest_timescale_gap, metastable_sets, stationary_shares,
};

/// What a microstate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Microstates {
    /// So many k-means cells of the projection.
    Cells(usize),
    /// The so many largest attractors; snapshots of others have no microstate.
    Attractors(usize),
}

/// How the model is made. Lags are in snapshots.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MetastableSettings {
    pub microstates: Microstates,
    /// Restarts of k-means for cells.
    pub restarts: usize,
    /// Lags at which implied timescales are shown; a plateau over them is what a Markov model needs.
    pub lags: Vec<usize>,
    /// Lag of the model itself.
    pub lag: usize,
    /// Timescales shown at each lag.
    pub timescales: usize,
    /// Number of metastable sets; `None` takes the largest gap in timescales among 2 to `most_sets`.
    pub sets: Option<usize>,
    pub most_sets: usize,
    /// Multiples of the lag in the Chapman-Kolmogorov test.
    pub multiples: usize,
}

impl Default for MetastableSettings {
    fn default() -> Self {
        Self {
            microstates: Microstates::Cells(40),
            restarts: 4,
            lags: vec![1, 2, 3, 5, 8],
            lag: 1,
            timescales: 5,
            sets: None,
            most_sets: 6,
            multiples: 5,
        }
    }
}

/// One metastable set.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MetastableBasin {
    /// Microstates in it.
    pub microstates: Vec<usize>,
    /// Different chains with a snapshot here.
    pub chains: usize,
    /// Share of all snapshots; conditional on start.
    pub occupancy: BootstrapShare,
    /// Share in the stationary law of the model's connected set, with a bootstrap interval over chains.
    pub stationary: BootstrapShare,
}

/// The model and its slow processes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Relaxation {
    /// At the settings' lag. Times are in snapshots; times `sweeps_per_snapshot` for sweeps.
    pub model: MarkovStateModel,
    /// Set of each active microstate and its own membership there.
    pub set_of_active: Vec<usize>,
    pub own_membership: Vec<f64>,
    /// Smallest membership: clearly negative where the sets overlap.
    pub least_membership: f64,
    /// Sets, the largest stationary share first.
    pub basins: Vec<MetastableBasin>,
    pub chapman_kolmogorov: Vec<ChapmanKolmogorov>,
    /// How the sets were found, in words.
    pub method: String,
}

/// Microstates, timescales and, where they can be had, metastable sets.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MetastableBasins {
    pub settings: MetastableSettings,
    /// Multiplies every lag and timescale here to give sweeps.
    pub sweeps_per_snapshot: u64,
    /// Number of microstates found.
    pub microstates: usize,
    /// `[chain][snapshot]`; `None` for a snapshot without microstate.
    pub microstate_labels: Vec<Vec<Option<usize>>>,
    /// Lags at which nothing could be estimated are left out.
    pub timescales: Vec<TimescalesAtLag>,
    /// `None` where no transition returns, or no set can be made out.
    pub relaxation: Option<Relaxation>,
    /// `[chain][snapshot]`: metastable set; `None` outside the connected set.
    pub labels: Vec<Vec<Option<usize>>>,
}

const METHOD: &str = "invariant subspace of the slowest eigenvalues (real and imaginary parts), inner simplex algorithm, \
each microstate to its largest membership; memberships not optimised, detailed balance not assumed";

/// Models the snapshots; from `seed` alone. Errors: no lag or a lag of 0, no microstate asked for.
pub fn metastable_basins(
    snapshots: &Snapshots,
    projection: &Projection,
    attractors: &AttractorBasins,
    settings: &MetastableSettings,
    resamples: usize,
    seed: u64,
    progress: &dyn Progress,
) -> Result<MetastableBasins, ConditionalsError> {
    let (Microstates::Cells(wanted) | Microstates::Attractors(wanted)) = settings.microstates;
    if settings.lag == 0 || settings.lags.contains(&0) || wanted == 0 || settings.restarts == 0 {
        return Err(ConditionalsError::Invalid(
            "a Markov state model needs lags, microstates and restarts of at least 1: raise those that are 0"
                .to_owned(),
        ));
    }
    progress.stage("Markov state model");
    let paths = match settings.microstates {
        Microstates::Cells(k) => {
            let found = KMeans::fit(&projection.pooled(), projection.dimensions, k, settings.restarts, seed);
            let labels: Vec<Option<usize>> = match found {
                Some(found) => found.labels.into_iter().map(Some).collect(),
                None => vec![None; snapshots.len()],
            };
            snapshots.by_chain(&labels)
        }
        Microstates::Attractors(k) => {
            let keep = |path: &Vec<Option<usize>>| path.iter().map(|label| label.filter(|&l| l < k)).collect();
            attractors.labels.iter().map(keep).collect()
        }
    };
    let states = paths.iter().flatten().flatten().max().map_or(0, |&largest| largest + 1);
    let mut timescales = Vec::new();
    for (done, &lag) in settings.lags.iter().enumerate() {
        progress.checkpoint()?;
        let counts = TransitionCounts::new(&paths, states, lag);
        timescales.extend(implied_timescales(&counts, settings.timescales, resamples, seed));
        progress.report(done as u64 + 1, settings.lags.len() as u64 + 1);
    }
    progress.checkpoint()?;
    let (relaxation, labels) = match relax(&paths, states, settings, resamples, seed) {
        Some((relaxation, labels)) => (Some(relaxation), labels),
        None => (None, paths.iter().map(|path| vec![None; path.len()]).collect()),
    };
    Ok(MetastableBasins {
        settings: settings.clone(),
        sweeps_per_snapshot: snapshots.every,
        microstates: states,
        microstate_labels: paths,
        timescales,
        relaxation,
        labels,
    })
}

type Labels = Vec<Vec<Option<usize>>>;

fn relax(
    paths: &[Vec<Option<usize>>],
    states: usize,
    settings: &MetastableSettings,
    resamples: usize,
    seed: u64,
) -> Option<(Relaxation, Labels)> {
    let counts = TransitionCounts::new(paths, states, settings.lag);
    let model = MarkovStateModel::estimate(&counts.total(), states, settings.lag)?;
    let wanted = match settings.sets {
        Some(sets) => sets,
        None => largest_timescale_gap(&model, settings.most_sets).unwrap_or(1),
    };
    let sets = metastable_sets(&model, wanted.clamp(1, model.active.len()))?;
    let mut set_of = vec![None; states];
    model.active.iter().zip(&sets.set_of_active).for_each(|(&state, &set)| set_of[state] = Some(set));
    let labels: Labels =
        paths.iter().map(|path| path.iter().map(|label| label.and_then(|l| set_of[l])).collect()).collect();
    let shares = stationary_shares(&counts, &set_of, sets.sets, resamples, seed)?;
    let basins = shares
        .into_iter()
        .enumerate()
        .map(|(set, stationary)| MetastableBasin {
            microstates: (0..states).filter(|&state| set_of[state] == Some(set)).collect(),
            chains: chains_visiting(&labels, set),
            occupancy: occupancy(&labels, set, resamples, seed),
            stationary,
        })
        .collect();
    let (lag, multiples) = (settings.lag, settings.multiples);
    let tests = chapman_kolmogorov(paths, states, lag, multiples, &set_of, sets.sets, resamples, seed)?;
    let relaxation = Relaxation {
        model,
        set_of_active: sets.set_of_active,
        own_membership: sets.own_membership,
        least_membership: sets.least_membership,
        basins,
        chapman_kolmogorov: tests,
        method: METHOD.to_owned(),
    };
    Some((relaxation, labels))
}

impl MetastableBasins {
    /// `[chain][snapshot]`: the set of a snapshot whose microstate belongs there with at least `membership`.
    pub fn cores(&self, membership: f64) -> Labels {
        let mut core = vec![None; self.microstates];
        if let Some(found) = &self.relaxation {
            for ((&state, &set), &own) in found.model.active.iter().zip(&found.set_of_active).zip(&found.own_membership)
            {
                core[state] = (own >= membership).then_some(set);
            }
        }
        let of = |path: &Vec<Option<usize>>| path.iter().map(|label| label.and_then(|l| core[l])).collect();
        self.microstate_labels.iter().map(of).collect()
    }
}
