//! AdamW with a bound on the gradient's length, whose whole state can be saved and restored.

use candle_core::{Tensor, WithDType};
use rayon::prelude::*;

use super::network::Network;
use super::parameters::Parameter;
use crate::models::error::ModelError;
use crate::models::training::real::{Real, by_dtype, with_slices};

/// Constants of AdamW (Loshchilov and Hutter 2019).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AdamWSettings {
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    /// Decoupled decay per unit of learning rate; matrices decay, normalisations do not.
    pub weight_decay: f64,
    /// Gradients longer than this are shortened to it; `None` leaves them as they are.
    pub longest_gradient: Option<f64>,
}

impl Default for AdamWSettings {
    /// PyTorch's constants, no decay (dempo.md section 5.5), gradients up to length 1.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, longest_gradient: Some(1.0) }
    }
}

/// The optimiser of one network's trained tensors.
pub struct AdamW {
    settings: AdamWSettings,
    /// Means of gradients and of their squares, in the order of the parameters.
    pub(super) first: Vec<Tensor>,
    pub(super) second: Vec<Tensor>,
    /// Steps taken.
    pub(super) steps: u64,
}

impl AdamW {
    /// An optimiser that has taken no step.
    ///
    /// # Errors
    /// What the device says.
    pub fn new(settings: AdamWSettings, network: &Network) -> Result<Self, ModelError> {
        let zeros = || network.parameters.list().iter().map(|parameter| parameter.value.zeros_like());
        Ok(Self {
            settings,
            first: zeros().collect::<candle_core::Result<_>>()?,
            second: zeros().collect::<candle_core::Result<_>>()?,
            steps: 0,
        })
    }

    /// Takes a step along the gradients gathered since the last one, and forgets them. Returns the gradient's length
    /// before it was shortened.
    ///
    /// # Errors
    /// A trained tensor without a gradient, or a gradient that is not finite (then nothing has changed).
    pub fn step(&mut self, network: &mut Network, learning_rate: f64) -> Result<f64, ModelError> {
        let gradients = network.parameters.take_gradients()?;
        let mut squares = 0.0;
        for gradient in &gradients {
            squares += square(gradient)?;
        }
        let length = squares.sqrt();
        if !length.is_finite() {
            return Err(ModelError::Other(
                "the gradient is not finite; lower the learning rate, or train in single precision".into(),
            ));
        }
        let shorten = match self.settings.longest_gradient {
            // As PyTorch shortens: the constant keeps a zero gradient from being divided by zero.
            Some(longest) if length > longest => longest / (length + 1e-6),
            _ => 1.0,
        };
        self.steps += 1;
        let exponent = self.steps.min(i32::MAX as u64) as i32;
        let AdamWSettings { beta1, beta2, epsilon, weight_decay, .. } = self.settings;
        let update = Update {
            shorten,
            beta1,
            beta2,
            epsilon,
            rate: learning_rate / (1.0 - beta1.powi(exponent)),
            unbias: 1.0 / (1.0 - beta2.powi(exponent)),
            decay: 1.0 - learning_rate * weight_decay,
        };
        for (at, gradient) in gradients.iter().enumerate() {
            let parameter = &network.parameters.list()[at];
            let decays = parameter.value.rank() > 1;
            let [value, first, second] =
                update.apply(&parameter.value, gradient, &self.first[at], &self.second[at], decays)?;
            network.parameters.set(at, value);
            self.first[at] = first;
            self.second[at] = second;
        }
        Ok(length)
    }
}

impl Network {
    /// The length of each trained tensor's gradient, by its name.
    ///
    /// # Errors
    /// A trained tensor without a gradient.
    pub fn gradient_norms(&self) -> Result<Vec<(String, f64)>, ModelError> {
        let norm = |parameter: &Parameter| match parameter.gradient() {
            Some(gradient) => Ok((parameter.name.clone(), square(gradient)?.sqrt())),
            None => Err(ModelError::Other(format!("{} has no gradient", parameter.name))),
        };
        self.parameters.list().iter().map(norm).collect()
    }

    /// The length of each trained tensor, by its name.
    ///
    /// # Errors
    /// What the device says.
    pub fn trained_norms(&self) -> Result<Vec<(String, f64)>, ModelError> {
        self.parameters.list().iter().map(|p| Ok((p.name.clone(), square(&p.value)?.sqrt()))).collect()
    }
}

/// Sum of squares, summed in a fixed order.
fn square(tensor: &Tensor) -> Result<f64, candle_core::Error> {
    if !tensor.device().is_cpu() {
        let squares = tensor.to_dtype(candle_core::DType::F32)?.sqr()?.sum_all()?;
        return squares.to_dtype(candle_core::DType::F64)?.to_scalar();
    }
    by_dtype!(tensor.dtype(), T => with_slices!(T; values = tensor; {
        let terms: Vec<f64> =
            values.par_chunks(1 << 14).map(|chunk| chunk.iter().map(|x| x.to_f64() * x.to_f64()).sum()).collect();
        Ok(terms.iter().sum())
    }))
}

struct Update {
    shorten: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    rate: f64,
    unbias: f64,
    decay: f64,
}

impl Update {
    /// The new value and moments of one tensor.
    fn apply(
        &self,
        value: &Tensor,
        gradient: &Tensor,
        first: &Tensor,
        second: &Tensor,
        decays: bool,
    ) -> Result<[Tensor; 3], candle_core::Error> {
        let decay = if decays { self.decay } else { 1.0 };
        if !value.device().is_cpu() {
            let gradient = (gradient * self.shorten)?;
            let first = ((first * self.beta1)? + (&gradient * (1.0 - self.beta1))?)?;
            let second = ((second * self.beta2)? + (gradient.sqr()? * (1.0 - self.beta2))?)?;
            let scale = (((&second * self.unbias)?.sqrt())? + self.epsilon)?;
            let value = ((value * decay)? - ((&first * self.rate)? / scale)?)?;
            return Ok([value, first, second]);
        }
        by_dtype!(value.dtype(), T => with_slices!(T; values = value, slopes = gradient, firsts = first, seconds = second; {
            let number = |x: f64| T::from_f64(x);
            let (shorten, decay) = (number(self.shorten), number(decay));
            let (beta1, beta2) = (number(self.beta1), number(self.beta2));
            let (rest1, rest2) = (number(1.0 - self.beta1), number(1.0 - self.beta2));
            let (rate, unbias, epsilon) = (number(self.rate), number(self.unbias), number(self.epsilon));
            let (mut v, mut m, mut s): (Vec<T>, Vec<T>, Vec<T>) = (values.to_vec(), firsts.to_vec(), seconds.to_vec());
            v.par_chunks_mut(1 << 14)
                .zip(m.par_chunks_mut(1 << 14))
                .zip(s.par_chunks_mut(1 << 14))
                .zip(slopes.par_chunks(1 << 14))
                .for_each(|(((v, m), s), slopes)| {
                    for i in 0..slopes.len() {
                        let slope = slopes[i] * shorten;
                        m[i] = beta1 * m[i] + rest1 * slope;
                        s[i] = beta2 * s[i] + rest2 * slope * slope;
                        v[i] = v[i] * decay - rate * m[i] / (Real::sqrt(s[i] * unbias) + epsilon);
                    }
                });
            let tensor = |values: Vec<T>| Tensor::from_vec(values, value.shape(), value.device());
            Ok([tensor(v)?, tensor(m)?, tensor(s)?])
        }))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// Two steps by hand from the definition, against both paths.
    #[test]
    fn steps_follow_the_definition() {
        let update = |t: i32| Update {
            shorten: 0.5,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            rate: 0.01 / (1.0 - 0.9f64.powi(t)),
            unbias: 1.0 / (1.0 - 0.999f64.powi(t)),
            decay: 1.0 - 0.01 * 0.1,
        };
        let tensor = |x: f64| Tensor::new(&[[x]], &Device::Cpu).unwrap();
        let number = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f64>().unwrap()[0];
        let (mut state, mut expected) = ([tensor(2.0), tensor(0.0), tensor(0.0)], [2.0f64, 0.0, 0.0]);
        for (t, slope) in [(1, 0.8), (2, -0.3)] {
            state = update(t).apply(&state[0], &tensor(slope), &state[1], &state[2], true).unwrap();
            let g = 0.5 * slope;
            expected[1] = 0.9 * expected[1] + 0.1 * g;
            expected[2] = 0.999 * expected[2] + 0.001 * g * g;
            let (m, v) = (expected[1] / (1.0 - 0.9f64.powi(t)), expected[2] / (1.0 - 0.999f64.powi(t)));
            expected[0] -= 0.01 * 0.1 * expected[0] + 0.01 * m / (v.sqrt() + 1e-8);
            assert!(state.iter().zip(expected).all(|(x, y)| (number(x) - y).abs() < 1e-12), "{expected:?}");
        }
        assert!((square(&Tensor::new(&[3.0f64, 4.0], &Device::Cpu).unwrap()).unwrap() - 25.0).abs() < 1e-12);
    }
}
