//! Groups drawn again: the same draws for whatever is computed from them.

use crate::statistics::{Stream, quantile, sorted};

/// How often each of `groups` groups is drawn when as many are drawn with replacement; from stream `resample` of `seed`, so
/// that quantities resampled with one seed come from the same draws.
pub(super) fn times(groups: usize, seed: u64, resample: usize) -> Vec<u32> {
    let mut times = vec![0; groups];
    let mut stream = Stream::new(seed, resample as u64);
    (0..groups).for_each(|_| times[stream.below(groups as u64) as usize] += 1);
    times
}

/// The middle `level` of values.
pub(super) fn interval(values: impl Iterator<Item = f64>, level: f64) -> [f64; 2] {
    let values = sorted(&values.collect::<Vec<f64>>());
    let tail = 0.5 * (1.0 - level);
    [quantile(&values, tail), quantile(&values, 1.0 - tail)]
}

/// Confidence of intervals that carry none of their own.
pub(super) const LEVEL: f64 = 0.95;

/// Sums over the observations of each cluster, from which statistics of all observations follow.
pub(super) struct Sums {
    width: usize,
    values: Vec<f64>,
}

impl Sums {
    /// `clusters` rows of `width` sums, all 0.
    pub(super) fn new(clusters: usize, width: usize) -> Self {
        Self { width, values: vec![0.0; clusters * width] }
    }

    /// The sums of one cluster.
    pub(super) fn of(&mut self, cluster: usize) -> &mut [f64] {
        &mut self.values[cluster * self.width..][..self.width]
    }

    /// Leaves clusters out that hold nothing, since a draw of them says nothing.
    pub(super) fn nonempty(mut self) -> Self {
        let rows = self.values.chunks(self.width).filter(|row| row.iter().any(|value| *value != 0.0));
        self.values = rows.flatten().copied().collect();
        self
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks(self.width)
    }

    /// Clusters.
    pub(super) fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Sums over all clusters.
    pub(super) fn total(&self) -> Vec<f64> {
        self.weighted(&vec![1; self.len()])
    }

    fn weighted(&self, times: &[u32]) -> Vec<f64> {
        let mut total = vec![0.0; self.width];
        for (row, &times) in self.rows().zip(times).filter(|(_, times)| **times > 0) {
            total.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(times) * value);
        }
        total
    }

    /// Calls `see` with the sums of each resample of whole clusters; never where there are fewer than two.
    pub(super) fn resample(&self, resamples: usize, seed: u64, mut see: impl FnMut(&[f64])) {
        if self.len() < 2 {
            return;
        }
        (0..resamples).for_each(|resample| see(&self.weighted(&times(self.len(), seed, resample))));
    }

    /// 95 % percentile interval of a statistic of the sums; `None` where fewer than two clusters, or no resample, have one.
    pub(super) fn interval(
        &self,
        resamples: usize,
        seed: u64,
        statistic: impl Fn(&[f64]) -> Option<f64>,
    ) -> Option<[f64; 2]> {
        let mut found = Vec::with_capacity(resamples);
        self.resample(resamples, seed, |sums| found.extend(statistic(sums)));
        (!found.is_empty()).then(|| interval(found.into_iter(), LEVEL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_clusters_are_drawn_whole() {
        let mut sums = Sums::new(4, 2);
        for cluster in 0..3 {
            sums.of(cluster)[0] = cluster as f64;
            sums.of(cluster)[1] = 1.0;
        }
        let sums = sums.nonempty();
        assert_eq!((sums.len(), sums.total()), (3, vec![3.0, 3.0]));
        let mut seen = 0;
        sums.resample(50, 1, |drawn| {
            assert_eq!(drawn[1], 3.0);
            seen += 1;
        });
        assert_eq!(seen, 50);
        let [low, high] = sums.interval(400, 1, |drawn| Some(drawn[0] / drawn[1])).unwrap();
        assert!(low >= 0.0 && high <= 2.0 && low < 1.0 && high > 1.0);
        assert_eq!(Sums::new(1, 1).interval(10, 1, |drawn| Some(drawn[0])), None);
        assert_eq!(times(5, 3, 2).iter().sum::<u32>(), 5);
    }
}
