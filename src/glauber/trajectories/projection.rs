//! A fixed basis for all chains: principal components of the pooled snapshots.

use super::{Embedded, Snapshots};
use crate::glauber::conditionals::ConditionalsError;
use crate::statistics::Pca;

/// Snapshots the basis is fitted on at most; more are thinned evenly.
const MOST_FITTED: usize = 20_000;

/// Coordinates of all snapshots.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Projection {
    /// What was embedded, in words.
    pub embedding: String,
    /// Whether the common mean was taken off before the vectors were scaled to length 1 (a second time).
    pub centred: bool,
    /// Number of coordinates; at least 1, with all coordinates 0 where the snapshots are all alike.
    pub dimensions: usize,
    /// Share of the variance along each coordinate, of the snapshots the basis was fitted on.
    pub explained: Vec<f64>,
    /// Snapshots the basis was fitted on: all, or evenly spaced ones.
    pub fitted_on: usize,
    /// The basis, for points that are not snapshots; `None` where the snapshots are all alike.
    pub basis: Option<Pca>,
    /// `[chain]`, row-major `[snapshot, dimensions]`.
    pub coordinates: Vec<Vec<f64>>,
}

impl Projection {
    /// Coordinates of all snapshots, pooled, row-major `[snapshots, dimensions]`.
    pub fn pooled(&self) -> Vec<f64> {
        self.coordinates.concat()
    }
}

/// Projects pooled `embedded` snapshots on their first `components` principal components.
pub fn project(
    snapshots: &Snapshots,
    embedded: &Embedded,
    embedding: String,
    centred: bool,
    components: usize,
) -> Result<Projection, ConditionalsError> {
    if components == 0 {
        return Err(ConditionalsError::Invalid("a projection needs at least one component".to_owned()));
    }
    let stride = embedded.len().div_ceil(MOST_FITTED).max(1);
    let chosen: Vec<usize> = (0..embedded.len()).step_by(stride).collect();
    let points: Vec<f32> = chosen.iter().flat_map(|&k| embedded.row(k).iter().copied()).collect();
    let basis = Pca::fit(&points, embedded.width(), components);
    let dimensions = basis.as_ref().map_or(1, Pca::dimensions);
    let distinct = basis.as_ref().map_or_else(
        || vec![0.0; embedded.distinct().len() / embedded.width()],
        |basis| basis.project(embedded.distinct()),
    );
    let rows: Vec<&[f64]> = embedded.index().iter().map(|&row| &distinct[row * dimensions..][..dimensions]).collect();
    let coordinates = snapshots.by_chain(&rows).into_iter().map(|rows| rows.concat()).collect();
    Ok(Projection {
        embedding,
        centred,
        dimensions,
        explained: basis.as_ref().map_or_else(Vec::new, Pca::explained),
        fitted_on: chosen.len(),
        basis,
        coordinates,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Embeddings, OneHot};
    use super::*;
    use crate::progress::Silent;

    fn of(chains: Vec<Vec<Vec<u32>>>, components: usize) -> Projection {
        let snapshots = Snapshots { first_sweep: 0, every: 1, chains };
        let one_hot = OneHot { sites: 2, vocabulary: 2 };
        let embedded = Embedded::new(&one_hot, &snapshots.pooled(), false, &Silent).unwrap();
        project(&snapshots, &embedded, one_hot.description(), false, components).unwrap()
    }

    #[test]
    fn four_corners_lie_in_a_square() {
        let found = of(vec![vec![vec![0, 0], vec![0, 1]], vec![vec![1, 0], vec![1, 1]]], 5);
        assert_eq!((found.dimensions, found.coordinates[0].len()), (2, 4));
        assert!(found.explained.iter().all(|share| (share - 0.5).abs() < 1e-6), "{:?}", found.explained);
        for point in found.pooled().chunks(2) {
            assert!((point[0].hypot(point[1]) - 0.5f64.sqrt()).abs() < 1e-6);
        }
        assert_eq!(found, of(vec![vec![vec![0, 0], vec![0, 1]], vec![vec![1, 0], vec![1, 1]]], 5));
    }

    #[test]
    fn a_chain_that_never_moves_is_a_point() {
        let found = of(vec![vec![vec![0, 0]; 3]], 2);
        assert_eq!((found.dimensions, found.coordinates, found.basis), (1, vec![vec![0.0; 3]], None));
    }
}
