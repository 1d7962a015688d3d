//! A collection: models respond to scenarios, reflect on one another's responses and compare them in both orders. Every reply is
//! kept as it comes, so that a run goes on where it was stopped and asks nothing twice; rows are derived from replies.

mod comparing;
mod coverage;
mod greenbeard;
mod judgements;
mod spec;
mod texts;

use super::calls::Switchboard;
use super::speaker::Speaker;
use super::work::{Bench, JobError, RunOutcome};
use crate::dempo::preference::Message;
use crate::eigenbench::comparisons::Comparison;
use crate::providers::chat::ChatRequest;
use crate::store::ComparisonRow;
use texts::Texts;

pub use coverage::{ChoiceCounts, Cost, Coverage, CriterionCoverage, ModelCoverage, TextCounts};
pub use greenbeard::{colluders, collusion_series};
pub use judgements::{JudgedBy, Judgements};
pub use spec::{CollectSpec, Participant};

/// Names of documents in a project: what was lost on the way, and lengths of responses.
pub const COVERAGE: &str = "collection-coverage";
pub const LENGTHS: &str = "collection-lengths";

/// Words of each model's response to each scenario, `[scenarios][models]`; `None` where it has none that was shown.
pub type Lengths = Vec<Vec<Option<u32>>>;

/// Requests that are made up at once; their texts are in memory together.
const BATCH: usize = 512;

/// What a collection came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Collected {
    /// By constitution, scenario, pass, judge, pair and criterion.
    pub rows: Vec<ComparisonRow>,
    pub lengths: Lengths,
    pub coverage: Coverage,
}

impl Bench<'_> {
    pub(super) fn collect(&self, spec: &CollectSpec) -> Result<RunOutcome, JobError> {
        spec.check().map_err(JobError::Input)?;
        let plan = spec.plan();
        let mut coverage = Coverage::of(spec);
        let mut panel = Panel::new(self, spec)?;
        let responses = panel.responses(&plan, &mut coverage)?;
        let reflections = panel.reflections(&plan, &responses, &mut coverage)?;
        let rows = panel.comparisons(&plan, &responses, &reflections, &mut coverage)?;
        let lengths = lengths(spec, &responses);
        self.ledger.put_comparisons(&rows)?;
        self.ledger.document(COVERAGE, &coverage)?;
        self.ledger.document(LENGTHS, &lengths)?;
        for warning in coverage.warnings() {
            self.ledger.note("warning", &warning)?;
        }
        Ok(RunOutcome::Collect(Box::new(Collected { rows, lengths, coverage })))
    }
}

/// Everybody who is asked, over one switchboard.
struct Panel<'a, 'b> {
    bench: &'a Bench<'b>,
    spec: &'a CollectSpec,
    board: Switchboard<'a, 'b>,
    /// The speaker of each model; personas of one language model share theirs, and with it an open model or a pace.
    speaker_of: Vec<usize>,
}

impl<'a, 'b> Panel<'a, 'b> {
    fn new(bench: &'a Bench<'b>, spec: &'a CollectSpec) -> Result<Self, JobError> {
        let mut speakers: Vec<Speaker> = Vec::new();
        let mut speaker_of = Vec::with_capacity(spec.models.len());
        for model in &spec.models {
            let known = speakers.iter().position(|known| *known == model.speaker);
            speaker_of.push(known.unwrap_or_else(|| {
                speakers.push(model.speaker.clone());
                speakers.len() - 1
            }));
        }
        let board = Switchboard::new(bench, speakers, spec.budget, &spec.prices)?;
        Ok(Self { bench, spec, board, speaker_of })
    }

    fn request(&self, model: u16, messages: Vec<Message>, of: Kind, sample: u32) -> ChatRequest {
        let (temperature, longest) = match of {
            Kind::Response => (self.spec.response_temperature, self.spec.longest_response),
            Kind::Reflection => (self.spec.judge_temperature, self.spec.longest_reflection),
            Kind::Verdict => (self.spec.judge_temperature, self.spec.longest_verdict),
        };
        ChatRequest {
            model: self.spec.models[usize::from(model)].speaker.model().to_owned(),
            messages,
            temperature,
            longest,
            stop: Vec::new(),
            // Providers that take a seed would answer a second look like the first.
            seed: Some(self.spec.seed.wrapping_add(u64::from(sample))),
            sample,
        }
    }
}

/// The three kinds of calls.
#[derive(Clone, Copy)]
enum Kind {
    Response,
    Reflection,
    Verdict,
}

fn lengths(spec: &CollectSpec, responses: &Texts) -> Lengths {
    let words = |scenario: u32, model: u16| {
        let said = responses.get(&(0, scenario, 0, model))?;
        Some(said.text.split_whitespace().count() as u32)
    };
    let of_scenario = |scenario| (0..spec.models.len() as u16).map(|model| words(scenario, model)).collect();
    (0..spec.scenarios.len() as u32).map(of_scenario).collect()
}

/// Rows as they are fitted: those of one constitution, or of all with criteria counted on from one to the next.
pub fn comparisons(spec: &CollectSpec, rows: &[ComparisonRow], constitution: Option<usize>) -> Vec<Comparison> {
    let mut first_criterion = vec![0u16];
    for constitution in &spec.constitutions {
        let last = first_criterion.last().copied().unwrap_or_default();
        first_criterion.push(last + spec.form.choices(constitution.clauses.len()) as u16);
    }
    judgements::fitted(rows, &first_criterion, constitution)
}
