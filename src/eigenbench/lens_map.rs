//! Where judges and models lie, in a gauge that the fit does not choose (eigenbench.md, section 4.3): a constant may be
//! added to a judge's scores, and lenses and dispositions may be turned against each other, without changing any chance.

use faer::{Mat, Side};

use super::btd::Btd;

/// Coordinates that two fits of the same likelihood share, most telling axis first.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LensMap {
    /// Singular values of the row-centred scores, at most the fit's dimension.
    pub singular_values: Vec<f64>,
    /// Judges, `[judges, axes]` by rows; those outside the population come last.
    pub lenses: Vec<f64>,
    /// Models, `[models, axes]` by rows; each axis sums to 0, and its largest entry is positive.
    pub dispositions: Vec<f64>,
}

/// Singular values below this part of the first are rounding.
const NOTHING: f64 = 1e-10;

/// `S = P Sigma Q'` of the scores less each judge's mean; lenses `P Sigma^1/2`, dispositions `Q Sigma^1/2`. `None` where the
/// decomposition fails.
pub fn lens_map(model: &Btd) -> Option<LensMap> {
    let (judges, n) = (model.judges(), model.models());
    let mut scores = model.scores();
    for row in scores.chunks_exact_mut(n) {
        let mean = row.iter().sum::<f64>() / n as f64;
        row.iter_mut().for_each(|score| *score -= mean);
    }
    // Q and Sigma from S'S, whose order is the number of models; P from S Q / Sigma.
    let gram = Mat::from_fn(n, n, |a, b| (0..judges).map(|i| scores[i * n + a] * scores[i * n + b]).sum::<f64>());
    let eigen = gram.self_adjoint_eigen(Side::Lower).ok()?;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| eigen.S()[b].total_cmp(&eigen.S()[a]));
    let largest = eigen.S()[*order.first()?].max(0.0).sqrt();
    let value = |axis: &usize| eigen.S()[*axis].max(0.0).sqrt();
    order.truncate(model.dimension.min(n));
    order.retain(|axis| value(axis) > NOTHING * largest);
    let axes = order.len();
    let mut map = LensMap {
        singular_values: Vec::with_capacity(axes),
        lenses: vec![0.0; judges * axes],
        dispositions: vec![0.0; n * axes],
    };
    for (axis, of) in order.iter().enumerate() {
        let sigma = value(of);
        let mut column: Vec<f64> = (0..n).map(|row| eigen.U()[(row, *of)]).collect();
        let extreme = column.iter().copied().fold(0.0, |a: f64, b: f64| if b.abs() > a.abs() + 1e-12 { b } else { a });
        if extreme < 0.0 {
            column.iter_mut().for_each(|entry| *entry = -*entry);
        }
        for judge in 0..judges {
            let lens: f64 = (0..n).map(|k| scores[judge * n + k] * column[k]).sum();
            map.lenses[judge * axes + axis] = lens / sigma.sqrt();
        }
        (0..n).for_each(|row| map.dispositions[row * axes + axis] = column[row] * sigma.sqrt());
        map.singular_values.push(sigma);
    }
    Some(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_gauge_gives_the_same_map() {
        let lenses = vec![1.0, 0.2, -0.5, 0.9, 0.3, -0.8];
        let dispositions = vec![0.4, -0.1, -0.7, 0.6, 0.2, 0.5];
        let model =
            Btd { dimension: 2, lenses: lenses.clone(), dispositions: dispositions.clone(), log_ties: vec![0.0; 3] };
        // U A, V A^-T + 1 w' with A = [[2, 1], [0, 1]], so that A^-T = [[0.5, 0], [-0.5, 1]].
        let turned = |rows: &[f64], of: [[f64; 2]; 2], more: [f64; 2]| -> Vec<f64> {
            rows.chunks(2).flat_map(|row| [0, 1].map(|c| row[0] * of[0][c] + row[1] * of[1][c] + more[c])).collect()
        };
        let other = Btd {
            dimension: 2,
            lenses: turned(&lenses, [[2.0, 1.0], [0.0, 1.0]], [0.0; 2]),
            dispositions: turned(&dispositions, [[0.5, 0.0], [-0.5, 1.0]], [3.0, -2.0]),
            log_ties: vec![0.0; 3],
        };
        let (a, b) = (lens_map(&model).unwrap(), lens_map(&other).unwrap());
        let all = |map: &LensMap| [map.singular_values.clone(), map.lenses.clone(), map.dispositions.clone()].concat();
        assert!(all(&a).iter().zip(all(&b)).all(|(a, b)| (a - b).abs() < 1e-7), "{a:?} {b:?}");
        // Lenses times dispositions are the scores less their means.
        let scores = model.scores();
        for i in 0..3 {
            let mean = scores[i * 3..][..3].iter().sum::<f64>() / 3.0;
            for j in 0..3 {
                let product: f64 = (0..2).map(|c| a.lenses[i * 2 + c] * a.dispositions[j * 2 + c]).sum();
                assert!((product - (scores[i * 3 + j] - mean)).abs() < 1e-7);
            }
        }
    }
}
