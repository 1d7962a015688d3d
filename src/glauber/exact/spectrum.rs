//! Eigenvalues and spectral gaps of a chain that need not be reversible (glauber.md 5.4; Fill 1991; Paulin 2015).

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par, Side};

use super::super::conditionals::ConditionalsError;
use super::arnoldi::{self, Leading, dot};
use super::chain::ExactChain;
use crate::progress::Progress;

/// Most states for which all eigenvalues are computed.
pub const MOST_EIGENVALUES: usize = 1024;

/// How the numbers of a [`Spectrum`] were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpectrumMethod {
    /// All eigenvalues of dense matrices, accurate to about 1e-13.
    Dense,
    /// Restarted Arnoldi iteration for the leading ones; see the residuals.
    Arnoldi,
}

/// Spectral gaps of the random scan P. Where the stationary law has states without mass they are left out.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Spectrum {
    pub method: SpectrumMethod,
    /// `[real, imaginary]`, by falling modulus; only for up to [`MOST_EIGENVALUES`] states.
    pub eigenvalues: Option<Vec<[f64; 2]>>,
    /// Second-largest modulus of an eigenvalue.
    pub slem: f64,
    /// Residual of `slem` (norm left by a unit Ritz vector); `None` from dense matrices.
    pub slem_residual: Option<f64>,
    /// Absolute gap `1 - slem`.
    pub gap: f64,
    /// `1 / gap`, steps; `None` where the gap is lost in rounding.
    pub relaxation_time: Option<f64>,
    /// Gap of the multiplicative reversibilisation `P P*` (Fill 1991).
    pub reversibilisation_gap: f64,
    /// `max_k gap((P*)^k P^k) / k` over `k <= pseudo_gap_bound`: a lower bound on the pseudo-spectral gap (Paulin 2015),
    /// which is the maximum over all k; equal to it where it is at least `1 / (pseudo_gap_bound + 1)`, since no gap
    /// exceeds 1.
    pub pseudo_gap_lower: f64,
    /// The k at which it is attained.
    pub pseudo_gap_at: u32,
    /// Largest k tried; fewer than asked where larger ones could not raise the maximum.
    pub pseudo_gap_bound: u32,
    /// Largest residual among the gaps of reversibilisations; `None` from dense matrices.
    pub pseudo_gap_residual: Option<f64>,
}

/// Gaps below this are rounding.
const LEAST_GAP: f64 = 1e-12;

/// A spectrum, and a function near the slowest right eigenvector, whose extremes are the worst starts.
pub(super) struct Found {
    pub(super) spectrum: Spectrum,
    /// `[states]`; `None` from dense matrices, where all starts are followed anyway.
    pub(super) slowest: Option<Vec<f64>>,
}

/// The spectrum of the random scan with stationary law `law`; pseudo gap over `k = 1..=bound`.
pub(super) fn spectrum(
    chain: &ExactChain,
    law: &[f64],
    bound: u32,
    progress: &dyn Progress,
) -> Result<Found, ConditionalsError> {
    progress.stage("spectrum");
    let support: Vec<usize> = (0..chain.states()).filter(|&state| law[state] > 0.0).collect();
    if support.len() <= MOST_EIGENVALUES {
        dense(chain, law, &support, bound, progress)
    } else {
        krylov(chain, law, bound, progress)
    }
}

fn failed<E>(_: E) -> ConditionalsError {
    ConditionalsError::Backend("an eigenvalue iteration did not converge".to_owned())
}

fn relaxation(gap: f64) -> Option<f64> {
    (gap > LEAST_GAP).then(|| 1.0 / gap)
}

fn dense(
    chain: &ExactChain,
    law: &[f64],
    support: &[usize],
    bound: u32,
    progress: &dyn Progress,
) -> Result<Found, ConditionalsError> {
    let size = support.len();
    let mut kernel = vec![0.0; size * size];
    for site in 0..chain.sites() {
        for (row, &x) in support.iter().enumerate() {
            for y in chain.line(x, site) {
                if let Ok(column) = support.binary_search(&y) {
                    kernel[row * size + column] += chain.held(site)[y] / chain.sites() as f64;
                }
            }
        }
    }
    let kernel = MatRef::from_row_major_slice(&kernel, size, size);
    let mut eigenvalues: Vec<[f64; 2]> = kernel.eigenvalues().map_err(failed)?.iter().map(|z| [z.re, z.im]).collect();
    let modulus = |z: &[f64; 2]| z[0].hypot(z[1]);
    // Equal moduli by real, then imaginary part, so that the order does not hang on the last bit of a modulus' ties.
    eigenvalues
        .sort_by(|x, y| modulus(y).total_cmp(&modulus(x)).then(y[0].total_cmp(&x[0])).then(y[1].total_cmp(&x[1])));
    let slem = eigenvalues.get(1).map_or(0.0, modulus).min(1.0);
    let root: Vec<f64> = support.iter().map(|&state| law[state].sqrt()).collect();
    // In the basis that makes L2(pi) Euclidean, P* is the transpose.
    let symmetric = Mat::from_fn(size, size, |x, y| root[x] / root[y] * kernel[(x, y)]);
    let mut power = symmetric.clone();
    let mut gaps = Vec::new();
    for k in 1..=bound.max(1) {
        progress.checkpoint()?;
        if k > 1 {
            power = product(power.as_ref(), symmetric.as_ref());
        }
        let square = product(power.as_ref().transpose(), power.as_ref());
        let values = square.self_adjoint_eigenvalues(Side::Lower).map_err(failed)?;
        gaps.push(if size > 1 { (1.0 - values[size - 2]).clamp(0.0, 1.0) } else { 1.0 });
        progress.report(u64::from(k), u64::from(bound));
        if settled(&gaps) {
            break;
        }
    }
    let (pseudo_gap_at, pseudo_gap_lower) = best_gap(&gaps);
    let gap = 1.0 - slem;
    let spectrum = Spectrum {
        method: SpectrumMethod::Dense,
        eigenvalues: Some(eigenvalues),
        slem,
        slem_residual: None,
        gap,
        relaxation_time: relaxation(gap),
        reversibilisation_gap: gaps[0],
        pseudo_gap_lower,
        pseudo_gap_at,
        pseudo_gap_bound: gaps.len() as u32,
        pseudo_gap_residual: None,
    };
    Ok(Found { spectrum, slowest: None })
}

/// The largest `gaps[k - 1] / k`, with its k; the smaller k of equals.
fn best_gap(gaps: &[f64]) -> (u32, f64) {
    let mut best = (1, gaps[0]);
    for (k, gap) in (1u32..).zip(gaps) {
        if gap / f64::from(k) > best.1 {
            best = (k, gap / f64::from(k));
        }
    }
    best
}

/// Whether no further k can give more: gaps are at most 1.
fn settled(gaps: &[f64]) -> bool {
    best_gap(gaps).1 >= 1.0 / (gaps.len() + 1) as f64
}

/// The product of two matrices, by one thread in a fixed order.
pub(super) fn product(left: MatRef<'_, f64>, right: MatRef<'_, f64>) -> Mat<f64> {
    let mut product = Mat::zeros(left.nrows(), right.ncols());
    matmul(product.as_mut(), Accum::Replace, left, right, 1.0, Par::Seq);
    product
}

pub(super) fn krylov(
    chain: &ExactChain,
    law: &[f64],
    bound: u32,
    progress: &dyn Progress,
) -> Result<Found, ConditionalsError> {
    let size = chain.states();
    // Functions of mean 0 under the stationary law: P keeps them, and 1 is no longer an eigenvalue. Rounding that leaks
    // out is removed at each application.
    let centre = |f: &mut [f64]| {
        let mean = dot(law, f);
        f.iter_mut().zip(law).for_each(|(x, &p)| *x = if p > 0.0 { *x - mean } else { 0.0 });
    };
    let mut apply = |f: &[f64], after: &mut [f64]| {
        chain.expect(f, after);
        centre(after);
    };
    let second = arnoldi::leading(size, &mut apply, progress)?;
    let slem = second.modulus.min(1.0);
    let root: Vec<f64> = law.iter().map(|p| p.sqrt()).collect();
    let forward = |f: &[f64], after: &mut [f64]| {
        let plain: Vec<f64> = f.iter().zip(&root).map(|(x, r)| if *r > 0.0 { x / r } else { 0.0 }).collect();
        chain.expect(&plain, after);
        after.iter_mut().zip(&root).for_each(|(x, r)| *x *= r);
    };
    let backward = |f: &[f64], after: &mut [f64]| {
        let weighted: Vec<f64> = f.iter().zip(&root).map(|(x, r)| x * r).collect();
        chain.step(&weighted, after);
        after.iter_mut().zip(&root).for_each(|(x, r)| *x = if *r > 0.0 { *x / r } else { 0.0 });
    };
    let (mut gaps, mut worst) = (Vec::new(), 0.0f64);
    for k in 1..=bound.max(1) {
        let mut apply = |f: &[f64], after: &mut [f64]| {
            let (mut present, mut next) = (f.to_vec(), vec![0.0; size]);
            for _ in 0..k {
                forward(&present, &mut next);
                std::mem::swap(&mut present, &mut next);
            }
            for _ in 0..k {
                backward(&present, &mut next);
                std::mem::swap(&mut present, &mut next);
            }
            let mean = dot(&root, &present);
            after.copy_from_slice(&present);
            after.iter_mut().zip(&root).for_each(|(x, r)| *x -= mean * r);
        };
        let Leading { modulus, residual, .. } = arnoldi::leading(size, &mut apply, progress)?;
        worst = worst.max(residual);
        gaps.push((1.0 - modulus).clamp(0.0, 1.0));
        if settled(&gaps) {
            break;
        }
    }
    let (pseudo_gap_at, pseudo_gap_lower) = best_gap(&gaps);
    let gap = 1.0 - slem;
    let spectrum = Spectrum {
        method: SpectrumMethod::Arnoldi,
        eigenvalues: None,
        slem,
        slem_residual: Some(second.residual),
        gap,
        relaxation_time: relaxation(gap),
        reversibilisation_gap: gaps[0],
        pseudo_gap_lower,
        pseudo_gap_at,
        pseudo_gap_bound: gaps.len() as u32,
        pseudo_gap_residual: Some(worst),
    };
    Ok(Found { spectrum, slowest: Some(second.vector) })
}
