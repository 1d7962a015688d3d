//! Sentences as vectors: the mean of a masked language model's last hidden layer.

use super::conditionals::MaskedLmConditionals;
use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::trajectories::Embeddings;
use crate::progress::Progress;

/// States that are embedded between two looks whether the work is to stop.
const TOGETHER: usize = 256;

impl Embeddings for MaskedLmConditionals {
    fn width(&self) -> usize {
        self.model().hidden()
    }

    fn embed(&self, states: &[&[u32]], progress: &dyn Progress) -> Result<Vec<f32>, ConditionalsError> {
        let (min, max) = self.sites();
        let outside = |state: &&&[u32]| !(min..=max).contains(&state.len());
        if let Some(state) = states.iter().find(outside) {
            return Err(ConditionalsError::Length { got: state.len(), min, max });
        }
        let width = self.width();
        let mut rows = vec![0.0; states.len() * width];
        // Sequences of one length travel together, in their given order.
        let mut order: Vec<usize> = (0..states.len()).collect();
        order.sort_by_key(|&k| states[k].len());
        let mut done = 0;
        for group in order.chunk_by(|&a, &b| states[a].len() == states[b].len()) {
            for block in group.chunks(TOGETHER) {
                progress.checkpoint()?;
                let framed: Vec<Vec<u32>> = block.iter().map(|&k| self.framed(states[k])).collect();
                let means =
                    self.model().mean_hidden(&framed).map_err(|error| ConditionalsError::Backend(error.to_string()))?;
                for (row, &k) in means.chunks_exact(width).zip(block) {
                    rows[k * width..(k + 1) * width].copy_from_slice(row);
                }
                done += block.len();
                progress.report(done as u64, states.len() as u64);
            }
        }
        Ok(rows)
    }

    fn description(&self) -> String {
        let model = self.model();
        format!(
            "mean over all tokens, start and end included, of the last hidden layer ({} numbers) of the {} itself",
            model.hidden(),
            model.architecture()
        )
    }
}
