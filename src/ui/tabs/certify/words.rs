//! The tab's sentences: verdicts, bounds, captions and names, in the reader's words.

use crate::figures::number;
use crate::glauber::certificate::{Assessment, Verdict};
use crate::glauber::certify::CertifySpec;
use crate::glauber::survey::{Control, Distance, Plausibility, Prevalence, SurveySpec};
pub use crate::ui::tabs::shared::model_picker::shortened;
use crate::ui::widgets::VerdictKind;

/// The verdict about the rectangle with the largest |R| (or any other), as one sentence.
pub fn verdict(assessment: &Assessment) -> (VerdictKind, String) {
    let (r, error) = (number::nats(assessment.r64), number::bound(assessment.e64));
    match assessment.c1 {
        Verdict::Certified => {
            (VerdictKind::Shown, format!("No joint distribution has these conditionals: R = {r} nats, error {error}."))
        }
        Verdict::NoCertificate => (
            VerdictKind::Nothing,
            format!("Nothing shown: R = {r} nats, error {error}. Every rectangle here is compatible within rounding."),
        ),
    }
}

/// What a verdict means, in a few words.
pub fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Certified => "certified",
        Verdict::NoCertificate => "not certified",
    }
}

/// Verdict C2, which needs bit-equal repeats.
pub fn second_verdict_name(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("not established: repeats were not bit-equal", verdict_name)
}

/// The plain consequence of |R| / 8 (property P6).
pub fn distance_bound(r: f64) -> String {
    let bound = r.abs() / 8.0;
    format!(
        "Whatever joint distribution you pick, at least one of these eight log-probabilities is off by {} nats or more \
         (a factor of {}).",
        number::nats(bound),
        number::general(bound.exp(), 3)
    )
}

/// `neighbours`, `2 apart`, ….
pub fn distance_name(distance: Distance) -> &'static str {
    match distance {
        Distance::One => "neighbours",
        Distance::Two => "2 apart",
        Distance::ThreeFour => "3 or 4 apart",
        Distance::FiveToEight => "5 to 8 apart",
        Distance::NineUp => "9 or more apart",
    }
}

/// Short name of a way to draw tokens, for axes and tables.
pub fn plausibility_name(plausibility: Plausibility) -> &'static str {
    match plausibility {
        Plausibility::OriginalAndDraw => "own and drawn",
        Plausibility::TopK => "likely",
        Plausibility::Uniform => "random",
    }
}

/// The same for a check box.
pub fn plausibility_sentence(plausibility: Plausibility) -> &'static str {
    match plausibility {
        Plausibility::OriginalAndDraw => "the sentence's own token and one the model draws",
        Plausibility::TopK => "two of the k likeliest tokens",
        Plausibility::Uniform => "two random tokens of the vocabulary",
    }
}

/// A control, for its check box.
pub fn control_sentence(control: Control) -> &'static str {
    match control {
        Control::Ising => "Ising model: has a joint distribution, so R = 0",
        Control::RandomInit => "the same architecture, untrained",
        Control::Permuted => "the model's own LOR at j, shuffled",
    }
}

/// A share with its interval, short enough for a column: `97.5 % [91, 99]`.
pub fn short_share(prevalence: &Prevalence) -> String {
    let end = |share: f64| number::fixed(100.0 * share, 0);
    format!("{} [{}, {}]", number::percent(prevalence.estimate), end(prevalence.lower), end(prevalence.upper))
}

/// Head of a column of shares.
pub fn threshold_header(threshold: Option<f64>) -> String {
    threshold.map_or("certified".to_owned(), |nats| format!("|R| > {nats}"))
}

/// `certified` or `with |R| above 0.1 nats`, after "rectangles".
pub fn threshold_name(threshold: Option<f64>) -> String {
    threshold.map_or("certified".to_owned(), |nats| format!("with |R| above {nats} nats"))
}

/// `certified` or `|R| > 0.1 nats`, for a button.
pub fn threshold_label(threshold: Option<f64>) -> String {
    threshold.map_or("certified".to_owned(), |nats| format!("|R| > {nats} nats"))
}

/// A caption for a paper about one context.
pub fn context_caption(spec: &CertifySpec, assessment: &Assessment, sizes: (usize, usize), rectangles: u64) -> String {
    let outcome = match assessment.c1 {
        Verdict::Certified => "certified incompatible (C1)",
        Verdict::NoCertificate => "not certified",
    };
    format!(
        "Rectangle test on {model} in the context \u{201c}{sentence}\u{201d}, positions {i} and {j} (counted from 0), temperature {tau}: \
         {a} × {b} tokens, {rectangles} rectangles; largest R = {r} nats (numerical error {error}), {outcome}. \
         The program implements the method of arXiv 2605.16378; formulas reconstructed.",
        model = spec.model,
        sentence = spec.sentence,
        i = spec.positions.0,
        j = spec.positions.1,
        tau = number::general(spec.temperature, 3),
        a = sizes.0,
        b = sizes.1,
        r = number::nats(assessment.r64),
        error = number::bound(assessment.e64),
    )
}

/// A caption for a paper about a survey.
pub fn survey_caption(spec: &SurveySpec, rectangles: usize, sentences: usize, strata: usize, finished: bool) -> String {
    let unfinished = if finished { "" } else { " (unfinished: what was sampled so far)" };
    format!(
        "Survey of the rectangle test on {} at temperature {}: {} from {}, in {} (tokens by distance, never pooled){unfinished}, seed {}; \
         95 % intervals. The program implements the method of arXiv 2605.16378; formulas reconstructed.",
        std::iter::once(&spec.model).chain(&spec.beside).map(String::as_str).collect::<Vec<_>>().join(", "),
        number::general(spec.temperature, 3),
        number::counted(rectangles as u64, "rectangle", "rectangles"),
        number::counted(sentences as u64, "sentence", "sentences"),
        number::counted(strata as u64, "stratum", "strata"),
        spec.seed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assessment(r: f64, error: f64, c1: Verdict) -> Assessment {
        Assessment { r32: r, r32_alone: r, r64: r, r64_alone: r, e32: error, e64: error, c1, c2: None }
    }

    #[test]
    fn verdicts_claim_no_more_than_was_shown() {
        let (tone, text) = verdict(&assessment(9.1902397, 4.2e-13, Verdict::Certified));
        assert_eq!(tone, VerdictKind::Shown);
        assert_eq!(text, "No joint distribution has these conditionals: R = 9.190 nats, error below 5e-13.");
        let (_, text) = verdict(&assessment(1e-16, 2e-15, Verdict::NoCertificate));
        assert!(text.starts_with("Nothing shown"), "{text}");
    }

    #[test]
    fn the_bound_is_an_eighth_of_r() {
        let text = distance_bound(-9.190239700);
        assert!(text.contains("1.149 nats") && text.contains("3.15"), "{text}");
    }

    #[test]
    fn long_sentences_end_at_a_word() {
        assert_eq!(shortened("the lot falls on every citizen", 15), "the lot falls …");
        assert_eq!(shortened("short", 15), "short");
    }
}
