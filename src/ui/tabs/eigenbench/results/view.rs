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

    /// Elo of another leaderboard of these models on the scale of [`Self::elo`]: its anchors' mean at 1500. One that lacks an anchor
    /// moves as the leaderboard itself does.
    pub fn anchored(&self, elo: &[Option<f64>]) -> Vec<Option<f64>> {
        let anchors = &self.settings.board.anchors;
        let own: Option<Vec<f64>> = anchors.iter().map(|&anchor| elo[anchor]).collect();
        let shift = match own {
            _ if anchors.is_empty() => 0.0,
            Some(own) => 1500.0 - own.iter().sum::<f64>() / own.len() as f64,
            None => {
                self.elo().zip(self.found.board.as_ref().ok()).map_or(0.0, |(shown, board)| shown[0] - board.elo[0])
            }
        };
        elo.iter().map(|rating| rating.map(|rating| rating + shift)).collect()
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
