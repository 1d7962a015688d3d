//! One layer of a Llama, forward and backward.

use candle_core::{Result, Tensor};

use super::attention::{Branching, Heads, attention, attention_backward};
use super::composed_attention;
use super::linear::{Linear, Weight};
use super::parameters::Parameters;
use super::pointwise::{rms_norm, rms_norm_backward, swiglu, swiglu_backward};
use super::rope::Rotary;

/// What all layers share.
pub(super) struct Shape<'a> {
    pub(super) heads: Heads,
    pub(super) epsilon: f64,
    pub(super) rotary: &'a Rotary,
    pub(super) trees: &'a [Branching],
}

pub(super) struct Block {
    pub(super) attention_norm: Weight,
    pub(super) q: Linear,
    pub(super) k: Linear,
    pub(super) v: Linear,
    pub(super) o: Linear,
    pub(super) feed_norm: Weight,
    pub(super) gate: Linear,
    pub(super) up: Linear,
    pub(super) down: Linear,
}

/// What a layer keeps for the way back; the rest is cheap to compute again.
pub(super) struct Kept {
    x: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    attended: Tensor,
    middle: Tensor,
    gate: Tensor,
    up: Tensor,
}

impl Block {
    /// Every matrix by the name it has in a checkpoint's layer.
    pub(super) fn matrices(&self) -> [(&'static str, &Linear); 7] {
        [
            ("self_attn.q_proj", &self.q),
            ("self_attn.k_proj", &self.k),
            ("self_attn.v_proj", &self.v),
            ("self_attn.o_proj", &self.o),
            ("mlp.gate_proj", &self.gate),
            ("mlp.up_proj", &self.up),
            ("mlp.down_proj", &self.down),
        ]
    }

    /// The layer's output for rows `x` (rows, hidden), with what the way back needs.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        parameters: &Parameters,
        shape: &Shape<'_>,
        adapted: bool,
    ) -> Result<(Tensor, Kept)> {
        let normal = rms_norm(x, self.attention_norm.tensor(parameters), shape.epsilon)?;
        let q = self.q.forward(&normal, parameters, adapted)?;
        let k = self.k.forward(&normal, parameters, adapted)?;
        let v = self.v.forward(&normal, parameters, adapted)?;
        let attend = if x.device().is_cpu() { attention } else { composed_attention::attention };
        let attended = attend(&q, &k, &v, shape.heads, shape.trees, shape.rotary)?;
        let middle = self.o.forward(&attended, parameters, adapted)?.add(x)?;
        let normal = rms_norm(&middle, self.feed_norm.tensor(parameters), shape.epsilon)?;
        let gate = self.gate.forward(&normal, parameters, adapted)?;
        let up = self.up.forward(&normal, parameters, adapted)?;
        let out = self.down.forward(&swiglu(&gate, &up)?, parameters, adapted)?.add(&middle)?;
        Ok((out, Kept { x: x.clone(), q, k, v, attended, middle, gate, up }))
    }

    /// From the gradient by the output to that by the input (`None` unless `wants_x`); the trained tensors' gradients
    /// are added to the parameters'.
    pub(super) fn backward(
        &self,
        kept: Kept,
        grad: &Tensor,
        parameters: &mut Parameters,
        shape: &Shape<'_>,
        wants_x: bool,
    ) -> Result<Option<Tensor>> {
        let Kept { x, q, k, v, attended, middle, gate, up } = kept;
        let wide = swiglu(&gate, &up)?;
        let to_wide = needed(Linear::backward(&[(&self.down, grad)], &wide, parameters, true)?)?;
        let (to_gate, to_up) = swiglu_backward(&gate, &up, &to_wide)?;
        drop((wide, to_wide, gate, up));
        let normal = rms_norm(&middle, self.feed_norm.tensor(parameters), shape.epsilon)?;
        let matrices = [(&self.gate, &to_gate), (&self.up, &to_up)];
        let to_normal = needed(Linear::backward(&matrices, &normal, parameters, true)?)?;
        drop((to_gate, to_up, normal));
        let to_middle = norm_backward(&middle, &self.feed_norm, shape.epsilon, &to_normal, grad, parameters)?;
        let to_attended = needed(Linear::backward(&[(&self.o, &to_middle)], &attended, parameters, true)?)?;
        let attend = if x.device().is_cpu() { attention_backward } else { composed_attention::attention_backward };
        let [to_q, to_k, to_v] = attend(&q, &k, &v, &to_attended, shape.heads, shape.trees, shape.rotary)?;
        let normal = rms_norm(&x, self.attention_norm.tensor(parameters), shape.epsilon)?;
        let matrices = [(&self.q, &to_q), (&self.k, &to_k), (&self.v, &to_v)];
        let wants_normal = wants_x || self.attention_norm.trained().is_some();
        match Linear::backward(&matrices, &normal, parameters, wants_normal)? {
            None => Ok(None),
            Some(to_normal) => {
                norm_backward(&x, &self.attention_norm, shape.epsilon, &to_normal, &to_middle, parameters).map(Some)
            }
        }
    }
}

fn needed(gradient: Option<Tensor>) -> Result<Tensor> {
    gradient.ok_or_else(|| candle_core::Error::msg("a gradient that was asked for is missing"))
}

/// The way back through a normalisation beside which the residual's gradient `through` runs.
pub(super) fn norm_backward(
    x: &Tensor,
    scale: &Weight,
    epsilon: f64,
    grad: &Tensor,
    through: &Tensor,
    parameters: &mut Parameters,
) -> Result<Tensor> {
    let trained = scale.trained();
    let tensor = scale.tensor(parameters);
    let (to_x, to_scale) = rms_norm_backward(x, tensor, epsilon, grad, Some(through), trained.is_some())?;
    if let (Some(at), Some(to_scale)) = (trained, to_scale) {
        parameters.accumulate(at, to_scale)?;
    }
    Ok(to_x)
}
