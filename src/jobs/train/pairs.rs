//! Which pairs a training visits how often: from the spec and whose pairs there are, before any model is opened.

use std::collections::BTreeSet;

use super::{TrainPlan, TrainSpec};
use crate::dempo::schedule::{Schedule, Visit};
use crate::dempo::scheme::WeightedSet;
use crate::dempo::split::RaterSplit;
use crate::formats::preferences::PreferenceFile;
use crate::jobs::work::JobError;
use crate::models::llama;

/// What the weights of a training do.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Outlook {
    pub steps: u64,
    /// Visits of the run.
    pub visits: u64,
    /// Pairs and raters that are trained on, and those held out.
    pub pairs: usize,
    pub raters: usize,
    pub held_out_pairs: usize,
    pub held_out_raters: usize,
    /// Kish's effective numbers of raters and pairs under the weights.
    pub effective_raters: f64,
    pub effective_pairs: f64,
    /// How often a rater is visited, by the raters' places.
    pub visits_per_rater: Vec<u64>,
    /// People whom the scheme names but who have no preferences here.
    pub without_pairs: usize,
    /// Whether the objective is the expectation of a Hard Panel's.
    pub closed_form: bool,
}

/// What `spec` would do with preferences of the raters `ids`, where pair `x` is of rater `rater_of[x]`.
///
/// # Errors
/// Why there is nothing to train on, with a remedy.
pub fn outlook(spec: &TrainSpec, ids: &[String], rater_of: &[u32]) -> Result<Outlook, String> {
    Pairs::of(spec, ids, rater_of).map(|pairs| pairs.outlook()).map_err(|error| error.to_string())
}

/// The pairs a run trains on and looks at.
pub(super) struct Pairs {
    pub(super) set: WeightedSet,
    pub(super) schedule: Schedule,
    pub(super) held_out: Vec<Visit>,
    without_pairs: usize,
}

impl Pairs {
    pub(super) fn new(spec: &TrainSpec, file: &PreferenceFile) -> Result<Self, JobError> {
        Self::of(spec, file.raters(), &file.raters_of_pairs())
    }

    fn of(spec: &TrainSpec, ids: &[String], rater_of: &[u32]) -> Result<Self, JobError> {
        let input = |error: &dyn std::fmt::Display| JobError::Input(error.to_string());
        let (scheme, without_pairs) = spec.scheme.resolve(ids);
        let raters = ids.len();
        let whole = WeightedSet::new(rater_of, raters, &scheme, spec.transform).map_err(|e| input(&e))?;
        let split = RaterSplit::new(raters, spec.held_out, spec.seed).map_err(|e| input(&e))?;
        let set = whole.without(|rater| split.is_held_out(rater)).map_err(|e| input(&e))?;
        let held_out = split
            .held_out_pairs(rater_of)
            .into_iter()
            .map(|pair| Visit { pair, weight: 1.0, rater: rater_of[pair] })
            .collect();
        let schedule = Schedule::new(&set, spec.mode, spec.budget, spec.window, spec.seed).map_err(|e| input(&e))?;
        Ok(Self { set, schedule, held_out, without_pairs })
    }

    /// Every pair whose reference is needed: those the run will visit, and those held out.
    pub(super) fn looked_at(&self) -> Vec<usize> {
        let visited = (0..self.schedule.steps()).flat_map(|step| self.schedule.batch(step));
        let pairs: BTreeSet<usize> = visited.chain(self.held_out.iter().copied()).map(|visit| visit.pair).collect();
        pairs.into_iter().collect()
    }

    fn outlook(&self) -> Outlook {
        let mut raters: Vec<u32> = self.held_out.iter().map(|visit| visit.rater).collect();
        raters.sort_unstable();
        raters.dedup();
        Outlook {
            steps: self.schedule.steps(),
            visits: self.schedule.total_visits(),
            pairs: self.set.len(),
            raters: self.set.raters_used(),
            held_out_pairs: self.held_out.len(),
            held_out_raters: raters.len(),
            effective_raters: self.set.effective_raters(),
            effective_pairs: self.set.effective_pairs(),
            visits_per_rater: self.schedule.visits(self.schedule.steps()),
            without_pairs: self.without_pairs,
            closed_form: self.set.closed_form(),
        }
    }

    pub(super) fn plan(
        &self,
        file: &PreferenceFile,
        trained: u64,
        parameters: u64,
        template: llama::TemplateChoice,
    ) -> TrainPlan {
        TrainPlan { outlook: self.outlook(), trained, parameters, rater_ids: file.raters().to_vec(), template }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dempo::schedule::Budget;
    use crate::jobs::train::RaterScheme;

    #[test]
    fn an_outlook_tells_what_the_weights_do() {
        let ids = ["a", "b", "c", "d"].map(String::from);
        // One, two, three and four pairs.
        let rater_of = [0, 1, 1, 2, 2, 2, 3, 3, 3, 3];
        let spec = |scheme| TrainSpec {
            scheme,
            held_out: 0.0,
            budget: Budget::EqualVisits(40),
            window: 8,
            ..TrainSpec::default()
        };
        let full = outlook(&spec(RaterScheme::Full), &ids, &rater_of).unwrap();
        assert_eq!((full.steps, full.visits, full.pairs, full.raters, full.closed_form), (5, 40, 10, 4, true));
        assert!((full.effective_raters - 4.0).abs() < 1e-12);
        assert_eq!(full.visits_per_rater.iter().sum::<u64>(), 40);
        let pooled = outlook(&spec(RaterScheme::Pooled), &ids, &rater_of).unwrap();
        assert!(!pooled.closed_form && (pooled.effective_pairs - 10.0).abs() < 1e-12);
        let hard = RaterScheme::Hard { panel: vec!["b".into(), "nobody".into()] };
        let hard = outlook(&spec(hard), &ids, &rater_of).unwrap();
        assert_eq!((hard.raters, hard.pairs, hard.without_pairs, hard.visits_per_rater), (1, 2, 1, vec![0, 40, 0, 0]));
        let nobody = RaterScheme::Hard { panel: vec!["nobody".into()] };
        assert!(outlook(&spec(nobody), &ids, &rater_of).is_err());
    }
}
