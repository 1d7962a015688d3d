//! Everything that can be said of verdicts, computed at once: what the window shows and the command line writes.

use std::sync::Arc;

use super::aggregation::RankError;
use super::agreement::{Agreement, agreement};
use super::bootstrap::{BootstrapError, bootstrap, bootstrap_wins};
use super::by_clause::{ClauseShares, Consistency, clause_shares, consistency};
use super::comparison::{Comparison, comparisons};
use super::held_out::{HeldOut, held_out};
use super::iia::{Independence, IndependenceError, independence};
use super::length::{LengthBias, length_bias};
use super::position::{PositionBias, position_bias};
use super::ranks::{Margins, Ranks, margins, ranks};
use super::reliability::{Reliability, reliability};
use super::trajectory::{Settling, trajectory};
use super::transitivity::{Circles, Triple, circles, transitivity};
use super::verdicts::{Cluster, Selection, Unit, Verdicts};
use super::votes::{Votes, Wins};
use super::{Aggregation, Method, aggregate};
use crate::progress::{Cancelled, Progress};

/// Of all intervals.
pub const LEVEL: f64 = 0.95;
/// Share of the questions that the laws of rankings do not see before they are judged on it.
const HELD_OUT: f64 = 0.2;
/// Points of a curve over questions.
const POINTS: usize = 120;

/// What is looked at, and how often it is drawn again.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Settings {
    pub selection: Selection,
    pub unit: Unit,
    pub cluster: Cluster,
    pub resamples: usize,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            unit: Unit::Votes,
            cluster: Cluster::Question,
            resamples: 1_000,
            seed: 1,
        }
    }
}

/// What one method makes of the votes.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Scored {
    pub found: Aggregation,
    /// 95 % intervals of the scores.
    pub intervals: Vec<[f64; 2]>,
    /// By model and rank, best first.
    pub rank_probabilities: Vec<Vec<f64>>,
    pub comparisons: Vec<Comparison>,
    /// Resamples without an answer.
    pub failed: usize,
}

/// One method, or why it has no answer.
#[derive(Clone, Debug, serde::Serialize)]
pub struct MethodScores {
    pub method: Method,
    pub outcome: Result<Scored, String>,
}

/// Numbers behind every part of the results.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Findings {
    pub settings: Settings,
    /// Those that were selected.
    #[serde(skip)]
    pub verdicts: Arc<Verdicts>,
    /// Names behind the places in everything else.
    pub models: Vec<String>,
    pub judges: Vec<String>,
    /// Questions with a verdict, and clauses with one.
    pub questions: u64,
    pub judged_clauses: u64,
    pub methods: Vec<MethodScores>,
    /// Models, best first by the first method with an answer.
    pub order: Vec<usize>,
    /// Pairwise counts of what counts as one comparison.
    pub wins: Wins,
    pub held_out: Vec<(Method, Result<HeldOut, String>)>,
    pub independence: Result<Independence, String>,
    pub triples: Vec<Triple>,
    pub circles: Vec<Circles>,
    pub positions: Vec<PositionBias>,
    pub lengths: Vec<LengthBias>,
    /// Agreement of each judge's looks; `None` where no question has two complete rankings.
    pub reliability: Vec<(u16, Option<Reliability>)>,
    pub agreement: Vec<Agreement>,
    pub clauses: Vec<ClauseShares>,
    pub consistency: Vec<Consistency>,
    pub ranks: Vec<Ranks>,
    pub margins: Vec<Margins>,
    pub trajectory: Vec<Settling>,
}

impl Findings {
    /// Computes everything.
    ///
    /// # Errors
    /// [`Cancelled`] where `progress` says so.
    pub fn compute(verdicts: &Verdicts, settings: &Settings, progress: &dyn Progress) -> Result<Self, Cancelled> {
        let verdicts = Arc::new(verdicts.selected(&settings.selection));
        let (by, resamples, seed) = (settings.cluster, settings.resamples, settings.seed);
        let counted = verdicts.ballots(settings.unit, by);
        let wins = counted.wins(&counted.weights());
        progress.stage("pairs drawn again");
        let wins_resampled = said(bootstrap_wins(&counted, resamples, seed, progress), &counted)?.unwrap_or_default();
        let mut methods = Vec::new();
        for method in Method::ALL {
            progress.stage(method.name());
            let outcome = scored(method, &counted, &wins, &wins_resampled, settings, progress)?;
            methods.push(MethodScores { method, outcome });
        }
        // Whole ballots from here on, whatever counts as one comparison.
        let votes = verdicts.votes(by);
        let by_question = verdicts.votes(Cluster::Question);
        progress.stage("fits without each model");
        let independence = match independence(&votes, resamples, seed, progress) {
            Err(IndependenceError::Bootstrap(BootstrapError::Cancelled(cancelled))) => return Err(cancelled),
            Err(error) => Err(error.words(&votes.models)),
            Ok(found) => Ok(found),
        };
        progress.stage("what sways judges");
        progress.checkpoint()?;
        let positions = position_bias(&verdicts, by, resamples, resamples, seed);
        progress.checkpoint()?;
        let lengths = length_bias(&verdicts, by, resamples, seed);
        let circles = circles(&verdicts, by, resamples, seed);
        progress.checkpoint()?;
        let of_judge =
            |judge: u16| (judge, reliability(&verdicts.selected(&Selection::judge(judge)).votes(Cluster::Question)));
        let heard = |judge: &u16| verdicts.verdicts.iter().any(|verdict| verdict.judge == *judge);
        let reliability = (0..verdicts.judges.len() as u16).filter(heard).map(of_judge).collect();
        let agreement = agreement(&verdicts);
        progress.checkpoint()?;
        let clauses = clause_shares(&verdicts);
        let laws = [Method::PlackettLuce, Method::Mallows].into_iter();
        let held_out = laws.filter_map(|law| Some((law, kept_back(law, &by_question, seed)?))).collect();
        let ranks = ranks(&verdicts, by, resamples, seed);
        let scores = methods.iter().find_map(|row| row.outcome.as_ref().ok()).map(|scored| &scored.found.scores);
        let mut order: Vec<usize> = (0..verdicts.models.len()).collect();
        if let Some(scores) = scores {
            order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        }
        Ok(Self {
            settings: settings.clone(),
            models: verdicts.models.clone(),
            judges: verdicts.judges.clone(),
            questions: by_question.groups.len() as u64,
            judged_clauses: clauses.len() as u64,
            order,
            triples: transitivity(&wins, &wins_resampled),
            consistency: consistency(&clauses),
            margins: margins(&by_question),
            trajectory: trajectory(&by_question, POINTS),
            verdicts,
            methods,
            wins,
            held_out,
            independence,
            circles,
            positions,
            lengths,
            reliability,
            agreement,
            clauses,
            ranks,
        })
    }

    /// The name of a model.
    pub fn model(&self, place: usize) -> &str {
        &self.verdicts.models[place]
    }

    /// The name of a judge, or of all of them.
    pub fn judge(&self, place: Option<u16>) -> &str {
        place.map_or("all judges", |place| &self.verdicts.judges[usize::from(place)])
    }

    /// What a method found, or why it found nothing.
    pub fn by(&self, method: Method) -> Result<&Scored, &str> {
        let found = self.methods.iter().find(|row| row.method == method);
        found.map_or(Err("not computed"), |row| row.outcome.as_ref().map_err(String::as_str))
    }
}

/// An answer, or why there is none in words; only being cancelled ends the whole.
fn said<T>(found: Result<T, BootstrapError>, votes: &Votes) -> Result<Result<T, String>, Cancelled> {
    match found {
        Ok(found) => Ok(Ok(found)),
        Err(BootstrapError::Cancelled(cancelled)) => Err(cancelled),
        Err(error) => Ok(Err(error.words(&votes.models))),
    }
}

fn scored(
    method: Method,
    votes: &Votes,
    wins: &Wins,
    wins_resampled: &[Wins],
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Result<Scored, String>, Cancelled> {
    let found = match aggregate(method, votes, &votes.weights()) {
        Ok(found) => found,
        Err(error) => return Ok(Err(error.words(&votes.models))),
    };
    let drawn = said(bootstrap(method, votes, settings.resamples, settings.seed, progress), votes)?;
    Ok(drawn.map(|drawn| Scored {
        intervals: drawn.intervals(LEVEL),
        rank_probabilities: drawn.rank_probabilities(),
        comparisons: comparisons(method, &found.scores, wins, &drawn, wins_resampled, LEVEL),
        failed: drawn.failed,
        found,
    }))
}

fn kept_back(law: Method, votes: &Votes, seed: u64) -> Option<Result<HeldOut, String>> {
    match held_out(law, votes, HELD_OUT, seed) {
        Ok(found) => found.map(Ok),
        // One question cannot be parted into seen and unseen.
        Err(RankError::TooFew) => None,
        Err(error) => Some(Err(error.words(&votes.models))),
    }
}
