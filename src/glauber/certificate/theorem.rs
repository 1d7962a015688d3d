//! What follows from an assessment, in words.

use super::{Certificate, Verdict};

/// The statement of a certificate, made from its other fields alone (so that `verify` can make it again; its wording
/// belongs to the schema version).
pub(super) fn text(certificate: &Certificate) -> String {
    let Certificate { model, rectangle, rectangle_texts: [a, a2, b, b2], temperature, assessment, .. } = certificate;
    let (i, j) = (rectangle.i + 1, rectangle.j + 1);
    let (r, error) = (assessment.r64, assessment.e64);
    let setting = format!(
        "Fix all tokens of the recorded sentence except those at positions {i} and {j} (counted from 1), tokens {a:?} and \
         {a2:?} at position {i}, and {b:?} and {b2:?} at position {j}. For every joint distribution that gives all \
         token sequences of this length positive probability, the log odds ratio of these tokens is the same whether it \
         is computed from the conditionals at position {i} or from those at position {j}; R is the first less the \
         second, divided by the temperature {temperature}. "
    );
    let c1 = match assessment.c1 {
        Verdict::Certified => format!(
            "C1, for the real-valued function that the stored weights of {:?} define when they are read as exact \
             numbers: R = {r} nats, with a rounding error estimated at {error:e} nats, so R is not zero. The conditionals \
             are positive everywhere, so a joint distribution with these conditionals would be positive everywhere too; \
             hence no joint distribution has them, at this or at any other temperature. Any family of conditionals that \
             does come from a joint distribution differs from the model's at this temperature by at least |R|/8 = {} \
             nats in at least one of the eight log-probabilities at the corners. ",
            model.reference,
            r.abs() / 8.0
        ),
        _ => format!(
            "C1, for the real-valued function that the stored weights of {:?} define when they are read as exact \
             numbers: R = {r} nats, with a rounding error estimated at {error:e} nats. That does not show that R differs \
             from zero: nothing is shown. ",
            model.reference
        ),
    };
    let c2 = match assessment.c2 {
        Some(Verdict::Certified) => format!(
            "C2, for the deployed single-precision program, whose logits were the same bit for bit when the same batch was \
             run again: R = {} nats is larger than 64 * 2^-53 times the largest logit, the rounding of the eight additions; \
             hence the numbers that the program returns for this batch, rounding included, are the conditionals of no \
             joint distribution. ",
            assessment.r32
        ),
        Some(_) => "C2, for the deployed single-precision program: R is not larger than the rounding of the eight additions; \
             nothing is shown. "
            .to_owned(),
        None => "C2, for the deployed single-precision program: not stated, since its results were not seen to repeat bit for \
             bit. "
            .to_owned(),
    };
    format!(
        "{setting}{c1}{c2}The rectangle test is that of Sana et al. (arXiv 2605.16378); the formulas used here are \
         reconstructed from prior work on compatible conditionals (Arnold and Press 1989), not quoted from that paper. \
         The rounding error is estimated from four evaluations, not bounded by interval arithmetic."
    )
}
