//! `kleroterion certify`: one context, two sites, every rectangle among two token sets.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::demand::{Failure, Outcome};
use super::run::carry_out;
use super::{Common, output};
use crate::glauber::certificate::Verdict;
use crate::glauber::certify::{CertifyResult, CertifySpec, TokenChoice};
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::RunSpec;

/// Look for a certificate in one context.
#[derive(Args)]
pub(crate) struct Certify {
    /// Shipped name, folder, hub name (owner/name[@revision]) or toy (`ising:n=6,beta=0.5`, `table-pair`, …).
    #[arg(long, value_name = "M")]
    model: String,
    /// The context; for a toy, its token texts separated by spaces.
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    sentence: String,
    /// Two different token positions, counted from 0 (`kleroterion model tokens` shows them).
    #[arg(long, value_name = "I,J", value_parser = positions)]
    positions: (usize, usize),
    /// Tokens at I: `top:K`, `random:K`, or a comma-separated list of tokens.
    #[arg(long, value_name = "LIST", default_value = "top:8", allow_hyphen_values = true)]
    tokens_a: String,
    /// Tokens at J, likewise.
    #[arg(long, value_name = "LIST", default_value = "top:8", allow_hyphen_values = true)]
    tokens_b: String,
    /// Temperature; R is proportional to 1/temperature.
    #[arg(long, value_name = "T", default_value_t = 1.0)]
    temperature: f64,
    /// Write the certificate of the largest |R| to FILE, for `kleroterion verify`.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

fn positions(text: &str) -> Result<(usize, usize), String> {
    let (i, j) = text.split_once(',').ok_or("give two positions separated by a comma, such as 3,7")?;
    let number = |part: &str| part.trim().parse::<usize>().map_err(|_| format!("{part:?} is not a position"));
    Ok((number(i)?, number(j)?))
}

/// Reads `top:K`, `random:K` or a list of tokens. A comma itself is typed as `\,`.
pub(crate) fn token_choice(text: &str) -> Result<TokenChoice, Failure> {
    let count =
        |number: &str| {
            number.parse::<u32>().ok().filter(|&k| k >= 2).ok_or_else(|| {
                Failure::Input(format!("{text:?}: the number of tokens must be 2 or more, such as top:8"))
            })
        };
    if let Some(number) = text.strip_prefix("top:") {
        return Ok(TokenChoice::Top(count(number)?));
    }
    if let Some(number) = text.strip_prefix("random:") {
        return Ok(TokenChoice::Random(count(number)?));
    }
    Ok(TokenChoice::Typed(token_list(text)))
}

/// The tokens of a list separated by commas; a comma itself is typed as `\,`.
pub(crate) fn token_list(text: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => tokens.last_mut().expect("never empty").extend(characters.next()),
            ',' => tokens.push(String::new()),
            c => tokens.last_mut().expect("never empty").push(c),
        }
    }
    tokens.into_iter().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect()
}

impl Certify {
    pub(crate) fn run(self) -> Outcome {
        let spec = CertifySpec {
            version: 1,
            model: self.model,
            sentence: self.sentence,
            positions: self.positions,
            tokens_a: token_choice(&self.tokens_a)?,
            tokens_b: token_choice(&self.tokens_b)?,
            temperature: self.temperature,
            seed: self.common.seed,
        };
        let RunOutcome::Certify(result) = carry_out(&self.common, &RunSpec::Certify(spec.clone()))? else {
            return Err(Failure::Internal("a certify run returned another kind of result".into()));
        };
        describe(&spec, &result);
        output::write_json(self.common.json.as_deref(), &report(&spec, &result)?)?;
        let certified = result.certificate.assessment.c1 == Verdict::Certified;
        match (&self.certificate, certified) {
            (Some(path), true) => {
                let text = serde_json::to_string_pretty(&result.certificate).map_err(Failure::internal)?;
                output::write_file(path, text.as_bytes())?;
                eprintln!("certificate written to {}", path.display());
            }
            (Some(_), false) => eprintln!("no certificate was written: none of the rectangles is certified"),
            (None, _) => {}
        }
        if certified { Ok(()) } else { Err(Failure::Negative) }
    }
}

fn describe(spec: &CertifySpec, result: &CertifyResult) {
    let shown: Vec<String> = result.texts.iter().enumerate().map(|(k, text)| format!("{k}:{text}")).collect();
    eprintln!("seed {}; tokens {}", spec.seed, shown.join(" "));
    let certificate = &result.certificate;
    let [a, a2, b, b2] = &certificate.rectangle_texts;
    let assessment = &certificate.assessment;
    eprintln!(
        "{} rectangles; largest |R| = {:.9} nats (error below {:.1e}) at {a}/{a2} x {b}/{b2}",
        result.rectangles.len(),
        result.max_abs_r,
        assessment.e64
    );
    match assessment.c1 {
        Verdict::Certified => eprintln!("No joint distribution has these conditionals."),
        Verdict::NoCertificate => eprintln!("No certificate: nothing is shown about these conditionals."),
    }
}

/// The JSON of a certify run; token texts, with ids beside them.
fn report(spec: &CertifySpec, result: &CertifyResult) -> Result<serde_json::Value, Failure> {
    let rectangles: Vec<_> = result
        .rectangles
        .iter()
        .map(|r| {
            let (a, a2, b, b2) = r.at;
            json!({
                "a": result.texts_a[a], "a2": result.texts_a[a2], "b": result.texts_b[b], "b2": result.texts_b[b2],
                "ids": [r.rectangle.a, r.rectangle.a2, r.rectangle.b, r.rectangle.b2],
                "r": r.assessment.r64, "error": r.assessment.e64, "verdict": r.assessment.c1,
                "assessment": r.assessment,
            })
        })
        .collect();
    let certified = result.certificate.assessment.c1 == Verdict::Certified;
    Ok(json!({
        "spec": spec,
        "seed": spec.seed,
        "tokens": result.tokens,
        "texts": result.texts,
        "tokens_a": result.texts_a,
        "tokens_b": result.texts_b,
        "centred": result.centred,
        "rms": result.rms,
        "rectangles": rectangles,
        "max_abs_r": result.max_abs_r,
        "log_distance_bound": result.max_abs_r / 8.0,
        "verdict": result.certificate.assessment.c1,
        "certificate": if certified { Some(serde_json::to_value(&result.certificate).map_err(Failure::internal)?) } else { None },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_lists_are_read() {
        assert_eq!(token_choice("top:8").unwrap(), TokenChoice::Top(8));
        assert_eq!(token_choice("random:3").unwrap(), TokenChoice::Random(3));
        let typed = |tokens: &[&str]| TokenChoice::Typed(tokens.iter().map(|t| (*t).to_owned()).collect());
        assert_eq!(token_choice("army, navy").unwrap(), typed(&["army", "navy"]));
        assert_eq!(token_choice(r"\,,.").unwrap(), typed(&[",", "."]));
        assert!(token_choice("top:1").is_err());
        assert!(positions("3").is_err());
        assert_eq!(positions("3, 7").unwrap(), (3, 7));
    }
}
