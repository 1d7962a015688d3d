//! The tensors that are trained, with their gradients.

use candle_core::{Result, Tensor, bail};

/// A trained tensor.
pub(in crate::models) struct Parameter {
    /// As in the files: of PEFT where it belongs to an adapter, of the checkpoint otherwise.
    pub(super) name: String,
    pub(super) value: Tensor,
    /// Sum of the gradients since the last step.
    gradient: Option<Tensor>,
}

impl Parameter {
    pub(super) fn gradient(&self) -> Option<&Tensor> {
        self.gradient.as_ref()
    }
}

/// Every trained tensor of a network, in a fixed order. Frozen tensors are not here and have no gradient at all.
#[derive(Default)]
pub(in crate::models) struct Parameters(Vec<Parameter>);

impl Parameters {
    /// Adds a tensor and says where it is.
    pub(super) fn add(&mut self, name: String, value: Tensor) -> usize {
        self.0.push(Parameter { name, value, gradient: None });
        self.0.len() - 1
    }

    pub(super) fn value(&self, index: usize) -> &Tensor {
        &self.0[index].value
    }

    pub(super) fn set(&mut self, index: usize, value: Tensor) {
        self.0[index].value = value;
    }

    pub(super) fn list(&self) -> &[Parameter] {
        &self.0
    }

    /// Adds to the gradient of a parameter, in the parameter's own type.
    pub(super) fn accumulate(&mut self, index: usize, gradient: Tensor) -> Result<()> {
        let parameter = &mut self.0[index];
        let gradient = gradient.to_dtype(parameter.value.dtype())?;
        parameter.gradient = Some(match parameter.gradient.take() {
            Some(sum) => sum.add(&gradient)?,
            None => gradient,
        });
        Ok(())
    }

    /// Takes every gradient, leaving none.
    ///
    /// # Errors
    /// A parameter without a gradient is an error: nothing may silently stay untrained.
    pub(super) fn take_gradients(&mut self) -> Result<Vec<Tensor>> {
        self.0
            .iter_mut()
            .map(|parameter| match parameter.gradient.take() {
                Some(gradient) => Ok(gradient),
                None => bail!("{} has no gradient", parameter.name),
            })
            .collect()
    }

    /// Forgets every gradient.
    pub(super) fn clear_gradients(&mut self) {
        self.0.iter_mut().for_each(|parameter| parameter.gradient = None);
    }
}
