//! Single chains from two start laws, as the form has them.

use serde::{Deserialize, Serialize};

use crate::glauber::experiments::singles::SinglesSpec;
use crate::ui::tabs::shared::start_law::LawDraft;

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
