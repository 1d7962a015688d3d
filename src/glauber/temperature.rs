//! The temperature of a chain, its two limits included, and the law it makes of a row of logits.

use std::fmt;
use std::str::FromStr;

/// Temperature tau: 0 is argmax dynamics, infinity draws uniform tokens (glauber.md section 1).
///
/// Written as a number, or as `"infinity"` where JSON has none.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Temperature(f64);

impl Temperature {
    /// Argmax dynamics, ties by lowest id.
    pub const ZERO: Self = Self(0.0);
    /// The model as it is.
    pub const ONE: Self = Self(1.0);
    /// Independent uniform tokens.
    pub const INFINITE: Self = Self(f64::INFINITY);

    /// From 0 to infinity, both included; `None` for a negative number or NaN.
    pub fn new(tau: f64) -> Option<Self> {
        // Adding zero turns -0 into 0, which is written without a sign.
        (tau >= 0.0).then_some(Self(tau + 0.0))
    }

    /// The number itself: 0, positive or infinite.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Writes the law of `allowed` tokens into `law` (same length): softmax of `logits[token] / tau` over them.
    ///
    /// At 0 all mass is on the largest logit, ties going to the token that `allowed` names first; at infinity the law is
    /// uniform. `logits` are one finite row, nats; `allowed` is not empty and inside the row.
    pub fn law(self, logits: &[f64], allowed: &[u32], law: &mut Vec<f64>) {
        law.clear();
        let at = |token: &u32| logits[*token as usize];
        if self.0 == 0.0 {
            law.resize(allowed.len(), 0.0);
            law[first_largest(allowed.iter().map(at))] = 1.0;
            return;
        }
        if self.0.is_infinite() {
            law.resize(allowed.len(), 1.0 / allowed.len() as f64);
            return;
        }
        let largest = allowed.iter().map(at).fold(f64::NEG_INFINITY, f64::max);
        law.extend(allowed.iter().map(|token| ((at(token) - largest) / self.0).exp()));
        let sum: f64 = law.iter().sum();
        law.iter_mut().for_each(|p| *p /= sum);
    }
}

/// Index of the first of the largest values.
fn first_largest(values: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (k, value) in values.enumerate() {
        if value > best.1 {
            best = (k, value);
        }
    }
    best.0
}

impl fmt::Display for Temperature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_infinite() { f.write_str("infinity") } else { write!(f, "{}", self.0) }
    }
}

impl FromStr for Temperature {
    type Err = String;

    /// A number from 0 upwards, `inf`, `infinity` or `∞`.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let number = if text == "∞" { Ok(f64::INFINITY) } else { text.parse() };
        number
            .ok()
            .and_then(Self::new)
            .ok_or_else(|| format!("{text:?} is not a temperature: type a number from 0 upwards, or infinity"))
    }
}

impl serde::Serialize for Temperature {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_infinite() { serializer.serialize_str("infinity") } else { serializer.serialize_f64(self.0) }
    }
}

impl<'de> serde::Deserialize<'de> for Temperature {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(tau) => tau.to_string().parse(),
            Written::Text(text) => text.parse(),
        }
        .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law(tau: f64, logits: &[f64], allowed: &[u32]) -> Vec<f64> {
        let mut law = vec![9.0];
        Temperature::new(tau).unwrap().law(logits, allowed, &mut law);
        law
    }

    #[test]
    fn laws_at_and_between_the_limits() {
        let logits = [7.0, 0.0, 3f64.ln(), 0.0];
        assert_eq!(law(0.0, &logits, &[1, 2, 3]), [0.0, 1.0, 0.0]);
        assert_eq!(law(0.0, &logits, &[3, 1]), [1.0, 0.0], "a tie goes to the first named");
        assert_eq!(law(f64::INFINITY, &logits, &[0, 2]), [0.5, 0.5]);
        for (p, known) in law(1.0, &logits, &[1, 2, 3]).iter().zip([0.2, 0.6, 0.2]) {
            assert!((p - known).abs() < 1e-15);
        }
        for (p, known) in law(0.5, &logits, &[1, 2]).iter().zip([0.1, 0.9]) {
            assert!((p - known).abs() < 1e-15);
        }
        assert_eq!(law(1e-300, &logits, &[1, 2]), [0.0, 1.0], "no overflow near 0");
    }

    #[test]
    fn temperatures_are_written_and_read() {
        for (tau, json) in [(0.0, "0.0"), (1.5, "1.5"), (f64::INFINITY, "\"infinity\"")] {
            let temperature = Temperature::new(tau).unwrap();
            assert_eq!(serde_json::to_string(&temperature).unwrap(), json);
            assert_eq!(serde_json::from_str::<Temperature>(json).unwrap(), temperature);
            assert_eq!(temperature.to_string().parse(), Ok(temperature));
        }
        assert_eq!(Temperature::new(-1.0), None);
        assert_eq!(Temperature::new(f64::NAN), None);
        assert!("-2".parse::<Temperature>().is_err() && serde_json::from_str::<Temperature>("-2").is_err());
        assert_eq!("∞".parse(), Ok(Temperature::INFINITE));
    }
}
