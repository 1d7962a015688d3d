//! Log-probabilities of given tokens under the head, with their gradient, a few rows at a time: all logits of a batch at
//! once would be its largest tensor by far.

use candle_core::{D, DType, Result, Tensor, WithDType};
use rayon::prelude::*;

use super::linear::Weight;
use super::parameters::Parameters;
use super::product::{Cores, Matrix, product};
use crate::models::training::real::{Real, by_dtype, exponentials, with_slices};

/// Rows whose logits are held at once.
const ROWS: usize = 256;
/// Numbers up to which the logits of a batch are kept for the way back instead of being computed again.
const KEPT: usize = 1 << 23;

/// What the head says of one token.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::models) struct TokenLaw {
    /// ln p(token), in nats.
    pub(in crate::models) log_prob: f64,
    /// Entropy of the law the token was drawn against, in nats.
    pub(in crate::models) entropy: f64,
    /// Whether no other token is likelier.
    pub(in crate::models) first: bool,
}

/// The laws of rows `x` (rows, hidden) at `targets`, and the logits where they are kept.
pub(super) fn laws(x: &Tensor, weight: &Tensor, targets: &[u32]) -> Result<(Vec<TokenLaw>, Option<Tensor>)> {
    if !x.device().is_cpu() {
        return Ok((composed_laws(x, weight, targets)?, None));
    }
    let ((rows, hidden), vocabulary) = (x.dims2()?, weight.dim(0)?);
    by_dtype!(x.dtype(), T => with_slices!(T; xs = x, ws = weight; {
        let keeps = rows * vocabulary <= KEPT;
        let mut kept: Vec<T> = Vec::with_capacity(if keeps { rows * vocabulary } else { 0 });
        let mut laws = Vec::with_capacity(rows);
        let weight = Matrix::rows(ws, hidden).transposed();
        for (xs, targets) in xs.chunks(ROWS * hidden).zip(targets.chunks(ROWS)) {
            let rows = targets.len();
            let mut logits = vec![T::ZERO; rows * vocabulary];
            let input = Matrix::rows(xs, hidden);
            product((&mut logits, vocabulary), (rows, vocabulary, hidden), input, weight, T::ONE, false, Cores::All);
            laws.par_extend(logits.par_chunks(vocabulary).zip(targets).map_init(Vec::new, |terms, (row, &target)| {
                let (largest, sum) = exponentials(row, terms);
                let normaliser = largest.to_f64() + sum.ln();
                let mean = terms.iter().zip(row).fold(0.0, |mean, (term, logit)| mean + (*term * *logit).to_f64()) / sum;
                let own = row[target as usize];
                TokenLaw {
                    log_prob: own.to_f64() - normaliser,
                    entropy: normaliser - mean,
                    first: own == largest && row.iter().position(|x| *x == largest) == Some(target as usize),
                }
            }));
            if keeps {
                kept.extend(logits);
            }
        }
        let kept = if keeps { Some(Tensor::from_vec(kept, (rows, vocabulary), x.device())?) } else { None };
        Ok((laws, kept))
    }))
}

/// Gradient of `sum(factors ln p)` by `x`, and by the head's matrix where it is trained.
pub(super) fn laws_backward(
    x: &Tensor,
    weight: &Weight,
    targets: &[u32],
    factors: &[f64],
    logits: Option<&Tensor>,
    parameters: &mut Parameters,
) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return composed_laws_backward(x, weight, targets, factors, parameters);
    }
    let trained = weight.trained();
    let matrix = weight.tensor(parameters).clone();
    let ((rows, hidden), vocabulary) = (x.dims2()?, matrix.dim(0)?);
    let (to_x, to_weight) = by_dtype!(x.dtype(), T => with_slices!(T; xs = x, ws = matrix; {
        let mut to_x = vec![T::ZERO; rows * hidden];
        let mut to_weight = if trained.is_some() { vec![T::ZERO; vocabulary * hidden] } else { Vec::new() };
        let weight = Matrix::rows(ws, hidden);
        for (index, (xs, targets)) in xs.chunks(ROWS * hidden).zip(targets.chunks(ROWS)).enumerate() {
            let (rows, first) = (targets.len(), index * ROWS);
            let input = Matrix::rows(xs, hidden);
            let mut slopes: Vec<T> = match logits {
                Some(logits) => logits.narrow(0, first, rows)?.flatten_all()?.to_vec1()?,
                None => {
                    let mut logits = vec![T::ZERO; rows * vocabulary];
                    let sizes = (rows, vocabulary, hidden);
                    product((&mut logits, vocabulary), sizes, input, weight.transposed(), T::ONE, false, Cores::All);
                    logits
                }
            };
            slopes.par_chunks_mut(vocabulary).zip(targets).zip(&factors[first..]).for_each_init(
                Vec::new,
                |terms, ((row, &target), &factor)| {
                    let (_, sum) = exponentials(row, terms);
                    let scale = T::from_f64(-factor / sum);
                    row.iter_mut().zip(terms.iter()).for_each(|(slope, term)| *slope = *term * scale);
                    row[target as usize] += T::from_f64(factor);
                },
            );
            let slopes = Matrix::rows(&slopes, vocabulary);
            let to_rows = &mut to_x[first * hidden..];
            product((to_rows, hidden), (rows, hidden, vocabulary), slopes, weight, T::ONE, false, Cores::All);
            if trained.is_some() {
                let sizes = (vocabulary, hidden, rows);
                product((&mut to_weight, hidden), sizes, slopes.transposed(), input, T::ONE, true, Cores::All);
            }
        }
        let to_weight = match trained {
            Some(_) => Some(Tensor::from_vec(to_weight, (vocabulary, hidden), x.device())?),
            None => None,
        };
        candle_core::Result::Ok((Tensor::from_vec(to_x, (rows, hidden), x.device())?, to_weight))
    }))?;
    if let (Some(at), Some(to_weight)) = (trained, to_weight) {
        parameters.accumulate(at, to_weight)?;
    }
    Ok(to_x)
}

/// Logits, in single precision, and their log-softmax, on an accelerator.
fn log_softmax(x: &Tensor, weight: &Tensor) -> Result<(Tensor, Tensor)> {
    let logits = x.matmul(&weight.to_dtype(x.dtype())?.t()?)?;
    let logits = if logits.dtype() == DType::F64 { logits } else { logits.to_dtype(DType::F32)? };
    let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?)?;
    let normaliser = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    Ok((logits, shifted.broadcast_sub(&normaliser)?))
}

fn composed_laws(x: &Tensor, weight: &Tensor, targets: &[u32]) -> Result<Vec<TokenLaw>> {
    let mut laws = Vec::with_capacity(targets.len());
    for (first, targets) in (0..targets.len()).step_by(ROWS).zip(targets.chunks(ROWS)) {
        let (logits, log_probs) = log_softmax(&x.narrow(0, first, targets.len())?, weight)?;
        let places = Tensor::new(targets, x.device())?.unsqueeze(1)?;
        let own = log_probs.gather(&places, 1)?.squeeze(1)?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        let entropies = log_probs.exp()?.mul(&log_probs)?.sum(1)?.neg()?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        let likeliest = logits.argmax(1)?.to_vec1::<u32>()?;
        laws.extend(own.iter().zip(entropies).zip(likeliest.iter().zip(targets)).map(
            |((&log_prob, entropy), (likeliest, target))| TokenLaw { log_prob, entropy, first: likeliest == target },
        ));
    }
    Ok(laws)
}

fn composed_laws_backward(
    x: &Tensor,
    weight: &Weight,
    targets: &[u32],
    factors: &[f64],
    parameters: &mut Parameters,
) -> Result<Tensor> {
    let matrix = weight.tensor(parameters).to_dtype(x.dtype())?;
    let mut parts = Vec::new();
    for (first, targets) in (0..targets.len()).step_by(ROWS).zip(targets.chunks(ROWS)) {
        let input = x.narrow(0, first, targets.len())?;
        let (_, log_probs) = log_softmax(&input, &matrix)?;
        let factors =
            Tensor::new(&factors[first..][..targets.len()], x.device())?.to_dtype(log_probs.dtype())?.unsqueeze(1)?;
        let slopes = log_probs.exp()?.broadcast_mul(&factors.neg()?)?;
        let places = Tensor::new(targets, x.device())?.unsqueeze(1)?;
        let slopes = slopes.scatter_add(&places, &factors, 1)?.to_dtype(x.dtype())?;
        parts.push(slopes.matmul(&matrix)?);
        if let Some(at) = weight.trained() {
            parameters.accumulate(at, slopes.t()?.matmul(&input)?)?;
        }
    }
    Tensor::cat(&parts, 0)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn tensor(rows: usize, width: usize, phase: f64) -> Tensor {
        let values: Vec<f64> = (0..rows * width).map(|i| (i as f64 * 0.7 + phase).sin()).collect();
        Tensor::from_vec(values, (rows, width), &Device::Cpu).unwrap()
    }

    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        a.sub(b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    /// More rows than are held at once, with kept logits and without, against the accelerators' formulas and slopes.
    #[test]
    fn every_path_gives_the_same_laws_and_gradients() {
        let (x, rows) = (tensor(300, 4, 0.3), 300);
        let mut parameters = Parameters::default();
        let weight = Weight::Trained(parameters.add("head".into(), tensor(7, 4, 1.0)));
        let targets: Vec<u32> = (0..rows).map(|i| (i * 5 % 7) as u32).collect();
        let factors: Vec<f64> = (0..rows).map(|i| (i as f64).cos()).collect();
        let (ours, kept) = laws(&x, weight.tensor(&parameters), &targets).unwrap();
        let theirs = composed_laws(&x, weight.tensor(&parameters), &targets).unwrap();
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a.log_prob - b.log_prob).abs() < 1e-12 && (a.entropy - b.entropy).abs() < 1e-12, "{a:?} {b:?}");
            assert_eq!(a.first, b.first);
        }
        let mut back = |logits: Option<&Tensor>| {
            let to_x = laws_backward(&x, &weight, &targets, &factors, logits, &mut parameters).unwrap();
            (to_x, parameters.take_gradients().unwrap().remove(0))
        };
        let (kept, anew) = (back(kept.as_ref()), back(None));
        assert!(distance(&kept.0, &anew.0) < 1e-14 && distance(&kept.1, &anew.1) < 1e-14);
        let composed = composed_laws_backward(&x, &weight, &targets, &factors, &mut parameters).unwrap();
        assert!(distance(&kept.0, &composed) < 1e-12);
        assert!(distance(&kept.1, &parameters.take_gradients().unwrap().remove(0)) < 1e-12);
        let value = |x: &Tensor| {
            let (laws, _) = laws(x, weight.tensor(&parameters), &targets).unwrap();
            laws.iter().zip(&factors).map(|(law, factor)| law.log_prob * factor).sum::<f64>()
        };
        let mut step = vec![0.0; 1200];
        step[517] = 1e-6;
        let step = Tensor::from_vec(step, (300, 4), &Device::Cpu).unwrap();
        let slope = (value(&x.add(&step).unwrap()) - value(&x.sub(&step).unwrap())) / 2e-6;
        let own = kept.0.flatten_all().unwrap().to_vec1::<f64>().unwrap()[517];
        assert!((slope - own).abs() < 1e-8, "{slope} {own}");
    }
}
