//! k-means clusters from a recorded seed, and how well they part the points.

use super::random::Stream;

/// Rounds of Lloyd's algorithm after which a restart ends unfinished.
const MOST_ROUNDS: usize = 300;

/// The best of several restarts.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct KMeans {
    /// Row-major `[k, width]`, in the order of first members.
    pub centres: Vec<f64>,
    /// Cluster of each point.
    pub labels: Vec<usize>,
    /// Sum of squared distances to the own centre.
    pub inertia: f64,
    /// Whether the labels had settled in the restart that was kept.
    pub converged: bool,
}

impl KMeans {
    /// Clusters row-major `points` of `width` numbers into at most `k` (fewer where fewer points differ).
    ///
    /// Starts are k-means++ (Arthur and Vassilvitskii 2007), restart r drawing from stream r of `seed`; of equal
    /// inertias the first restart is kept. `None` without points or with `k` or `restarts` 0.
    pub fn fit(points: &[f64], width: usize, k: usize, restarts: usize, seed: u64) -> Option<Self> {
        if width == 0 || points.is_empty() || k == 0 || points.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let mut best: Option<Self> = None;
        for restart in 0..restarts {
            let mut stream = Stream::new(seed, restart as u64);
            let found = lloyd(points, width, plus_plus(points, width, k, &mut stream));
            if best.as_ref().is_none_or(|best| found.inertia < best.inertia) {
                best = Some(found);
            }
        }
        best.map(|found| found.in_order_of_first_members(width))
    }

    /// Number of clusters.
    pub fn clusters(&self, width: usize) -> usize {
        self.centres.len() / width
    }

    /// The nearest centre to a point, and the squared distance.
    pub fn nearest(&self, point: &[f64]) -> (usize, f64) {
        nearest(&self.centres, point)
    }

    fn in_order_of_first_members(mut self, width: usize) -> Self {
        let k = self.centres.len() / width;
        let mut place = vec![usize::MAX; k];
        let mut order = Vec::with_capacity(k);
        for &label in &self.labels {
            if place[label] == usize::MAX {
                place[label] = order.len();
                order.push(label);
            }
        }
        self.centres = order.iter().flat_map(|&c| self.centres[c * width..][..width].iter().copied()).collect();
        self.labels.iter_mut().for_each(|label| *label = place[*label]);
        self
    }
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

fn nearest(centres: &[f64], point: &[f64]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (k, centre) in centres.chunks_exact(point.len()).enumerate() {
        let distance = squared_distance(centre, point);
        if distance < best.1 {
            best = (k, distance);
        }
    }
    best
}

/// Up to `k` different points, each next one drawn in proportion to its squared distance from those before.
fn plus_plus(points: &[f64], width: usize, k: usize, stream: &mut Stream) -> Vec<f64> {
    let rows = points.len() / width;
    let first = stream.below(rows as u64) as usize;
    let mut centres = points[first * width..][..width].to_vec();
    let mut distances: Vec<f64> = points.chunks_exact(width).map(|p| squared_distance(p, &centres)).collect();
    while centres.len() < k * width && distances.iter().any(|&d| d > 0.0) {
        let drawn = stream.weighted(&distances);
        let centre = &points[drawn * width..][..width];
        for (distance, point) in distances.iter_mut().zip(points.chunks_exact(width)) {
            *distance = distance.min(squared_distance(point, centre));
        }
        centres.extend_from_slice(centre);
    }
    centres
}

fn lloyd(points: &[f64], width: usize, mut centres: Vec<f64>) -> KMeans {
    let k = centres.len() / width;
    let mut labels: Vec<usize> = points.chunks_exact(width).map(|p| nearest(&centres, p).0).collect();
    let mut converged = false;
    for _ in 0..MOST_ROUNDS {
        let mut counts = vec![0usize; k];
        let mut sums = vec![0.0; centres.len()];
        for (point, &label) in points.chunks_exact(width).zip(&labels) {
            counts[label] += 1;
            sums[label * width..][..width].iter_mut().zip(point).for_each(|(sum, x)| *sum += x);
        }
        for (cluster, &count) in counts.iter().enumerate() {
            // An emptied cluster keeps its centre: it may win points back, and nothing is drawn anew.
            if count > 0 {
                for (centre, sum) in centres[cluster * width..][..width].iter_mut().zip(&sums[cluster * width..]) {
                    *centre = sum / count as f64;
                }
            }
        }
        let next: Vec<usize> = points.chunks_exact(width).map(|p| nearest(&centres, p).0).collect();
        converged = next == labels;
        labels = next;
        if converged {
            break;
        }
    }
    let inertia = points
        .chunks_exact(width)
        .zip(&labels)
        .map(|(point, &label)| squared_distance(point, &centres[label * width..][..width]))
        .sum();
    KMeans { centres, labels, inertia, converged }
}

/// Mean silhouette (Rousseeuw 1987) over at most `most` points drawn from `seed`, each judged against those drawn.
///
/// In [-1, 1]; a point alone in its cluster counts 0. `None` where fewer than two clusters are among the points drawn.
/// Costs O(most^2).
pub fn silhouette(points: &[f64], width: usize, labels: &[usize], most: usize, seed: u64) -> Option<f64> {
    let rows = labels.len();
    let mut chosen: Vec<usize> =
        if rows <= most { (0..rows).collect() } else { Stream::new(seed, 0).distinct(most, rows) };
    chosen.sort_unstable();
    let clusters = labels.iter().max()? + 1;
    let mut sizes = vec![0usize; clusters];
    chosen.iter().for_each(|&k| sizes[labels[k]] += 1);
    if sizes.iter().filter(|&&size| size > 0).count() < 2 {
        return None;
    }
    let mut total = 0.0;
    for &k in &chosen {
        let own = labels[k];
        if sizes[own] < 2 {
            continue;
        }
        let mut sums = vec![0.0; clusters];
        for &l in &chosen {
            sums[labels[l]] += squared_distance(&points[k * width..][..width], &points[l * width..][..width]).sqrt();
        }
        let within = sums[own] / (sizes[own] - 1) as f64;
        let other = (0..clusters)
            .filter(|&c| c != own && sizes[c] > 0)
            .map(|c| sums[c] / sizes[c] as f64)
            .fold(f64::INFINITY, f64::min);
        let larger = within.max(other);
        if larger > 0.0 {
            total += (other - within) / larger;
        }
    }
    Some(total / chosen.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `per` points around each of (0, 0), (10, 0), (0, 10), within 0.5 in each coordinate.
    fn blobs(per: usize) -> Vec<f64> {
        let mut stream = Stream::new(2, 0);
        let mut points = Vec::new();
        for (x, y) in [(0.0, 0.0), (10.0, 0.0), (0.0, 10.0)] {
            for _ in 0..per {
                points.extend([x + stream.unit() - 0.5, y + stream.unit() - 0.5]);
            }
        }
        points
    }

    #[test]
    fn separated_blobs_are_found() {
        let points = blobs(40);
        let found = KMeans::fit(&points, 2, 3, 4, 1).unwrap();
        assert!(found.converged);
        let expected: Vec<usize> = (0..120).map(|k| k / 40).collect();
        assert_eq!(found.labels, expected, "clusters are numbered by their first members");
        for (cluster, (x, y)) in [(0.0, 0.0), (10.0, 0.0), (0.0, 10.0)].into_iter().enumerate() {
            assert!(squared_distance(&found.centres[2 * cluster..][..2], &[x, y]) < 0.05);
        }
        assert!(silhouette(&points, 2, &found.labels, 1000, 0).unwrap() > 0.9);
        let two = KMeans::fit(&points, 2, 2, 4, 1).unwrap();
        let six = KMeans::fit(&points, 2, 6, 4, 1).unwrap();
        assert!(two.inertia > 10.0 * found.inertia && six.inertia < found.inertia);
        let of = |f: &KMeans| silhouette(&points, 2, &f.labels, 1000, 0).unwrap();
        assert!(of(&found) > of(&two) && of(&found) > of(&six));
        assert_eq!(KMeans::fit(&points, 2, 3, 4, 1).unwrap(), found);
        assert_eq!(found.nearest(&[9.0, 1.0]).0, 1);
    }

    #[test]
    fn silhouettes_by_hand() {
        // Points 0, 1 | 5: (5 - 1) / 5, (4 - 1) / 4 and 0 for the lonely one.
        let value = silhouette(&[0.0, 1.0, 5.0], 1, &[0, 0, 1], 10, 0).unwrap();
        assert!((value - (0.8 + 0.75) / 3.0).abs() < 1e-15);
        assert_eq!(silhouette(&[0.0, 1.0], 1, &[0, 0], 10, 0), None);
    }

    #[test]
    fn fewer_points_than_clusters() {
        let found = KMeans::fit(&[1.0, 1.0, 2.0], 1, 5, 3, 0).unwrap();
        assert_eq!((found.labels.as_slice(), found.inertia, found.clusters(1)), (&[0, 0, 1][..], 0.0, 2));
        assert_eq!(KMeans::fit(&[], 1, 2, 1, 0), None);
    }
}
