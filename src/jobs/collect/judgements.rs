//! Judgements with the names that their numbers stand for, whether a run collected them or took them in from a file.

use std::sync::Arc;

use super::{CollectSpec, LENGTHS, Lengths};
use crate::eigenbench::comparisons::Comparison;
use crate::eigenbench::protocol::{Form, Scope};
use crate::eigenbench::scenario::Scenario;
use crate::formats::evaluations::WHOLE;
use crate::jobs::import_comparisons::{IMPORTED, ImportedNames};
use crate::jobs::speaker::Speaker;
use crate::jobs::spec::RunSpec;
use crate::store::{ComparisonRow, Project, RunId, StoreError};

/// What judges went by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedBy {
    /// Of the constitution, or of the file that the judgements come from.
    pub name: String,
    /// As judges read them.
    pub texts: Vec<String>,
    /// By the criterion of a row: as many as a verdict holds choices.
    pub criteria: Vec<String>,
    /// Of the verdicts.
    pub form: Form,
}

/// All judgements of a run so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgements {
    /// Who is judged, by place.
    pub models: Vec<String>,
    /// Judges outside the population, at places from the number of models on.
    pub outside: Vec<String>,
    /// By the constitution of a row.
    pub constitutions: Vec<JudgedBy>,
    /// By the scenario of a row; one of an imported table has no text.
    pub scenarios: Arc<Vec<Scenario>>,
    /// Words of responses, `[scenarios][models]`; `None` until a collection has ended, and where a file has no responses.
    pub lengths: Option<Arc<Lengths>>,
    /// Of each model, empty for none; none at all for imports, which do not tell.
    pub personas: Vec<String>,
    /// Of each model, which language model speaks; none at all for imports.
    pub language_models: Vec<u16>,
    /// By constitution, scenario, pass, judge, pair and criterion.
    pub rows: Arc<Vec<ComparisonRow>>,
}

impl Judgements {
    /// Reads the judgements of a run; `None` where it has none to have, or where an import has read nothing yet.
    ///
    /// # Errors
    /// What the store says.
    pub fn load(project: &Project, run: RunId, spec: &RunSpec) -> Result<Option<Self>, StoreError> {
        let mut found = match spec {
            RunSpec::Collect(spec) => Self::of_collection(spec, project.document(run, LENGTHS)?),
            RunSpec::ImportComparisons(spec) => {
                let Some(names) = project.document(run, IMPORTED)? else { return Ok(None) };
                let file = spec.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                Self::of_import(file, names)
            }
            _ => return Ok(None),
        };
        found.rows = Arc::new(project.comparison_rows(run)?);
        Ok(Some(found))
    }

    fn of_collection(spec: &CollectSpec, lengths: Option<Lengths>) -> Self {
        let mut speakers: Vec<&Speaker> = Vec::new();
        let mut language_models = Vec::with_capacity(spec.models.len());
        for model in &spec.models {
            let known = speakers.iter().position(|known| **known == model.speaker);
            language_models.push(known.unwrap_or_else(|| {
                speakers.push(&model.speaker);
                speakers.len() - 1
            }) as u16);
        }
        let judged_by = |constitution: &Arc<crate::dempo::constitution::Constitution>| JudgedBy {
            name: constitution.name.clone(),
            texts: constitution.clauses.iter().map(|clause| clause.text.clone()).collect(),
            criteria: match spec.form.scope {
                Scope::PerCriterion => {
                    constitution.clauses.iter().map(|clause| format!("{}: {}", clause.id, clause.text)).collect()
                }
                Scope::Whole => vec![AS_A_WHOLE.to_owned()],
            },
            form: spec.form,
        };
        Self {
            models: spec.models.iter().map(|model| model.name.clone()).collect(),
            outside: Vec::new(),
            constitutions: spec.constitutions.iter().map(judged_by).collect(),
            scenarios: spec.scenarios.clone(),
            lengths: lengths.map(Arc::new),
            personas: spec.models.iter().map(|model| model.persona.clone()).collect(),
            language_models,
            rows: Arc::default(),
        }
    }

    fn of_import(name: String, names: ImportedNames) -> Self {
        let ImportedNames { models, outside, criteria, scenarios, lengths, .. } = names;
        let whole = matches!(criteria.as_slice(), [only] if only == WHOLE);
        let form = Form { scope: if whole { Scope::Whole } else { Scope::PerCriterion }, ties: true };
        let criteria = if criteria.is_empty() { vec![AS_A_WHOLE.to_owned()] } else { criteria };
        Self {
            models,
            outside,
            constitutions: vec![JudgedBy { name, texts: criteria.clone(), criteria, form }],
            scenarios: Arc::new(scenarios),
            lengths: (!lengths.is_empty()).then(|| Arc::new(lengths)),
            personas: Vec::new(),
            language_models: Vec::new(),
            rows: Arc::default(),
        }
    }

    /// The name of a judge, in the population or outside.
    pub fn judge(&self, place: u16) -> &str {
        let outside = || self.outside.get(usize::from(place).checked_sub(self.models.len())?);
        self.models.get(usize::from(place)).or_else(outside).map_or("?", String::as_str)
    }

    /// Names of criteria, counted over all constitutions.
    pub fn criteria(&self) -> Vec<String> {
        let several = self.constitutions.len() > 1;
        let of = |judged: &JudgedBy| -> Vec<String> {
            let named = |name: &String| if several { format!("{}, {name}", judged.name) } else { name.clone() };
            judged.criteria.iter().map(named).collect()
        };
        self.constitutions.iter().flat_map(of).collect()
    }

    /// The first criterion of each constitution, counted over all.
    pub fn first_criteria(&self) -> Vec<u16> {
        let mut next = 0;
        let first = |judged: &JudgedBy| {
            let own = next;
            next += judged.criteria.len() as u16;
            own
        };
        self.constitutions.iter().map(first).collect()
    }

    /// Rows as they are fitted: those of one constitution, or of all with criteria counted on from one to the next.
    pub fn comparisons(&self, constitution: Option<usize>) -> Vec<Comparison> {
        fitted(&self.rows, &self.first_criteria(), constitution)
    }
}

/// Rows of one constitution, or of all with criteria counted on from `first_criteria` of each.
pub(super) fn fitted(rows: &[ComparisonRow], first_criteria: &[u16], constitution: Option<usize>) -> Vec<Comparison> {
    let wanted = |row: &&ComparisonRow| constitution.is_none_or(|wanted| usize::from(row.constitution) == wanted);
    let before = |row: &ComparisonRow| match constitution {
        Some(_) => 0,
        None => first_criteria[usize::from(row.constitution)],
    };
    let comparison = |row: &ComparisonRow| Comparison {
        scenario: row.scenario,
        criterion: row.criterion + before(row),
        pass: row.pass,
        judge: row.judge,
        first: row.first,
        second: row.second,
        choice: row.choice,
    };
    rows.iter().filter(wanted).map(comparison).collect()
}

/// What a choice by no single criterion goes by.
const AS_A_WHOLE: &str = "as a whole";
