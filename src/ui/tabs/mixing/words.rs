//! The tab's words: names of choices, times with intervals, captions.

use super::draft::{StartKind, VocabularyKind};
use crate::figures::number;
use crate::glauber::chain::{Coupling, Scan};
use crate::glauber::experiments::{StartChoice, Template, Vocabulary};
use crate::glauber::mixing::Contraction;
use crate::glauber::phase::Estimate;
use crate::statistics::{Crossing, CrossingEstimate, LineFit};

/// What every caption says of the method.
pub const METHOD: &str = "The program implements the method of arXiv 2605.16378; formulas reconstructed.";

pub fn coupling_name(coupling: Coupling) -> &'static str {
    match coupling {
        Coupling::Maximal => "maximal",
        Coupling::Gumbel => "Gumbel",
        Coupling::InverseCdf => "inverse CDF",
        Coupling::Independent => "independent",
    }
}

pub fn coupling_sentence(coupling: Coupling) -> &'static str {
    match coupling {
        Coupling::Maximal => "The two tokens agree as often as any coupling can: the sharpest bound.",
        Coupling::Gumbel => "Shared Gumbel noise: couples any number of chains at once.",
        Coupling::InverseCdf => "One shared uniform number; depends on the order of tokens.",
        Coupling::Independent => "Independent draws while the chains are apart: a control, slower than the others.",
    }
}

pub fn scan_name(scan: Scan) -> &'static str {
    match scan {
        Scan::Random => "random",
        Scan::Systematic => "systematic",
        Scan::Permutation => "permutation",
    }
}

pub fn scan_sentence(scan: Scan) -> &'static str {
    match scan {
        Scan::Random => "Every step updates a position drawn at random.",
        Scan::Systematic => "Positions in order, again and again.",
        Scan::Permutation => "Each sweep goes through all positions in a new random order.",
    }
}

pub fn start_kind_name(start: StartKind) -> &'static str {
    match start {
        StartKind::Uniform => "uniform",
        StartKind::Opposite => "opposite",
        StartKind::Neighbours => "neighbours",
        StartKind::Sentences => "sentences of a list",
        StartKind::Typed => "two typed sentences",
    }
}

pub fn start_kind_sentence(start: StartKind) -> &'static str {
    match start {
        StartKind::Uniform => "Two independent sequences of random tokens.",
        StartKind::Opposite => "A random sequence, and one that differs from it at every position.",
        StartKind::Neighbours => "A random sequence, and one that differs from it at a single position.",
        StartKind::Sentences => "Two sentences drawn from a list for each pair.",
        StartKind::Typed => "The same two sentences in every pair.",
    }
}

pub fn vocabulary_kind_name(kind: VocabularyKind) -> &'static str {
    match kind {
        VocabularyKind::Whole => "whole vocabulary",
        VocabularyKind::WholeWords => "whole words only",
        VocabularyKind::Typed => "typed tokens only",
    }
}

pub fn vocabulary_kind_sentence(kind: VocabularyKind) -> &'static str {
    match kind {
        VocabularyKind::Whole => "Every ordinary token of the model.",
        VocabularyKind::WholeWords => "Tokens that begin a word; no pieces such as ##ing.",
        VocabularyKind::Typed => "Only the tokens you name; the conditionals are renormalised over them.",
    }
}

/// A start, after "start:".
pub fn start(start: &StartChoice) -> String {
    match start {
        StartChoice::Uniform => "uniform".to_owned(),
        StartChoice::Opposite => "opposite".to_owned(),
        StartChoice::Neighbours => "neighbours".to_owned(),
        StartChoice::Sentences(sentences) => format!("two of {} sentences", number::count(sentences.len() as u64)),
        StartChoice::Typed(from, to) => format!("\u{201c}{from}\u{201d} and \u{201c}{to}\u{201d}"),
    }
}

/// A vocabulary, after "tokens:".
pub fn vocabulary(vocabulary: &Vocabulary) -> String {
    match vocabulary {
        Vocabulary::Whole => "whole vocabulary".to_owned(),
        Vocabulary::WholeWords => "whole words".to_owned(),
        Vocabulary::Typed(tokens) => format!("only {}", number::counted(tokens.len() as u64, "token", "tokens")),
    }
}

/// What must stand wherever a coupling time is shown.
pub fn dynamics(coupling: Coupling, scan: Scan, start: &StartChoice, vocabulary: &Vocabulary) -> String {
    format!(
        "{} coupling, {} scan, start: {}, {}",
        coupling_name(coupling),
        scan_name(scan),
        self::start(start),
        self::vocabulary(vocabulary)
    )
}

/// Number of free positions that a spec asks for.
pub fn free_positions(length: usize, template: Option<&Template>) -> usize {
    template.map_or(length, |template| template.free.len())
}

/// Steps in sweeps of `n` steps.
pub fn sweeps(steps: u64, n: u32) -> f64 {
    steps as f64 / f64::from(n.max(1))
}

/// `96 steps (12 sweeps)`, or `>= 480 (censored 75 %)` where it is not known.
pub fn crossing(crossing: &Crossing, n: u32) -> String {
    match crossing {
        Crossing::Reached { time } => {
            format!("{} ({} sweeps)", number::counted(*time, "step", "steps"), number::general(sweeps(*time, n), 3))
        }
        Crossing::Censored { at_least, censored_share } => {
            format!(">= {} steps (censored {} %)", number::count(*at_least), number::fixed(100.0 * censored_share, 0))
        }
    }
}

/// The 95 % interval of a coupling time, in steps: `80 to 120`, an end left open where it is not known.
pub fn crossing_interval(estimate: &CrossingEstimate) -> String {
    let lower = if estimate.lower_censored {
        format!(">= {}", number::count(estimate.lower))
    } else {
        number::count(estimate.lower)
    };
    let upper = estimate.upper.map_or("open".to_owned(), number::count);
    format!("{lower} to {upper}")
}

/// `1.532 (1.401 to 1.610)`, an end left open where it is not known.
pub fn estimate(estimate: &Estimate, digits: usize) -> String {
    let end = |end: Option<f64>| end.map_or("open".to_owned(), |x| number::general(x, digits));
    match (estimate.lower, estimate.upper) {
        (None, None) => format!("{} (no interval)", number::general(estimate.value, digits)),
        (lower, upper) => format!("{} ({} to {})", number::general(estimate.value, digits), end(lower), end(upper)),
    }
}

/// Kappa with its interval.
pub fn kappa(kappa: Option<&Contraction>) -> String {
    kappa.map_or("not measured".to_owned(), |kappa| {
        format!(
            "{} ({} to {})",
            number::fixed(kappa.kappa, 2),
            number::fixed(kappa.lower, 2),
            number::fixed(kappa.upper, 2)
        )
    })
}

/// A slope with its 95 % interval: `3.41 (3.12 to 3.70)`.
pub fn slope(line: &LineFit) -> String {
    let half = 1.96 * line.slope_error;
    let written = |slope: f64| number::fixed(slope, 2);
    format!("{} ({} to {})", written(line.slope), written(line.slope - half), written(line.slope + half))
}

/// Natural logarithm of a number of steps, as a number of steps where it can be written.
pub fn log_steps(log: f64) -> String {
    if log < 600.0 { number::general(log.exp(), 3) } else { format!("e^{}", number::fixed(log, 0)) }
}

/// A mixing bound in steps, or that there is none.
pub fn bound(steps: Option<u64>) -> String {
    steps.map_or("no bound".to_owned(), number::count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_censored_time_is_never_a_number() {
        let open = Crossing::Censored { at_least: 480, censored_share: 0.75 };
        assert_eq!(crossing(&open, 16), ">= 480 steps (censored 75 %)");
        assert_eq!(crossing(&Crossing::Reached { time: 96 }, 8), "96 steps (12 sweeps)");
        assert_eq!(estimate(&Estimate { value: 1.5, lower: Some(1.25), upper: None }, 3), "1.5 (1.25 to open)");
        assert_eq!(bound(None), "no bound");
    }
}
