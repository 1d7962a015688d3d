//! B2: snapshots grouped by k-means in principal-component space.

use super::{chains_visiting, occupancy, place};
use crate::glauber::conditionals::ConditionalsError;
use crate::glauber::trajectories::{Projection, Snapshots};
use crate::progress::Progress;
use crate::statistics::markov_state_model::BootstrapShare;
use crate::statistics::{KMeans, quantile, silhouette, sorted};

/// How clusters are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClusterSettings {
    /// Number of clusters; `None` takes the one of largest silhouette among 2 to `most`.
    pub clusters: Option<usize>,
    /// Largest number tried; the curve of inertia and silhouette runs to it.
    pub most: usize,
    /// Restarts of k-means, the best is kept.
    pub restarts: usize,
    /// Snapshots drawn for the silhouette, which costs their square.
    pub silhouette_sample: usize,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self { clusters: None, most: 8, restarts: 8, silhouette_sample: 1000 }
    }
}

/// One number of clusters on the curve.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ClusterCount {
    pub clusters: usize,
    /// Sum of squared distances to the centres.
    pub inertia: f64,
    /// Mean silhouette of a sample, in [-1, 1].
    pub silhouette: Option<f64>,
}

/// One cluster.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ClusterBasin {
    /// Coordinates of the centre.
    pub centre: Vec<f64>,
    pub members: usize,
    /// Different chains with a snapshot here.
    pub chains: usize,
    /// Share of all snapshots, conditional on start.
    pub occupancy: BootstrapShare,
    /// Chain and snapshot nearest to the centre, to show what stands there.
    pub representative: [usize; 2],
}

/// Clusters of snapshots.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ClusterBasins {
    pub settings: ClusterSettings,
    /// Inertia and silhouette of every number of clusters tried.
    pub curve: Vec<ClusterCount>,
    /// In the order of first members.
    pub basins: Vec<ClusterBasin>,
    /// `[chain][snapshot]`.
    pub labels: Vec<Vec<usize>>,
    /// `[chain][snapshot]`: distance to the own centre.
    pub distances: Vec<Vec<f64>>,
    /// Whether the labels had settled.
    pub converged: bool,
}

/// Clusters the projected snapshots; from `seed` alone.
pub fn cluster_basins(
    snapshots: &Snapshots,
    projection: &Projection,
    settings: &ClusterSettings,
    resamples: usize,
    seed: u64,
    progress: &dyn Progress,
) -> Result<ClusterBasins, ConditionalsError> {
    let (points, width) = (projection.pooled(), projection.dimensions);
    if settings.clusters == Some(0) || settings.restarts == 0 {
        return Err(ConditionalsError::Invalid(
            "k-means needs at least one cluster and one restart: raise both above 0".to_owned(),
        ));
    }
    progress.stage("clustering");
    let most = settings.most.max(settings.clusters.unwrap_or(0)).max(1);
    let mut curve: Vec<ClusterCount> = Vec::new();
    let mut best: Option<(KMeans, f64)> = None;
    for k in 1..=most {
        progress.checkpoint()?;
        let Some(found) = KMeans::fit(&points, width, k, settings.restarts, seed) else { break };
        if found.clusters(width) < k {
            // Fewer points differ: this and every larger number gives the partition already found.
            break;
        }
        let score = silhouette(&points, width, &found.labels, settings.silhouette_sample, seed);
        curve.push(ClusterCount { clusters: k, inertia: found.inertia, silhouette: score });
        let better = match settings.clusters {
            Some(wanted) => k <= wanted,
            None => best.as_ref().is_none_or(|(_, best)| score.is_some_and(|score| score > *best)),
        };
        if better {
            best = Some((found, score.unwrap_or(f64::NEG_INFINITY)));
        }
        progress.report(k as u64, most as u64);
    }
    let Some((found, _)) = best else {
        return Err(ConditionalsError::Invalid("there is no snapshot to cluster".to_owned()));
    };
    let distances: Vec<f64> = points.chunks_exact(width).map(|point| found.nearest(point).1.sqrt()).collect();
    let labels = snapshots.by_chain(&found.labels);
    let optional: Vec<Vec<Option<usize>>> =
        labels.iter().map(|path| path.iter().map(|&label| Some(label)).collect()).collect();
    let basins = (0..found.clusters(width))
        .map(|cluster| {
            let members = || (0..distances.len()).filter(|&k| found.labels[k] == cluster);
            let nearest = members().min_by(|&a, &b| distances[a].total_cmp(&distances[b])).unwrap_or(0);
            ClusterBasin {
                centre: found.centres[cluster * width..][..width].to_vec(),
                members: members().count(),
                chains: chains_visiting(&optional, cluster),
                occupancy: occupancy(&optional, cluster, resamples, seed),
                representative: place(snapshots, nearest),
            }
        })
        .collect();
    Ok(ClusterBasins {
        settings: *settings,
        curve,
        basins,
        labels,
        distances: snapshots.by_chain(&distances),
        converged: found.converged,
    })
}

impl ClusterBasins {
    /// `[chain][snapshot]`: the cluster of a snapshot among the `share` of its members nearest to the centre.
    pub fn cores(&self, share: f64) -> Vec<Vec<Option<usize>>> {
        let (labels, distances) = (self.labels.concat(), self.distances.concat());
        let radius: Vec<f64> = (0..self.basins.len())
            .map(|cluster| {
                let own: Vec<f64> =
                    labels.iter().zip(&distances).filter(|&(&label, _)| label == cluster).map(|(_, &d)| d).collect();
                quantile(&sorted(&own), share)
            })
            .collect();
        self.labels
            .iter()
            .zip(&self.distances)
            .map(|(path, far)| path.iter().zip(far).map(|(&l, &d)| (d <= radius[l]).then_some(l)).collect())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::trajectories::{Embedded, OneHot, project};
    use crate::progress::Silent;

    /// Chains near all-0 and near all-1, one site off, and one that crosses over.
    fn snapshots() -> Snapshots {
        let near = |token: u32, flip: usize| {
            let mut state = vec![token; 16];
            state[flip % 16] = 1 - token;
            state
        };
        let stay = |token: u32| (0..12).map(|k| near(token, k)).collect::<Vec<_>>();
        let cross = (0..12).map(|k| near(u32::from(k >= 6), k)).collect();
        Snapshots { first_sweep: 0, every: 1, chains: vec![stay(0), stay(1), cross] }
    }

    fn of(settings: &ClusterSettings) -> ClusterBasins {
        let snapshots = snapshots();
        let one_hot = OneHot { sites: 16, vocabulary: 2 };
        let embedded = Embedded::new(&one_hot, &snapshots.pooled(), true, &Silent).unwrap();
        let projection = project(&snapshots, &embedded, String::new(), true, 3).unwrap();
        cluster_basins(&snapshots, &projection, settings, 100, 5, &Silent).unwrap()
    }

    #[test]
    fn two_groups_are_two_clusters() {
        let found = of(&ClusterSettings { most: 5, ..ClusterSettings::default() });
        assert_eq!(found.basins.len(), 2, "{:?}", found.curve);
        assert_eq!(found.curve.len(), 5);
        assert!(found.curve.windows(2).all(|pair| pair[1].inertia <= pair[0].inertia + 1e-9));
        assert_eq!(found.labels[0], [0; 12]);
        assert_eq!(found.labels[1], [1; 12]);
        assert_eq!((found.basins[0].members, found.basins[0].chains), (18, 2));
        assert_eq!(found.labels[2][5..7], [0, 1]);
        assert_eq!(found, of(&ClusterSettings { most: 5, ..ClusterSettings::default() }));
        let cores = found.cores(0.5);
        let inside = cores.concat().iter().filter(|core| core.is_some()).count();
        assert!((18..36).contains(&inside), "{inside}");
    }

    #[test]
    fn a_wanted_number_is_given() {
        let found = of(&ClusterSettings { clusters: Some(3), most: 2, ..ClusterSettings::default() });
        assert_eq!((found.basins.len(), found.curve.len()), (3, 3));
        let far: f64 = found.distances.concat().iter().map(|d| d * d).sum();
        assert!((far - found.curve[2].inertia).abs() < 1e-9);
    }
}
