//! `kleroterion panel check` and `panel relax`: whether quotas can be met, why not, and what would help.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::demand::{Failure, Outcome};
use super::output;
use super::panel::Files;
use super::terminal::TerminalProgress;
use crate::sortition::census::Census;
use crate::sortition::conflict::conflict;
use crate::sortition::feasibility::{Lamp, Severity, check};
use crate::sortition::pool::Pool;
use crate::sortition::quotas::Quotas;
use crate::sortition::relaxation::{Relaxations, Wishes, relax};

/// Whether the quotas can be met, why not, and who cannot be chosen.
#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    files: Files,
    /// Write the result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Check {
    pub(crate) fn run(self) -> Outcome {
        let (pool, quotas) = self.files.read_unchecked()?;
        let household = self.files.one_per_household();
        let progress = TerminalProgress::new();
        let report = check(&pool, &quotas, household, &progress);
        let mut conflicting = Value::Null;
        let mut relaxations = Vec::new();
        // Quotas that are not well formed have neither a conflict nor a relaxation; the findings name what is wrong.
        if report.lamp == Lamp::Infeasible
            && let Ok(census) = Census::new(&pool, &quotas, household)
        {
            if let Some(found) = conflict(&census, &quotas, &progress).map_err(|_| Failure::Cancelled)? {
                let rules: Vec<String> = found.rules.iter().map(|rule| rule.words(&quotas)).collect();
                conflicting = json!({ "rules": rules, "irreducible": found.irreducible, "sentence": found.sentence });
                eprintln!("{}", found.sentence);
            }
            let found = relax(&census, &quotas, &Wishes::default(), &progress).map_err(|_| Failure::Cancelled)?;
            relaxations = changes(&found)?;
            say(&found);
        }
        progress.finish();
        for finding in &report.findings {
            eprintln!("{}", finding.sentence);
        }
        eprintln!(
            "{}",
            match report.lamp {
                Lamp::Feasible => "The quotas can be met.",
                Lamp::Infeasible => "No panel meets the quotas.",
                Lamp::Unknown => "It is not known whether a panel meets the quotas: the search was ended.",
            }
        );
        let errors = report.findings.iter().filter(|finding| finding.severity == Severity::Error);
        let out = report.unreachable.as_ref().map(|found| found.people()).unwrap_or_default();
        let unreachable: Vec<&String> = out.iter().map(|&person| &pool.ids()[person as usize]).collect();
        let document = json!({
            "feasible": report.lamp == Lamp::Feasible,
            "lamp": report.lamp,
            "reasons": errors.map(|finding| &finding.sentence).collect::<Vec<_>>(),
            "findings": report.findings,
            "conflict": conflicting,
            "relaxations": relaxations,
            "unreachable": unreachable,
        });
        output::write_json(self.json.as_deref(), &document)?;
        if report.lamp == Lamp::Feasible { Ok(()) } else { Err(Failure::Negative) }
    }
}

/// The smallest changes with which a panel exists.
#[derive(Args)]
pub(crate) struct Relax {
    #[command(flatten)]
    files: Files,
    /// How many different ones.
    #[arg(long, value_name = "N", default_value_t = 5)]
    count: usize,
    /// Bounds that stay, as attribute=value; may be repeated.
    #[arg(long, value_name = "ATTRIBUTE=VALUE", value_parser = row)]
    lock: Vec<(String, String)>,
    /// Write the result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn row(text: &str) -> Result<(String, String), String> {
    let (attribute, value) = text.split_once('=').ok_or("give an attribute and a value, such as gender=female")?;
    Ok((attribute.trim().to_owned(), value.trim().to_owned()))
}

impl Relax {
    pub(crate) fn run(self) -> Outcome {
        let (pool, quotas) = self.files.read()?;
        known(&quotas, &self.lock)?;
        let census = census(&pool, &quotas, self.files.one_per_household())?;
        let wishes = Wishes { count: self.count.clamp(1, 100), locked: self.lock, ..Wishes::default() };
        let progress = TerminalProgress::new();
        let found = relax(&census, &quotas, &wishes, &progress).map_err(|_| Failure::Cancelled)?;
        progress.finish();
        say(&found);
        let document = json!({ "relaxations": changes(&found)?, "complete": found.complete });
        output::write_json(self.json.as_deref(), &document)?;
        if found.found.is_empty() { Err(Failure::Negative) } else { Ok(()) }
    }
}

fn known(quotas: &Quotas, rows: &[(String, String)]) -> Outcome {
    for (attribute, value) in rows {
        let quota = quotas.attributes.iter().find(|quota| quota.name == *attribute);
        if !quota.is_some_and(|quota| quota.values.iter().any(|known| known.value == *value)) {
            return Err(Failure::Input(format!("--lock {attribute}={value}: the quotas have no such row")));
        }
    }
    Ok(())
}

pub(crate) fn census(pool: &Pool, quotas: &Quotas, household: bool) -> Result<Census, Failure> {
    let words = |errors: Vec<_>| errors.iter().map(ToString::to_string).collect::<Vec<String>>().join("; ");
    Census::new(pool, quotas, household).map_err(|errors| Failure::Input(words(errors)))
}

/// Each relaxation as the list of its changes.
fn changes(found: &Relaxations) -> Result<Vec<Value>, Failure> {
    let one = |relaxation: &crate::sortition::relaxation::Relaxation| serde_json::to_value(&relaxation.changes);
    found.found.iter().map(one).collect::<Result<_, _>>().map_err(Failure::internal)
}

fn say(found: &Relaxations) {
    for (number, relaxation) in found.found.iter().enumerate() {
        let change = |c: &crate::sortition::relaxation::Change| {
            let bound =
                serde_json::to_value(c.bound).ok().and_then(|b| b.as_str().map(str::to_owned)).unwrap_or_default();
            format!("{}, {}: {bound} {} to {}", c.attribute, c.value, c.from, c.to)
        };
        let changes: Vec<String> = relaxation.changes.iter().map(change).collect();
        eprintln!("change {} ({} in all): {}", number + 1, relaxation.people, changes.join("; "));
    }
}
