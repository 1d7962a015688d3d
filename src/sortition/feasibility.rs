//! Whether quotas can be met, from the cheapest check to the dearest, each finding in words that name rows and numbers.

use super::branching::{Plan, whole};
use super::census::{Bound, Census, Rule};
use super::conflict;
use super::pool::Pool;
use super::quotas::{AttributeQuotas, QuotaError, Quotas};
use super::reach::{Unreachable, unreachable};
use super::simplex::Status;
use crate::progress::{Cancelled, Progress};

/// Branches that the search for a panel may take before the answer is "not yet known".
const BRANCHES: u64 = 20_000;

/// What is known about quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lamp {
    /// There is a panel, and it is shown.
    Feasible,
    /// There is none, by proof.
    Infeasible,
    /// Nobody knows yet: the check was ended, or gave up.
    Unknown,
}

/// The checks, cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Names and bounds in order.
    Form,
    /// The bounds of each attribute against the seats.
    Sums,
    /// The people there are of each value.
    Counts,
    /// The households there are of each value.
    Households,
    /// All rules together, as if people could be divided.
    Fractions,
    /// All rules together.
    Panels,
    /// People that no panel can have.
    Reach,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// There can be no panel.
    Error,
    /// Panels are not ruled out, but something is worth knowing.
    Warning,
}

/// Something found by a check.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// The check.
    pub stage: Stage,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, naming rows and numbers.
    pub sentence: String,
    /// The rules it is about.
    pub rules: Vec<Rule>,
    /// How many are asked for, and how many there can be.
    pub numbers: Option<(i64, i64)>,
}

/// A panel that meets the quotas: types of the census with how many of each, ascending, none of them 0.
pub type Witness = Vec<(u32, u32)>;

/// What the checks found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Report {
    /// What is known.
    pub lamp: Lamp,
    /// Everything found, in the order of the checks.
    pub findings: Vec<Finding>,
    /// A panel, where there is one.
    pub witness: Option<Witness>,
    /// The people that no panel can have, where that was looked at.
    pub unreachable: Option<Unreachable>,
}

impl Report {
    fn infeasible(findings: Vec<Finding>) -> Self {
        Self { lamp: Lamp::Infeasible, findings, witness: None, unreachable: None }
    }

    fn unknown(mut self, stage: Stage, sentence: &str) -> Self {
        self.findings.push(warning(stage, sentence.to_owned(), Vec::new()));
        Self { lamp: Lamp::Unknown, ..self }
    }
}

fn warning(stage: Stage, sentence: String, rules: Vec<Rule>) -> Finding {
    Finding { stage, severity: Severity::Warning, sentence, rules, numbers: None }
}

fn error(stage: Stage, sentence: String, rules: Vec<Rule>, numbers: Option<(i64, i64)>) -> Finding {
    Finding { stage, severity: Severity::Error, sentence, rules, numbers }
}

/// Every check. Where it is ended early, the lamp is `Unknown` unless the answer was there already.
pub fn check(pool: &Pool, quotas: &Quotas, one_per_household: bool, progress: &dyn Progress) -> Report {
    let census = match Census::new(pool, quotas, one_per_household) {
        Ok(census) => census,
        Err(errors) => {
            let mut findings: Vec<Finding> = errors.iter().map(malformed).collect();
            findings.extend(quotas.errors_of_numbers(pool.len()).iter().map(malformed));
            return Report::infeasible(findings);
        }
    };
    let mut report = check_edit(&census, quotas, None, progress);
    let Some(witness) = &report.witness else {
        // The edit's check does not say which rules it is that only whole people cannot meet.
        let open = |last: &&mut Finding| last.stage == Stage::Panels && last.severity == Severity::Error;
        if let Some(last) = report.findings.last_mut().filter(open)
            && let Ok(Some(found)) = conflict::conflict(&census, quotas, progress)
        {
            (last.sentence, last.rules) = (found.sentence, found.rules);
        }
        return report;
    };
    match unreachable(&census, quotas, std::slice::from_ref(witness), progress) {
        Ok(found) => {
            report.findings.extend(
                found.groups.iter().map(|group| warning(Stage::Reach, group.sentence.clone(), group.rules.clone())),
            );
            report.unreachable = Some(found);
        }
        Err(Cancelled) => {
            let sentence = "Whether everybody can be chosen was not looked at to the end.";
            report.findings.push(warning(Stage::Reach, sentence.to_owned(), Vec::new()));
        }
    }
    report
}

/// The checks up to whether there is a panel, for quotas that the census fits; `last` is a panel that met them before the
/// edit, if one is known. [`unreachable`] is the check that is left.
pub fn check_edit(census: &Census, quotas: &Quotas, last: Option<&Witness>, progress: &dyn Progress) -> Report {
    let mut findings: Vec<Finding> =
        quotas.errors_of_numbers(census.people()).iter().map(malformed).chain(sums(quotas)).collect();
    findings.extend(counts(census, quotas));
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Report::infeasible(findings);
    }
    let report = Report { lamp: Lamp::Feasible, findings, witness: None, unreachable: None };
    if let Some(last) = last.filter(|last| census.admits(quotas, last)) {
        return Report { witness: Some(last.clone()), ..report };
    }
    search(census, quotas, report.clone(), progress)
        .unwrap_or_else(|Cancelled| report.unknown(Stage::Panels, "The search for a panel was ended."))
}

/// The last two checks.
fn search(census: &Census, quotas: &Quotas, mut report: Report, progress: &dyn Progress) -> Result<Report, Cancelled> {
    progress.stage("looking for a panel");
    let mut simplex = census.simplex(&census.limits(quotas), quotas.size, true, 0);
    if simplex.solve(progress)? == Status::Infeasible
        && let Some(found) = conflict::of_fractions(census, quotas, progress)?
    {
        let numbers = found.certificate.as_ref().map(|proof| (proof.asked, proof.possible));
        report.findings.push(error(Stage::Fractions, found.sentence, found.rules, numbers));
        return Ok(Report::infeasible(report.findings));
    }
    let answer = whole(&mut simplex, Plan::any(BRANCHES), progress)?;
    if let Some(counts) = &answer.best {
        let pairs = counts.iter().enumerate().map(|(t, &count)| (t as u32, count as u32));
        let witness: Witness = pairs.filter(|&(_, count)| count > 0).collect();
        if census.admits(quotas, &witness) {
            return Ok(Report { witness: Some(witness), ..report });
        }
    } else if answer.complete {
        let sentence = "The quotas could be met on average, by halves of people, but not by any panel of whole people.";
        report.findings.push(error(Stage::Panels, sentence.to_owned(), Vec::new(), None));
        return Ok(Report::infeasible(report.findings));
    }
    let sentence = "The search gave up: it found neither a panel nor a proof that there is none.";
    Ok(report.unknown(Stage::Panels, sentence))
}

fn malformed(problem: &QuotaError) -> Finding {
    let quota = |attribute: &String, value: &String, bound| Rule::Quota {
        attribute: attribute.clone(),
        value: value.clone(),
        bound,
    };
    let (rules, numbers) = match problem {
        QuotaError::MinAboveMax { attribute, value, min, max } => {
            (vec![quota(attribute, value, Bound::Min), quota(attribute, value, Bound::Max)], Some((*min, *max)))
        }
        QuotaError::FlexInside { attribute, value, .. } => {
            (vec![quota(attribute, value, Bound::Min), quota(attribute, value, Bound::Max)], None)
        }
        QuotaError::LargerThanPool { size, people } => (vec![Rule::Size], Some((*size, *people as u32))),
        QuotaError::Empty => (vec![Rule::Size], None),
        QuotaError::UnknownAttribute(_)
        | QuotaError::DuplicateAttribute(_)
        | QuotaError::DuplicateValue { .. }
        | QuotaError::UnknownValue { .. } => (Vec::new(), None),
    };
    let text = problem.to_string();
    let numbers = numbers.map(|(asked, possible)| (i64::from(asked), i64::from(possible)));
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let keep = matches!(problem, QuotaError::MinAboveMax { .. } | QuotaError::FlexInside { .. });
    error(Stage::Form, if keep { text } else { first + letters.as_str() }, rules, numbers)
}

/// The ends of the rows of an attribute.
fn ends(attribute: &AttributeQuotas, bound: Bound) -> Vec<Rule> {
    let bounded = attribute.values.iter().filter(|quota| !quota.slack && (bound == Bound::Max || quota.min > 0));
    bounded
        .map(|quota| Rule::Quota { attribute: attribute.name.clone(), value: quota.value.clone(), bound })
        .chain([Rule::Size])
        .collect()
}

/// Whether the bounds of each attribute leave exactly as many as there are seats.
fn sums(quotas: &Quotas) -> Vec<Finding> {
    let mut findings = Vec::new();
    let size = i64::from(quotas.size);
    for attribute in &quotas.attributes {
        let bound = |quota: &super::quotas::ValueQuota| match quota.slack {
            true => (0, size),
            false => (i64::from(quota.min), i64::from(quota.max)),
        };
        let (min, max) = attribute.values.iter().map(bound).fold((0, 0), |sum, (min, max)| (sum.0 + min, sum.1 + max));
        let name = &attribute.name;
        if min > size {
            let sentence = format!("{name}: the lower bounds add up to {min}, the panel has {size} seats.");
            findings.push(error(Stage::Sums, sentence, ends(attribute, Bound::Min), Some((min, size))));
        }
        if max < size {
            let sentence = format!("{name}: the upper bounds add up to {max}, the panel has {size} seats to fill.");
            findings.push(error(Stage::Sums, sentence, ends(attribute, Bound::Max), Some((size, max))));
        }
    }
    findings
}

/// Whether there are enough people of each value, and enough who do not live together.
fn counts(census: &Census, quotas: &Quotas) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (size, homes) = (quotas.size, census.all_homes());
    if homes < size && size as usize <= census.people() {
        let sentence = format!(
            "The panel has {size} seats, but the pool has only {homes} different households, and at most one person \
             of each may sit."
        );
        let numbers = Some((i64::from(size), i64::from(homes)));
        findings.push(error(Stage::Households, sentence, vec![Rule::Size, Rule::Households], numbers));
    }
    for (place, attribute) in quotas.attributes.iter().enumerate() {
        let name = &attribute.name;
        let mut short = false;
        let (mut most, mut sum_max) = (0, 0);
        for (number, quota) in attribute.values.iter().enumerate() {
            let (people, homes) = (census.people_with(place, number), census.homes_with(place, number));
            let (min, max) = if quota.slack { (0, size) } else { (quota.min, quota.max) };
            most += i64::from(max.min(people));
            sum_max += i64::from(max);
            let rule = Rule::Quota { attribute: name.clone(), value: quota.value.clone(), bound: Bound::Min };
            let value = &quota.value;
            if people < min {
                short = true;
                let sentence = format!("{name}: {value} needs at least {min}, the pool has {people}.");
                findings.push(error(Stage::Counts, sentence, vec![rule], Some((i64::from(min), i64::from(people)))));
            } else if homes < min {
                let sentence = format!(
                    "{name}: {value} needs at least {min}, but the {people} people of the pool live in {homes} \
                     different households, and at most one person of each may sit."
                );
                let numbers = Some((i64::from(min), i64::from(homes)));
                findings.push(error(Stage::Households, sentence, vec![rule, Rule::Households], numbers));
            }
        }
        let size = i64::from(size);
        if most < size && sum_max >= size && !short && size <= census.people() as i64 {
            let sentence = format!(
                "{name}: with the people there are and these upper bounds, only {most} of the {size} seats can be filled."
            );
            findings.push(error(Stage::Counts, sentence, ends(attribute, Bound::Max), Some((size, most))));
        }
    }
    findings
}
