//! A matrix, frozen or trained, with or without a low-rank adapter beside it.

use candle_core::{Result, Tensor, WithDType};

use super::parameters::Parameters;
use super::product::{Cores, Matrix, product};
use crate::models::training::real::{Real, by_dtype, with_slices};

/// Where a tensor of the checkpoint lives.
pub(super) enum Weight {
    Frozen(Tensor),
    /// Place among the parameters.
    Trained(usize),
}

impl Weight {
    pub(super) fn tensor<'a>(&'a self, parameters: &'a Parameters) -> &'a Tensor {
        match self {
            Self::Frozen(tensor) => tensor,
            Self::Trained(index) => parameters.value(*index),
        }
    }

    pub(super) fn trained(&self) -> Option<usize> {
        match self {
            Self::Frozen(_) => None,
            Self::Trained(index) => Some(*index),
        }
    }
}

/// A low-rank adapter (Hu et al. 2021): adds `scale B A` to the matrix.
pub(super) struct Lora {
    /// Place of A, (rank, in).
    pub(super) a: usize,
    /// Place of B, (out, rank).
    pub(super) b: usize,
    pub(super) scale: f64,
}

/// `x W^T` for rows of `x`; W is (out, in).
pub(super) struct Linear {
    pub(super) weight: Weight,
    pub(super) lora: Option<Lora>,
}

fn flat<T: Real>(tensor: Vec<T>, shape: (usize, usize), like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(tensor, shape, like.device())
}

impl Linear {
    /// The product, with the adapter where `adapted`.
    pub(super) fn forward(&self, x: &Tensor, parameters: &Parameters, adapted: bool) -> Result<Tensor> {
        let weight = self.weight.tensor(parameters);
        let lora = self.lora.as_ref().filter(|_| adapted);
        if !x.device().is_cpu() {
            let weight = weight.to_dtype(x.dtype())?;
            let y = x.matmul(&weight.t()?)?;
            let Some(lora) = lora else { return Ok(y) };
            let narrow = x.matmul(&parameters.value(lora.a).to_dtype(x.dtype())?.t()?)?;
            return y + (narrow.matmul(&parameters.value(lora.b).to_dtype(x.dtype())?.t()?)? * lora.scale)?;
        }
        let ((rows, inner), outer) = (x.dims2()?, weight.dim(0)?);
        by_dtype!(x.dtype(), T => with_slices!(T; xs = x, ws = weight; {
            let mut y = vec![T::ZERO; rows * outer];
            let input = Matrix::rows(xs, inner);
            let matrix = Matrix::rows(ws, inner).transposed();
            product((&mut y, outer), (rows, outer, inner), input, matrix, T::ONE, false, Cores::All);
            if let Some(lora) = lora {
                let (a, b) = (parameters.value(lora.a), parameters.value(lora.b));
                let rank = a.dim(0)?;
                with_slices!(T; a_values = a, b_values = b; {
                    let mut narrow = vec![T::ZERO; rows * rank];
                    let a = Matrix::rows(a_values, inner).transposed();
                    product((&mut narrow, rank), (rows, rank, inner), input, a, T::ONE, false, Cores::All);
                    let (narrow, b) = (Matrix::rows(&narrow, rank), Matrix::rows(b_values, rank).transposed());
                    product((&mut y, outer), (rows, outer, rank), narrow, b, T::from_f64(lora.scale), true, Cores::All);
                })
            }
            flat(y, (rows, outer), x)
        }))
    }

    /// Gradient of the sum of several matrices' products of the same `x`: by their trained tensors, added to the
    /// parameters' gradients, and by `x` where `wants_x`.
    pub(super) fn backward(
        matrices: &[(&Self, &Tensor)],
        x: &Tensor,
        parameters: &mut Parameters,
        wants_x: bool,
    ) -> Result<Option<Tensor>> {
        if !x.device().is_cpu() {
            return Self::composed_backward(matrices, x, parameters, wants_x);
        }
        let (rows, inner) = x.dims2()?;
        by_dtype!(x.dtype(), T => with_slices!(T; xs = x; {
            let mut to_x = if wants_x { vec![T::ZERO; rows * inner] } else { Vec::new() };
            let input = Matrix::rows(xs, inner);
            for (index, (matrix, grad)) in matrices.iter().enumerate() {
                let outer = grad.dim(1)?;
                with_slices!(T; grads = grad; {
                    let g = Matrix::rows(grads, outer);
                    if wants_x {
                        let weight = matrix.weight.tensor(parameters);
                        with_slices!(T; ws = weight; {
                            let weight = Matrix::rows(ws, inner);
                            product((&mut to_x, inner), (rows, inner, outer), g, weight, T::ONE, index > 0, Cores::All);
                        })
                    }
                    if let Some(at) = matrix.weight.trained() {
                        let mut own = vec![T::ZERO; outer * inner];
                        product((&mut own, inner), (outer, inner, rows), g.transposed(), input, T::ONE, false, Cores::All);
                        parameters.accumulate(at, flat(own, (outer, inner), x)?)?;
                    }
                    if let Some(lora) = &matrix.lora {
                        let rank = parameters.value(lora.a).dim(0)?;
                        let scale = T::from_f64(lora.scale);
                        let (mut narrow, mut to_narrow) = (vec![T::ZERO; rows * rank], vec![T::ZERO; rows * rank]);
                        let (mut to_a, mut to_b) = (vec![T::ZERO; rank * inner], vec![T::ZERO; outer * rank]);
                        let (a, b) = (parameters.value(lora.a), parameters.value(lora.b));
                        with_slices!(T; a_values = a, b_values = b; {
                            let a = Matrix::rows(a_values, inner);
                            let sizes = (rows, rank, inner);
                            product((&mut narrow, rank), sizes, input, a.transposed(), T::ONE, false, Cores::All);
                            let b = Matrix::rows(b_values, rank);
                            product((&mut to_narrow, rank), (rows, rank, outer), g, b, scale, false, Cores::All);
                            let back = Matrix::rows(&to_narrow, rank);
                            if wants_x {
                                product((&mut to_x, inner), (rows, inner, rank), back, a, T::ONE, true, Cores::All);
                            }
                            let sizes = (rank, inner, rows);
                            product((&mut to_a, inner), sizes, back.transposed(), input, T::ONE, false, Cores::All);
                            let narrow = Matrix::rows(&narrow, rank);
                            let sizes = (outer, rank, rows);
                            product((&mut to_b, rank), sizes, g.transposed(), narrow, scale, false, Cores::All);
                        });
                        parameters.accumulate(lora.a, flat(to_a, (rank, inner), x)?)?;
                        parameters.accumulate(lora.b, flat(to_b, (outer, rank), x)?)?;
                    }
                })
            }
            if wants_x { flat(to_x, (rows, inner), x).map(Some) } else { Ok(None) }
        }))
    }

    /// The same on an accelerator.
    fn composed_backward(
        matrices: &[(&Self, &Tensor)],
        x: &Tensor,
        parameters: &mut Parameters,
        wants_x: bool,
    ) -> Result<Option<Tensor>> {
        let mut to_x: Option<Tensor> = None;
        let mut add = |term: Tensor| -> Result<()> {
            to_x = Some(match to_x.take() {
                Some(sum) => (sum + term)?,
                None => term,
            });
            Ok(())
        };
        for (matrix, grad) in matrices {
            if wants_x {
                add(grad.matmul(&matrix.weight.tensor(parameters).to_dtype(x.dtype())?)?)?;
            }
            if let Some(at) = matrix.weight.trained() {
                parameters.accumulate(at, grad.t()?.matmul(x)?)?;
            }
            if let Some(lora) = &matrix.lora {
                let a = parameters.value(lora.a).to_dtype(x.dtype())?;
                let b = parameters.value(lora.b).to_dtype(x.dtype())?;
                let back = (grad.matmul(&b)? * lora.scale)?;
                if wants_x {
                    add(back.matmul(&a)?)?;
                }
                let narrow = (x.matmul(&a.t()?)? * lora.scale)?;
                parameters.accumulate(lora.a, back.t()?.matmul(x)?)?;
                parameters.accumulate(lora.b, grad.t()?.matmul(&narrow)?)?;
            }
        }
        Ok(to_x)
    }

    /// The matrix with its adapter merged in: W + scale B A.
    pub(super) fn merged(&self, parameters: &Parameters) -> Result<Tensor> {
        let weight = self.weight.tensor(parameters);
        match &self.lora {
            None => Ok(weight.clone()),
            Some(lora) => {
                let update = (parameters.value(lora.b).matmul(parameters.value(lora.a))? * lora.scale)?;
                (weight.to_dtype(update.dtype())? + update)?.to_dtype(weight.dtype())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn tensor(rows: usize, width: usize, phase: f64) -> Tensor {
        let values: Vec<f64> = (0..rows * width).map(|i| (i as f64 * 0.7 + phase).sin()).collect();
        Tensor::from_vec(values, (rows, width), &Device::Cpu).unwrap()
    }

    fn matrix(parameters: &mut Parameters) -> Linear {
        let a = parameters.add("a".into(), tensor(2, 5, 1.0));
        let b = parameters.add("b".into(), tensor(3, 2, 2.0));
        let weight = Weight::Trained(parameters.add("w".into(), tensor(3, 5, 3.0)));
        Linear { weight, lora: Some(Lora { a, b, scale: 0.5 }) }
    }

    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        a.sub(b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn both_paths_agree_with_the_merged_matrix() {
        let mut parameters = Parameters::default();
        let linear = matrix(&mut parameters);
        let (x, grad) = (tensor(4, 5, 0.0), tensor(4, 3, 5.0));
        let merged = linear.merged(&parameters).unwrap();
        let y = linear.forward(&x, &parameters, true).unwrap();
        assert!(distance(&y, &x.matmul(&merged.t().unwrap()).unwrap()) < 1e-12);
        let pairs = [(&linear, &grad), (&linear, &grad)];
        let ours = Linear::backward(&pairs, &x, &mut parameters, true).unwrap().unwrap();
        let our_gradients = parameters.take_gradients().unwrap();
        let theirs = Linear::composed_backward(&pairs, &x, &mut parameters, true).unwrap().unwrap();
        assert!(distance(&ours, &theirs) < 1e-12);
        assert!(distance(&ours, &(grad.matmul(&merged).unwrap() * 2.0).unwrap()) < 1e-12);
        for (ours, theirs) in our_gradients.iter().zip(parameters.take_gradients().unwrap()) {
            assert!(distance(ours, &theirs) < 1e-12);
        }
    }
}
