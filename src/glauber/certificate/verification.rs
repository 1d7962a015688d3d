//! Re-evaluation of a certificate: what the file says against what the model gives now.

use std::fmt::Debug;

use super::{Assessment, Certificate, Difference, KIND, SCHEMA, assess, c1, errors, theorem};
use crate::glauber::conditionals::{Conditionals, ConditionalsError, ModelIdentity};
use crate::glauber::rectangle::Corners;
use crate::progress::Progress;

/// What a re-evaluation found.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Verification {
    /// Empty iff the certificate verifies.
    pub differences: Vec<Difference>,
    /// Whether the f64 logits and R were the recorded ones bit for bit, as they are on the machine that made the file.
    pub bit_equal: bool,
    /// What differs without contradicting the file: rounding of another machine, another program version.
    pub notes: Vec<String>,
}

impl Verification {
    fn compare<T: PartialEq + Debug>(&mut self, field: &str, recorded: &T, found: &T) {
        if recorded != found {
            self.differ(field, format!("{recorded:?}"), format!("{found:?}"));
        }
    }
    fn compare_text(&mut self, field: &str, recorded: &str, found: &str) {
        if recorded != found {
            self.differ(field, recorded.to_owned(), found.to_owned());
        }
    }
    /// Numbers that may differ by `tolerance`, the rounding of another machine.
    fn compare_number(&mut self, field: &str, recorded: f64, found: f64, tolerance: f64) {
        let difference = (recorded - found).abs();
        if difference.is_nan() || difference > tolerance {
            self.differ(field, format!("{recorded:e}"), format!("{found:e}"));
        }
    }
    fn differ(&mut self, field: &str, recorded: String, found: String) {
        self.differences.push(Difference { field: field.to_owned(), recorded, found });
    }
}

/// Re-evaluates `certificate` from its contents alone; an empty answer means it verifies.
pub fn verify(
    certificate: &Certificate,
    model: &dyn Conditionals,
    identity: &ModelIdentity,
    progress: &dyn Progress,
) -> Result<Vec<Difference>, ConditionalsError> {
    Ok(examine(certificate, model, identity, progress)?.differences)
}

/// [`verify`], and beside it whether the numbers were equal bit for bit, and notes.
///
/// Every field that carries the claim is recomputed. The model's reference and revision are not compared (a folder may
/// be called anything): its hashes are. A logit or R that differs within the error bound measured now verifies with a
/// note; hashes, texts, verdicts, theorem and the arithmetic inside the file must match exactly.
pub fn examine(
    certificate: &Certificate,
    model: &dyn Conditionals,
    identity: &ModelIdentity,
    progress: &dyn Progress,
) -> Result<Verification, ConditionalsError> {
    let mut found = Verification { differences: Vec::new(), bit_equal: false, notes: Vec::new() };
    found.compare_text("kind", &certificate.kind, KIND);
    found.compare("schema", &certificate.schema, &SCHEMA);
    compare_identity(&mut found, &certificate.model, identity);
    compare_inside(&mut found, certificate);
    if compare_texts(&mut found, certificate, model) {
        let (corners, assessment) =
            assess(model, &certificate.tokens, certificate.rectangle, certificate.temperature, progress)?;
        compare_numbers(&mut found, certificate, &corners, &assessment);
    }
    if certificate.program_version != env!("CARGO_PKG_VERSION") {
        let (made, reads) = (&certificate.program_version, env!("CARGO_PKG_VERSION"));
        found.notes.push(format!("made by version {made}, read by version {reads}"));
    }
    let arithmetic = model.arithmetic();
    if certificate.arithmetic != arithmetic {
        found.notes.push(format!("made with {:?}, evaluated with {arithmetic:?}", certificate.arithmetic));
    }
    // One field may have been found wrong from inside the file and from the model: say it once.
    let mut seen = std::collections::BTreeSet::new();
    found.differences.retain(|difference| seen.insert(difference.field.clone()));
    Ok(found)
}

fn compare_identity(found: &mut Verification, recorded: &ModelIdentity, now: &ModelIdentity) {
    found.compare_text("model.architecture", &recorded.architecture, &now.architecture);
    found.compare_text("model.weights_sha256", &recorded.weights_sha256, &now.weights_sha256);
    found.compare_text("model.config_sha256", &recorded.config_sha256, &now.config_sha256);
    found.compare_text("model.tokenizer_sha256", &recorded.tokenizer_sha256, &now.tokenizer_sha256);
    found.compare("model.parameters", &recorded.parameters, &now.parameters);
}

/// What the file says of itself: R from its logits, errors from its R's, verdicts from both, the theorem from all.
fn compare_inside(found: &mut Verification, certificate: &Certificate) {
    let recorded = &certificate.assessment;
    match certificate.logits() {
        Ok(logits) => {
            let r = super::hexfloat::write(Corners(logits).r(certificate.temperature)).unwrap_or_default();
            found.compare_text("r_hex", &certificate.r_hex, &r);
            let r64 = super::hexfloat::write(recorded.r64).unwrap_or_default();
            if r64 != r {
                found.differ("assessment.r64", r64, r);
            }
        }
        Err(error) => found.differ("logits_hex", certificate.logits_hex.join(" "), error.to_string()),
    }
    let (e32, e64) = errors(recorded.r32, recorded.r32_alone, recorded.r64, recorded.r64_alone);
    found.compare_number("assessment.e32", recorded.e32, e32, 0.0);
    found.compare_number("assessment.e64", recorded.e64, e64, 0.0);
    let tau = certificate.temperature;
    let verdict = c1(recorded.r32 * tau, recorded.r64 * tau, recorded.e32 * tau, recorded.e64 * tau);
    found.compare("assessment.c1", &recorded.c1, &verdict);
    found.compare_text("theorem", &certificate.theorem, &theorem::text(certificate));
}

/// Texts of tokens and whether the model can be asked at all: its size and length take the recorded ids.
fn compare_texts(found: &mut Verification, certificate: &Certificate, model: &dyn Conditionals) -> bool {
    let r = &certificate.rectangle;
    let ids = [("a", r.a), ("a2", r.a2), ("b", r.b), ("b2", r.b2)];
    let mut possible = true;
    let vocabulary = model.vocabulary();
    let mut check = |found: &mut Verification, field: String, token: u32, text: &str| {
        if token as usize >= vocabulary {
            found.differ(&field, token.to_string(), format!("a vocabulary of {vocabulary} tokens"));
            possible = false;
        } else {
            found.compare_text(&field, text, &model.text(token));
        }
    };
    for (k, (&token, text)) in certificate.tokens.iter().zip(&certificate.texts).enumerate() {
        check(found, format!("texts[{k}]"), token, text);
    }
    for ((name, token), text) in ids.into_iter().zip(&certificate.rectangle_texts) {
        check(found, format!("rectangle_texts.{name}"), token, text);
    }
    let (n, (least, most)) = (certificate.tokens.len(), model.sites());
    if n < least || n > most {
        found.differ("tokens", format!("{n} tokens"), format!("a model that takes {least} to {most}"));
        possible = false;
    }
    if certificate.texts.len() != n {
        found.differ("texts", format!("{} texts", certificate.texts.len()), format!("{n} tokens"));
    }
    if r.i >= n || r.j >= n || r.i == r.j || r.a == r.a2 || r.b == r.b2 {
        found.differ("rectangle", format!("{r:?}"), "two positions in the sentence with two tokens each".to_owned());
        possible = false;
    }
    possible
}

fn compare_numbers(found: &mut Verification, certificate: &Certificate, corners: &Corners, now: &Assessment) {
    let (recorded, tau) = (&certificate.assessment, certificate.temperature);
    let Ok(logits) = certificate.logits() else { return };
    found.bit_equal = logits.map(f64::to_bits) == corners.0.map(f64::to_bits);
    // Rounding on another machine is of the size measured here; the recorded bound is not trusted for this.
    let largest = corners.0.iter().fold(0.0, |most: f64, l| most.max(l.abs()));
    let (slack64, slack32) = (64.0 * (-53f64).exp2() * largest, 64.0 * (-24f64).exp2() * largest);
    let tolerance64 = now.e64 + slack64 / tau;
    let tolerance32 = 10.0 * now.e32 + slack32 / tau;
    for (k, (was, is)) in logits.into_iter().zip(corners.0).enumerate() {
        found.compare_number(&format!("logits_hex[{k}]"), was, is, now.e64 * tau + slack64);
    }
    found.compare_number("assessment.r64", recorded.r64, now.r64, tolerance64);
    found.compare_number("assessment.r64_alone", recorded.r64_alone, now.r64_alone, tolerance64);
    found.compare_number("assessment.r32", recorded.r32, now.r32, tolerance32);
    found.compare_number("assessment.r32_alone", recorded.r32_alone, now.r32_alone, tolerance32);
    found.compare("assessment.c1", &recorded.c1, &now.c1);
    if recorded.c2 != now.c2 {
        // C2 speaks of one program on one machine: where its single-precision results have other bits, so may its verdict.
        if recorded.r32.to_bits() == now.r32.to_bits() && now.c2.is_some() {
            found.compare("assessment.c2", &recorded.c2, &now.c2);
        } else {
            found
                .notes
                .push("the single-precision program gives other bits here: C2 holds where it was made".to_owned());
        }
    }
    if !found.bit_equal {
        found.notes.push(
            "the double-precision logits differ in their last bits: not the machine that made the file".to_owned(),
        );
    }
}
