//! Checking an audit file from scratch, subject by subject.

use super::super::certificate::{check_panels, deviation};
use super::super::draw::{PublishedList, panel_hash};
use super::super::fairness::evenness;
use super::super::lottery::Lottery;
use super::super::lottery_run::Status;
use super::super::pool::Pool;
use super::super::problem::Problem;
use super::{AuditDraw, AuditError, AuditFile, ROUNDING, SCHEMA, numbered, pool_sha256};
use crate::progress::{Cancelled, Progress, Silent};

/// One thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AuditDifference {
    pub field: String,
    pub recorded: String,
    pub found: String,
}

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The people are those whose hash the file tells, and the file hangs together.
    People,
    /// Seats that were settled before, and the quotas that they leave.
    Before,
    /// Every panel of the lottery meets the quotas, and their list has the hash that the file tells.
    Panels,
    /// Everybody's chance, by summation.
    Chances,
    /// The certificate, by arithmetic.
    Certificate,
    /// Each draw, from its words.
    Draws,
    /// Numbered panels: quotas, hash, chances, draws.
    Numbered,
}

/// One check, and what does not hold of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AuditCheck {
    pub subject: Subject,
    /// What was done, in a sentence.
    pub told: String,
    /// Nothing where it holds.
    pub differences: Vec<AuditDifference>,
}

impl AuditCheck {
    fn new(subject: Subject, told: impl Into<String>) -> Self {
        Self { subject, told: told.into(), differences: Vec::new() }
    }

    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.differences.is_empty()
    }

    fn differ(&mut self, field: &str, recorded: impl ToString, now: impl ToString) {
        let (recorded, found) = (recorded.to_string(), now.to_string());
        if recorded != found {
            self.differences.push(AuditDifference { field: field.to_owned(), recorded, found });
        }
    }

    fn broken(&mut self, error: &dyn std::fmt::Display) {
        self.differ("content", "whole", error);
    }
}

/// What the checks compute on the way.
struct Ground {
    pool: Pool,
    problem: Problem,
    lottery: Lottery,
    /// The list that is drawn from, or why none can be.
    published: Result<PublishedList, AuditError>,
    inclusion: Vec<f64>,
}

impl AuditFile {
    /// Everything that does not hold, whatever it is about; nothing means that the file verifies.
    pub fn verify(&self) -> Vec<AuditDifference> {
        let checks = self.checks(&Silent).unwrap_or_default();
        checks.into_iter().flat_map(|check| check.differences).collect()
    }

    /// Checks everything from scratch: hashes, every panel against the quotas in whole numbers, everybody's chance by
    /// summation, the certificate by arithmetic, each draw from its words. A file that does not hang together has the
    /// first check alone.
    pub fn checks(&self, progress: &dyn Progress) -> Result<Vec<AuditCheck>, Cancelled> {
        progress.stage("checking hashes");
        let told = format!("{} people have the hash that the file tells.", self.people.len());
        let mut people = AuditCheck::new(Subject::People, told);
        people.differ("schema", self.schema, SCHEMA);
        people.differ("pool_sha256", &self.pool_sha256, pool_sha256(&self.people));
        let ground = match self.ground() {
            Ok(ground) => ground,
            Err(error) => {
                people.broken(&error);
                return Ok(vec![people]);
            }
        };
        let mut checks = vec![people];
        progress.checkpoint()?;
        if let Some(before) = &self.before {
            let told = format!("{} people were settled before; the rest is what they leave.", before.people.len());
            let mut check = AuditCheck::new(Subject::Before, told);
            check.differ("before.sha256", &before.sha256, before.hash());
            if let Err(error) = before.check(&ground.pool, &self.quotas, self.one_per_household) {
                check.differ("before", "leaves these people and quotas", error);
            }
            checks.push(check);
        }
        progress.stage("checking panels");
        let told = format!("{} panels meet every quota, and their list has its hash.", self.panels.len());
        let mut panels = AuditCheck::new(Subject::Panels, told);
        compare_panels(&mut panels, "panels", &ground, &ground.lottery);
        match &ground.published {
            Ok(published) => panels.differ("list_sha256", &self.list_sha256, &published.hash),
            Err(error) => panels.differ("panels", "a list that can be drawn from", error),
        }
        checks.push(panels);
        progress.checkpoint()?;
        progress.stage("checking chances");
        checks.push(self.compare_chances(&ground));
        progress.checkpoint()?;
        progress.stage("checking the certificate");
        checks.push(self.compare_certificate(&ground));
        progress.checkpoint()?;
        let told = match self.draws.len() {
            0 => "No draw from the lottery's own probabilities was held.".to_owned(),
            draws => format!("{draws} drawn from the lottery's own probabilities, again from the words."),
        };
        let mut draws = AuditCheck::new(Subject::Draws, told);
        if let Ok(published) = &ground.published {
            compare_draws(&mut draws, "draws", &self.draws, published);
        }
        checks.push(draws);
        if self.numbered.is_some() {
            progress.stage("checking numbered panels");
            checks.push(self.compare_numbered(&ground));
        }
        Ok(checks)
    }

    fn ground(&self) -> Result<Ground, AuditError> {
        let pool = self.pool()?;
        let problem = Problem::new(&pool, &self.quotas, self.one_per_household)
            .map_err(|error| AuditError::Content(error.to_string()))?;
        let lottery = self.lottery()?;
        let inclusion = lottery.inclusion(pool.len());
        Ok(Ground { published: self.published(), pool, problem, lottery, inclusion })
    }

    fn compare_chances(&self, ground: &Ground) -> AuditCheck {
        let told = match &self.estimate {
            None => "Everybody's chance is the sum over panels, bit for bit; people alike have the same.",
            Some(_) => "Chances were estimated by trials; only the panels that were drawn can be checked.",
        };
        let mut check = AuditCheck::new(Subject::Chances, told);
        if self.estimate.is_some() {
            return check;
        }
        for (id, now) in ground.pool.ids().iter().zip(&ground.inclusion) {
            // Sums in the same order have the same bits everywhere.
            if self.inclusion.get(id).map(|chance| chance.to_bits()) != Some(now.to_bits()) {
                let recorded = self.inclusion.get(id).map_or("nothing".into(), f64::to_string);
                check.differ(&format!("inclusion[{id:?}]"), recorded, now);
                break;
            }
        }
        for kind in &ground.problem.types {
            let chances = kind.members.iter().map(|&person| ground.inclusion[person as usize]);
            let (low, high) = chances.fold((1.0f64, 0.0f64), |(low, high), chance| (low.min(chance), high.max(chance)));
            if high - low > ROUNDING {
                check.differ("inclusion", "the same for people alike", format!("{low} to {high}"));
                break;
            }
        }
        let Some(statistics) = evenness(&ground.inclusion) else {
            check.broken(&"nobody has a chance");
            return check;
        };
        for (name, recorded, now) in [
            ("min", self.statistics.min, statistics.minimum),
            ("max", self.statistics.max, statistics.maximum),
            ("gini", self.statistics.gini, statistics.gini),
            ("geometric_mean", self.statistics.geometric_mean, statistics.geometric_mean),
            ("ess", self.statistics.ess, statistics.effective),
        ] {
            if (recorded - now).abs().is_nan() || (recorded - now).abs() > ROUNDING * now.abs().max(1.0) {
                check.differ(&format!("statistics.{name}"), recorded, now);
            }
        }
        check
    }

    fn compare_certificate(&self, ground: &Ground) -> AuditCheck {
        let told = match (&self.estimate, self.status) {
            (Some(_), _) => "A rule whose chances are estimated has no certificate.",
            (None, Status::Exact) => "The certificate proves by arithmetic that no lottery is fairer.",
            (None, Status::Gap) => "The certificate bounds how far the lottery is from the fairest one.",
        };
        let mut check = AuditCheck::new(Subject::Certificate, told);
        let problem = &ground.problem;
        if let Err(error) = check_panels(problem, &self.types) {
            check.differ("types", "a lottery by types", error);
            return check;
        }
        let Some(certificate) = &self.certificate else {
            if self.estimate.is_none() {
                check.differ("certificate", "absent", "a computed lottery has one");
            }
            return check;
        };
        // The lottery of people is the one that the certificate speaks of.
        let own: Vec<f64> = problem
            .types
            .iter()
            .map(|kind| kind.members.first().map_or(0.0, |&person| ground.inclusion[person as usize]))
            .collect();
        let apart = deviation(problem, &self.types, &own);
        if apart.is_nan() || apart > ROUNDING {
            check.differ("types", "the chances of the panels", format!("chances that differ by {apart}"));
        }
        match certificate.check(problem, &self.types) {
            Ok(checked) => {
                let status = if checked.exact { Status::Exact } else { Status::Gap };
                check.differ("status", format!("{:?}", self.status), format!("{status:?}"));
                let gap = checked.gap.max(checked.deviation);
                if (gap - self.gap).abs().is_nan() || (gap - self.gap).abs() > 1e-12 {
                    check.differ("gap", self.gap, gap);
                }
            }
            Err(error) => check.differ("certificate", "holds", error),
        }
        check
    }

    fn compare_numbered(&self, ground: &Ground) -> AuditCheck {
        let Some(recorded) = &self.numbered else { return AuditCheck::new(Subject::Numbered, String::new()) };
        let told = format!(
            "{} numbered panels meet every quota, their list has its hash, chances stay within {} of the lottery's, and {} \
             drawn again.",
            recorded.panels.len(),
            recorded.deviation,
            recorded.draws.len()
        );
        let mut check = AuditCheck::new(Subject::Numbered, told);
        let list = match (recorded.lottery(ground.pool.len()), self.published_numbers()) {
            (Ok(list), Ok(Some(published))) => Some((list, published)),
            (Err(error), _) | (_, Err(error)) => {
                check.broken(&error);
                None
            }
            (Ok(_), Ok(None)) => None,
        };
        let Some((list, published)) = list else { return check };
        compare_panels(&mut check, "numbered.panels", ground, &list);
        check.differ("numbered.list_sha256", &recorded.list_sha256, &published.hash);
        let apart = numbered::deviation(&list.panels, &ground.inclusion);
        if apart.to_bits() != recorded.deviation.to_bits() {
            check.differ("numbered.deviation", recorded.deviation, apart);
        }
        compare_draws(&mut check, "numbered.draws", &recorded.draws, &published);
        check
    }
}

/// Panels of people, counted by types and put to the quotas.
fn compare_panels(check: &mut AuditCheck, field: &str, ground: &Ground, lottery: &Lottery) {
    let problem = &ground.problem;
    let mut kind = vec![0u32; ground.pool.len()];
    for (t, people) in problem.types.iter().zip(0..).map(|(kind, t)| (t, &kind.members)) {
        people.iter().for_each(|&person| kind[person as usize] = t);
    }
    let mut total = 0.0;
    for (number, panel) in lottery.panels.iter().enumerate() {
        let mut counts = vec![0; problem.types.len()];
        panel.members.iter().for_each(|&person| counts[kind[person as usize] as usize] += 1);
        let twice = panel.members.windows(2).any(|pair| pair[0] == pair[1]);
        if twice || !problem.admits(&counts) {
            check.differ(&format!("{field}[{number}]"), "meets the quotas", "it does not");
        }
        if !(0.0..=1.0).contains(&panel.probability) {
            check.differ(&format!("{field}[{number}].probability"), panel.probability, "from 0 to 1");
        }
        total += panel.probability;
    }
    if (total - 1.0).abs() > ROUNDING {
        check.differ(field, format!("probabilities that sum to {total}"), "1");
    }
}

fn compare_draws(check: &mut AuditCheck, field: &str, draws: &[AuditDraw], published: &PublishedList) {
    for (number, draw) in draws.iter().enumerate() {
        let field = format!("{field}[{number}]");
        match published.draw(&draw.drawn.words) {
            Ok(again) => {
                let drawn = &draw.drawn;
                check.differ(&format!("{field}.words"), &drawn.words, &again.words);
                check.differ(&format!("{field}.seed"), &drawn.seed, &again.seed);
                check.differ(&format!("{field}.number"), drawn.number, again.number);
                check.differ(&format!("{field}.panel"), drawn.panel, again.panel);
                check.differ(&format!("{field}.panel_hash"), &drawn.panel_hash, &again.panel_hash);
                check.differ(&format!("{field}.list_hash"), &drawn.list_hash, &again.list_hash);
                let members = panel_hash(draw.members.iter().map(String::as_str));
                check.differ(&format!("{field}.members"), members, again.panel_hash);
            }
            Err(error) => check.differ(&field, "words that draw a panel", error),
        }
    }
}
