//! What coupled pairs draw, worked out on a background thread when results arrive.

use super::super::figures::{self, Mean, Survival};
use super::super::phase::pairs_table;
use super::super::words;
use super::singles::SinglesView;
use crate::figures::figure::Figure;
use crate::figures::number;
use crate::glauber::chain::Meeting;
use crate::glauber::experiments::mix::{MAIN, MixResult, MixSpec};
use crate::glauber::experiments::theory::Theory;
use crate::jobs::chains::RESULT;
use crate::store::{Project, RunId, StoreError};
use crate::ui::command::Table;

/// Results of a mix run so far, ready to draw.
pub struct PairsView {
    pub spec: MixSpec,
    pub result: MixResult,
    pub survival: Figure,
    pub hamming: Figure,
    pub drift: Figure,
    pub lag: Option<Figure>,
    /// Largest and mean influence.
    pub influence: Vec<Figure>,
    pub margins: Option<Figure>,
    pub shells: Option<Table>,
    pub pairs: Table,
    pub meetings: Vec<Meeting>,
    /// `None` until the single chains have ended, or without them.
    pub singles: Option<SinglesView>,
}

impl PairsView {
    /// Reads what the run has committed; `None` before its first summary.
    pub fn load(project: &Project, run: RunId, spec: &MixSpec) -> Result<Option<Self>, StoreError> {
        let Some(result) = project.document::<MixResult>(run, RESULT)? else { return Ok(None) };
        let meetings = project.chain_meetings(run, Some(MAIN as u32))?;
        Ok(Some(Self::new(spec, result, meetings)))
    }

    /// Works out figures and tables.
    pub fn new(spec: &MixSpec, result: MixResult, meetings: Vec<Meeting>) -> Self {
        let summary = &result.summary;
        let n = summary.sites;
        let about = format!(
            "{}, τ = {}, n = {n}, {}",
            spec.model,
            spec.temperature,
            words::dynamics(spec.coupling, spec.scan, &spec.start, &spec.vocabulary)
        );
        let survival: Vec<Survival> = summary
            .survival
            .iter()
            .map(|row| Survival { step: row.step, s: row.s, lower: row.lower, upper: row.upper })
            .collect();
        let censored: Vec<u64> = meetings.iter().filter(|m| !m.met).map(|m| m.time).collect();
        let horizon = summary.restricted_mean.horizon;
        let distances: Vec<Mean> = summary
            .hamming
            .iter()
            .map(|row| Mean { x: row.step as f64, mean: row.mean, standard_error: row.standard_error })
            .collect();
        let drift: Vec<Mean> = summary
            .drift
            .iter()
            .map(|row| Mean { x: f64::from(row.h), mean: row.drift, standard_error: row.standard_error })
            .collect();
        let theory = result.theory.as_ref();
        Self {
            survival: figures::survival(&survival, &censored, horizon, &summary.t_couple, n, &about),
            hamming: figures::hamming(&distances, n, &about),
            drift: figures::drift(&drift, &about),
            lag: (!result.lag_bounds.is_empty()).then(|| figures::lag_bounds(&result.lag_bounds, n, result.lag)),
            influence: theory.map(influence).unwrap_or_default(),
            margins: theory.and_then(|theory| theory.margin.as_ref()).map(figures::margins),
            shells: theory.and_then(shells),
            pairs: pairs_table(&meetings, n),
            singles: spec
                .singles
                .as_ref()
                .zip(result.singles.as_ref())
                .map(|(spec, found)| SinglesView::new(spec, found)),
            spec: spec.clone(),
            result,
            meetings,
        }
    }
}

fn influence(theory: &Theory) -> Vec<Figure> {
    let Some(found) = &theory.influence else { return Vec::new() };
    let Some(at) = found.at.first() else { return Vec::new() };
    let sample = format!(
        "over {} sampled states with {} replacements a position, τ = {}",
        number::count(found.states),
        found.replacements,
        at.temperature
    );
    vec![
        figures::influence(
            &at.max_lower,
            "Largest influence seen",
            format!("Largest total variation {sample}: a lower bound on the true influence."),
        ),
        figures::influence(
            &at.mean,
            "Typical influence",
            format!("Mean total variation {sample}: an estimate for these states, not a bound."),
        ),
    ]
}

fn shells(theory: &Theory) -> Option<Table> {
    let profile = theory.margin.as_ref()?;
    let rows = profile.shells.iter().map(|shell| {
        vec![
            shell.distance.to_string(),
            number::count(shell.samples as u64),
            number::nats(shell.min_upper),
            number::nats(shell.quantiles[3]),
            shell.greedy.as_ref().map_or("–".to_owned(), |(margin, _)| number::nats(*margin)),
            shell.eta_lower.first().map_or("–".to_owned(), |&eta| number::probability(eta)),
        ]
    });
    let header = [
        "distance",
        "states",
        "smallest margin seen (nats), upper bound",
        "median margin (nats)",
        "adversary (nats)",
        "largest deviation probability seen, lower bound",
    ];
    Some(Table { name: "margin shells".to_owned(), header: header.map(str::to_owned).to_vec(), rows: rows.collect() })
}
