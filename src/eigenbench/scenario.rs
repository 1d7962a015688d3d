//! What evaluees answer.

use std::collections::BTreeSet;

/// A matter that someone brings.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Unlike every other of its list.
    pub id: String,
    pub text: String,
}

/// # Errors
/// The first thing that is wrong with a list of scenarios, with its remedy.
pub fn check_scenarios(scenarios: &[Scenario]) -> Result<(), String> {
    if scenarios.is_empty() {
        return Err("there are no scenarios. Import a list, or take the one that ships with the program".into());
    }
    let mut known = BTreeSet::new();
    for Scenario { id, text } in scenarios {
        if text.trim().is_empty() {
            return Err(format!("scenario {id:?} has no text. Write it or take the scenario out"));
        }
        if !known.insert(id.as_str()) {
            return Err(format!("two scenarios are called {id:?}. Give each its own id"));
        }
    }
    Ok(())
}
