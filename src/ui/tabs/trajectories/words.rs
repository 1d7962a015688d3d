//! The tab's sentences: the verdict, names, captions, in the reader's words.

use super::super::shared::start_law;
use super::time_view::{Median, Timing};
use super::view::View;
use crate::figures::number;
use crate::glauber::chain::{Energy, Scan};
use crate::glauber::experiments::trajectories::TrajectoriesSpec;
use crate::glauber::experiments::{Dynamics, ReferenceReport, StartChoice};
use crate::glauber::probe::{BaselineKind, Instrument, RateEstimate};
use crate::glauber::trajectories::{BasinKind, StartDependence};
use crate::jobs::spec::RunSpec;
use crate::statistics::Crossing;
use crate::statistics::markov_state_model::BootstrapShare;
use crate::store::RunRow;
use crate::ui::widgets::VerdictKind;

/// Order of updates, for a choice.
pub fn scan_name(scan: Scan) -> &'static str {
    match scan {
        Scan::Random => "a random token each time",
        Scan::Systematic => "from left to right",
        Scan::Permutation => "a fresh random order each sweep",
    }
}

/// A notion of basin, plural, at the beginning of a line.
pub fn kind_name(kind: BasinKind) -> &'static str {
    match kind {
        BasinKind::Attractors => "Attractors",
        BasinKind::Clusters => "Clusters",
        BasinKind::Metastable => "Metastable sets",
    }
}

/// One basin of a notion.
pub fn kind_singular(kind: BasinKind) -> &'static str {
    match kind {
        BasinKind::Attractors => "attractor",
        BasinKind::Clusters => "cluster",
        BasinKind::Metastable => "metastable set",
    }
}

/// What a notion of basin is, in a sentence.
pub fn kind_sentence(kind: BasinKind) -> &'static str {
    match kind {
        BasinKind::Attractors => "Snapshots that lead to the same state at temperature 0.",
        BasinKind::Clusters => "Snapshots whose embeddings lie together (k-means on the principal components).",
        BasinKind::Metastable => "Groups of microstates between which the chain relaxes slowly (Markov state model).",
    }
}

/// `cluster 3`.
pub fn basin_name(kind: BasinKind, basin: usize) -> String {
    let short = if kind == BasinKind::Metastable { "set" } else { kind_singular(kind) };
    format!("{short} {}", basin + 1)
}

/// A share with its interval: `12.3 % (9.1 to 16.4 %)`.
pub fn share_of(share: f64, interval: Option<[f64; 2]>) -> String {
    match interval {
        Some([lower, upper]) => {
            format!("{} ({} to {})", number::percent(share), number::percent(lower), number::percent(upper))
        }
        None => format!("{} (no interval)", number::percent(share)),
    }
}

/// The same of a bootstrap share.
pub fn share(share: &BootstrapShare) -> String {
    share_of(share.share, share.interval)
}

/// Events per sweep.
pub fn rate(rate: &RateEstimate) -> String {
    match (rate.per_sweep, rate.interval) {
        (None, _) => "never at risk".to_owned(),
        (Some(value), Some([lower, upper])) if rate.events > 0 => {
            format!("{} ({} to {})", number::general(value, 3), number::general(lower, 3), number::general(upper, 3))
        }
        (Some(_), Some([_, upper])) => format!("none seen (below {})", number::general(upper, 3)),
        (Some(value), None) => format!("{} (no interval)", number::general(value, 3)),
    }
}

/// A time in sweeps, or that it is only known to be longer.
pub fn crossing(crossing: &Crossing) -> String {
    match crossing {
        Crossing::Reached { time } => number::counted(*time, "sweep", "sweeps"),
        Crossing::Censored { at_least, censored_share } => {
            format!(">= {} sweeps (censored {} %)", number::count(*at_least), number::fixed(100.0 * censored_share, 0))
        }
    }
}

/// A median with its interval.
pub fn median(median: &Median) -> String {
    match (median.estimate, median.lower, median.upper) {
        (Crossing::Censored { at_least: 0, .. }, ..) => "no stay seen".to_owned(),
        (Crossing::Reached { .. }, Some(lower), upper) => {
            let range = match upper {
                Some(upper) => format!("{} to {}", number::count(lower), number::count(upper)),
                None => format!("{} or more", number::count(lower)),
            };
            format!("{} ({range})", crossing(&median.estimate))
        }
        (estimate, ..) => crossing(&estimate),
    }
}

/// An instrument, after "the".
pub fn instrument_name(instrument: Instrument) -> &'static str {
    match instrument {
        Instrument::Lexicon => "word list",
        Instrument::Axis => "seed axis",
        Instrument::Logistic => "classifier",
    }
}

/// An instrument keeps its colour in all figures.
pub fn instrument_colour(instrument: Instrument) -> usize {
    match instrument {
        Instrument::Lexicon => 0,
        Instrument::Axis => 1,
        Instrument::Logistic => 2,
    }
}

/// Whose sentences a baseline is made of.
pub fn baseline_name(kind: BaselineKind) -> &'static str {
    match kind {
        BaselineKind::Corpus => "corpus",
        BaselineKind::IidMarginals => "shuffled tokens",
        BaselineKind::RandomInit => "random weights",
    }
}

/// What shares depend on.
pub fn dependence(dependence: StartDependence) -> String {
    match dependence {
        StartDependence::ConditionalOnStart { tv_lower_bound: None } => {
            "All shares are conditional on the start: nothing here compares enough chains from different starts."
                .to_owned()
        }
        StartDependence::ConditionalOnStart { tv_lower_bound: Some(bound) } => format!(
            "All shares are conditional on the start: at the end, chains from the two starts are still apart by {} or more in \
             total variation (lower bound).",
            number::fixed(bound, 2)
        ),
        StartDependence::StartsNotToldApart { tv_lower_bound } => format!(
            "Chains from the two starts could not be told apart (lower bound of total variation {}); that does not prove that \
             they have mixed.",
            number::fixed(tv_lower_bound, 2)
        ),
    }
}

/// What was found, in plain words, as far as it is known.
pub fn verdict(view: &View, running: bool) -> (VerdictKind, String) {
    let chains = number::counted(view.spec.chains, "chain", "chains");
    let Some(set) = view.basins_of(view.spec.analysis.cores.basins).or(view.basins.first()) else {
        let walked =
            view.walk.as_ref().map_or(0, |walk| walk.chains.iter().map(Vec::len).min().unwrap_or(0).saturating_sub(1));
        let sweeps = walked as u64 * view.spec.every;
        let text = match (running, sweeps >= view.spec.sweeps) {
            (true, true) => format!("{chains} have walked {} sweeps; now they are read.", number::count(sweeps)),
            (true, false) => format!(
                "{chains} are walking: all have come {} of {} sweeps.",
                number::count(sweeps),
                number::count(view.spec.sweeps)
            ),
            (false, _) => format!("{chains} walked {} sweeps; they were not read.", number::count(sweeps)),
        };
        return (VerdictKind::Nothing, text);
    };
    let count = set.basins.len() as u64;
    let plural = kind_name(set.kind).to_lowercase();
    let mut text = format!("{chains} visited {}", number::counted(count, kind_singular(set.kind), &plural));
    let trap = view.timing.as_ref().filter(|timing| timing.kind == set.kind).and_then(strongest);
    match trap {
        Some((timing, place)) => {
            let trap = &timing.basins[place];
            let share = set.basins.get(trap.found.basin).map(|basin| self::share(&basin.share)).unwrap_or_default();
            text += &format!(
                "; the longest-lived trap, {}, holds {share} of the snapshots, median stay {}.",
                trap.name,
                median(&trap.median)
            );
        }
        None => text.push('.'),
    }
    let mut kind = VerdictKind::Shown;
    match view.start_dependence() {
        Some(StartDependence::ConditionalOnStart { .. }) => text += " Shares are conditional on the start.",
        Some(StartDependence::StartsNotToldApart { .. }) => {
            text += " The two starts could not be told apart, which does not prove that the chains have mixed.";
        }
        None => kind = VerdictKind::Nothing,
    }
    (kind, text)
}

/// The basin with the longest median stay; of equals the one ranked higher.
fn strongest(timing: &Timing) -> Option<(&Timing, usize)> {
    let longest = |place: &usize| {
        let basin = &timing.basins[*place];
        (basin.median.estimate.at_least(), basin.median.estimate.time().is_none(), std::cmp::Reverse(*place))
    };
    (0..timing.basins.len()).filter(|&place| timing.basins[place].stays.n > 0).max_by_key(longest).map(|p| (timing, p))
}

/// Where the chains of a spec start.
pub fn start(choice: &StartChoice) -> String {
    match choice {
        StartChoice::Uniform | StartChoice::Opposite | StartChoice::Neighbours => "uniform starts".to_owned(),
        StartChoice::Sentences(sentences) => {
            format!("starts among {}", number::counted(sentences.len() as u64, "sentence", "sentences"))
        }
        StartChoice::Typed(..) => "two typed starts".to_owned(),
    }
}

/// What moves, how hot, in what order, from where: the line beside a run.
pub fn dynamics(spec: &TrajectoriesSpec) -> String {
    format!(
        "{}, {}, temperature {}, {}, {}, {} of {}, a snapshot every {}",
        spec.model,
        number::counted(spec.length as u64, "token", "tokens"),
        spec.temperature,
        kernel(spec),
        starts(spec),
        number::counted(spec.chains, "chain", "chains"),
        number::counted(spec.sweeps, "sweep", "sweeps"),
        number::counted(spec.every, "sweep", "sweeps"),
    )
}

/// How chains move: the scan of Glauber dynamics, or the reference chain with its energy.
fn kernel(spec: &TrajectoriesSpec) -> String {
    match spec.dynamics {
        Dynamics::Glauber => format!("scan: {}", scan_name(spec.scan)),
        Dynamics::Metropolis { energy, proposal } => format!(
            "Metropolis-Hastings on {}, proposals at temperature {proposal}",
            match energy {
                Energy::Raw => "raw logits",
                Energy::Normalised => "log-probabilities",
            }
        ),
    }
}

/// What reference chains accepted, and at what cost.
pub fn reference(found: &ReferenceReport) -> String {
    let share = |rate: Option<f64>| rate.map_or("none".to_owned(), number::percent);
    format!(
        "Reference chain: {} of novel proposals accepted; {} forward rows a step (Glauber: at most 1).",
        share(found.acceptance.rate()),
        found.rows_per_step().map_or("no".to_owned(), |rows| number::general(rows, 3))
    )
}

fn starts(spec: &TrajectoriesSpec) -> String {
    match &spec.laws {
        None => start(&spec.start),
        Some([a, b]) => format!("from {} and from {} in turn", start_law::told(a), start_law::told(b)),
    }
}

/// A caption for a paper.
pub fn caption(view: &View) -> String {
    let spec = &view.spec;
    let (_, verdict) = verdict(view, false);
    format!(
        "{} on {}, seed {}. {verdict} 95 % intervals resample whole chains. The program implements the method of \
         arXiv 2605.16378; formulas reconstructed.",
        if spec.dynamics.is_glauber() { "Glauber dynamics" } else { "Metropolis-Hastings on the model's energy" },
        dynamics(spec),
        spec.seed
    )
}

/// `12: agora, 12 tokens, τ = 0.7`.
pub fn run_name(run: &RunRow) -> String {
    match &run.spec {
        RunSpec::Trajectories(spec) => format!(
            "{}: {}, {}, τ = {}",
            run.id.0,
            spec.model,
            number::counted(spec.length as u64, "token", "tokens"),
            spec.temperature
        ),
        _ => format!("{}: {}", run.id.0, run.kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_bounds_say_so() {
        let censored = Crossing::Censored { at_least: 88, censored_share: 0.4 };
        assert_eq!(crossing(&censored), ">= 88 sweeps (censored 40 %)");
        let none = RateEstimate { events: 0, exposure: 100, per_sweep: Some(0.0), interval: Some([0.0, 0.03]) };
        assert_eq!(rate(&none), "none seen (below 0.03)");
        assert_eq!(share_of(0.25, None), "25.0 % (no interval)");
    }

    #[test]
    fn no_sentence_claims_mixing() {
        for bound in [None, Some(0.4)] {
            let text = dependence(StartDependence::judge(bound, 0.1));
            assert!(text.contains("conditional on the start"), "{text}");
        }
        let text = dependence(StartDependence::judge(Some(0.01), 0.1));
        assert!(text.contains("does not prove"), "{text}");
    }
}
