//! Coupling from the past: exact draws from the stationary law of a small chain (glauber.md section 5.4).
//!
//! Source: Propp and Wilson 1996, with the Gumbel grand coupling of section 5.1 over all states.

use super::chain::draw::winner;
use super::chain::lane;
use super::conditionals::{Conditionals, ConditionalsError, Precision, Row, ask_into};
use super::space::Space;
use super::temperature::Temperature;
use crate::progress::Progress;
use crate::statistics::Counter;

/// Rows that travel in one call.
const BATCH_ROWS: usize = 256;

/// One exact draw.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PerfectDraw {
    /// The state at time 0, whole.
    pub state: Vec<u32>,
    /// Its place among all states, in base q with the first free site counting most: the order of a stationary law.
    pub number: usize,
    /// How many steps before 0 all states were started for the draw.
    pub steps: u64,
}

/// Most states that are started at once.
pub const MOST_STARTS: usize = 4096;

/// The random-scan chain of a small space as a map of all its states.
pub struct PerfectSampler {
    space: Space,
    states: usize,
    /// By free site, then by context: the law of its tokens. Shape `[n, N / V, V]`.
    laws: Vec<f64>,
}

/// The number of states of `space`, if all of them can be started at once.
pub fn startable(space: &Space) -> Result<usize, ConditionalsError> {
    let (n, v) = (space.free().len(), space.allowed().len());
    let states = u32::try_from(n).ok().and_then(|n| v.checked_pow(n)).filter(|&states| states <= MOST_STARTS);
    states.ok_or_else(|| {
        ConditionalsError::Invalid(format!(
            "more than {MOST_STARTS} states cannot be started at once: allow fewer tokens or freeze more positions"
        ))
    })
}

impl PerfectSampler {
    /// Evaluates every conditional of `space`, in f64: n V^(n-1) rows, at most 4096 states.
    ///
    /// The temperature must be positive; the chain is then irreducible and aperiodic.
    pub fn new(
        model: &dyn Conditionals,
        space: Space,
        temperature: Temperature,
        progress: &dyn Progress,
    ) -> Result<Self, ConditionalsError> {
        if temperature == Temperature::ZERO {
            return Err(ConditionalsError::Invalid(
                "at temperature 0 a chain has no single stationary law: choose a positive temperature".to_owned(),
            ));
        }
        let (n, v) = (space.free().len(), space.allowed().len());
        let states = startable(&space)?;
        let mut sampler = Self { space, states, laws: Vec::with_capacity(n * states) };
        let contexts = states / v;
        let questions: Vec<(usize, usize)> =
            (0..n).flat_map(|site| (0..contexts).map(move |context| (site, context))).collect();
        let (mut logits, mut law) = (Vec::new(), Vec::new());
        for batch in questions.chunks(BATCH_ROWS) {
            progress.checkpoint()?;
            let asked: Vec<Vec<u32>> =
                batch.iter().map(|&(site, context)| sampler.state(sampler.base(site, context))).collect();
            let rows: Vec<Row<'_>> = asked
                .iter()
                .zip(batch)
                .map(|(state, &(site, _))| Row { state, position: sampler.space.free()[site] })
                .collect();
            ask_into(model, &rows, Precision::F64, &mut logits)?;
            for row in logits.chunks_exact(model.vocabulary()) {
                temperature.law(row, sampler.space.allowed(), &mut law);
                sampler.laws.extend_from_slice(&law);
            }
        }
        Ok(sampler)
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.states
    }

    /// How far apart the states lie that differ by one token at a free site; site 0 counts most.
    fn stride(&self, site: usize) -> usize {
        self.space.allowed().len().pow((self.space.free().len() - 1 - site) as u32)
    }

    /// The state of a context that holds the first token at `site`.
    fn base(&self, site: usize, context: usize) -> usize {
        let stride = self.stride(site);
        context / stride * stride * self.space.allowed().len() + context % stride
    }

    /// The whole state with a number.
    fn state(&self, number: usize) -> Vec<u32> {
        let mut state = self.space.template().to_vec();
        for (site, &position) in self.space.free().iter().enumerate() {
            let allowed = self.space.allowed();
            state[position] = allowed[number / self.stride(site) % allowed.len()];
        }
        state
    }

    /// Draw number `draw` of `seed`: exact, and independent of the draws of other numbers.
    ///
    /// All states are started ever earlier, with the same noise, until they have become one at time 0. Fails beyond
    /// `most_steps` steps: to leave such a draw out would bias the others.
    pub fn draw(
        &self,
        seed: u64,
        draw: u64,
        most_steps: u64,
        progress: &dyn Progress,
    ) -> Result<PerfectDraw, ConditionalsError> {
        let (n, v) = (self.space.free().len(), self.space.allowed().len());
        let counter = Counter::new(seed);
        let (mut image, mut clocks) = (Vec::with_capacity(self.states), vec![0.0; v]);
        // `seen[state]` is the last step, counted over all attempts, that led there.
        let (mut seen, mut made) = (vec![0u64; self.states], 0);
        let mut steps = (n as u64).min(most_steps);
        while steps > 0 {
            image.clear();
            image.extend(0..self.states);
            for time in (1..=steps).rev() {
                if made % 1024 == 0 {
                    progress.checkpoint()?;
                }
                made += 1;
                // Times count backwards from 0, so an earlier start meets the same noise.
                let moment = counter.at(draw, time);
                let site = moment.below(lane::SITE, n as u64) as usize;
                for (clock, &token) in clocks.iter_mut().zip(self.space.allowed()) {
                    *clock = -moment.open(lane::NOISE, token).ln();
                }
                let (stride, mut kept) = (self.stride(site), 0);
                for k in 0..image.len() {
                    let state = image[k];
                    let context = state / (stride * v) * stride + state % stride;
                    let law = &self.laws[(site * (self.states / v) + context) * v..][..v];
                    let token = winner(law, &clocks);
                    let next = self.base(site, context) + token * stride;
                    if seen[next] != made {
                        seen[next] = made;
                        image[kept] = next;
                        kept += 1;
                    }
                }
                image.truncate(kept);
            }
            if let [only] = image[..] {
                return Ok(PerfectDraw { state: self.state(only), number: only, steps });
            }
            if steps == most_steps {
                break;
            }
            steps = (2 * steps).min(most_steps);
        }
        Err(ConditionalsError::Invalid(format!(
            "draw {draw} had not become one state after {most_steps} steps from the past: allow more steps or raise the \
             temperature"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::exact::ExactChain;
    use crate::glauber::toys;
    use crate::progress::Silent;

    fn sampler(text: &str, sites: usize, tau: f64) -> Result<PerfectSampler, ConditionalsError> {
        let toy = toys::parse(text).unwrap();
        let space = Space::whole(toy.as_ref(), sites)?;
        PerfectSampler::new(toy.as_ref(), space, Temperature::new(tau).unwrap(), &Silent)
    }

    /// Chi-square statistic of counts against a law, and its degrees of freedom.
    fn chi_square(counts: &[u32], law: &[f64]) -> (f64, f64) {
        let total: f64 = counts.iter().map(|&c| f64::from(c)).sum();
        let terms = counts.iter().zip(law).map(|(&c, p)| (f64::from(c) - total * p).powi(2) / (total * p));
        (terms.sum(), law.len() as f64 - 1.0)
    }

    #[test]
    fn draws_follow_the_stationary_law() {
        for (text, sites, v, tau) in [
            ("random-table:n=3,v=3,seed=2", 3, 3, 1.0),
            ("curie-weiss:n=4,beta=0.8", 4, 2, 0.9),
            ("potts:n=3,q=4,beta=0.7", 3, 4, 1.3),
        ] {
            let sampler = sampler(text, sites, tau).unwrap();
            let law = ExactChain::new(toys::parse(text).unwrap().as_ref(), tau).unwrap().random_scan_law().unwrap();
            let mut counts = vec![0; law.len()];
            for draw in 0..10_000 {
                let drawn = sampler.draw(5, draw, 1 << 20, &Silent).unwrap();
                assert_eq!(drawn.state.iter().fold(0, |number, &token| number * v + token as usize), drawn.number);
                counts[drawn.number] += 1;
            }
            let (chi, freedom) = chi_square(&counts, &law);
            // Four standard deviations of chi-square, which has variance 2 df.
            assert!(chi < freedom + 4.0 * (2.0 * freedom).sqrt(), "{text}: {chi} on {freedom}");
        }
    }

    #[test]
    fn all_states_of_a_large_space_become_one() {
        let sampler = sampler("ising:n=12,beta=0.3", 12, 1.0).unwrap();
        let drawn = sampler.draw(1, 0, 1 << 20, &Silent).unwrap();
        assert!(drawn.state.len() == 12 && drawn.steps >= 12);
        assert_eq!(sampler.draw(1, 0, 1 << 20, &Silent).unwrap(), drawn);
        assert!(sampler.draw(1, 0, 2, &Silent).unwrap_err().to_string().contains("allow more steps"));
    }

    #[test]
    fn frozen_sites_and_forbidden_tokens_stay() {
        let toy = toys::parse("potts:n=4,q=5").unwrap();
        let space = Space::new(toy.as_ref(), vec![4, 0, 0, 4], &[0, 3], vec![1, 3]).unwrap();
        let sampler = PerfectSampler::new(toy.as_ref(), space.clone(), Temperature::INFINITE, &Silent).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for draw in 0..60 {
            let drawn = sampler.draw(2, draw, 1000, &Silent).unwrap();
            assert!(space.holds(&drawn.state));
            seen.insert(drawn.state);
        }
        assert_eq!(seen.len(), 4);
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        assert!(sampler("ising:n=13", 13, 1.0).is_err_and(|error| error.to_string().contains("4096")));
        assert!(sampler("ising:n=3", 3, 0.0).is_err_and(|error| error.to_string().contains("positive")));
    }
}
