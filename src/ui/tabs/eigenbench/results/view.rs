//! Findings as they are shown: computed once, on a background thread, and told apart by a number.

use std::ops::Deref;
use std::sync::Arc;

use crate::eigenbench::findings::{Findings, Judged, Settings};
use crate::progress::{Cancelled, Progress};

/// Numbers behind every part of the results.
pub struct ResultsView {
    /// Another one for every view.
    pub serial: u64,
    pub judged: Arc<Judged>,
    pub settings: Settings,
    found: Findings,
    /// Models from the best on; as they come where there is no leaderboard.
    pub order: Vec<usize>,
}

impl ResultsView {
    /// Computes everything.
    ///
    /// # Errors
    /// [`Cancelled`] where `progress` says so.
    pub fn compute(
        judged: Arc<Judged>,
        settings: Settings,
        serial: u64,
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        let found = Findings::compute(&judged, &settings, progress)?;
        let mut order: Vec<usize> = (0..judged.models.len()).collect();
        if let Ok(board) = &found.board {
            order.sort_by(|&a, &b| board.elo[b].total_cmp(&board.elo[a]).then(a.cmp(&b)));
        }
        Ok(Self { serial, judged, settings, found, order })
    }

    /// Judges: models from the best on, then those outside the population.
    pub fn judge_order(&self) -> Vec<usize> {
        self.order.iter().copied().chain(self.judged.models.len()..self.judged.judges()).collect()
    }

    pub fn model(&self, place: usize) -> &str {
        self.judged.models.get(place).map_or("?", String::as_str)
    }

    pub fn judge(&self, place: usize) -> &str {
        self.judged.judge(place as u16)
    }

    /// Names of models from the best on.
    pub fn ordered_models(&self) -> impl Iterator<Item = String> + '_ {
        self.order.iter().map(|&model| self.model(model).to_owned())
    }

    /// Names of judges in their order.
    pub fn ordered_judges(&self) -> impl Iterator<Item = String> + '_ {
        self.judge_order().into_iter().map(|judge| self.judge(judge).to_owned())
    }

    /// Elo with the anchors' mean at 1500 where there are anchors, else with that of nobody.
    pub fn elo(&self) -> Option<&[f64]> {
        let board = self.found.board.as_ref().ok()?;
        Some(board.anchored_elo.as_deref().unwrap_or(&board.elo))
    }
}

impl Deref for ResultsView {
    type Target = Findings;

    fn deref(&self) -> &Findings {
        &self.found
    }
}
