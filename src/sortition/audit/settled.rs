//! What was settled before a lottery, as the audit file tells it: people who keep a seat or are not drawn, and why.

use std::collections::HashMap;

use super::super::before::{Before, Follows, Settled, Standing};
use super::super::pool::Pool;
use super::super::quotas::Quotas;
use super::{AuditError, AuditPerson, line_of_person, lines_sha256, people, pool};

/// Somebody who is not drawn from.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AuditSettled {
    #[serde(flatten)]
    pub person: AuditPerson,
    pub standing: Standing,
    /// In the organiser's words; may be empty.
    #[serde(default)]
    pub why: String,
}

/// What was settled.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AuditBefore {
    /// The quotas of the whole panel.
    pub quotas: Quotas,
    pub people: Vec<AuditSettled>,
    /// SHA-256 of those people: one line each, `ID<tab>VALUE<tab>…<tab>HOUSEHOLD<tab>STANDING<tab>WHY`, ended by a line
    /// feed.
    pub sha256: String,
    /// The draw whose panel is completed, where members of one are replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Follows>,
}

impl AuditBefore {
    /// Households are numbered on from those of the people who are drawn from.
    pub(super) fn new<'p>(
        before: &'p Before,
        one_per_household: bool,
        homes: &mut HashMap<&'p str, u32>,
    ) -> Result<Self, AuditError> {
        let listed = people(&before.pool, &before.quotas, one_per_household, homes)?;
        let settled = listed.into_iter().zip(&before.settled).map(|(person, settled)| AuditSettled {
            person,
            standing: settled.standing,
            why: settled.why.clone(),
        });
        let people: Vec<AuditSettled> = settled.collect();
        let sha256 = settled_sha256(&people);
        Ok(Self { quotas: before.quotas.clone(), people, sha256, follows: before.follows.clone() })
    }

    /// The hash of the people that are listed.
    pub fn hash(&self) -> String {
        settled_sha256(&self.people)
    }

    /// Whether drawing from `left` under `quotas` is what these seats leave, from scratch.
    pub(super) fn check(&self, left: &Pool, quotas: &Quotas, one_per_household: bool) -> Result<(), AuditError> {
        let listed: Vec<AuditPerson> = self.people.iter().map(|settled| settled.person.clone()).collect();
        let settled = self.people.iter();
        let before = Before {
            quotas: self.quotas.clone(),
            pool: pool(&self.quotas, &listed)?,
            settled: settled.map(|one| Settled { standing: one.standing, why: one.why.clone() }).collect(),
            follows: self.follows.clone(),
        };
        before.check(left, quotas, one_per_household).map_err(|error| AuditError::Content(error.to_string()))
    }
}

fn settled_sha256(people: &[AuditSettled]) -> String {
    let line = |one: &AuditSettled| format!("{}\t{}\t{}", line_of_person(&one.person), one.standing.word(), one.why);
    lines_sha256(people.iter().map(line))
}
