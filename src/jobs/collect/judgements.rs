//! Judgements with the names that their numbers stand for, whether a run collected them or took them in from a file.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{CollectSpec, LENGTHS, Lengths};
use crate::eigenbench::comparisons::Comparison;
use crate::eigenbench::findings::Judged;
use crate::eigenbench::protocol::{Form, Scope};
use crate::eigenbench::scenario::Scenario;
use crate::formats::evaluations::WHOLE;
use crate::formats::people_comparisons::{Names, PersonChoice};
use crate::jobs::import_comparisons::{IMPORTED, ImportedNames};
use crate::jobs::speaker::Speaker;
use crate::jobs::spec::RunSpec;
use crate::store::{CallId, CallsBehind, ComparisonRow, PersonComparison, Project, RunId, StoreError};

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
    /// So many of the last judges outside are people of this project.
    pub people: usize,
    /// By constitution, scenario, pass, judge, pair and criterion; those of people last.
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
        found.join(&project.person_comparisons(run)?);
        Ok(Some(found))
    }

    /// Adds people as judges outside the population, with what they were shown behind each of their choices.
    fn join(&mut self, people: &[PersonComparison]) {
        if people.is_empty() {
            return;
        }
        let responses = self.responses();
        let mut rows = (*self.rows).clone();
        for own in people {
            if self.people == 0 || self.outside.last() != Some(&own.person) {
                self.outside.push(own.person.clone());
                self.people += 1;
            }
            let call = |model| responses.get(&own.scenario)?.get(&model).copied();
            rows.push(ComparisonRow {
                constitution: own.constitution,
                scenario: own.scenario,
                pass: 0,
                judge: (self.models.len() + self.outside.len() - 1) as u16,
                first: own.first,
                second: own.second,
                criterion: own.criterion,
                choice: own.choice,
                calls: CallsBehind { responses: [call(own.first), call(own.second)], ..CallsBehind::default() },
            });
        }
        self.rows = Arc::new(rows);
    }

    /// The calls that brought the responses that judges were shown, by scenario and model.
    pub fn responses(&self) -> BTreeMap<u32, BTreeMap<u16, CallId>> {
        let mut found: BTreeMap<u32, BTreeMap<u16, CallId>> = BTreeMap::new();
        for row in self.rows.iter() {
            for (model, call) in [row.first, row.second].into_iter().zip(row.calls.responses) {
                if let Some(call) = call {
                    found.entry(row.scenario).or_default().insert(model, call);
                }
            }
        }
        found
    }

    /// What a table of people's choices may call things.
    pub fn names(&self) -> Names {
        Names {
            models: self.models.clone(),
            scenarios: self.scenarios.iter().map(|scenario| scenario.id.clone()).collect(),
            criteria: self.criteria(),
        }
    }

    /// A choice out of a table, as the project keeps it.
    pub fn kept(&self, choice: PersonChoice) -> PersonComparison {
        let PersonChoice { person, scenario, criterion, first, second, choice } = choice;
        let starts = self.first_criteria();
        let constitution = starts.iter().rposition(|start| *start <= criterion).unwrap_or(0);
        let criterion = criterion - starts.get(constitution).copied().unwrap_or(0);
        PersonComparison { person, constitution: constitution as u16, scenario, criterion, first, second, choice }
    }

    /// What people chose, as the project keeps it.
    pub fn people(&self) -> impl Iterator<Item = PersonComparison> + '_ {
        let first = self.models.len() + self.outside.len() - self.people;
        let rows = self.rows.iter().filter(move |row| usize::from(row.judge) >= first);
        rows.map(|row| PersonComparison {
            person: self.judge(row.judge).to_owned(),
            constitution: row.constitution,
            scenario: row.scenario,
            criterion: row.criterion,
            first: row.first,
            second: row.second,
            choice: row.choice,
        })
    }

    /// What people chose, for a table.
    pub fn choices(&self) -> Vec<PersonChoice> {
        let starts = self.first_criteria();
        let choice = |own: PersonComparison| {
            let PersonComparison { person, constitution, scenario, criterion, first, second, choice } = own;
            let criterion = criterion + starts.get(usize::from(constitution)).copied().unwrap_or(0);
            PersonChoice { person, scenario, criterion, first, second, choice }
        };
        self.people().map(choice).collect()
    }

    /// As the science sees it, by all constitutions or one of them.
    pub fn judged(&self, constitution: Option<usize>) -> Judged {
        let all = self.criteria();
        let criteria = match constitution {
            None => all,
            Some(own) => self.constitutions[own].criteria.clone(),
        };
        Judged {
            models: self.models.clone(),
            outside: self.outside.clone(),
            criteria,
            language_models: self.language_models.clone(),
            personas: self.personas.clone(),
            lengths: self.lengths.as_deref().cloned().unwrap_or_default(),
            rows: self.comparisons(constitution),
        }
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
            people: 0,
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
            people: 0,
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
