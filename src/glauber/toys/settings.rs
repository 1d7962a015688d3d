//! Reads `name:key=value,key=value` texts, says what is wrong with them, and writes them canonically.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

/// Settings of one toy as typed, and their canonical values as they are read.
pub(super) struct Settings {
    name: String,
    typed: BTreeMap<String, String>,
    read: BTreeMap<&'static str, String>,
}

impl Settings {
    /// Splits the text; refuses settings without a value and settings given twice.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let (name, rest) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
        let mut typed = BTreeMap::new();
        for setting in rest.split(',').map(str::trim).filter(|setting| !setting.is_empty()) {
            let Some((key, value)) = setting.split_once('=') else {
                return Err(format!("{setting:?} is not a setting: write it as name=value"));
            };
            if typed.insert(key.trim().to_owned(), value.trim().to_owned()).is_some() {
                return Err(format!("the setting {:?} is given twice", key.trim()));
            }
        }
        Ok(Self { name: name.trim().to_owned(), typed, read: BTreeMap::new() })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The value of `key`, or `default`; `allowed` says in words what `accept` takes.
    pub(super) fn value<T: FromStr + Display>(
        &mut self,
        key: &'static str,
        default: T,
        allowed: &str,
        accept: impl Fn(&T) -> bool,
    ) -> Result<T, String> {
        let value =
            match self.typed.remove(key) {
                None => default,
                Some(text) => text.parse().ok().filter(|value| accept(value)).ok_or_else(|| {
                    format!("{key}={text} is not possible for {}: {key} must be {allowed}", self.name)
                })?,
            };
        self.read.insert(key, value.to_string());
        Ok(value)
    }

    /// A whole number between `least` and `most`.
    pub(super) fn count(
        &mut self,
        key: &'static str,
        default: usize,
        least: usize,
        most: usize,
    ) -> Result<usize, String> {
        let allowed = format!("a whole number from {least} to {most}");
        self.value(key, default, &allowed, |&value| (least..=most).contains(&value))
    }

    /// A finite number of moderate size.
    pub(super) fn real(&mut self, key: &'static str, default: f64) -> Result<f64, String> {
        self.value(key, default, "a number from -1000 to 1000", |value: &f64| value.abs() <= 1000.0)
    }

    /// A list of positive numbers separated by semicolons.
    pub(super) fn numbers(&mut self, key: &'static str, default: &[f64]) -> Result<Vec<f64>, String> {
        let values = match self.typed.remove(key) {
            None => default.to_vec(),
            Some(text) => text
                .split(';')
                .map(|part| part.trim().parse::<f64>().ok().filter(|value| *value > 0.0 && value.is_finite()))
                .collect::<Option<Vec<f64>>>()
                .ok_or_else(|| format!("{key}={text} is not possible: {key} must be positive numbers joined by ;"))?,
        };
        self.read.insert(key, values.iter().map(f64::to_string).collect::<Vec<_>>().join(";"));
        Ok(values)
    }

    /// The canonical text, settings sorted and defaults written out; refuses settings nobody read.
    pub(super) fn finish(self) -> Result<String, String> {
        if let Some(key) = self.typed.keys().next() {
            let known: Vec<&str> = self.read.keys().copied().collect();
            return Err(format!("{} has no setting {key:?}; its settings are {}", self.name, known.join(", ")));
        }
        let settings: Vec<String> = self.read.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Ok(format!("{}:{}", self.name, settings.join(",")))
    }
}
