//! Three notions of a basin: B1 by zero-temperature attractor, B2 by cluster, B3 by slow relaxation.

mod attractors;
mod clusters;
mod metastable;

pub use attractors::{AttractorBasin, AttractorBasins, attractor_basins};
pub use clusters::{ClusterBasin, ClusterBasins, ClusterCount, ClusterSettings, cluster_basins};
pub use metastable::{
    MetastableBasin, MetastableBasins, MetastableSettings, Microstates, Relaxation, metastable_basins,
};

use super::Snapshots;
use crate::statistics::markov_state_model::BootstrapShare;
use crate::statistics::{Cluster, cluster_bootstrap_means};

/// Whether shares of basins speak of the chain's stationary law or only of where it was started.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StartDependence {
    /// Conditional on start: no lower bound of the distance between chains from different starts was supplied, or it is
    /// not small.
    ConditionalOnStart { tv_lower_bound: Option<f64> },
    /// Chains from different starts could not be told apart by more than this total variation (a lower bound, which
    /// does not prove that they have mixed).
    StartsNotToldApart { tv_lower_bound: f64 },
}

impl StartDependence {
    /// Judges a supplied lower bound against what is called small.
    pub fn judge(tv_lower_bound: Option<f64>, small: f64) -> Self {
        match tv_lower_bound {
            Some(tv_lower_bound) if tv_lower_bound <= small => Self::StartsNotToldApart { tv_lower_bound },
            tv_lower_bound => Self::ConditionalOnStart { tv_lower_bound },
        }
    }
    /// As it is printed beside a share.
    pub fn label(self) -> &'static str {
        match self {
            Self::ConditionalOnStart { .. } => "conditional on start",
            Self::StartsNotToldApart { .. } => "starts not told apart",
        }
    }
}

/// Share of the snapshots with label `basin`, with an interval from whole chains drawn anew.
pub(crate) fn occupancy(labels: &[Vec<Option<usize>>], basin: usize, resamples: usize, seed: u64) -> BootstrapShare {
    let clusters: Vec<Cluster<1>> = labels
        .iter()
        .map(|path| Cluster {
            sums: [path.iter().filter(|label| **label == Some(basin)).count() as f64],
            count: path.len() as f64,
        })
        .collect();
    let (inside, all) = clusters.iter().fold((0.0, 0.0), |(inside, all), c| (inside + c.sums[0], all + c.count));
    BootstrapShare {
        share: if all > 0.0 { inside / all } else { 0.0 },
        interval: cluster_bootstrap_means(&clusters, resamples, seed).map(|[interval]| interval),
    }
}

/// Number of chains with at least one snapshot of label `basin`.
fn chains_visiting(labels: &[Vec<Option<usize>>], basin: usize) -> usize {
    labels.iter().filter(|path| path.contains(&Some(basin))).count()
}

/// Chain and snapshot of a pooled number.
fn place(snapshots: &Snapshots, pooled: usize) -> [usize; 2] {
    let mut first = 0;
    for (chain, states) in snapshots.chains.iter().enumerate() {
        if pooled < first + states.len() {
            return [chain, pooled - first];
        }
        first += states.len();
    }
    [snapshots.chains.len(), 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_say_what_they_depend_on() {
        assert_eq!(StartDependence::judge(None, 0.1).label(), "conditional on start");
        assert_eq!(StartDependence::judge(Some(0.3), 0.1).label(), "conditional on start");
        assert_eq!(StartDependence::judge(Some(0.05), 0.1).label(), "starts not told apart");
    }

    #[test]
    fn occupancy_is_bootstrapped_over_chains() {
        let labels: Vec<Vec<Option<usize>>> = (0..40).map(|chain| vec![Some(chain % 2); 25]).collect();
        let found = occupancy(&labels, 0, 1000, 3);
        let [lower, upper] = found.interval.unwrap();
        // 40 chains that never leave are worth 40 coins, not 1000: standard error 0.079.
        assert!(found.share == 0.5 && (lower - 0.345).abs() < 0.04 && (upper - 0.655).abs() < 0.04, "{found:?}");
        assert_eq!((chains_visiting(&labels, 1), occupancy(&labels[..1], 0, 100, 3).interval), (20, None));
    }
}
