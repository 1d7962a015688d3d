//! Training a policy on weighted preferences: what it is told, one step of it, and what a step reports.
//!
//! A window of `B` visits has the loss `1/B sum w l` (dempo.md section 5.4): the weights were normalised once over all pairs
//! and are not normalised again. The model is whatever implements [`Policy`].

use super::objective::{Objective, PairLogProbs, PairLoss};
use super::schedule::Visit;
use crate::progress::{Cancelled, Progress};

/// How the learning rate moves after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// Down in a line to 0, as in the paper.
    #[default]
    Linear,
    Constant,
}

/// The learning rate over a run.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LearningRate {
    pub highest: f64,
    /// Share of the steps in which the rate rises in a line from 0; 0.1 in the paper.
    pub warmup: f64,
    #[serde(default)]
    pub decay: Decay,
}

impl Default for LearningRate {
    /// The paper's full-parameter rate (dempo.md section 5.5); adapters bear some ten times as much.
    fn default() -> Self {
        Self { highest: 5e-6, warmup: 0.1, decay: Decay::Linear }
    }
}

impl LearningRate {
    /// The rate of step `step` (from 0) of `steps`. The first step's is above 0, unlike in TRL, where it is lost.
    pub fn at(&self, step: u64, steps: u64) -> f64 {
        let warmup = (self.warmup * steps as f64).round().min(steps as f64);
        let done = (step + 1) as f64;
        let share = if done <= warmup {
            done / warmup
        } else {
            match self.decay {
                Decay::Constant => 1.0,
                Decay::Linear => (steps as f64 + 1.0 - done) / (steps as f64 + 1.0 - warmup),
            }
        };
        self.highest * share.clamp(0.0, 1.0)
    }

    /// What is wrong with the numbers, if anything.
    pub fn check(&self) -> Result<(), String> {
        if !(self.highest.is_finite() && self.highest > 0.0) {
            return Err(format!("the learning rate is {}; it has to be above 0", self.highest));
        }
        if !(0.0..=1.0).contains(&self.warmup) {
            return Err(format!("the warm-up is {}; it is a share of the steps, from 0 to 1", self.warmup));
        }
        Ok(())
    }
}

/// What a policy says of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairLaw {
    pub log_probs: PairLogProbs,
    /// Mean entropy of the laws of the chosen answer's tokens, in nats.
    pub entropy: f64,
}

/// Why a policy could not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    #[error("{0}")]
    Failed(String),
    #[error("the training diverged: {0}. Lower the learning rate, lengthen the warm-up, or raise beta")]
    Diverged(String),
}

/// A model that can be trained on pairs, by their places in the source.
pub trait Policy {
    /// Laws of the pairs under the policy, or under the reference it is held to; nothing is learned.
    ///
    /// # Errors
    /// [`PolicyError`].
    fn laws(&mut self, pairs: &[usize], reference: bool) -> Result<Vec<PairLaw>, PolicyError>;

    /// Laws of the pairs under the policy; adds to its gradient that of the sum over pairs of `slopes`, which gives the
    /// derivatives of the loss by the chosen and the rejected log-probability.
    ///
    /// # Errors
    /// [`PolicyError`].
    fn learn(
        &mut self,
        pairs: &[usize],
        slopes: &mut dyn FnMut(&[PairLaw]) -> Vec<[f64; 2]>,
    ) -> Result<Vec<PairLaw>, PolicyError>;

    /// Takes a step along the gradient gathered, and forgets it. Returns the gradient's length before any shortening.
    ///
    /// # Errors
    /// [`PolicyError`].
    fn step(&mut self, learning_rate: f64) -> Result<f64, PolicyError>;
}

/// One pair as it was visited.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Visited {
    pub pair: usize,
    pub rater: u32,
    pub weight: f64,
    pub loss: f64,
    /// ln p of the chosen and the rejected answer under the policy, in nats.
    pub chosen: f64,
    pub rejected: f64,
    pub reward_chosen: f64,
    pub reward_rejected: f64,
}

impl Visited {
    /// How much more the policy rewards the chosen answer.
    pub fn margin(&self) -> f64 {
        self.reward_chosen - self.reward_rejected
    }

    /// Whether the policy prefers the chosen answer; a tie counts half.
    pub fn accuracy(&self) -> f64 {
        let margin = self.margin();
        if margin == 0.0 { 0.5 } else { f64::from(u8::from(margin > 0.0)) }
    }
}

/// What one step did. Means are over its visits, unweighted, except the loss.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct StepReport {
    /// From 1.
    pub step: u64,
    /// `1/B sum w l`.
    pub loss: f64,
    pub learning_rate: f64,
    /// Length of the gradient before it was shortened.
    pub gradient_norm: f64,
    /// Tokens whose probabilities were learned from.
    pub tokens: u64,
    pub reward_chosen: f64,
    pub reward_rejected: f64,
    pub margin: f64,
    pub accuracy: f64,
    pub log_prob_chosen: f64,
    pub log_prob_rejected: f64,
    /// Mean entropy of the laws of chosen answers' tokens, in nats; a training that was carried out elsewhere has none.
    #[serde(default)]
    pub entropy: Option<f64>,
    #[serde(default)]
    pub visits: Vec<Visited>,
}

/// Means over held-out pairs.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EvaluationReport {
    /// Steps taken before.
    pub step: u64,
    /// Mean loss, every rater's pairs counting together as one.
    pub loss: f64,
    /// Standard error over raters; not a number where there is one rater, which JSON has as null.
    #[serde(deserialize_with = "number_or_null")]
    pub loss_error: f64,
    pub accuracy: f64,
    #[serde(deserialize_with = "number_or_null")]
    pub accuracy_error: f64,
    pub margin: f64,
    pub raters: usize,
    pub visits: Vec<Visited>,
}

fn number_or_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    use serde::Deserialize as _;
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// What every step of a run shares.
pub struct Training<'a> {
    pub objective: &'a Objective,
    pub rate: &'a LearningRate,
    /// Steps of the whole run.
    pub steps: u64,
    /// B: what a window's loss is divided by.
    pub window: usize,
    /// Pairs that are computed together; changes memory, and the sums only by rounding.
    pub together: usize,
    /// The reference's laws of every pair that is visited, by place.
    pub reference: &'a dyn Fn(usize) -> PairLogProbs,
}

impl Training<'_> {
    fn visited(&self, visit: &Visit, law: &PairLaw) -> (Visited, PairLoss) {
        let pair = self.objective.pair(&law.log_probs, &(self.reference)(visit.pair));
        let visited = Visited {
            pair: visit.pair,
            rater: visit.rater,
            weight: visit.weight,
            loss: pair.loss,
            chosen: law.log_probs.chosen,
            rejected: law.log_probs.rejected,
            reward_chosen: pair.reward_chosen,
            reward_rejected: pair.reward_rejected,
        };
        (visited, pair)
    }

    /// Takes step `step` (from 0) over the window `visits`.
    ///
    /// # Errors
    /// [`PolicyError`]; after a failure the policy's gradient is in an unknown state, and the run goes on from a checkpoint.
    pub fn step(
        &self,
        policy: &mut dyn Policy,
        step: u64,
        visits: &[Visit],
        progress: &dyn Progress,
    ) -> Result<StepReport, PolicyError> {
        let mut seen = Vec::with_capacity(visits.len());
        let (mut tokens, mut entropy) = (0, 0.0);
        for part in visits.chunks(self.together.max(1)) {
            progress.checkpoint()?;
            let pairs: Vec<usize> = part.iter().map(|visit| visit.pair).collect();
            policy.learn(&pairs, &mut |laws| {
                part.iter()
                    .zip(laws)
                    .map(|(visit, law)| {
                        let (visited, pair) = self.visited(visit, law);
                        seen.push(visited);
                        tokens += (law.log_probs.chosen_tokens + law.log_probs.rejected_tokens) as u64;
                        entropy += law.entropy;
                        let share = visit.weight / self.window as f64;
                        [pair.by_chosen * share, pair.by_rejected * share]
                    })
                    .collect()
            })?;
        }
        let learning_rate = self.rate.at(step, self.steps);
        let loss = seen.iter().map(|visit| visit.weight * visit.loss).sum::<f64>() / self.window as f64;
        if !loss.is_finite() {
            return Err(PolicyError::Diverged(format!("the loss of step {} is {loss}", step + 1)));
        }
        let gradient_norm = policy.step(learning_rate)?;
        let mean = |of: &dyn Fn(&Visited) -> f64| seen.iter().map(of).sum::<f64>() / seen.len().max(1) as f64;
        Ok(StepReport {
            step: step + 1,
            loss,
            learning_rate,
            gradient_norm,
            tokens,
            reward_chosen: mean(&|visit| visit.reward_chosen),
            reward_rejected: mean(&|visit| visit.reward_rejected),
            margin: mean(&Visited::margin),
            accuracy: mean(&Visited::accuracy),
            log_prob_chosen: mean(&|visit| visit.chosen),
            log_prob_rejected: mean(&|visit| visit.rejected),
            entropy: Some(entropy / seen.len().max(1) as f64),
            visits: seen,
        })
    }

    /// Looks at held-out pairs after `step` steps, each rater counting alike.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn evaluate(
        &self,
        policy: &mut dyn Policy,
        step: u64,
        pairs: &[Visit],
        progress: &dyn Progress,
    ) -> Result<EvaluationReport, PolicyError> {
        let mut seen = Vec::with_capacity(pairs.len());
        for part in pairs.chunks(self.together.max(1)) {
            progress.checkpoint()?;
            let places: Vec<usize> = part.iter().map(|visit| visit.pair).collect();
            let laws = policy.laws(&places, false)?;
            seen.extend(part.iter().zip(&laws).map(|(visit, law)| self.visited(visit, law).0));
        }
        let (loss, loss_error, raters) = mean_over_raters(&seen, &|visit| visit.loss);
        let (accuracy, accuracy_error, _) = mean_over_raters(&seen, &Visited::accuracy);
        let (margin, _, _) = mean_over_raters(&seen, &Visited::margin);
        Ok(EvaluationReport { step, loss, loss_error, accuracy, accuracy_error, margin, raters, visits: seen })
    }
}

/// Mean of raters' means, its standard error over raters, and their number. Pairs of one rater are not independent, so they
/// count as one observation.
pub fn mean_over_raters(visits: &[Visited], of: &dyn Fn(&Visited) -> f64) -> (f64, f64, usize) {
    let mut sums: std::collections::BTreeMap<u32, (f64, f64)> = Default::default();
    for visit in visits {
        let entry = sums.entry(visit.rater).or_default();
        entry.0 += of(visit);
        entry.1 += 1.0;
    }
    let means: Vec<f64> = sums.values().map(|(sum, count)| sum / count).collect();
    let count = means.len() as f64;
    let mean = means.iter().sum::<f64>() / count;
    let squares: f64 = means.iter().map(|x| (x - mean) * (x - mean)).sum();
    let error = if means.len() > 1 { (squares / (count - 1.0) / count).sqrt() } else { f64::NAN };
    (mean, error, means.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    /// A policy with one number `t`: ln p of pair i's answers is `t x_i` and `-t x_i`.
    struct Slope {
        t: f64,
        xs: Vec<f64>,
        gradient: f64,
        gradients: Vec<f64>,
    }

    impl Slope {
        fn law(&self, pair: usize, t: f64) -> PairLaw {
            let x = t * self.xs[pair];
            let log_probs = PairLogProbs { chosen: x, rejected: -x, chosen_tokens: 2, rejected_tokens: 3 };
            PairLaw { log_probs, entropy: 1.0 }
        }
    }

    impl Policy for Slope {
        fn laws(&mut self, pairs: &[usize], reference: bool) -> Result<Vec<PairLaw>, PolicyError> {
            Ok(pairs.iter().map(|&pair| self.law(pair, if reference { 0.0 } else { self.t })).collect())
        }
        fn learn(
            &mut self,
            pairs: &[usize],
            slopes: &mut dyn FnMut(&[PairLaw]) -> Vec<[f64; 2]>,
        ) -> Result<Vec<PairLaw>, PolicyError> {
            let laws = self.laws(pairs, false)?;
            for ([chosen, rejected], pair) in slopes(&laws).iter().zip(pairs) {
                self.gradient += (chosen - rejected) * self.xs[*pair];
            }
            Ok(laws)
        }
        fn step(&mut self, learning_rate: f64) -> Result<f64, PolicyError> {
            self.t -= learning_rate * self.gradient;
            self.gradients.push(self.gradient);
            Ok(std::mem::take(&mut self.gradient).abs())
        }
    }

    fn slope() -> Slope {
        Slope { t: 0.3, xs: vec![1.0, 2.0, -1.0, 0.5], gradient: 0.0, gradients: Vec::new() }
    }

    fn visits(weights: [f64; 4]) -> Vec<Visit> {
        weights.iter().enumerate().map(|(pair, &weight)| Visit { pair, weight, rater: pair as u32 / 2 }).collect()
    }

    fn nothing(_: usize) -> PairLogProbs {
        PairLogProbs { chosen: 0.0, rejected: 0.0, chosen_tokens: 2, rejected_tokens: 3 }
    }

    fn training<'a>(objective: &'a Objective, rate: &'a LearningRate, together: usize) -> Training<'a> {
        Training { objective, rate, steps: 10, window: 4, together, reference: &nothing }
    }

    /// Check 11 of dempo.md: one pair at a time, the weights act, and the summed gradient is that of the weighted sum.
    #[test]
    fn weights_act_whatever_is_computed_together() {
        let (objective, rate) = (Objective { beta: 1.0, ..Objective::default() }, LearningRate::default());
        let weights = [3.0, 0.25, 0.5, 0.25];
        let gradient = |together: usize, weights: [f64; 4]| {
            let mut policy = slope();
            let training = training(&objective, &rate, together);
            training.step(&mut policy, 0, &visits(weights), &Silent).unwrap();
            policy.gradients[0]
        };
        let expected: f64 = slope()
            .xs
            .iter()
            .zip(weights)
            .map(|(x, w)| {
                let h: f64 = 2.0 * 0.3 * x;
                -w * 2.0 * x / (1.0 + h.exp()) / 4.0
            })
            .sum();
        for together in [1, 2, 4, 9] {
            assert!((gradient(together, weights) - expected).abs() < 1e-12);
        }
        assert!((gradient(1, [1.0; 4]) - expected).abs() > 0.01);
    }

    #[test]
    fn a_step_reports_its_means_and_visits() {
        let (objective, rate) = (Objective { beta: 0.5, ..Objective::default() }, LearningRate::default());
        let report = training(&objective, &rate, 2).step(&mut slope(), 4, &visits([1.0; 4]), &Silent).unwrap();
        assert_eq!((report.step, report.tokens, report.visits.len()), (5, 20, 4));
        assert!((report.margin - 2.0 * 0.5 * 0.3 * 2.5 / 4.0).abs() < 1e-12);
        assert_eq!((report.accuracy, report.entropy), (0.75, Some(1.0)));
        assert!((report.loss - report.visits.iter().map(|v| v.loss).sum::<f64>() / 4.0).abs() < 1e-15);
        assert!((report.reward_chosen + report.reward_rejected).abs() < 1e-15);
    }

    #[test]
    fn held_out_raters_count_alike() {
        let (objective, rate) = (Objective::default(), LearningRate::default());
        let mut pairs = visits([1.0; 4]);
        pairs[1].rater = 1;
        let report = training(&objective, &rate, 3).evaluate(&mut slope(), 7, &pairs, &Silent).unwrap();
        assert_eq!(report.raters, 2);
        // Rater 0 has a right pair, rater 1 two of three.
        assert!((report.accuracy - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-15);
        assert!((report.accuracy_error - (1.0 / 3.0) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn an_evaluation_by_one_rater_survives_its_file() {
        let one = EvaluationReport {
            step: 3,
            loss: 0.7,
            loss_error: f64::NAN,
            accuracy: 0.5,
            accuracy_error: f64::NAN,
            margin: 0.0,
            raters: 1,
            visits: Vec::new(),
        };
        let read: EvaluationReport = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
        assert!(read.loss_error.is_nan() && read.accuracy_error.is_nan() && read.loss == 0.7);
    }

    #[test]
    fn the_rate_rises_and_falls() {
        let rate = LearningRate { highest: 1.0, warmup: 0.4, decay: Decay::Linear };
        let rates: Vec<f64> = (0..10).map(|step| rate.at(step, 10)).collect();
        let expected = [0.25, 0.5, 0.75, 1.0, 6.0 / 7.0, 5.0 / 7.0, 4.0 / 7.0, 3.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0];
        assert!(rates.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{rates:?}");
        let flat = LearningRate { decay: Decay::Constant, warmup: 0.0, ..rate };
        assert!((0..10).all(|step| flat.at(step, 10) == 1.0));
        assert!(LearningRate { highest: -1.0, ..rate }.check().is_err());
        assert!(LearningRate { warmup: 1.5, ..rate }.check().is_err());
    }

    #[test]
    fn a_loss_that_is_no_number_ends_the_run() {
        let (objective, rate) = (Objective::default(), LearningRate::default());
        let mut policy = Slope { t: f64::NAN, ..slope() };
        let error = training(&objective, &rate, 2).step(&mut policy, 0, &visits([1.0; 4]), &Silent).unwrap_err();
        assert!(matches!(error, PolicyError::Diverged(_)), "{error}");
    }
}
