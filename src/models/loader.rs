//! Layers built from named weights.

use candle_core::{DType, Device, Tensor};

use super::error::ModelError;
use super::kernels::{Linear, Norm};
use super::weights::{Initial, Weights};

/// Builds layers in one arithmetic on one device.
pub(super) struct Loader<'a> {
    pub weights: &'a Weights,
    pub dtype: DType,
    pub device: &'a Device,
}

impl Loader<'_> {
    /// The tensor `name`, exactly of `shape`.
    pub fn tensor(&self, name: &str, shape: &[usize], initial: Initial) -> Result<Tensor, ModelError> {
        Ok(self.weights.take(name, shape, initial, self.dtype)?.to_device(self.device)?)
    }

    /// An embedding table `{name}.weight`, `[rows, width]`.
    pub fn table(&self, name: &str, rows: usize, width: usize) -> Result<Tensor, ModelError> {
        self.tensor(&format!("{name}.weight"), &[rows, width], Initial::Normal)
    }

    /// The first row of an embedding table, `[width]`; none where the table has no rows.
    pub fn first_row(&self, name: &str, rows: usize, width: usize) -> Result<Option<Tensor>, ModelError> {
        (rows > 0).then(|| Ok(self.table(name, rows, width)?.get(0)?.contiguous()?)).transpose()
    }

    /// `{name}.weight`, `[to, from]`, with `{name}.bias` if it has one.
    pub fn linear(&self, name: &str, from: usize, to: usize, bias: bool) -> Result<Linear, ModelError> {
        let weight = self.table(name, to, from)?;
        Ok(Linear::new(&weight, self.bias(name, to, bias)?)?)
    }

    /// Several maps of one input as one, their outputs side by side.
    pub fn joined(&self, names: &[String], from: usize, to: usize) -> Result<Linear, ModelError> {
        let weights = names.iter().map(|name| self.table(name, to, from)).collect::<Result<Vec<_>, _>>()?;
        let biases = names
            .iter()
            .map(|name| self.tensor(&format!("{name}.bias"), &[to], Initial::Zero))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Linear::new(&Tensor::cat(&weights, 0)?, Some(Tensor::cat(&biases, 0)?))?)
    }

    fn bias(&self, name: &str, width: usize, has: bool) -> Result<Option<Tensor>, ModelError> {
        has.then(|| self.tensor(&format!("{name}.bias"), &[width], Initial::Zero)).transpose()
    }

    /// A layer normalisation.
    pub fn norm(&self, name: &str, width: usize, eps: f64, bias: bool) -> Result<Norm, ModelError> {
        let scale = self.tensor(&format!("{name}.weight"), &[width], Initial::One)?;
        Ok(Norm { scale, shift: self.bias(name, width, bias)?, eps })
    }
}
