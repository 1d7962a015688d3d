//! The survey run: subjects and their contexts, batches committed as they come, strata refreshed meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::work::{Bench, JobError, RunOutcome, folder_of, tokenize};
use crate::glauber::conditionals::{Conditionals, ConditionalsError, ModelIdentity};
use crate::glauber::survey::{self, Control, Subject, SurveySpec};
use crate::store::{StoreError, SurveyContextRow, SurveySubjectRow};

/// The Ising control: twelve spins, so that every stratum of distance occurs in it.
const ISING: &str = "ising:n=12,beta=0.5,shape=chain";
/// Stream of the generator that draws the Ising control's states; the science uses streams by item.
const ISING_STREAM: u64 = u64::MAX - 1;
/// Seed of the random-init control's weights.
const RANDOM_INIT_SEED: u64 = 1;
/// Strata are refreshed no more often than this, and take at most a tenth of the time.
const REFRESH: Duration = Duration::from_secs(3);

/// Subjects as the science takes them and as the store keeps them.
type Asked = (Vec<Subject>, Vec<SurveySubjectRow>);

impl Bench<'_> {
    pub(super) fn survey(&self, spec: &SurveySpec) -> Result<RunOutcome, JobError> {
        let mut records = self.ledger.earlier_records()?;
        let first = records.len() as u64;
        let (subjects, rows) = self.subjects(spec, first == 0)?;
        self.ledger.subjects(&rows, first > 0)?;
        let total = survey::plan(spec, &subjects);
        let note = match first {
            0 => format!("sampled {total} rectangles"),
            _ => format!("going on after {first} of {total} rectangles"),
        };
        self.ledger.note("info", &note)?;
        let names: Vec<(String, Option<Control>)> = rows.into_iter().map(|row| (row.name, row.control)).collect();

        // A failed write comes back from the science as the backend's failure; this keeps what it was.
        let mut refused = None;
        let (mut refreshed, mut pause) = (Instant::now(), REFRESH);
        let mut commit = |batch: &[survey::Record]| {
            let mut write = || {
                self.ledger.records(batch)?;
                records.extend_from_slice(batch);
                if self.ledger.project().is_some() && refreshed.elapsed() >= pause {
                    let began = Instant::now();
                    self.ledger.strata(&survey::summarise(spec, &names, &records))?;
                    refreshed = Instant::now();
                    pause = REFRESH.max(began.elapsed() * 9);
                }
                Ok(())
            };
            write().map_err(|error: StoreError| {
                let message = error.to_string();
                refused = Some(JobError::from(error));
                message
            })
        };
        let worked = survey::run(spec, &subjects, first, &mut commit, self.progress);
        if let Some(error) = refused {
            return Err(error);
        }
        worked?;
        self.progress.stage("summing up the strata");
        let strata = survey::summarise(spec, &names, &records);
        self.ledger.strata(&strata)?;
        let subjects = names.into_iter().map(|(name, _)| name).collect();
        Ok(RunOutcome::Survey { subjects, records, strata })
    }

    /// The model, the models beside it, the random-init control, the Ising control; in this order.
    fn subjects(&self, spec: &SurveySpec, tell: bool) -> Result<Asked, JobError> {
        let mut wanted: Vec<(String, String, Option<Control>)> = std::iter::once(&spec.model)
            .chain(&spec.beside)
            .map(|model| (model.clone(), model.clone(), None))
            .collect();
        if spec.controls.contains(&Control::RandomInit) {
            let place = folder_of(self.ledger.project(), &spec.model);
            let like = place.as_deref().unwrap_or(&spec.model);
            let reference = format!("random-like:{like},seed={RANDOM_INIT_SEED}");
            wanted.push((format!("{} with random weights", spec.model), reference, Some(Control::RandomInit)));
        }
        if spec.controls.contains(&Control::Ising) {
            wanted.push(("Ising model".to_owned(), ISING.to_owned(), Some(Control::Ising)));
        }
        let (mut subjects, mut rows, mut identities) = (Vec::<Subject>::new(), Vec::new(), Vec::<ModelIdentity>::new());
        for (name, reference, control) in wanted {
            let model = self.open(&reference)?;
            identities.push(model.identity.clone());
            self.models(&identities)?;
            let contexts = match control {
                Some(Control::Ising) => {
                    let count = subjects.first().map_or(0, |subject| subject.contexts.len());
                    random_states(&*model.conditionals, count, spec.seed)
                }
                _ => self.contexts(&*model.conditionals, &spec.sentences, tell.then_some(&*name))?,
            };
            if contexts.is_empty() {
                return Err(JobError::Input(format!(
                    "none of the {} sentences fits {name}. Give sentences of two or more of its tokens",
                    spec.sentences.len()
                )));
            }
            subjects.push(Subject {
                name: name.clone(),
                model: Arc::clone(&model.conditionals),
                contexts: contexts.iter().map(|context| context.tokens.clone()).collect(),
                control,
            });
            rows.push(SurveySubjectRow { name, control, contexts });
        }
        Ok((subjects, rows))
    }

    /// Sentences that fit the model; `tell` names the subject for the log lines about those that do not.
    fn contexts(
        &self,
        model: &dyn Conditionals,
        sentences: &[String],
        tell: Option<&str>,
    ) -> Result<Vec<SurveyContextRow>, JobError> {
        let (min, max) = model.sites();
        let mut contexts = Vec::new();
        for (number, sentence) in (0_u32..).zip(sentences) {
            self.progress.checkpoint()?;
            let fitting = tokenize(model, sentence).and_then(|tokens| {
                if tokens.len() < min.max(2) || tokens.len() > max {
                    let error = ConditionalsError::Length { got: tokens.len(), min: min.max(2), max };
                    Err(format!("the sentence {sentence:?} does not fit: {error}"))
                } else {
                    Ok(tokens)
                }
            });
            match (fitting, tell) {
                (Ok(tokens), _) => contexts.push(SurveyContextRow { sentence: Some(number), tokens }),
                (Err(reason), Some(name)) => self.ledger.note("warning", &format!("{name}: left out: {reason}"))?,
                (Err(_), None) => {}
            }
        }
        Ok(contexts)
    }
}

/// Uniform random states of a spin model.
fn random_states(model: &dyn Conditionals, count: usize, seed: u64) -> Vec<SurveyContextRow> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(ISING_STREAM);
    let (sites, vocabulary) = (model.sites().0, model.vocabulary() as u32);
    (0..count)
        .map(|_| SurveyContextRow {
            sentence: None,
            tokens: (0..sites).map(|_| generator.random_range(0..vocabulary)).collect(),
        })
        .collect()
}
