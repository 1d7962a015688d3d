//! Recurrence plots of cosine distance, chain by chain.

use super::{Embedded, Snapshots};
use crate::glauber::conditionals::ConditionalsError;
use crate::progress::Progress;
use crate::statistics::{RecurrenceMeasures, quantile, recurrence_measures, sorted};

/// Side of the squares kept of all chains but the first.
const MOST_KEPT: usize = 96;

/// What is plotted and counted.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RecurrenceSettings {
    /// Chains read, the first ones.
    pub chains: usize,
    /// Most snapshots of a chain in its plot; longer chains are thinned evenly.
    pub most_snapshots: usize,
    /// Cosine distance within which two snapshots count as the same; `None` takes `quantile` of all distances.
    pub threshold: Option<f64>,
    /// Quantile of the distances between different snapshots of one chain, pooled over the chains read.
    pub quantile: f64,
    /// Shortest line counted, at least 2.
    pub least_line: usize,
}

impl Default for RecurrenceSettings {
    fn default() -> Self {
        Self { chains: 16, most_snapshots: 512, threshold: None, quantile: 0.1, least_line: 2 }
    }
}

/// One chain's plot, thinned, and what it counts.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RecurrencePlot {
    pub chain: usize,
    /// Every this-many-th snapshot is in the plot; lines are counted in these.
    pub stride: usize,
    /// Snapshots per side.
    pub size: usize,
    /// Every this-many-th snapshot of the plot is kept in `distances`: all of the first chain, at most 96 of others.
    #[serde(default = "one")]
    pub kept_stride: usize,
    /// Row-major, `size / kept_stride` rounded up on a side: 1 - cosine, in [0, 2]; rounded to 0.0001 but for the first
    /// chain.
    pub distances: Vec<f32>,
    pub measures: RecurrenceMeasures,
}

fn one() -> usize {
    1
}

impl RecurrencePlot {
    /// Snapshots per side of `distances`; 0 where none are kept.
    pub fn kept(&self) -> usize {
        self.distances.len().isqrt()
    }
}

/// Recurrence of the chains read.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RecurrenceResult {
    /// Threshold used, cosine distance.
    pub threshold: f64,
    pub plots: Vec<RecurrencePlot>,
}

/// Measures the recurrence of the first chains; costs O(chains x most_snapshots^2 x width).
pub fn recurrence(
    snapshots: &Snapshots,
    embedded: &Embedded,
    settings: &RecurrenceSettings,
    progress: &dyn Progress,
) -> Result<RecurrenceResult, ConditionalsError> {
    let chains = snapshots.chains.len().min(settings.chains);
    progress.stage("recurrence plots");
    let mut matrices: Vec<(usize, usize, Vec<f32>)> = Vec::with_capacity(chains);
    let mut first = 0;
    for (chain, states) in snapshots.chains.iter().take(chains).enumerate() {
        progress.checkpoint()?;
        let stride = states.len().div_ceil(settings.most_snapshots.max(1)).max(1);
        let chosen: Vec<usize> = (0..states.len()).step_by(stride).map(|k| first + k).collect();
        let size = chosen.len();
        let mut distances = vec![0.0f32; size * size];
        for i in 0..size {
            for j in 0..i {
                let distance = (1.0 - embedded.cosine(chosen[i], chosen[j])) as f32;
                distances[i * size + j] = distance;
                distances[j * size + i] = distance;
            }
        }
        matrices.push((stride, size, distances));
        first += states.len();
        progress.report(chain as u64 + 1, chains as u64);
    }
    let threshold = settings.threshold.unwrap_or_else(|| {
        let off_diagonal: Vec<f64> = matrices
            .iter()
            .flat_map(|(_, size, distances)| {
                (0..*size).flat_map(move |i| (0..i).map(move |j| f64::from(distances[i * size + j])))
            })
            .collect();
        let value = quantile(&sorted(&off_diagonal), settings.quantile);
        // Chains of one snapshot have no distances; then no threshold matters.
        if value.is_finite() { value } else { 0.0 }
    });
    let plots = matrices
        .into_iter()
        .enumerate()
        .map(|(chain, (stride, size, distances))| {
            let distance = |i: usize, j: usize| f64::from(distances[i * size + j]);
            let measures = recurrence_measures(size, distance, threshold, settings.least_line.max(2));
            let (kept_stride, distances) =
                if chain == 0 { (1, distances) } else { coarse(&distances, size, size.div_ceil(MOST_KEPT).max(1)) };
            RecurrencePlot { chain, stride, size, kept_stride, distances, measures }
        })
        .collect();
    Ok(RecurrenceResult { threshold, plots })
}

/// Every `stride`-th row and column of a square, in few digits: it is for the eye.
fn coarse(distances: &[f32], size: usize, stride: usize) -> (usize, Vec<f32>) {
    let kept = || (0..size).step_by(stride);
    let rounded = |distance: f32| (distance * 1e4).round() / 1e4;
    (stride, kept().flat_map(|i| kept().map(move |j| rounded(distances[i * size + j]))).collect())
}

#[cfg(test)]
mod tests {
    use super::super::OneHot;
    use super::*;
    use crate::progress::Silent;
    use crate::statistics::Stream;

    fn of(chains: Vec<Vec<Vec<u32>>>, settings: &RecurrenceSettings) -> RecurrenceResult {
        let snapshots = Snapshots { first_sweep: 0, every: 1, chains };
        let one_hot = OneHot { sites: 2, vocabulary: 4 };
        let embedded = Embedded::new(&one_hot, &snapshots.pooled(), false, &Silent).unwrap();
        recurrence(&snapshots, &embedded, settings, &Silent).unwrap()
    }

    #[test]
    fn periodic_and_random_chains_differ() {
        let periodic: Vec<Vec<u32>> = (0..40).map(|t| vec![t % 4, t % 4]).collect();
        let mut stream = Stream::new(4, 0);
        let random: Vec<Vec<u32>> = (0..400).map(|_| vec![stream.below(4) as u32; 2]).collect();
        let settings = RecurrenceSettings { threshold: Some(0.25), ..RecurrenceSettings::default() };
        let found = of(vec![periodic, random], &settings);
        let [periodic, random] = &found.plots[..] else { panic!("two chains") };
        assert_eq!((periodic.measures.determinism, periodic.measures.laminarity), (Some(1.0), Some(0.0)));
        // On a line of two or more: 1 - (3/4)^2.
        assert!((random.measures.determinism.unwrap() - 0.4375).abs() < 0.05, "{random:?}");
        assert_eq!((periodic.distances.len(), periodic.kept()), (1600, 40));
        assert_eq!((random.kept_stride, random.kept()), (5, 80), "400 snapshots are kept in at most 96");
        assert!((periodic.distances[1] - 1.0).abs() < 1e-6 && periodic.distances[4] == 0.0);
    }

    #[test]
    fn plots_are_thinned_and_a_threshold_is_taken_from_the_distances() {
        let chain: Vec<Vec<u32>> = (0..100).map(|t| vec![t / 50, t / 50]).collect();
        let settings = RecurrenceSettings { most_snapshots: 30, ..RecurrenceSettings::default() };
        let found = of(vec![chain], &settings);
        assert_eq!((found.plots[0].stride, found.plots[0].size), (4, 25));
        assert_eq!(found.threshold, 0.0, "half of the pairs are equal states");
        assert!(found.plots[0].measures.laminarity.unwrap() > 0.95);
        assert_eq!(of(vec![vec![vec![0, 0]]], &settings).plots[0].measures.rate, 0.0);
    }
}
