//! Cluster bootstrap: whole clusters are resampled, since observations of one cluster are not independent.

use super::quantiles::{quantile, sorted};
use super::random::Stream;

/// One cluster's share in `K` means: the sum of each quantity over its observations, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cluster<const K: usize> {
    pub sums: [f64; K],
    pub count: f64,
}

/// 95 % percentile intervals of `K` means over all observations, from resampling whole clusters.
///
/// `None` for fewer than two clusters (nothing can be said) or no resamples. The draws come from `seed` alone.
pub fn cluster_bootstrap_means<const K: usize>(
    clusters: &[Cluster<K>],
    resamples: usize,
    seed: u64,
) -> Option<[[f64; 2]; K]> {
    if clusters.len() < 2 || resamples == 0 {
        return None;
    }
    let mut stream = Stream::new(seed, 0);
    let mut means: [Vec<f64>; K] = std::array::from_fn(|_| Vec::with_capacity(resamples));
    for _ in 0..resamples {
        let (mut sums, mut count) = ([0.0; K], 0.0);
        for _ in 0..clusters.len() {
            let drawn = &clusters[stream.below(clusters.len() as u64) as usize];
            for (sum, part) in sums.iter_mut().zip(drawn.sums) {
                *sum += part;
            }
            count += drawn.count;
        }
        if count > 0.0 {
            for (mean, sum) in means.iter_mut().zip(sums) {
                mean.push(sum / count);
            }
        }
    }
    Some(means.map(|values| {
        let values = sorted(&values);
        [quantile(&values, 0.025), quantile(&values, 0.975)]
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_that_agree_widen_the_interval() {
        // 50 clusters, each all ones or all zeros: 400 observations are worth 50.
        let clustered: Vec<_> =
            (0..50).map(|k| Cluster { sums: [if k % 2 == 0 { 8.0 } else { 0.0 }], count: 8.0 }).collect();
        let mixed: Vec<_> = (0..50).map(|_| Cluster { sums: [4.0], count: 8.0 }).collect();
        let [[lower, upper]] = cluster_bootstrap_means(&clustered, 2000, 1).unwrap();
        // The standard error of 50 fair coins is 0.0707; the interval must be near 0.5 +- 1.96 of it.
        assert!((lower - 0.361).abs() < 0.03 && (upper - 0.639).abs() < 0.03, "{lower} {upper}");
        assert_eq!(cluster_bootstrap_means(&mixed, 1000, 1).unwrap(), [[0.5, 0.5]]);
        assert_eq!(cluster_bootstrap_means(&clustered, 1000, 9), cluster_bootstrap_means(&clustered, 1000, 9));
        assert_eq!(cluster_bootstrap_means(&clustered[..1], 1000, 9), None);
    }
}
