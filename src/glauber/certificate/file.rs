//! Reading and writing certificate files. What is read is untrusted.

use super::{Certificate, KIND, SCHEMA, check_temperature};
use crate::glauber::hexfloat;

/// Longest certificate file that is read, in bytes.
const LONGEST: usize = 4 << 20;
/// Longest sentence, in tokens, and longest text of a token, in bytes.
const MOST_TOKENS: usize = 65_536;
const LONGEST_TEXT: usize = 65_536;

/// Why a text is not a certificate that can be looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("the file has {0} bytes: a certificate has at most 4 MiB")]
    Long(usize),
    #[error("the file is not the JSON of a certificate: {0}")]
    Json(String),
    #[error("the file is not a certificate: its kind is {0}, expected \"kleroterion-certificate\"")]
    Kind(String),
    #[error("the certificate has schema version {0}, newer than the {SCHEMA} this program reads: update Kleroterion")]
    Newer(u64),
    #[error("the certificate's {field} is not possible: {problem}")]
    Field { field: &'static str, problem: String },
}

impl Certificate {
    /// Reads an untrusted certificate: bounded in size, every number finite, the rectangle inside the sentence.
    pub fn from_json(text: &str) -> Result<Self, CertificateError> {
        if text.len() > LONGEST {
            return Err(CertificateError::Long(text.len()));
        }
        let json = |error: serde_json::Error| CertificateError::Json(error.to_string());
        let value: serde_json::Value = serde_json::from_str(text).map_err(json)?;
        // Kind and version first, so that a newer layout is called newer rather than broken.
        match value.get("kind") {
            Some(kind) if kind == KIND => {}
            kind => {
                let found =
                    kind.map_or_else(|| "missing".to_owned(), |kind| kind.to_string().chars().take(80).collect());
                return Err(CertificateError::Kind(found));
            }
        }
        match value.get("schema").and_then(serde_json::Value::as_u64) {
            Some(schema) if schema > u64::from(SCHEMA) => return Err(CertificateError::Newer(schema)),
            Some(schema) if schema == u64::from(SCHEMA) => {}
            _ => return Err(field("schema", format!("it must be {SCHEMA}"))),
        }
        let certificate: Self = serde_json::from_value(value).map_err(json)?;
        certificate.check()?;
        Ok(certificate)
    }

    /// The file: JSON with two-space indents and a final newline.
    pub fn to_json(&self) -> Result<String, CertificateError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| CertificateError::Json(error.to_string()))?;
        Ok(text + "\n")
    }

    /// The eight recorded f64 logits, order of [`Corners`](super::Corners).
    pub fn logits(&self) -> Result<[f64; 8], CertificateError> {
        let mut logits = [0.0; 8];
        for (value, text) in logits.iter_mut().zip(&self.logits_hex) {
            *value = read_hex("logits_hex", text)?;
        }
        Ok(logits)
    }

    fn check(&self) -> Result<(), CertificateError> {
        let n = self.tokens.len();
        if !(2..=MOST_TOKENS).contains(&n) || self.texts.len() != n {
            let problem =
                format!("{n} tokens and {} texts; they must be as many, 2 to {MOST_TOKENS}", self.texts.len());
            return Err(field("tokens", problem));
        }
        if self.texts.iter().chain(&self.rectangle_texts).any(|text| text.len() > LONGEST_TEXT) {
            return Err(field("texts", format!("a text is longer than {LONGEST_TEXT} bytes")));
        }
        let r = &self.rectangle;
        if r.i >= n || r.j >= n || r.i == r.j {
            let problem = format!("positions {} and {} must be different and below {n}", r.i, r.j);
            return Err(field("rectangle", problem));
        }
        if r.a == r.a2 || r.b == r.b2 {
            return Err(field("rectangle", "the two tokens at a position must differ".to_owned()));
        }
        if let Err(error) = check_temperature(self.temperature) {
            return Err(field("temperature", error.to_string()));
        }
        self.logits()?;
        read_hex("r_hex", &self.r_hex)?;
        let x = &self.assessment;
        if ![x.r32, x.r32_alone, x.r64, x.r64_alone, x.e32, x.e64].iter().all(|value| value.is_finite()) {
            return Err(field("assessment", "a number is not finite".to_owned()));
        }
        Ok(())
    }
}

fn field(field: &'static str, problem: String) -> CertificateError {
    CertificateError::Field { field, problem }
}

fn read_hex(name: &'static str, text: &str) -> Result<f64, CertificateError> {
    hexfloat::read(text).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        field(name, format!("{shown:?} is not an exact hexadecimal float"))
    })
}
