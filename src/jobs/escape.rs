//! An escape run: the anchors and their margins first, then chains at all lengths and temperatures, committed about once a
//! second.

use super::chains::{RESULT, options};
use super::work::{Bench, JobError, RunOutcome};
use crate::glauber::chain::{Ensemble, EnsembleState};
use crate::glauber::experiments::escape::{self, Ball, EscapeSpec};

/// From where an escape run goes on.
#[derive(serde::Serialize, serde::Deserialize)]
struct EscapeState {
    ball: Ball,
    /// At the lengths beside the first.
    #[serde(default)]
    further: Vec<Ball>,
    ensemble: EnsembleState,
}

impl Bench<'_> {
    pub(super) fn escape(&self, spec: &EscapeSpec) -> Result<RunOutcome, JobError> {
        spec.check()?;
        let lengths = spec.lengths();
        let opened = lengths.iter().map(|&length| match &spec.template {
            Some(_) => self.open(&spec.model),
            None => self.open_at(&spec.model, length),
        });
        let opened = opened.collect::<Result<Vec<_>, JobError>>()?;
        // A toy is another one at each length, a network the same one at all.
        let mut identities: Vec<_> = Vec::new();
        for model in &opened {
            if !identities.contains(&model.identity) {
                identities.push(model.identity.clone());
            }
        }
        self.models(&identities)?;
        let shared: Vec<_> = opened.iter().map(|model| model.for_chains()).collect();
        let models: Vec<_> = shared.iter().map(|model| &**model).collect();
        let each = |place: usize| spec.at_length(place);
        let spaces = models.iter().enumerate().map(|(place, &model)| each(place).space(model));
        let spaces = spaces.collect::<Result<Vec<_>, _>>()?;
        let options = options(opened.iter().all(|model| model.is_toy()));
        let kept = self.ledger.chains::<EscapeState>()?;
        let (balls, kept) = match kept {
            Some((EscapeState { ball, further, ensemble }, meetings)) => {
                self.ledger.note("info", &format!("going on after {} escapes", meetings.len()))?;
                (std::iter::once(ball).chain(further).collect(), Some((ensemble, meetings)))
            }
            None => {
                let mut balls = Vec::with_capacity(models.len());
                for (place, (&model, space)) in models.iter().zip(&spaces).enumerate() {
                    if models.len() > 1 {
                        self.ledger.note("info", &format!("looking for the anchor at length {}", lengths[place]))?;
                    }
                    balls.push(each(place).ball(model, space, self.progress)?);
                }
                (balls, None)
            }
        };
        let balls: Vec<_> = spaces.into_iter().zip::<Vec<Ball>>(balls).collect();
        let cells = spec.cells(&balls);
        let (mut ensemble, mut meetings) = match kept {
            Some((kept, meetings)) => (Ensemble::resume(models.clone(), cells, options, kept)?, meetings),
            None => (Ensemble::new(models.clone(), cells, options)?, Vec::new()),
        };
        self.progress.stage("chains leaving the anchor");
        self.chains_to_the_end(
            &mut ensemble,
            &mut meetings,
            |_| {},
            |ensemble| EscapeState {
                ball: balls[0].1.clone(),
                further: balls[1..].iter().map(|(_, ball)| ball.clone()).collect(),
                ensemble,
            },
            |ensemble, meetings| {
                let so_far = escape::findings(spec, &models, &balls, ensemble, meetings)?;
                self.ledger.document(RESULT, &so_far).map_err(JobError::from)
            },
        )?;
        self.progress.stage("summing up");
        let found = escape::findings(spec, &models, &balls, &ensemble, &meetings)?;
        self.ledger.document(RESULT, &found)?;
        opened.iter().for_each(|model| model.rest());
        Ok(RunOutcome::Escape(Box::new(found)))
    }
}
