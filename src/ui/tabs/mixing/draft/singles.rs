//! Single chains from two start laws, as the form has them.

use serde::{Deserialize, Serialize};

use crate::glauber::experiments::singles::{SinglesSpec, StartLaw};

/// Where the chains of one side start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawKind {
    #[default]
    Uniform,
    Anchor,
    Sentences,
    Typed,
}

/// One side. All ways to choose keep their values, so that trying another loses nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LawDraft {
    pub kind: LawKind,
    /// Which anchor, counted from 1.
    pub anchor: u32,
    /// A named sentence list of the project; without one the typed lines count.
    pub list: Option<String>,
    /// One sentence per line.
    pub lines: String,
    pub sentence: String,
}

impl Default for LawDraft {
    fn default() -> Self {
        Self { kind: LawKind::Uniform, anchor: 1, list: None, lines: String::new(), sentence: String::new() }
    }
}

impl LawDraft {
    fn law(&self, lists: &[(String, Vec<String>)]) -> Result<StartLaw, String> {
        Ok(match self.kind {
            LawKind::Uniform => StartLaw::Uniform,
            LawKind::Anchor => StartLaw::Anchor(self.anchor),
            LawKind::Sentences => {
                let sentences = super::chain::listed(self.list.as_ref(), &self.lines, lists);
                if sentences.is_empty() {
                    return Err(
                        "Single chains that start from sentences need one: pick a list, or type some lines.".to_owned()
                    );
                }
                StartLaw::Sentences(sentences)
            }
            LawKind::Typed if self.sentence.trim().is_empty() => {
                return Err("Type the sentence from which single chains start.".to_owned());
            }
            LawKind::Typed => StartLaw::Typed(self.sentence.trim().to_owned()),
        })
    }

    fn set(&mut self, law: &StartLaw) {
        match law {
            StartLaw::Uniform => self.kind = LawKind::Uniform,
            StartLaw::Anchor(rank) => (self.kind, self.anchor) = (LawKind::Anchor, *rank),
            StartLaw::Sentences(sentences) => {
                (self.kind, self.list, self.lines) = (LawKind::Sentences, None, sentences.join("\n"));
            }
            StartLaw::Typed(sentence) => (self.kind, self.sentence) = (LawKind::Typed, sentence.clone()),
        }
    }
}

/// Both sides, and how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SinglesDraft {
    pub on: bool,
    pub a: LawDraft,
    pub b: LawDraft,
    pub chains: u64,
    /// Sweeps between commas, as typed.
    pub times: String,
}

impl Default for SinglesDraft {
    fn default() -> Self {
        let mut draft =
            Self { on: true, a: LawDraft::default(), b: LawDraft::default(), chains: 0, times: String::new() };
        draft.set(Some(&SinglesSpec::default()));
        draft
    }
}

impl SinglesDraft {
    /// What enters the spec; the error says what is missing.
    pub fn spec(&self, lists: &[(String, Vec<String>)]) -> Result<Option<SinglesSpec>, String> {
        if !self.on {
            return Ok(None);
        }
        let what = "a number of sweeps: type whole numbers between commas, such as 1, 5, 20";
        Ok(Some(SinglesSpec {
            laws: [self.a.law(lists)?, self.b.law(lists)?],
            chains: self.chains,
            times: super::list(&self.times, what, |entry| entry.parse().ok())?,
        }))
    }

    /// Takes over a spec's choices.
    pub fn set(&mut self, spec: Option<&SinglesSpec>) {
        self.on = spec.is_some();
        if let Some(spec) = spec {
            self.a.set(&spec.laws[0]);
            self.b.set(&spec.laws[1]);
            self.chains = spec.chains;
            self.times = super::written(&spec.times);
        }
    }
}
