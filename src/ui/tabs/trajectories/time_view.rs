//! What takes time, ready to draw: stays and returns, the Markov state model, recurrence plots.

use super::{figures, words};
use crate::figures::figure::Figure;
use crate::figures::number;
use crate::glauber::trajectories::{BasinDwell, BasinKind, Dwell, MetastableBasins, RecurrenceResult};
use crate::statistics::{Crossing, KaplanMeier, Lifetime, RecurrenceMeasures};

/// Basins whose stays are worked out at most: the highest-ranked traps.
const TIMED: usize = 40;

/// A median read off a Kaplan-Meier curve, with the interval its band gives; sweeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Median {
    pub estimate: Crossing,
    pub lower: Option<u64>,
    pub upper: Option<u64>,
}

impl Median {
    /// Where curve and band cross one half.
    pub fn of(curve: &KaplanMeier) -> Self {
        let first = |bound: fn(&crate::statistics::SurvivalPoint) -> f64| {
            curve.points.iter().find(|point| bound(point) <= 0.5).map(|point| point.time)
        };
        Self { estimate: curve.crossing(0.5), lower: first(|p| p.lower), upper: first(|p| p.upper) }
    }
}

/// Lifetimes from `(sweeps, event)`.
pub fn lifetimes(times: &[(f64, bool)]) -> Vec<Lifetime> {
    times.iter().map(|&(time, event)| Lifetime { time: time.round() as u64, event }).collect()
}

/// Stays in one basin and absences from it.
pub struct TimedBasin {
    pub found: BasinDwell,
    pub name: String,
    pub stays: KaplanMeier,
    pub median: Median,
    pub stays_figure: Figure,
    pub returns: KaplanMeier,
    pub return_median: Median,
    pub returns_figure: Figure,
}

/// Stays and returns of the timed notion of basin, the strongest trap first.
pub struct Timing {
    pub kind: BasinKind,
    pub basins: Vec<TimedBasin>,
    /// Basins that were timed, listed or not.
    pub total: usize,
    pub rule: String,
}

impl Timing {
    /// Works out curves and medians.
    pub fn new(dwell: &Dwell, kind: BasinKind) -> Self {
        let basins = dwell
            .basins
            .iter()
            .take(TIMED)
            .map(|found| {
                let name = words::basin_name(kind, found.basin);
                let stays = KaplanMeier::new(&lifetimes(&dwell.dwell_times(found.basin)));
                let returns = KaplanMeier::new(&lifetimes(&dwell.return_times(found.basin)));
                TimedBasin {
                    median: Median::of(&stays),
                    stays_figure: figures::stays(&name, &stays),
                    return_median: Median::of(&returns),
                    returns_figure: figures::returns(&name, &returns),
                    name,
                    stays,
                    returns,
                    found: found.clone(),
                }
            })
            .collect();
        let rule = match dwell.iat_sweeps {
            Some(iat) => format!(
                "A basin is called recurrent here when at least {} of the chains visit it and one chain re-enters it {} or \
                 more after an absence of {} autocorrelation times ({} sweeps).",
                number::percent(dwell.rule.share_of_chains),
                number::counted(dwell.rule.reentries as u64, "time", "times"),
                number::general(dwell.rule.absence_iat, 3),
                number::general(dwell.rule.absence_iat * iat, 3),
            ),
            None => {
                "Whether a basin is recurrent cannot be said: the chains are too short, or do not move, so that the \
                     autocorrelation time is not known."
                    .to_owned()
            }
        };
        Self { kind, basins, total: dwell.basins.len(), rule }
    }
}

/// The Markov state model.
pub struct Markov {
    pub timescales: Figure,
    /// Without metastable sets there is nothing to test.
    pub chapman_kolmogorov: Option<Figure>,
    pub sentences: Vec<String>,
}

impl Markov {
    /// Draws the test and says what was done.
    pub fn new(found: &MetastableBasins) -> Self {
        let every = found.sweeps_per_snapshot;
        let lag = found.settings.lag as u64 * every;
        let mut sentences = vec![format!(
            "{} at a lag of {}.",
            number::counted(found.microstates as u64, "microstate", "microstates"),
            number::counted(lag, "sweep", "sweeps")
        )];
        match &found.relaxation {
            Some(relaxation) => {
                let model = &relaxation.model;
                sentences.push(format!(
                    "{} of {} visited microstates can be reached from each other and back; {} of the counted transitions stay \
                     among them.",
                    model.active.len(),
                    model.visited,
                    number::percent(model.counted_share)
                ));
                sentences.push(format!(
                    "{}, by: {}. The smallest membership is {}{}",
                    number::counted(relaxation.basins.len() as u64, "metastable set", "metastable sets"),
                    relaxation.method,
                    number::fixed(relaxation.least_membership, 2),
                    if relaxation.least_membership < -0.1 { ": the sets overlap." } else { "." }
                ));
            }
            None => sentences.push(
                "No metastable set was found: too few transitions lead back, so that nothing says how slowly the chain \
                 relaxes. Longer chains may show more."
                    .to_owned(),
            ),
        }
        let active = found.timescales.iter().map(|at| at.active_states);
        if active.clone().min() != active.max() {
            sentences.push(
                "The connected set changes with the lag; timescales of different lags are not of one model.".to_owned(),
            );
        }
        Self {
            timescales: figures::timescales(found),
            chapman_kolmogorov: found.relaxation.as_ref().map(|r| figures::chapman_kolmogorov(r, lag)),
            sentences,
        }
    }
}

/// The recurrence plot of one chain.
pub struct RecurrenceView {
    pub chain: usize,
    pub figure: Figure,
    /// Snapshots between two rows of the figure.
    pub stride: usize,
    pub measures: RecurrenceMeasures,
}

impl RecurrenceView {
    /// Of all chains that were read.
    pub fn all(found: &RecurrenceResult, every: u64) -> Vec<Self> {
        found
            .plots
            .iter()
            .map(|plot| Self {
                chain: plot.chain,
                stride: plot.stride * plot.kept_stride,
                figure: figures::recurrence(plot, found.threshold, every),
                measures: plot.measures,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_beyond_the_observation_is_no_number() {
        let curve = KaplanMeier::new(&lifetimes(&[(3.0, true), (10.0, false), (10.0, false)]));
        let median = Median::of(&curve);
        assert_eq!(median.estimate.time(), None);
        assert_eq!((words::median(&median), median.upper), (">= 10 sweeps (censored 67 %)".to_owned(), None));
        let curve = KaplanMeier::new(&lifetimes(&[(2.0, true), (4.0, true), (4.0, true), (6.0, true)]));
        assert_eq!(Median::of(&curve).estimate.time(), Some(4));
    }
}
