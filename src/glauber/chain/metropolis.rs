//! A reversible reference chain: Metropolis-Hastings on the model's energy, with its conditionals as proposals.
//!
//! Source: Goyal, Dyer and Berg-Kirkpatrick 2022 (glauber.md section 2.5).

use super::cell::check_count;
use super::draw::{Drawing, Known};
use super::ensemble::{Options, Segment};
use super::lane;
use super::questions::Asked;
use super::scan::random_site;
use super::start::Start;
use super::trace::{token_bytes, write_token};
use super::{Coupling, Scan};
use crate::glauber::conditionals::{Conditionals, ConditionalsError, Row, ask_into};
use crate::glauber::space::Space;
use crate::glauber::temperature::Temperature;
use crate::progress::Progress;
use crate::statistics::{Counter, log_sum_exp};

/// The energy of a state x, nats: a sum over its free sites t, frozen tokens being context only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Energy {
    /// `E_raw(x) = -sum_t l_t(x_t | x_-t)`, of raw logits.
    Raw,
    /// `E_norm(x) = -sum_t log p_t(x_t | x_-t)`, p the softmax at temperature 1 over the allowed tokens.
    Normalised,
}

impl Energy {
    /// What the site whose row is `logits` adds when it holds `token`.
    fn term(self, logits: &[f64], token: u32, allowed: &[u32]) -> f64 {
        let own = logits[token as usize];
        match self {
            Self::Raw => -own,
            Self::Normalised => log_sum_exp(allowed.iter().map(|&token| logits[token as usize])) - own,
        }
    }
}

/// A reference chain: its law is `pi(x)` proportional to `exp(-E(x) / temperature)` on the space, and it is reversible
/// with respect to it, whatever the conditionals.
///
/// Each step draws a uniform free site i and a token `v ~ p_i(. | x_-i)` at the proposal's temperature tau_q, and moves
/// to x' with probability `min(1, exp((E(x) - E(x')) / temperature + (l_i(x_i) - l_i(v)) / tau_q))`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MetropolisSpec {
    pub energy: Energy,
    /// Of the target law; positive, infinite for the uniform law.
    pub temperature: Temperature,
    /// Of the proposals; positive, infinite for uniform tokens.
    pub proposal: Temperature,
    /// Chains start from its X.
    pub start: Start,
    /// Number of chains.
    pub chains: u64,
    pub seed: u64,
    /// Whether the token of every step is handed over.
    pub record: bool,
}

/// How often proposals were accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Acceptance {
    /// Steps of all chains.
    pub steps: u64,
    /// Proposals of another token than the present one (the present one is always "accepted").
    pub novel: u64,
    /// Novel proposals that were accepted.
    pub accepted: u64,
}

impl Acceptance {
    /// Accepted novel proposals per novel proposal; `None` before the first.
    pub fn rate(&self) -> Option<f64> {
        (self.novel > 0).then(|| self.accepted as f64 / self.novel as f64)
    }

    /// Moves to another state per step (Goyal et al.'s novel-transition rate); `None` before the first step.
    pub fn novel_transition_rate(&self) -> Option<f64> {
        (self.steps > 0).then(|| self.accepted as f64 / self.steps as f64)
    }
}

/// All chains at one moment, between steps.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MetropolisState {
    /// Steps made by every chain.
    pub time: u64,
    /// `[chains, tokens of a state]`.
    pub states: Vec<u32>,
    /// One a chain, nats.
    pub energies: Vec<f64>,
    pub acceptance: Acceptance,
}

/// What happened since the batch before.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MetropolisBatch {
    /// The token that the step's site holds after each step, accepted or not; cell 0. [`super::Trace`] reads them, with
    /// the random scan.
    pub segments: Vec<Segment>,
    /// Rows that the model evaluated.
    pub rows: u64,
}

/// Reference chains, advanced together.
pub struct Metropolis<'m> {
    model: &'m dyn Conditionals,
    space: Space,
    spec: MetropolisSpec,
    state: MetropolisState,
    asker: Asker,
    drawing: Drawing,
    segments: Vec<Segment>,
    logs: Vec<Vec<u8>>,
}

/// A question: the free site (by its place) of a chain's present or proposed state.
struct Question {
    chain: usize,
    place: usize,
}

impl<'m> Metropolis<'m> {
    /// Chains at their starts; evaluates their energies, one row for each free site of each chain.
    pub fn new(
        model: &'m dyn Conditionals,
        space: Space,
        spec: MetropolisSpec,
        options: Options,
        progress: &dyn Progress,
    ) -> Result<Self, ConditionalsError> {
        let mut state = MetropolisState::default();
        check_count(spec.chains)?;
        spec.start.check(&space, false)?;
        for chain in 0..spec.chains {
            let [x, _] = spec.start.pair(&space, spec.seed, chain);
            state.states.extend(x);
        }
        state.energies = vec![0.0; spec.chains as usize];
        let mut metropolis = Self::resume(model, space, spec, options, state)?;
        let n = metropolis.space.free().len();
        let questions: Vec<Question> =
            (0..metropolis.chains()).flat_map(|chain| (0..n).map(move |place| Question { chain, place })).collect();
        let mut terms = vec![0.0; questions.len()];
        let Self { model, space, spec, state, asker, .. } = &mut metropolis;
        asker.terms((*model, space, spec.energy), &state.states, &questions, &mut terms, progress)?;
        state.energies = terms.chunks_exact(n).map(|terms| terms.iter().sum()).collect();
        Ok(metropolis)
    }

    /// Chains as they were kept, with the spec they had.
    pub fn resume(
        model: &'m dyn Conditionals,
        space: Space,
        spec: MetropolisSpec,
        options: Options,
        state: MetropolisState,
    ) -> Result<Self, ConditionalsError> {
        let invalid = |problem: &str| Err(ConditionalsError::Invalid(problem.to_owned()));
        if spec.temperature == Temperature::ZERO || spec.proposal == Temperature::ZERO {
            return invalid("a reference chain needs temperatures above 0: at 0 its law or its proposals are a point");
        }
        options.check()?;
        let width = space.template().len();
        let whole = state.states.len() == state.energies.len() * width;
        if !whole
            || state.energies.len() as u64 != spec.chains
            || !state.states.chunks_exact(width).all(|x| space.holds(x))
        {
            return invalid("the kept chains do not fit their space: they belong to another run");
        }
        let logs = if spec.record { vec![Vec::new(); state.energies.len()] } else { Vec::new() };
        Ok(Self {
            model,
            space,
            spec,
            state,
            asker: Asker { options, ..Asker::default() },
            drawing: Drawing::default(),
            segments: Vec::new(),
            logs,
        })
    }

    fn chains(&self) -> usize {
        self.state.energies.len()
    }

    /// What [`Self::resume`] needs: to be kept together with the batch that [`Self::advance`] returned.
    pub fn snapshot(&self) -> MetropolisState {
        self.state.clone()
    }

    /// The present states, energies and acceptance.
    pub fn state(&self) -> &MetropolisState {
        &self.state
    }

    /// The scan by which a [`super::Trace`] of these chains is read.
    pub fn scan(&self) -> Scan {
        Scan::Random
    }

    /// `steps` steps of every chain: one row each for proposals, n - 1 more for each novel one. On an error the step
    /// under way is undone; those before it are in the next batch.
    pub fn advance(&mut self, steps: u64, progress: &dyn Progress) -> Result<MetropolisBatch, ConditionalsError> {
        for done in 0..steps {
            progress.checkpoint()?;
            self.step(progress)?;
            progress.report(done + 1, steps);
        }
        for (chain, log) in self.logs.iter_mut().enumerate().filter(|(_, log)| !log.is_empty()) {
            let tokens = std::mem::take(log);
            self.segments.push(Segment { cell: 0, pair: chain as u64, second: false, tokens });
        }
        let (segments, rows) = (std::mem::take(&mut self.segments), std::mem::take(&mut self.asker.rows));
        Ok(MetropolisBatch { segments, rows })
    }

    fn step(&mut self, progress: &dyn Progress) -> Result<(), ConditionalsError> {
        let (n, width, time) = (self.space.free().len(), self.space.template().len(), self.state.time + 1);
        let chains = self.chains();
        let counter = Counter::new(self.spec.seed);
        let place_of = |chain: usize| random_site(counter, chain as u64, time, n);
        let places: Vec<usize> = (0..chains).map(place_of).collect();

        // Proposals, from the row at each chain's site.
        let questions: Vec<Question> =
            places.iter().enumerate().map(|(chain, &place)| Question { chain, place }).collect();
        let Self { model, space, spec, state, asker, drawing, .. } = self;
        let (states, allowed, tau) = (&state.states, space.allowed(), spec.proposal.get());
        let mut proposals = Vec::with_capacity(questions.len());
        asker.ask((*model, space), states, &questions, progress, |question, logits| {
            let moment = counter.at(question.chain as u64, time);
            let known = tau.is_finite().then_some(Known::Logits(logits));
            let token = drawing.one(Coupling::InverseCdf, spec.proposal, allowed, known, moment).token;
            let present = states[question.chain * width + space.free()[question.place]];
            let back = (logits[present as usize] - logits[token as usize]) / tau;
            proposals.push((token, token != present, back, spec.energy.term(logits, token, allowed)));
        })?;

        // Energies of the novel ones; the site's own term is known, its context is that of the proposal.
        let mut proposed = state.states.clone();
        let mut terms = vec![0.0; chains * n];
        let mut questions = Vec::new();
        for (chain, &(token, novel, _, term)) in proposals.iter().enumerate() {
            proposed[chain * width + space.free()[places[chain]]] = token;
            terms[chain * n + places[chain]] = term;
            if novel {
                let others = (0..n).filter(|&place| place != places[chain]);
                questions.extend(others.map(|place| Question { chain, place }));
            }
        }
        asker.terms((*model, space, spec.energy), &proposed, &questions, &mut terms, progress)?;

        for (chain, &(token, novel, back, _)) in proposals.iter().enumerate() {
            let at = chain * width + self.space.free()[places[chain]];
            self.state.acceptance.steps += 1;
            if novel {
                let energy: f64 = terms[chain * n..][..n].iter().sum();
                let gain = (self.state.energies[chain] - energy) / self.spec.temperature.get() + back;
                let [coin, _] = counter.at(chain as u64, time).units(lane::ACCEPT);
                self.state.acceptance.novel += 1;
                if coin.ln() < gain {
                    self.state.acceptance.accepted += 1;
                    self.state.states[at] = token;
                    self.state.energies[chain] = energy;
                }
            }
            if let Some(log) = self.logs.get_mut(chain) {
                write_token(self.state.states[at], token_bytes(&self.space), log);
            }
        }
        self.state.time = time;
        Ok(())
    }
}

/// Asks a model in batches.
#[derive(Default)]
struct Asker {
    options: Options,
    asked: Asked,
    logits: Vec<f64>,
    /// Rows evaluated since they were last counted.
    rows: u64,
}

impl Asker {
    /// Writes the energy terms of `questions` about `states` to their places. Shape of `terms`: `[chains, n]`.
    fn terms(
        &mut self,
        (model, space, energy): (&dyn Conditionals, &Space, Energy),
        states: &[u32],
        questions: &[Question],
        terms: &mut [f64],
        progress: &dyn Progress,
    ) -> Result<(), ConditionalsError> {
        let (width, n) = (space.template().len(), space.free().len());
        self.ask((model, space), states, questions, progress, |question, logits| {
            let token = states[question.chain * width + space.free()[question.place]];
            terms[question.chain * n + question.place] = energy.term(logits, token, space.allowed());
        })
    }

    /// Asks equal questions of a batch once, and hands each row to `each` in the order of the questions.
    fn ask(
        &mut self,
        (model, space): (&dyn Conditionals, &Space),
        states: &[u32],
        questions: &[Question],
        progress: &dyn Progress,
        mut each: impl FnMut(&Question, &[f64]),
    ) -> Result<(), ConditionalsError> {
        let (width, vocabulary) = (space.template().len(), model.vocabulary());
        for batch in questions.chunks(self.options.batch_rows) {
            progress.checkpoint()?;
            let mut rows = Vec::with_capacity(batch.len());
            self.asked.clear(batch.len());
            let mut place = |question: &Question| {
                let state = &states[question.chain * width..][..width];
                let row = Row { state, position: space.free()[question.place] };
                if self.options.dedupe {
                    return self.asked.place(&mut rows, row);
                }
                rows.push(row);
                rows.len() as u32 - 1
            };
            let answers: Vec<u32> = batch.iter().map(&mut place).collect();
            ask_into(model, &rows, self.options.precision, &mut self.logits)?;
            self.rows += rows.len() as u64;
            for (question, answer) in batch.iter().zip(answers) {
                each(question, &self.logits[answer as usize * vocabulary..][..vocabulary]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "tests/metropolis.rs"]
mod tests;
