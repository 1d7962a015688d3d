//! Writing text with a Llama: one token after another, with the keys and values of earlier rows kept.

use candle_core::{DType, Tensor};

use super::attention::{self, Branching};
use super::composed_attention::{self, one_query};
use super::network::Network;
use super::pointwise::{rms_norm, swiglu};
use crate::models::error::ModelError;
use crate::progress::Progress;
use crate::statistics::Stream;

/// How the next token is taken from its law.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct GenerationSettings {
    /// Tokens at most.
    pub longest: usize,
    /// 0 takes the likeliest token; otherwise the law is raised to 1/temperature and drawn from.
    pub temperature: f64,
    /// Draws only from the likeliest tokens that together have this share; 1 keeps all.
    pub top_p: f64,
    pub seed: u64,
}

impl Default for GenerationSettings {
    /// The paper's answers: greedy, at most 256 tokens (dempo.md section 6).
    fn default() -> Self {
        Self { longest: 256, temperature: 0.0, top_p: 1.0, seed: 0 }
    }
}

/// Turned keys and values of one layer: (rows, kv * width), with room for later rows.
struct Memory {
    keys: Tensor,
    values: Tensor,
}

impl Network {
    /// Continues `prompt`; `on_token` sees each new token and may end the text by answering `false`. Ends at one of the
    /// config's end tokens, which is not returned.
    ///
    /// # Errors
    /// [`ModelError::Length`] where prompt and answer do not fit, [`ModelError::Token`], [`ModelError::Cancelled`].
    pub fn generate(
        &mut self,
        prompt: &[u32],
        settings: &GenerationSettings,
        adapted: bool,
        on_token: &mut dyn FnMut(u32) -> bool,
        progress: &dyn Progress,
    ) -> Result<Vec<u32>, ModelError> {
        if prompt.is_empty() {
            return Err(ModelError::Other("there is nothing to continue: the prompt has no token".into()));
        }
        self.reach(prompt.len())?;
        let room = (prompt.len() + settings.longest).min(self.config.positions);
        self.reach(room)?;
        let kv = self.config.kv_heads * self.config.head_width;
        let mut memories = Vec::with_capacity(self.blocks.len());
        for _ in &self.blocks {
            let zeros = || Tensor::zeros((room, kv), self.dtype, &self.device);
            memories.push(Memory { keys: zeros()?, values: zeros()? });
        }
        let mut stream = Stream::new(settings.seed, 0);
        let mut written = Vec::new();
        let mut shown = prompt.to_vec();
        let mut start = 0;
        while start + shown.len() <= room && written.len() < settings.longest {
            progress.checkpoint()?;
            let logits = self.extend(&shown, start, &mut memories, adapted)?;
            start += shown.len();
            let next = choose(&logits, settings, &mut stream);
            if self.config.eos.contains(&next) {
                break;
            }
            written.push(next);
            if !on_token(next) {
                break;
            }
            shown = vec![next];
        }
        Ok(written)
    }

    /// The logits after the last of `ids`, whose first stands at `start` behind the rows in `memories`.
    fn extend(
        &self,
        ids: &[u32],
        start: usize,
        memories: &mut [Memory],
        adapted: bool,
    ) -> Result<Vec<f64>, ModelError> {
        let (heads, epsilon) = (self.heads(), self.config.norm_eps);
        let parameters = &self.parameters;
        let on_cpu = self.device.is_cpu();
        let turn = if on_cpu { attention::turned } else { composed_attention::turned };
        let mut x = self.embed(ids)?;
        let tree = [Branching { prompt: 0, branches: vec![ids.len()] }];
        for (block, memory) in self.blocks.iter().zip(memories) {
            let normal = rms_norm(&x, block.attention_norm.tensor(parameters), epsilon)?;
            let q = block.q.forward(&normal, parameters, adapted)?;
            let k = block.k.forward(&normal, parameters, adapted)?;
            let v = block.v.forward(&normal, parameters, adapted)?;
            let keys = turn(&k, heads.width, start, &self.rotary)?;
            memory.keys.slice_set(&keys, 0, start)?;
            memory.values.slice_set(&v.contiguous()?, 0, start)?;
            let attended = if start == 0 {
                let attend = if on_cpu { attention::attention } else { composed_attention::attention };
                attend(&q, &k, &v, heads, &tree, &self.rotary)?
            } else {
                let seen = start + ids.len();
                let q = turn(&q, heads.width, start, &self.rotary)?;
                one_query(&q, &memory.keys.narrow(0, 0, seen)?, &memory.values.narrow(0, 0, seen)?, heads)?
            };
            let middle = block.o.forward(&attended, parameters, adapted)?.add(&x)?;
            let normal = rms_norm(&middle, block.feed_norm.tensor(parameters), epsilon)?;
            let gate = block.gate.forward(&normal, parameters, adapted)?;
            let up = block.up.forward(&normal, parameters, adapted)?;
            x = block.down.forward(&swiglu(&gate, &up)?, parameters, adapted)?.add(&middle)?;
        }
        let last = x.narrow(0, ids.len() - 1, 1)?.contiguous()?;
        let normal = rms_norm(&last, self.norm.tensor(parameters), epsilon)?;
        let head = self.head_weight().tensor(parameters).to_dtype(self.dtype)?;
        let logits = normal.matmul(&head.t()?)?.squeeze(0)?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        match logits.iter().position(|logit| !logit.is_finite()) {
            Some(token) => Err(ModelError::NonFinite { value: logits[token], token, arithmetic: "generation" }),
            None => Ok(logits),
        }
    }

    /// The logits after the last of `ids`.
    ///
    /// # Errors
    /// As [`Network::generate`].
    pub fn last_logits(&mut self, ids: &[u32], adapted: bool) -> Result<Vec<f64>, ModelError> {
        if ids.is_empty() {
            return Err(ModelError::Other("there is no token to continue".into()));
        }
        self.reach(ids.len())?;
        let kv = self.config.kv_heads * self.config.head_width;
        let mut memories = Vec::new();
        for _ in &self.blocks {
            let zeros = || Tensor::zeros((ids.len(), kv), self.dtype, &self.device);
            memories.push(Memory { keys: zeros()?, values: zeros()? });
        }
        self.extend(ids, 0, &mut memories, adapted)
    }
}

/// The next token: the likeliest, the first of equals, or a draw.
fn choose(logits: &[f64], settings: &GenerationSettings, stream: &mut Stream) -> u32 {
    let best = (0..logits.len()).fold(0, |best, at| if logits[at] > logits[best] { at } else { best });
    if settings.temperature <= 0.0 {
        return best as u32;
    }
    let weights: Vec<f64> = logits.iter().map(|logit| ((logit - logits[best]) / settings.temperature).exp()).collect();
    if settings.top_p >= 1.0 {
        return stream.weighted(&weights) as u32;
    }
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]).then(a.cmp(&b)));
    let (whole, mut sum) = (weights.iter().sum::<f64>(), 0.0);
    let mut kept = vec![0.0; weights.len()];
    for at in order {
        kept[at] = weights[at];
        sum += weights[at];
        if sum >= settings.top_p * whole {
            break;
        }
    }
    stream.weighted(&kept) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_drawn_by_their_law() {
        let logits = [0.0, 3.0f64.ln(), f64::MIN, 1.0f64.ln()];
        let greedy = GenerationSettings::default();
        assert_eq!(choose(&logits, &greedy, &mut Stream::new(0, 0)), 1);
        let drawn = GenerationSettings { temperature: 1.0, ..greedy.clone() };
        let mut stream = Stream::new(1, 0);
        let mut counts = [0; 4];
        (0..5000).for_each(|_| counts[choose(&logits, &drawn, &mut stream) as usize] += 1);
        // 3/5 and 1/5 of the draws, within five standard deviations.
        assert!((counts[1] as f64 - 3000.0).abs() < 175.0 && (counts[0] as f64 - 1000.0).abs() < 142.0, "{counts:?}");
        assert_eq!(counts[2], 0);
        let likely = GenerationSettings { top_p: 0.5, ..drawn };
        assert!((0..100).all(|_| choose(&logits, &likely, &mut stream) == 1));
    }
}
