//! The enumerated chain: every conditional of a small space, and what one update does to a law or a function.

use super::super::certificate::check_temperature;
use super::super::conditionals::{Conditionals, ConditionalsError, Precision, Row, ask};
use super::super::space::Space;
use super::super::temperature::Temperature;
use super::stationary;
use crate::progress::{Progress, Silent};

/// Most states that are enumerated.
pub const MOST_STATES: usize = 65_536;

/// Rows that travel in one call.
const BATCH_ROWS: usize = 64;

/// All conditionals of a small chain at one temperature.
///
/// States are numbered in base q, the number of allowed tokens, in their order in [`Space::allowed`]; the first free
/// site counts most. Sites are counted among the free ones.
#[derive(Clone, Debug)]
pub struct ExactChain {
    space: Space,
    temperature: Temperature,
    states: usize,
    /// `[site, state]`: p_site of the token that `state` holds there, given the rest of `state`. The q states of one
    /// context are the entries of one law, so this is `n q^n` numbers.
    held: Vec<f64>,
    /// `[site, state]`: its logit, before any temperature.
    logits: Vec<f64>,
}

impl ExactChain {
    /// Enumerates a backend with a fixed number of sites over its whole vocabulary; `temperature` from 1e-6 to 1e6.
    pub fn new(model: &dyn Conditionals, temperature: f64) -> Result<Self, ConditionalsError> {
        check_temperature(temperature)?;
        let (sites, most) = model.sites();
        if sites != most {
            return Err(ConditionalsError::Invalid(format!(
                "the model takes {sites} to {most} tokens: choose a length, and the tokens that may stand there"
            )));
        }
        let problem = |tau| ConditionalsError::Invalid(format!("the temperature is {tau}: choose a positive number"));
        let temperature = Temperature::new(temperature).ok_or_else(|| problem(temperature))?;
        Self::over(model, &Space::whole(model, sites)?, temperature, &Silent)
    }

    /// Enumerates the states of `space`, at most [`MOST_STATES`]: `n q^(n-1)` contexts, each asked once, in f64.
    pub fn over(
        model: &dyn Conditionals,
        space: &Space,
        temperature: Temperature,
        progress: &dyn Progress,
    ) -> Result<Self, ConditionalsError> {
        let (n, q) = (space.free().len(), space.allowed().len());
        let states = count_states(q, n)?;
        progress.stage("asking for every conditional");
        let mut chain = Self {
            space: space.clone(),
            temperature,
            states,
            held: vec![0.0; n * states],
            logits: vec![0.0; n * states],
        };
        let contexts: Vec<(usize, usize)> =
            (0..n).flat_map(|site| (0..states / q).map(move |context| (site, context))).collect();
        let (mut law, mut done) = (Vec::with_capacity(q), 0);
        for batch in contexts.chunks(BATCH_ROWS) {
            progress.checkpoint()?;
            let tokens: Vec<Vec<u32>> =
                batch.iter().map(|&(site, context)| chain.tokens(chain.first_of(site, context))).collect();
            let position = |site: usize| space.free()[site];
            let rows: Vec<Row<'_>> =
                batch.iter().zip(&tokens).map(|(c, state)| Row { state, position: position(c.0) }).collect();
            let answers = ask(model, &rows, Precision::F64)?;
            for (k, &(site, context)) in batch.iter().enumerate() {
                temperature.law(answers.row(k), space.allowed(), &mut law);
                let (first, step) = (chain.first_of(site, context), chain.stride(site));
                for (t, (&token, &p)) in space.allowed().iter().zip(&law).enumerate() {
                    let at = site * states + first + t * step;
                    chain.held[at] = p;
                    chain.logits[at] = answers.row(k)[token as usize];
                }
            }
            done += batch.len() as u64;
            progress.report(done, contexts.len() as u64);
        }
        Ok(chain)
    }

    /// Number of states, `q^n`.
    pub fn states(&self) -> usize {
        self.states
    }

    /// Number n of free sites.
    pub fn sites(&self) -> usize {
        self.space.free().len()
    }

    /// Number q of allowed tokens.
    pub fn alphabet(&self) -> usize {
        self.space.allowed().len()
    }

    /// The space that was enumerated.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The temperature of the conditionals.
    pub fn temperature(&self) -> Temperature {
        self.temperature
    }

    /// The whole sequence, template included, of state number `state`.
    pub fn tokens(&self, state: usize) -> Vec<u32> {
        let mut tokens = self.space.template().to_vec();
        for (site, &position) in self.space.free().iter().enumerate() {
            tokens[position] = self.space.allowed()[self.digit(state, site)];
        }
        tokens
    }

    /// The number of a state given as a whole sequence; `None` where it is not of the space.
    pub fn index(&self, tokens: &[u32]) -> Option<usize> {
        if !self.space.holds(tokens) {
            return None;
        }
        let digit = |&position: &usize| self.space.allowed().binary_search(&tokens[position]).ok();
        self.space.free().iter().try_fold(0, |index, position| Some(index * self.alphabet() + digit(position)?))
    }

    /// Which allowed token `state` holds at `site`, as a place in [`Space::allowed`].
    pub(super) fn digit(&self, state: usize, site: usize) -> usize {
        state / self.stride(site) % self.alphabet()
    }

    /// How far apart the states lie that differ by one token at `site`.
    pub(super) fn stride(&self, site: usize) -> usize {
        self.alphabet().pow((self.sites() - 1 - site) as u32)
    }

    /// The state with the first token at `site` among those of context number `context` of that site.
    pub(super) fn first_of(&self, site: usize, context: usize) -> usize {
        let step = self.stride(site);
        context / step * step * self.alphabet() + context % step
    }

    /// The states that agree with `state` off `site`, in the order of their token there.
    pub(super) fn line(&self, state: usize, site: usize) -> impl Iterator<Item = usize> + use<> {
        let step = self.stride(site);
        let first = state - self.digit(state, site) * step;
        (0..self.alphabet()).map(move |t| first + t * step)
    }

    /// `[state]`: p_site of the token each state holds at `site`, given its rest.
    pub(super) fn held(&self, site: usize) -> &[f64] {
        &self.held[site * self.states..][..self.states]
    }

    /// `[state]`: the logit of the token each state holds at `site`, given its rest.
    pub(super) fn logits(&self, site: usize) -> &[f64] {
        &self.logits[site * self.states..][..self.states]
    }

    /// Adds to `after` `weight` times what one update at `site` makes of `law`.
    pub(super) fn update_into(&self, law: &[f64], site: usize, weight: f64, after: &mut [f64]) {
        let (step, q, p) = (self.stride(site), self.alphabet(), self.held(site));
        for start in (0..self.states).step_by(step * q) {
            for first in start..start + step {
                let mass: f64 = (0..q).map(|t| law[first + t * step]).sum::<f64>() * weight;
                for at in (first..first + q * step).step_by(step) {
                    after[at] += mass * p[at];
                }
            }
        }
    }

    /// `law` after one update at `site`.
    pub(super) fn update(&self, law: &[f64], site: usize) -> Vec<f64> {
        let mut after = vec![0.0; self.states];
        self.update_into(law, site, 1.0, &mut after);
        after
    }

    /// `law` after one step of the random scan: `law P`.
    pub(super) fn step(&self, law: &[f64], after: &mut [f64]) {
        after.fill(0.0);
        for site in 0..self.sites() {
            self.update_into(law, site, 1.0 / self.sites() as f64, after);
        }
    }

    /// Expected value after one step of the random scan, from each state: `P f`.
    pub(super) fn expect(&self, f: &[f64], after: &mut [f64]) {
        after.fill(0.0);
        let (q, weight) = (self.alphabet(), 1.0 / self.sites() as f64);
        for site in 0..self.sites() {
            let (step, p) = (self.stride(site), self.held(site));
            for start in (0..self.states).step_by(step * q) {
                for first in start..start + step {
                    let line = (first..first + q * step).step_by(step);
                    let mean: f64 = line.clone().map(|at| p[at] * f[at]).sum::<f64>() * weight;
                    line.for_each(|at| after[at] += mean);
                }
            }
        }
    }

    /// Stationary law of the random scan (each step updates a uniform site).
    pub fn random_scan_law(&self) -> Result<Vec<f64>, ConditionalsError> {
        stationary::random_scan(self, &Silent)?.map(|found| found.law).ok_or_else(not_unique)
    }

    /// Stationary law of the systematic scan that updates the sites in `order`, seen after the last update.
    pub fn systematic_scan_law(&self, order: &[usize]) -> Result<Vec<f64>, ConditionalsError> {
        if let Some(&position) = order.iter().find(|&&site| site >= self.sites()) {
            return Err(ConditionalsError::Position { position, length: self.sites() });
        }
        stationary::systematic_scan(self, order, &Silent)?.map(|found| found.law).ok_or_else(not_unique)
    }

    /// Pairs of states that differ at one site, each once, with `pi_x P_xy` and `pi_y P_yx` of the random scan.
    fn edges(&self, law: &[f64]) -> impl Iterator<Item = (f64, f64)> {
        let (n, q) = (self.sites(), self.alphabet());
        (0..n).flat_map(move |site| {
            let (p, step) = (self.held(site), self.stride(site));
            (0..self.states).flat_map(move |x| {
                let higher = (self.digit(x, site) + 1..q).enumerate().map(move |(k, _)| x + (k + 1) * step);
                higher.map(move |y| (law[x] * p[y] / n as f64, law[y] * p[x] / n as f64))
            })
        })
    }

    /// Largest net flux `|pi_x P_xy - pi_y P_yx|` per step in the stationary law of the random scan; 0 iff reversible.
    pub fn largest_flux(&self, law: &[f64]) -> f64 {
        self.edges(law).map(|(forth, back)| (forth - back).abs()).fold(0.0, f64::max)
    }

    /// Entropy production of the random scan, nats per step: `sum over pairs (forth - back) log(forth / back)`.
    ///
    /// Infinite where a move has no way back (temperature 0).
    pub fn entropy_production(&self, law: &[f64]) -> f64 {
        let part = |(forth, back): (f64, f64)| if forth == back { 0.0 } else { (forth - back) * (forth / back).ln() };
        self.edges(law).map(part).sum()
    }

    /// The random-scan kernel as a dense matrix, row-major `[states, states]`.
    pub fn kernel(&self) -> Vec<f64> {
        let (n, size) = (self.sites(), self.states);
        let mut kernel = vec![0.0; size * size];
        for site in 0..n {
            let p = self.held(site);
            for x in 0..size {
                self.line(x, site).for_each(|y| kernel[x * size + y] += p[y] / n as f64);
            }
        }
        kernel
    }
}

/// Number of states `q^n`, or what to change where there are too many.
fn count_states(q: usize, n: usize) -> Result<usize, ConditionalsError> {
    let states = q.checked_pow(n as u32).filter(|&states| states <= MOST_STATES);
    states.ok_or_else(|| {
        let tokens = (1..=q).rev().find(|q| q.checked_pow(n as u32).is_some_and(|states| states <= MOST_STATES));
        let remedy = match tokens {
            Some(tokens) if tokens > 1 => format!("at most {tokens} tokens at this length, or fewer free sites"),
            _ => "fewer free sites".to_owned(),
        };
        let size = (q as f64).powi(n as i32);
        let shown = if size < 1e15 { format!("{size}") } else { format!("{size:.2e}") };
        ConditionalsError::Invalid(format!(
            "{q} tokens at {n} sites make {q}^{n} = {shown} states, more than the {MOST_STATES} that can be enumerated: \
             choose {remedy}"
        ))
    })
}

fn not_unique() -> ConditionalsError {
    ConditionalsError::Invalid(
        "the chain has several closed classes and so no unique stationary law: raise the temperature".to_owned(),
    )
}
