//! Escapes from an anchor, as the form has them.

use serde::{Deserialize, Serialize};

use super::{TemplateDraft, written};
use crate::glauber::experiments::escape::{Anchor, Criterion, EscapeSpec};
use crate::glauber::temperature::Temperature;

/// Where all chains start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchorKind {
    #[default]
    Quenched,
    Typed,
}

/// What only escapes ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EscapeDraft {
    pub length: usize,
    /// Lengths beside it, numbers between commas, as typed.
    pub further: String,
    pub template: TemplateDraft,
    /// Numbers between commas, as typed.
    pub temperatures: String,
    pub kind: AnchorKind,
    /// Quenches that look for the anchor.
    pub quenches: u32,
    /// A typed anchor.
    pub sentence: String,
    pub criterion: Criterion,
    pub radius: u32,
    /// Whether the radius is `radius_percent` of the length in place of `radius`.
    pub relative: bool,
    pub radius_percent: f64,
    pub chains: u64,
    pub cap_sweeps: u64,
    pub per_shell: u32,
    pub candidates: u32,
}

impl Default for EscapeDraft {
    fn default() -> Self {
        Self {
            length: 8,
            further: String::new(),
            template: TemplateDraft::default(),
            temperatures: "0.3, 0.4, 0.5, 0.65, 0.85".to_owned(),
            kind: AnchorKind::Quenched,
            quenches: 16,
            sentence: String::new(),
            criterion: Criterion::Distance,
            radius: 2,
            relative: false,
            radius_percent: 25.0,
            chains: 32,
            cap_sweeps: 100,
            per_shell: 16,
            candidates: 0,
        }
    }
}

impl EscapeDraft {
    /// The temperatures typed.
    pub fn temperatures(&self) -> Result<Vec<Temperature>, String> {
        let what = "a temperature: type positive numbers, or infinity, between commas";
        super::list(&self.temperatures, what, |entry| entry.parse().ok())
    }

    /// The further lengths typed; a template has none.
    pub fn further(&self) -> Result<Vec<usize>, String> {
        if self.template.on {
            return Ok(Vec::new());
        }
        super::list(&self.further, "a length: type whole numbers between commas", |entry| entry.parse().ok())
    }

    /// The radius as a share of the length, where it is one.
    pub fn radius_share(&self) -> Option<f64> {
        self.relative.then_some(self.radius_percent / 100.0)
    }

    /// What enters the spec; the error says what is missing.
    pub fn anchor(&self) -> Result<Anchor, String> {
        match self.kind {
            AnchorKind::Quenched => Ok(Anchor::Quenched(self.quenches)),
            AnchorKind::Typed if self.sentence.trim().is_empty() => {
                Err("Type the sentence that the chains shall leave.".to_owned())
            }
            AnchorKind::Typed => Ok(Anchor::Typed(self.sentence.trim().to_owned())),
        }
    }

    /// Takes over a spec's choices.
    pub fn set(&mut self, spec: &EscapeSpec) {
        if spec.template.is_none() {
            self.length = spec.length;
        }
        self.further = written(&spec.further);
        self.template.set(spec.template.as_ref());
        self.temperatures = written(&spec.temperatures);
        match &spec.anchor {
            Anchor::Quenched(count) => (self.kind, self.quenches) = (AnchorKind::Quenched, *count),
            Anchor::Typed(sentence) => (self.kind, self.sentence) = (AnchorKind::Typed, sentence.clone()),
        }
        (self.radius, self.chains, self.cap_sweeps) = (spec.radius, spec.chains, spec.cap_sweeps);
        (self.criterion, self.relative) = (spec.criterion, spec.radius_share.is_some());
        if let Some(share) = spec.radius_share {
            // As it was typed: 7 % is not 7.000000000000001 %.
            self.radius_percent = (share * 100.0 * 1e9).round() / 1e9;
        }
        (self.per_shell, self.candidates) = (spec.per_shell, spec.candidates);
    }
}
