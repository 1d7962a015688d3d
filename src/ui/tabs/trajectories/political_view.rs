//! What the political probe saw, ready to draw.

use super::time_view::{Median, lifetimes};
use super::{figures, words};
use crate::figures::figure::Figure;
use crate::figures::number;
use crate::glauber::probe::{Instrument, PoliticalResult};
use crate::statistics::KaplanMeier;
use crate::ui::command::Table;

/// Label of the political set in an instrument's stays.
const INSIDE: usize = 1;

/// One instrument.
pub struct InstrumentView {
    pub instrument: Instrument,
    pub rule: String,
    /// `12.3 % (9.1 to 16.4 %)`.
    pub share: String,
    pub entry: String,
    pub exit: String,
    pub median: Median,
    pub over_time: Figure,
}

/// All three, and how good they are.
pub struct PoliticalView {
    pub instruments: Vec<InstrumentView>,
    /// Shares beside the baselines.
    pub shares: Table,
    pub baselines: Figure,
    pub stays: Figure,
    pub quality: Table,
    pub calibration: Figure,
    pub brier: f64,
    /// How the probe was made.
    pub made: String,
}

impl PoliticalView {
    /// Works out tables and figures.
    pub fn new(found: &PoliticalResult) -> Self {
        let report = &found.probe;
        let instruments: Vec<InstrumentView> = found
            .instruments
            .iter()
            .map(|seen| {
                let judged = report.instruments.iter().find(|judged| judged.instrument == seen.instrument);
                let rule =
                    judged.map_or(String::new(), |judged| crate::ui::format::sentence(&format!("{}.", judged.rule)));
                let stays = KaplanMeier::new(&lifetimes(&seen.dwell.dwell_times(INSIDE)));
                InstrumentView {
                    instrument: seen.instrument,
                    rule,
                    share: words::share(&seen.share),
                    entry: words::rate(&seen.entry),
                    exit: words::rate(&seen.exit),
                    median: Median::of(&stays),
                    over_time: figures::over_time(seen),
                }
            })
            .collect();
        let curves: Vec<(Instrument, KaplanMeier)> = found
            .instruments
            .iter()
            .map(|seen| (seen.instrument, KaplanMeier::new(&lifetimes(&seen.dwell.dwell_times(INSIDE)))))
            .collect();
        Self {
            shares: shares(found, &instruments),
            baselines: figures::baselines(found),
            stays: figures::political_stays(&curves),
            quality: quality(found),
            calibration: figures::calibration(report),
            brier: report.brier,
            made: format!(
                "Embedding: {}. Trained on {}, tested on {} that were held out; penalty {}{}.",
                report.embedding,
                number::counted(report.trained_on as u64, "statement", "statements"),
                report.held_out,
                number::general(report.penalty, 3),
                if report.converged { "" } else { " (the fit had not settled)" }
            ),
            instruments,
        }
    }
}

fn shares(found: &PoliticalResult, instruments: &[InstrumentView]) -> Table {
    let mut header: Vec<String> = ["instrument", "share of snapshots (95 % interval)"].map(str::to_owned).to_vec();
    let kinds: Vec<_> = found.instruments.first().map_or(Vec::new(), |seen| seen.baselines.clone());
    header.extend(kinds.iter().map(|baseline| format!("baseline: {}", words::baseline_name(baseline.kind))));
    header.extend(["entries per sweep outside", "exits per sweep inside", "median stay inside"].map(str::to_owned));
    let rows = found
        .instruments
        .iter()
        .zip(instruments)
        .map(|(seen, view)| {
            let mut row = vec![words::instrument_name(seen.instrument).to_owned(), view.share.clone()];
            row.extend(seen.baselines.iter().map(|baseline| words::share_of(baseline.share, baseline.interval)));
            row.extend([view.entry.clone(), view.exit.clone(), words::median(&view.median)]);
            row
        })
        .collect();
    Table { name: "political shares".to_owned(), header, rows }
}

fn quality(found: &PoliticalResult) -> Table {
    let header = [
        "instrument",
        "AUC (95 % interval)",
        "sensitivity (95 % interval)",
        "specificity (95 % interval)",
        "threshold",
    ];
    let rows = found
        .probe
        .instruments
        .iter()
        .map(|judged| {
            let [low, high] = judged.auc_interval;
            vec![
                words::instrument_name(judged.instrument).to_owned(),
                format!("{} ({} to {})", number::fixed(judged.auc, 3), number::fixed(low, 3), number::fixed(high, 3)),
                words::share_of(judged.sensitivity, Some(judged.sensitivity_interval)),
                words::share_of(judged.specificity, Some(judged.specificity_interval)),
                number::general(judged.threshold, 3),
            ]
        })
        .collect();
    Table { name: "probe quality".to_owned(), header: header.map(str::to_owned).to_vec(), rows }
}
