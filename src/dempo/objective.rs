//! What one preference costs and how the cost changes with the log-probabilities of its answers.
//!
//! DPO (Rafailov et al. 2023, arXiv:2305.18290; dempo.md section 5.1), its label-smoothed form (Mitchell 2023), and IPO
//! (Azar et al. 2024, arXiv:2310.12036), whose log-probabilities are means over tokens, as TRL has them.

/// The shape of the loss.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Loss {
    /// `-(1-ε) ln σ(h) - ε ln σ(-h)` with `h = β (chosen - rejected log-ratio)`.
    Sigmoid {
        /// ε: probability that a preference was recorded the wrong way round; below 1/2.
        #[serde(default)]
        label_smoothing: f64,
    },
    /// `(h - 1/(2β))²` with `h` the difference of the log-ratios per token.
    Ipo,
}

/// The loss with its constants.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Objective {
    pub loss: Loss,
    /// β: how strongly the policy is held to the reference; 0.1 in the paper.
    pub beta: f64,
    /// Leaves the reference out, as if it gave every answer the same probability.
    #[serde(default)]
    pub reference_free: bool,
}

impl Default for Objective {
    fn default() -> Self {
        Self { loss: Loss::Sigmoid { label_smoothing: 0.0 }, beta: 0.1, reference_free: false }
    }
}

/// Natural logarithms of the probabilities of a pair's answers, with their lengths in tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairLogProbs {
    pub chosen: f64,
    pub rejected: f64,
    pub chosen_tokens: usize,
    pub rejected_tokens: usize,
}

/// A pair's loss, its slopes, and the implicit rewards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairLoss {
    pub loss: f64,
    /// Derivatives of the loss by the policy's log-probabilities.
    pub by_chosen: f64,
    pub by_rejected: f64,
    /// β times the log-ratio of policy to reference: the reward the policy is optimal for.
    pub reward_chosen: f64,
    pub reward_rejected: f64,
}

/// ln σ(x), without overflow.
fn log_sigmoid(x: f64) -> f64 {
    x.min(0.0) - (-x.abs()).exp().ln_1p()
}

fn sigmoid(x: f64) -> f64 {
    log_sigmoid(x).exp()
}

impl Objective {
    /// What is wrong with the constants, if anything.
    pub fn check(&self) -> Result<(), String> {
        if !(self.beta.is_finite() && self.beta > 0.0) {
            return Err(format!("beta is {}; it has to be above 0, and 0.1 is usual", self.beta));
        }
        match self.loss {
            Loss::Sigmoid { label_smoothing } if !(0.0..0.5).contains(&label_smoothing) => {
                Err(format!("label smoothing is {label_smoothing}; it has to be from 0 to below 0.5"))
            }
            _ => Ok(()),
        }
    }

    /// The pair's loss under `policy`, held to `reference`.
    pub fn pair(&self, policy: &PairLogProbs, reference: &PairLogProbs) -> PairLoss {
        let (base_chosen, base_rejected) =
            if self.reference_free { (0.0, 0.0) } else { (reference.chosen, reference.rejected) };
        let (chosen, rejected) = (policy.chosen - base_chosen, policy.rejected - base_rejected);
        match self.loss {
            Loss::Sigmoid { label_smoothing } => {
                let h = self.beta * (chosen - rejected);
                let slope = self.beta * (label_smoothing * sigmoid(h) - (1.0 - label_smoothing) * sigmoid(-h));
                PairLoss {
                    loss: -(1.0 - label_smoothing) * log_sigmoid(h) - label_smoothing * log_sigmoid(-h),
                    by_chosen: slope,
                    by_rejected: -slope,
                    reward_chosen: self.beta * chosen,
                    reward_rejected: self.beta * rejected,
                }
            }
            Loss::Ipo => {
                let lengths = [policy.chosen_tokens.max(1) as f64, policy.rejected_tokens.max(1) as f64];
                let miss = chosen / lengths[0] - rejected / lengths[1] - 0.5 / self.beta;
                PairLoss {
                    loss: miss * miss,
                    by_chosen: 2.0 * miss / lengths[0],
                    by_rejected: -2.0 * miss / lengths[1],
                    reward_chosen: self.beta * chosen / lengths[0],
                    reward_rejected: self.beta * rejected / lengths[1],
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_probs(chosen: f64, rejected: f64) -> PairLogProbs {
        PairLogProbs { chosen, rejected, chosen_tokens: 4, rejected_tokens: 3 }
    }

    fn objectives() -> [Objective; 4] {
        let smoothed = Loss::Sigmoid { label_smoothing: 0.2 };
        [
            Objective::default(),
            Objective { loss: smoothed, beta: 0.7, reference_free: false },
            Objective { loss: Loss::Ipo, beta: 0.1, reference_free: false },
            Objective { reference_free: true, ..Objective::default() },
        ]
    }

    #[test]
    fn slopes_are_those_of_the_loss() {
        let reference = log_probs(-11.0, -8.5);
        for objective in objectives() {
            let at = |chosen: f64, rejected: f64| objective.pair(&log_probs(chosen, rejected), &reference).loss;
            let pair = objective.pair(&log_probs(-10.0, -9.0), &reference);
            let by_chosen = (at(-10.0 + 1e-5, -9.0) - at(-10.0 - 1e-5, -9.0)) / 2e-5;
            let by_rejected = (at(-10.0, -9.0 + 1e-5) - at(-10.0, -9.0 - 1e-5)) / 2e-5;
            assert!((pair.by_chosen - by_chosen).abs() < 1e-8, "{objective:?}");
            assert!((pair.by_rejected - by_rejected).abs() < 1e-8, "{objective:?}");
        }
    }

    #[test]
    fn an_untrained_policy_costs_ln_2_and_far_ones_do_not_overflow() {
        let (same, objective) = (log_probs(-10.0, -9.0), Objective::default());
        assert!((objective.pair(&same, &same).loss - 2.0f64.ln()).abs() < 1e-15);
        let far = objective.pair(&log_probs(-1e5, -1.0), &same);
        assert!((far.loss - 0.1 * (99_990.0 + 8.0)).abs() < 1e-6 && far.by_chosen == -0.1);
        assert_eq!(objective.pair(&log_probs(-1.0, -1e5), &same).loss, 0.0);
        // IPO's minimum is a difference per token of 1/(2 beta) = 5 nats.
        let ipo = objectives()[2];
        assert!(ipo.pair(&log_probs(-10.0 + 20.0, -9.0), &same).loss < 1e-20);
    }

    #[test]
    fn constants_that_cannot_be_are_refused() {
        assert!(objectives().iter().all(|objective| objective.check().is_ok()));
        assert!(Objective { beta: 0.0, ..Objective::default() }.check().is_err());
        let half = Loss::Sigmoid { label_smoothing: 0.5 };
        assert!(Objective { loss: half, ..Objective::default() }.check().is_err());
    }
}
