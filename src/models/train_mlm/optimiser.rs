//! AdamW with a state that can be saved.

use candle_core::backprop::GradStore;
use candle_core::{Device, Result, Tensor, Var, bail};
use rayon::prelude::*;

use super::spec::TrainMlmSpec;

/// Decay of the first and second moment, and the denominator's constant. The second decay is RoBERTa's (Liu et al.
/// 2019, table 9), steadier than 0.999 in trainings of a few thousand steps.
const BETA: (f64, f64) = (0.9, 0.98);
const EPSILON: f64 = 1e-6;
/// Gradients longer than this (all tensors together) are shortened to it.
const LONGEST_GRADIENT: f64 = 1.0;

/// Running means of a tensor's gradient and of its square, in the order of its numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moments {
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
}

/// AdamW (Loshchilov and Hutter 2019) for f32 variables: decay apart from the gradient, and not on biases and layer
/// norms.
pub(super) struct AdamW {
    weight_decay: f64,
    /// In the order of the network's parameters.
    pub(super) moments: Vec<Moments>,
}

impl AdamW {
    pub(super) fn new(weight_decay: f64, parameters: &[(String, &Var)]) -> Self {
        let zeros = |var: &Var| vec![0.0; var.elem_count()];
        let moments = parameters.iter().map(|(_, var)| Moments { first: zeros(var), second: zeros(var) }).collect();
        Self { weight_decay, moments }
    }

    /// Takes the `step`-th step (from 1) along the gradients, shortened to length 1 where they are longer.
    ///
    /// # Errors
    /// A parameter without a gradient is an error: nothing may silently stay untrained.
    pub(super) fn step(
        &mut self,
        parameters: &[(String, &Var)],
        gradients: &GradStore,
        step: u64,
        learning_rate: f64,
    ) -> Result<()> {
        let mut values = Vec::with_capacity(parameters.len());
        for (name, var) in parameters {
            match gradients.get(var) {
                Some(gradient) => values.push(gradient.flatten_all()?.to_vec1::<f32>()?),
                None => bail!("{name} has no gradient"),
            }
        }
        let length = values.iter().flatten().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        let shorten = if length > LONGEST_GRADIENT { LONGEST_GRADIENT / length } else { 1.0 };
        let exponent = step.min(i32::MAX as u64) as i32;
        let update = Update {
            shorten: shorten as f32,
            // The moments start at 0; these factors take that out again.
            rate: (learning_rate / (1.0 - BETA.0.powi(exponent))) as f32,
            unbias: (1.0 / (1.0 - BETA.1.powi(exponent))) as f32,
            decay: (1.0 - learning_rate * self.weight_decay) as f32,
        };
        self.moments.par_iter_mut().zip(parameters).zip(&values).try_for_each(|((moments, (name, var)), gradient)| {
            let mut weights = var.flatten_all()?.to_vec1::<f32>()?;
            update.apply(&mut weights, gradient, moments, decays(name));
            var.set(&Tensor::from_vec(weights, var.shape(), &Device::Cpu)?)
        })
    }
}

struct Update {
    shorten: f32,
    rate: f32,
    unbias: f32,
    decay: f32,
}

impl Update {
    fn apply(&self, weights: &mut [f32], gradient: &[f32], moments: &mut Moments, decays: bool) {
        let (keep_first, keep_second) = (BETA.0 as f32, BETA.1 as f32);
        let decay = if decays { self.decay } else { 1.0 };
        let numbers = weights.iter_mut().zip(gradient).zip(&mut moments.first).zip(&mut moments.second);
        for (((weight, gradient), first), second) in numbers {
            let gradient = gradient * self.shorten;
            *first = keep_first * *first + (1.0 - keep_first) * gradient;
            *second = keep_second * *second + (1.0 - keep_second) * gradient * gradient;
            *weight = *weight * decay - self.rate * *first / ((*second * self.unbias).sqrt() + EPSILON as f32);
        }
    }
}

/// Whether weight decay applies: to matrices and embeddings, not to biases and layer norms.
fn decays(name: &str) -> bool {
    name.ends_with(".weight") && !name.contains("LayerNorm")
}

/// The learning rate of the `step`-th step (from 1): up in a line over the warm-up, then down in a line that would
/// reach 0 one step after the last.
pub(super) fn learning_rate(spec: &TrainMlmSpec, step: u64) -> f64 {
    let share = if step <= spec.warmup_steps {
        step as f64 / spec.warmup_steps as f64
    } else {
        (spec.steps + 1).saturating_sub(step) as f64 / (spec.steps - spec.warmup_steps) as f64
    };
    spec.learning_rate * share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_goes_up_and_then_down() {
        let spec = TrainMlmSpec { steps: 10, warmup_steps: 4, learning_rate: 1.0, ..TrainMlmSpec::default() };
        let rates: Vec<f64> = (1..=10).map(|step| learning_rate(&spec, step)).collect();
        let expected = [0.25, 0.5, 0.75, 1.0, 1.0, 5.0 / 6.0, 4.0 / 6.0, 0.5, 2.0 / 6.0, 1.0 / 6.0];
        assert!(rates.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{rates:?}");
    }

    /// Two steps by hand from the definition in the paper, on a gradient that has to be shortened.
    #[test]
    fn steps_follow_the_definition() {
        let weight = Var::new(&[0.5f32, -2.0], &Device::Cpu).unwrap();
        let shift = Var::new(&[1.0f32], &Device::Cpu).unwrap();
        let parameters = vec![("a.weight".to_owned(), &weight), ("a.bias".to_owned(), &shift)];
        let mut optimiser = AdamW::new(0.1, &parameters);
        let slopes = [[3.0, -1.0, 2.0], [0.1, 0.2, -0.3]];
        let mut expected = [0.5, -2.0, 1.0f64];
        let (mut first, mut second) = ([0.0; 3], [0.0; 3]);
        for (t, slope) in slopes.iter().enumerate() {
            let slope_tensor = Tensor::new(&[slope[0] as f32, slope[1] as f32], &Device::Cpu).unwrap();
            let loss = ((weight.as_tensor() * &slope_tensor).unwrap().sum_all().unwrap()
                + (shift.as_tensor() * slope[2]).unwrap().sum_all().unwrap())
            .unwrap();
            optimiser.step(&parameters, &loss.backward().unwrap(), t as u64 + 1, 0.01).unwrap();
            let length = slope.iter().map(|g| g * g).sum::<f64>().sqrt().max(1.0);
            for i in 0..3 {
                let g = slope[i] / length;
                first[i] = 0.9 * first[i] + 0.1 * g;
                second[i] = 0.98 * second[i] + 0.02 * g * g;
                let (m, v) =
                    (first[i] / (1.0 - 0.9f64.powi(t as i32 + 1)), second[i] / (1.0 - 0.98f64.powi(t as i32 + 1)));
                let decay = if i < 2 { 0.01 * 0.1 * expected[i] } else { 0.0 };
                expected[i] -= decay + 0.01 * m / (v.sqrt() + 1e-6);
            }
        }
        let mut found: Vec<f32> = weight.to_vec1().unwrap();
        found.extend(shift.to_vec1::<f32>().unwrap());
        assert!(found.iter().zip(expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6), "{found:?} {expected:?}");
    }

    #[test]
    fn a_parameter_without_a_gradient_is_an_error() {
        let (used, unused) = (Var::new(1f32, &Device::Cpu).unwrap(), Var::new(1f32, &Device::Cpu).unwrap());
        let parameters = vec![("used".to_owned(), &used), ("unused".to_owned(), &unused)];
        let gradients = used.sqr().unwrap().backward().unwrap();
        let error = AdamW::new(0.0, &parameters).step(&parameters, &gradients, 1, 0.1).unwrap_err();
        assert!(error.to_string().contains("unused has no gradient"));
    }

    #[test]
    fn biases_and_norms_do_not_decay() {
        assert!(decays("bert.encoder.layer.0.output.dense.weight"));
        assert!(decays("bert.embeddings.word_embeddings.weight"));
        assert!(!decays("bert.encoder.layer.0.output.dense.bias"));
        assert!(!decays("bert.encoder.layer.0.output.LayerNorm.weight"));
        assert!(!decays("cls.predictions.bias"));
    }
}
