//! A collection as the science sees it.

use super::{CollectSpec, Lengths, comparisons};
use crate::eigenbench::findings::Judged;
use crate::eigenbench::protocol::Scope;
use crate::jobs::speaker::Speaker;
use crate::store::ComparisonRow;

/// Names of a collection's criteria, counted over all constitutions.
pub fn criteria(spec: &CollectSpec) -> Vec<String> {
    let several = spec.constitutions.len() > 1;
    let mut names = Vec::new();
    for constitution in &spec.constitutions {
        for place in 0..spec.form.choices(constitution.clauses.len()) {
            let name = match (spec.form.scope, constitution.clauses.get(place)) {
                (Scope::PerCriterion, Some(clause)) => format!("{}: {}", clause.id, clause.text),
                _ => "as a whole".to_owned(),
            };
            names.push(if several { format!("{}, {name}", constitution.name) } else { name });
        }
    }
    names
}

/// What was judged in a collection, by all its constitutions or one of them.
pub fn judged(
    spec: &CollectSpec,
    rows: &[ComparisonRow],
    lengths: Option<&Lengths>,
    constitution: Option<usize>,
) -> Judged {
    let mut speakers: Vec<&Speaker> = Vec::new();
    let mut language_models = Vec::with_capacity(spec.models.len());
    for model in &spec.models {
        let known = speakers.iter().position(|known| **known == model.speaker);
        language_models.push(known.unwrap_or_else(|| {
            speakers.push(&model.speaker);
            speakers.len() - 1
        }) as u16);
    }
    let mut names = criteria(spec);
    if let Some(own) = constitution {
        let count = |at: usize| spec.form.choices(spec.constitutions[at].clauses.len());
        let before: usize = (0..own).map(count).sum();
        names = names[before..before + count(own)].to_vec();
    }
    Judged {
        models: spec.models.iter().map(|model| model.name.clone()).collect(),
        outside: Vec::new(),
        criteria: names,
        language_models,
        personas: spec.models.iter().map(|model| model.persona.clone()).collect(),
        lengths: lengths.cloned().unwrap_or_default(),
        rows: comparisons(spec, rows, constitution),
    }
}
