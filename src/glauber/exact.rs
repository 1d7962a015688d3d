//! Exact answers on small state spaces: stationary laws, fluxes, entropy production, spectrum (glauber.md 2.1, 9).
//!
//! States are numbered in base v with site 0 counting most.

use super::certificate::check_temperature;
use super::conditionals::{Conditionals, ConditionalsError, Precision, Row, ask};
use crate::statistics::log_sum_exp;

/// Most states that are enumerated.
pub const MOST_STATES: usize = 4096;

/// All conditionals of a small chain at one temperature.
pub struct ExactChain {
    sites: usize,
    vocabulary: usize,
    states: usize,
    /// `[state, site, token]`: p of `token` at `site` given the rest of `state`.
    conditionals: Vec<f64>,
}

impl ExactChain {
    /// Enumerates `vocabulary^sites` states of a backend with a fixed number of sites, over its whole vocabulary.
    pub fn new(model: &dyn Conditionals, temperature: f64) -> Result<Self, ConditionalsError> {
        check_temperature(temperature)?;
        let ((sites, most), v) = (model.sites(), model.vocabulary());
        let states = v.checked_pow(sites as u32).filter(|&states| states <= MOST_STATES && sites == most);
        let Some(states) = states else {
            return Err(ConditionalsError::Invalid(format!("more than {MOST_STATES} states cannot be enumerated")));
        };
        let mut conditionals = Vec::with_capacity(states * sites * v);
        for state in 0..states {
            let tokens: Vec<u32> = (0..sites).map(|site| (state / stride(sites, v, site) % v) as u32).collect();
            let rows: Vec<Row<'_>> = (0..sites).map(|position| Row { state: &tokens, position }).collect();
            let logits = ask(model, &rows, Precision::F64)?;
            for site in 0..sites {
                let scaled = logits.row(site).iter().map(|l| l / temperature);
                let norm = log_sum_exp(scaled.clone());
                conditionals.extend(scaled.map(|l| (l - norm).exp()));
            }
        }
        Ok(Self { sites, vocabulary: v, states, conditionals })
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.states
    }

    /// The moves of one update at `site` from `state`: target states and their probabilities.
    fn moves(&self, state: usize, site: usize) -> impl Iterator<Item = (usize, f64)> {
        let (v, step) = (self.vocabulary, stride(self.sites, self.vocabulary, site));
        let base = state - state / step % v * step;
        let p = &self.conditionals[(state * self.sites + site) * v..][..v];
        p.iter().enumerate().map(move |(token, &p)| (base + token * step, p))
    }

    /// `law` after one update at `site`.
    fn update(&self, law: &[f64], site: usize) -> Vec<f64> {
        let mut after = vec![0.0; self.states];
        for (state, &mass) in law.iter().enumerate() {
            self.moves(state, site).for_each(|(target, p)| after[target] += mass * p);
        }
        after
    }

    /// Stationary law of the random scan (each step updates a uniform site).
    pub fn random_scan_law(&self) -> Result<Vec<f64>, ConditionalsError> {
        self.stationary(|law| {
            let mut after = vec![0.0; self.states];
            for site in 0..self.sites {
                for (sum, x) in after.iter_mut().zip(self.update(law, site)) {
                    *sum += x / self.sites as f64;
                }
            }
            after
        })
    }

    /// Stationary law of the systematic scan that updates the sites in `order`, seen after the last update.
    pub fn systematic_scan_law(&self, order: &[usize]) -> Result<Vec<f64>, ConditionalsError> {
        self.stationary(|law| order.iter().fold(law.to_vec(), |law, &site| self.update(&law, site)))
    }

    /// Power iteration to a residual of 1e-15 in total variation: P(x, x) > 0 everywhere, so it converges.
    fn stationary(&self, step: impl Fn(&[f64]) -> Vec<f64>) -> Result<Vec<f64>, ConditionalsError> {
        let mut law = vec![1.0 / self.states as f64; self.states];
        for _ in 0..200_000 {
            let mut next = step(&law);
            let total: f64 = next.iter().sum();
            next.iter_mut().for_each(|x| *x /= total);
            let moved: f64 = law.iter().zip(&next).map(|(a, b)| (a - b).abs()).sum();
            law = next;
            if moved <= 2e-15 {
                return Ok(law);
            }
        }
        Err(ConditionalsError::Invalid("the chain mixes too slowly for its stationary law to be found exactly".into()))
    }

    /// Pairs `x < y` that differ at one site, with `pi_x P_xy` and `pi_y P_yx` of the random scan.
    fn edges(&self, law: &[f64]) -> Vec<(f64, f64)> {
        let mut edges = Vec::new();
        for x in 0..self.states {
            for site in 0..self.sites {
                for (y, p) in self.moves(x, site).filter(|&(y, _)| y > x) {
                    let back = self.moves(y, site).find(|&(target, _)| target == x).map_or(0.0, |(_, p)| p);
                    edges.push((law[x] * p / self.sites as f64, law[y] * back / self.sites as f64));
                }
            }
        }
        edges
    }

    /// Largest net flux `|pi_x P_xy - pi_y P_yx|` per step in the stationary law of the random scan; 0 iff reversible.
    pub fn largest_flux(&self, law: &[f64]) -> f64 {
        self.edges(law).iter().map(|(forth, back)| (forth - back).abs()).fold(0.0, f64::max)
    }

    /// Entropy production of the random scan, nats per step: `1/2 sum (forth - back) log(forth / back)`.
    pub fn entropy_production(&self, law: &[f64]) -> f64 {
        self.edges(law).iter().map(|(forth, back)| (forth - back) * (forth / back).ln()).sum()
    }

    /// The random-scan kernel as a dense matrix, row-major `[states, states]`.
    pub fn kernel(&self) -> Vec<f64> {
        let mut kernel = vec![0.0; self.states * self.states];
        for state in 0..self.states {
            for site in 0..self.sites {
                self.moves(state, site).for_each(|(y, p)| kernel[state * self.states + y] += p / self.sites as f64);
            }
        }
        kernel
    }
}

/// How far apart the states lie that differ by one token at `site`.
fn stride(sites: usize, vocabulary: usize, site: usize) -> usize {
    vocabulary.pow((sites - 1 - site) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::toys;

    fn chain(text: &str, temperature: f64) -> Result<ExactChain, ConditionalsError> {
        ExactChain::new(toys::parse(text).unwrap().as_ref(), temperature)
    }

    /// The Ising ring's own joint, with weights exp((beta sum s s' + field sum s) / tau).
    #[test]
    fn the_stationary_law_of_a_joint_is_the_joint() {
        let (beta, field, tau) = (0.4, 0.2, 1.5);
        let chain = chain(&format!("ising:n=4,beta={beta},field={field}"), tau).unwrap();
        let spins = |state: usize| [3, 2, 1, 0].map(|bit| if state >> bit & 1 == 1 { 1.0 } else { -1.0 });
        let weight = |state: usize| -> f64 {
            let s: [f64; 4] = spins(state);
            let energy: f64 = (0..4).map(|k| beta * s[k] * s[(k + 1) % 4] + field * s[k]).sum();
            (energy / tau).exp()
        };
        let total: f64 = (0..16).map(weight).sum();
        for law in [chain.random_scan_law().unwrap(), chain.systematic_scan_law(&[2, 0, 3, 1]).unwrap()] {
            for (state, p) in law.iter().enumerate() {
                assert!((p - weight(state) / total).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn rows_of_the_kernel_sum_to_one() {
        let chain = chain("random-table:n=3,v=3", 1.0).unwrap();
        let kernel = chain.kernel();
        for row in kernel.chunks_exact(chain.states()) {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-14);
            assert_eq!(row.iter().filter(|&&p| p > 0.0).count(), 7, "n (v - 1) + 1 moves");
        }
    }

    #[test]
    fn large_state_spaces_are_refused() {
        assert!(chain("ising:n=13", 1.0).is_err_and(|error| error.to_string().contains("4096")));
        assert!(chain("ising:n=4096", 1.0).is_err());
        assert!(chain("ising:n=4", 0.0).is_err());
    }
}
