//! Metastable sets from the slow invariant subspace, for chains that need not be reversible.
//!
//! The subspace of the m slowest eigenvalues (real and imaginary parts of complex pairs, so that it is that of the Schur
//! vectors in GPCCA, Reuter et al. 2018) is made orthonormal for the stationary law; its simplex is found by the inner
//! simplex algorithm (Weber and Deuflhard 2004) and each state goes to the vertex of largest membership. The
//! memberships are not optimised further as in full PCCA+.

use faer::Mat;
use faer::prelude::Solve;

use super::{MarkovStateModel, larger_first};

/// A partition of the active states.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MetastableSets {
    /// Number of sets.
    pub sets: usize,
    /// Set of each active state, in the order of [`MarkovStateModel::active`]; sets by stationary share, largest first.
    pub set_of_active: Vec<usize>,
    /// Membership of each active state in its own set: near 1 deep inside, near 1/2 between two sets.
    pub own_membership: Vec<f64>,
    /// Stationary share of each set.
    pub shares: Vec<f64>,
    /// Smallest membership over all states: 0 for a perfect simplex, clearly negative where sets overlap much.
    pub least_membership: f64,
}

/// Number of sets, 2 to `most`, after which the timescales fall by the largest factor; `None` with fewer than 2 states.
///
/// A timescale that never decays counts as endless, one that decays at once as no time at all.
pub fn largest_timescale_gap(model: &MarkovStateModel, most: usize) -> Option<usize> {
    let moduli: Vec<f64> = model.eigenvalues.iter().map(|[re, im]| re.hypot(*im)).collect();
    // ln t up to a constant; kept finite at both ends.
    let log_time = |modulus: f64| -(-modulus.clamp(1e-9, 1.0 - 1e-12).ln()).ln();
    let limit = most.min(moduli.len());
    let gap = |sets: usize| log_time(moduli[sets - 1]) - moduli.get(sets).map_or(log_time(0.0), |&m| log_time(m));
    let mut best: Option<usize> = None;
    for sets in 2..=limit {
        if best.is_none_or(|best| gap(sets) > gap(best)) {
            best = Some(sets);
        }
    }
    best
}

/// Parts the active states into `sets` sets, one more where that would split a complex pair.
///
/// `None` where there are fewer states than sets, or the eigenvectors do not span enough directions.
pub fn metastable_sets(model: &MarkovStateModel, sets: usize) -> Option<MetastableSets> {
    let k = model.active.len();
    if sets < 1 || sets > k {
        return None;
    }
    let subspace = slow_subspace(model, sets)?;
    let m = subspace.len();
    let vertices = inner_simplex(&subspace, k);
    let corners = Mat::from_fn(m, m, |i, j| subspace[j][vertices[i]]);
    // membership * corners = subspace, solved for each state on the transposed system.
    let right = Mat::from_fn(m, k, |j, state| subspace[j][state]);
    let membership = corners.transpose().partial_piv_lu().solve(&right);
    let mut label = vec![0; k];
    let mut own_membership = vec![f64::NEG_INFINITY; k];
    let mut least_membership = f64::INFINITY;
    for (state, (label, best)) in label.iter_mut().zip(&mut own_membership).enumerate() {
        for vertex in 0..m {
            let value = membership[(vertex, state)];
            if !value.is_finite() {
                return None;
            }
            least_membership = least_membership.min(value);
            if value > *best {
                (*best, *label) = (value, vertex);
            }
        }
    }
    let mut shares = vec![0.0; m];
    label.iter().zip(&model.stationary).for_each(|(&set, law)| shares[set] += law);
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]).then(vertices[a].cmp(&vertices[b])));
    let mut place = vec![0; m];
    order.iter().enumerate().for_each(|(rank, &set)| place[set] = rank);
    Some(MetastableSets {
        sets: m,
        set_of_active: label.into_iter().map(|set| place[set]).collect(),
        own_membership,
        shares: order.iter().map(|&set| shares[set]).collect(),
        least_membership,
    })
}

/// Orthonormal vectors (inner product weighted by the stationary law) of the slow subspace, the constant one first.
fn slow_subspace(model: &MarkovStateModel, sets: usize) -> Option<Vec<Vec<f64>>> {
    let k = model.active.len();
    let matrix = Mat::from_fn(k, k, |i, j| model.transition[i * k + j]);
    let eigen = matrix.eigen().ok()?;
    let values: Vec<[f64; 2]> = (0..k).map(|c| eigen.S().column_vector()[c]).map(|v| [v.re, v.im]).collect();
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|&a, &b| larger_first(&values[a], &values[b]));
    let mut basis: Vec<Vec<f64>> = vec![vec![1.0; k]];
    for &column in order.iter().skip(1) {
        if basis.len() >= sets {
            break;
        }
        let [_, imaginary] = values[column];
        // Of a pair one member gives both directions.
        if imaginary < 0.0 {
            continue;
        }
        let parts = if imaginary > 0.0 { 2 } else { 1 };
        for part in 0..parts {
            let vector = (0..k).map(|i| eigen.U()[(i, column)]).map(|z| if part == 0 { z.re } else { z.im });
            if let Some(direction) = orthonormal(vector.collect(), &basis, &model.stationary) {
                basis.push(direction);
            }
        }
    }
    (basis.len() >= sets).then_some(basis)
}

fn weighted(a: &[f64], b: &[f64], law: &[f64]) -> f64 {
    a.iter().zip(b).zip(law).map(|((x, y), p)| x * y * p).sum()
}

/// What of `vector` lies outside `basis`, at length 1; `None` where nothing does.
fn orthonormal(mut vector: Vec<f64>, basis: &[Vec<f64>], law: &[f64]) -> Option<Vec<f64>> {
    let before = weighted(&vector, &vector, law).sqrt();
    for _ in 0..2 {
        for direction in basis {
            let along = weighted(&vector, direction, law);
            vector.iter_mut().zip(direction).for_each(|(v, d)| *v -= along * d);
        }
    }
    let length = weighted(&vector, &vector, law).sqrt();
    (length > 1e-9 * before && length > 0.0).then(|| vector.into_iter().map(|v| v / length).collect())
}

/// States at the corners of the simplex that the rows of the subspace fill.
fn inner_simplex(subspace: &[Vec<f64>], k: usize) -> Vec<usize> {
    let m = subspace.len();
    let mut rows: Vec<Vec<f64>> = (0..k).map(|state| subspace.iter().map(|vector| vector[state]).collect()).collect();
    let length = |row: &[f64]| row.iter().map(|x| x * x).sum::<f64>();
    let farthest = |rows: &[Vec<f64>]| {
        let mut best = 0;
        for (state, row) in rows.iter().enumerate() {
            if length(row) > length(&rows[best]) {
                best = state;
            }
        }
        best
    };
    let mut vertices = vec![farthest(&rows)];
    let origin = rows[vertices[0]].clone();
    rows.iter_mut().for_each(|row| row.iter_mut().zip(&origin).for_each(|(x, o)| *x -= o));
    while vertices.len() < m {
        let vertex = farthest(&rows);
        vertices.push(vertex);
        let scale = length(&rows[vertex]).sqrt();
        // Rows all alike leave no direction to take out.
        if scale == 0.0 {
            continue;
        }
        let direction: Vec<f64> = rows[vertex].iter().map(|x| x / scale).collect();
        for row in &mut rows {
            let along: f64 = row.iter().zip(&direction).map(|(x, d)| x * d).sum();
            row.iter_mut().zip(&direction).for_each(|(x, d)| *x -= along * d);
        }
    }
    vertices
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of the given sizes: fast moves inside, `weak` counts from each block's first state to the next block's.
    fn blocks(sizes: &[usize], weak: u64) -> MarkovStateModel {
        let k: usize = sizes.iter().sum();
        let mut counts = vec![0u64; k * k];
        let mut starts = vec![0];
        for size in sizes {
            starts.push(starts[starts.len() - 1] + size);
        }
        for (block, &size) in sizes.iter().enumerate() {
            for i in 0..size {
                for j in 0..size {
                    counts[(starts[block] + i) * k + starts[block] + j] = 1000;
                }
            }
            counts[starts[block] * k + starts[(block + 1) % sizes.len()]] += weak;
        }
        MarkovStateModel::estimate(&counts, k, 1).unwrap()
    }

    #[test]
    fn weakly_joined_blocks_are_the_sets() {
        // Three blocks joined one way round: the slow eigenvalues are a complex pair.
        let model = blocks(&[4, 3, 2], 10);
        assert!(model.eigenvalues[1][1].abs() > 1e-6, "{:?}", model.eigenvalues);
        assert_eq!(largest_timescale_gap(&model, 6), Some(3));
        let found = metastable_sets(&model, 3).unwrap();
        let partition = &found.set_of_active;
        for (block, range) in [(0, 0..4), (4, 4..7), (7, 7..9)] {
            assert!(range.clone().all(|i| partition[i] == partition[block]), "{partition:?}");
        }
        assert_eq!(found.sets, 3);
        assert!(found.own_membership.iter().all(|&own| own > 0.9), "{:?}", found.own_membership);
        assert!((found.shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(found.shares.windows(2).all(|w| w[0] >= w[1]));
        assert!(found.least_membership > -0.05, "{}", found.least_membership);
        assert_eq!(metastable_sets(&model, 2).unwrap().sets, 3, "a pair is not split");
    }

    #[test]
    fn two_blocks_with_real_eigenvalues() {
        let model = blocks(&[3, 3], 5);
        let found = metastable_sets(&model, 2).unwrap();
        assert_eq!(found.set_of_active[..3], [found.set_of_active[0]; 3]);
        assert_eq!(found.set_of_active[3..], [1 - found.set_of_active[0]; 3]);
        assert_eq!(metastable_sets(&model, 7), None);
        assert_eq!(metastable_sets(&model, 1).unwrap().sets, 1);
    }
}
