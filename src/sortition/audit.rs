//! The audit file: all that a stranger needs to check a lottery and its draws from scratch, on another machine, bit for
//! bit. It names people by their ids and holds of them only what the quotas look at; households are numbers.

use std::collections::{BTreeMap, HashMap};

use super::algorithm::Algorithm;
use super::certificate::{Certificate, check_panels, deviation};
use super::draw::{Drawn, PublishedList, panel_hash};
use super::fairness::evenness;
use super::lottery::{Lottery, Panel, TypeLottery};
use super::lottery_run::{Estimate, LotteryResult, LotterySpec, Status};
use super::pool::{Attribute, Pool};
use super::problem::Problem;
use super::quotas::Quotas;

/// What the file calls itself.
pub const KIND: &str = "kleroterion-panel";
/// Version of the file's layout.
const SCHEMA: u32 = 1;
/// Chances of a type's people may differ by this much: the rounding of sums.
const ROUNDING: f64 = 1e-9;

/// A person as far as quotas and rules look.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AuditPerson {
    pub id: String,
    /// One value for each attribute with quotas, in their order.
    pub values: Vec<String>,
    /// People with the same number live together; absent where no rule looks at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub household: Option<u32>,
}

/// A panel with its probability.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AuditPanel {
    pub probability: f64,
    /// Ids, in the order of the pool.
    pub members: Vec<String>,
}

/// A draw that was held.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AuditDraw {
    #[serde(flatten)]
    pub drawn: Drawn,
    /// The ids of those who were drawn.
    pub members: Vec<String>,
}

/// Figures of the chances that every reader asks for.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Statistics {
    pub min: f64,
    pub max: f64,
    pub gini: f64,
    pub geometric_mean: f64,
    /// Kish's effective number of people.
    pub ess: f64,
}

/// The file.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AuditFile {
    pub kind: String,
    pub schema: u32,
    pub program_version: String,
    /// SHA-256 of the people below: see [`AuditFile::pool_sha256`].
    pub pool_sha256: String,
    pub people: Vec<AuditPerson>,
    pub quotas: Quotas,
    pub one_per_household: bool,
    pub algorithm: Algorithm,
    pub seed: u64,
    pub status: Status,
    pub gap: f64,
    /// Everybody's chance, by id.
    pub inclusion: BTreeMap<String, f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    pub panels: Vec<AuditPanel>,
    /// Hash of the list of panels as it is drawn from: see `draw`.
    pub list_sha256: String,
    /// The lottery counted by types of people, as the certificate is.
    pub types: TypeLottery,
    pub certificate: Option<Certificate>,
    /// People who can be on no panel, by id.
    pub unreachable: Vec<String>,
    pub statistics: Statistics,
    #[serde(default)]
    pub draws: Vec<AuditDraw>,
}

/// Why a text is no audit file, or a lottery cannot be put into one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AuditError {
    #[error("the file is not the JSON of a lottery: {0}. Choose a file that `panel lottery` or the Panel tab wrote")]
    Json(String),
    #[error(
        "the file is of the kind {0}, not \"kleroterion-panel\". Choose a file that `panel lottery` or the Panel tab wrote"
    )]
    Kind(String),
    #[error("the file has layout version {0}, newer than the {SCHEMA} that this program reads: update Kleroterion")]
    Newer(u64),
    #[error("{0}")]
    Content(String),
}

/// One thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AuditDifference {
    pub field: String,
    pub recorded: String,
    pub found: String,
}

impl AuditFile {
    /// The file of a lottery, without draws.
    pub fn new(spec: &LotterySpec, result: &LotteryResult) -> Result<Self, AuditError> {
        let ids = spec.pool.ids();
        let people = people(&spec.pool, &spec.quotas, spec.one_per_household)?;
        let member = |&person: &u32| ids[person as usize].clone();
        let panels = result.lottery.panels.iter().map(|panel| AuditPanel {
            probability: panel.probability,
            members: panel.members.iter().map(member).collect(),
        });
        let list = PublishedList::weighted(&result.lottery, ids).map_err(|e| AuditError::Content(e.to_string()))?;
        Ok(Self {
            kind: KIND.to_owned(),
            schema: SCHEMA,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            pool_sha256: pool_sha256(&people),
            people,
            quotas: spec.quotas.clone(),
            one_per_household: spec.one_per_household,
            algorithm: spec.algorithm,
            seed: spec.seed,
            status: result.status,
            gap: result.gap,
            inclusion: ids.iter().cloned().zip(result.inclusion.iter().copied()).collect(),
            estimate: result.estimate.clone(),
            panels: panels.collect(),
            list_sha256: list.hash,
            types: result.types.clone(),
            certificate: result.certificate.clone(),
            unreachable: result.unreachable.iter().map(member).collect(),
            statistics: Statistics {
                min: result.evenness.minimum,
                max: result.evenness.maximum,
                gini: result.evenness.gini,
                geometric_mean: result.evenness.geometric_mean,
                ess: result.evenness.effective,
            },
            draws: Vec::new(),
        })
    }

    /// Reads a file that may come from anybody.
    pub fn from_json(text: &str) -> Result<Self, AuditError> {
        let json = |error: serde_json::Error| AuditError::Json(error.to_string());
        let value: serde_json::Value = serde_json::from_str(text).map_err(json)?;
        match value.get("kind") {
            Some(kind) if kind == KIND => {}
            kind => {
                let found = kind.map_or_else(|| "missing".into(), |kind| kind.to_string().chars().take(80).collect());
                return Err(AuditError::Kind(found));
            }
        }
        if let Some(schema) = value.get("schema").and_then(serde_json::Value::as_u64)
            && schema > u64::from(SCHEMA)
        {
            return Err(AuditError::Newer(schema));
        }
        serde_json::from_value(value).map_err(json)
    }

    /// The lottery over places in the list of people.
    pub fn lottery(&self) -> Result<Lottery, AuditError> {
        let places: HashMap<&str, u32> =
            self.people.iter().zip(0..).map(|(person, place)| (person.id.as_str(), place)).collect();
        let panel = |(number, panel): (usize, &AuditPanel)| {
            let place = |id: &String| {
                places.get(id.as_str()).copied().ok_or_else(|| {
                    AuditError::Content(format!("panel {} names {id:?}, who is not among the people", number + 1))
                })
            };
            let mut members = panel.members.iter().map(place).collect::<Result<Vec<u32>, _>>()?;
            members.sort_unstable();
            Ok(Panel { members, probability: panel.probability })
        };
        Ok(Lottery { panels: self.panels.iter().enumerate().map(panel).collect::<Result<_, AuditError>>()? })
    }

    /// The list as it is published before a draw.
    pub fn published(&self) -> Result<PublishedList, AuditError> {
        let ids: Vec<String> = self.people.iter().map(|person| person.id.clone()).collect();
        PublishedList::weighted(&self.lottery()?, &ids).map_err(|error| AuditError::Content(error.to_string()))
    }

    /// Draws with what the dice or the beacon showed, and records the draw.
    pub fn draw(&mut self, words: &str) -> Result<&AuditDraw, AuditError> {
        let drawn = self.published()?.draw(words).map_err(|error| AuditError::Content(error.to_string()))?;
        let members = self.panels[drawn.panel].members.clone();
        self.draws.push(AuditDraw { drawn, members });
        Ok(&self.draws[self.draws.len() - 1])
    }

    /// The pool, as far as the file knows it.
    pub fn pool(&self) -> Result<Pool, AuditError> {
        let content = |error: String| AuditError::Content(error);
        let attributes: Vec<Attribute> = self
            .quotas
            .attributes
            .iter()
            .map(|quota| Attribute {
                name: quota.name.clone(),
                values: quota.values.iter().map(|value| value.value.clone()).collect(),
            })
            .collect();
        let mut rows = Vec::with_capacity(self.people.len());
        for person in &self.people {
            if person.values.len() != attributes.len() {
                return Err(content(format!(
                    "{:?} has {} values for {} attributes",
                    person.id,
                    person.values.len(),
                    attributes.len()
                )));
            }
            let place = |(attribute, value): (&Attribute, &String)| {
                attribute.values.iter().position(|known| known == value).map(|place| place as u16).ok_or_else(|| {
                    content(format!("{:?} has {value:?} for {}, which has no quota", person.id, attribute.name))
                })
            };
            rows.push(attributes.iter().zip(&person.values).map(place).collect::<Result<Vec<u16>, _>>()?);
        }
        let ids = self.people.iter().map(|person| person.id.clone()).collect();
        let home = |person: &AuditPerson| person.household.map_or_else(String::new, |number| number.to_string());
        let households = match self.people.iter().any(|person| person.household.is_some()) {
            true => self.people.iter().map(home).collect(),
            false => Vec::new(),
        };
        Pool::new(attributes, ids, &rows, households).map_err(|error| content(error.to_string()))
    }

    /// Checks everything from scratch: hashes, every panel against the quotas in whole numbers, everybody's chance by
    /// summation, the certificate by arithmetic, each draw from its words. What does not hold is named; nothing means that
    /// the file verifies.
    pub fn verify(&self) -> Vec<AuditDifference> {
        let mut found = Vec::new();
        if let Err(error) = self.compare(&mut found) {
            found.push(AuditDifference { field: "content".into(), recorded: "whole".into(), found: error.to_string() });
        }
        found
    }

    fn compare(&self, found: &mut Vec<AuditDifference>) -> Result<(), AuditError> {
        let mut differ = |field: &str, recorded: String, now: String| {
            if recorded != now {
                found.push(AuditDifference { field: field.to_owned(), recorded, found: now });
            }
        };
        differ("schema", self.schema.to_string(), SCHEMA.to_string());
        differ("pool_sha256", self.pool_sha256.clone(), pool_sha256(&self.people));
        let pool = self.pool()?;
        let content = |error: &dyn std::fmt::Display| AuditError::Content(error.to_string());
        let problem = Problem::new(&pool, &self.quotas, self.one_per_household).map_err(|error| content(&error))?;
        let lottery = self.lottery()?;
        // Panels of people, counted by types and put to the quotas.
        let mut kind = vec![0u32; pool.len()];
        for (t, people) in problem.types.iter().zip(0..).map(|(kind, t)| (t, &kind.members)) {
            people.iter().for_each(|&person| kind[person as usize] = t);
        }
        let mut total = 0.0;
        for (number, panel) in lottery.panels.iter().enumerate() {
            let mut counts = vec![0; problem.types.len()];
            panel.members.iter().for_each(|&person| counts[kind[person as usize] as usize] += 1);
            let twice = panel.members.windows(2).any(|pair| pair[0] == pair[1]);
            if twice || !problem.admits(&counts) {
                differ(&format!("panels[{number}]"), "meets the quotas".into(), "it does not".into());
            }
            if !(0.0..=1.0).contains(&panel.probability) {
                differ(&format!("panels[{number}].probability"), panel.probability.to_string(), "from 0 to 1".into());
            }
            total += panel.probability;
        }
        if (total - 1.0).abs() > ROUNDING {
            differ("panels", format!("probabilities that sum to {total}"), "1".into());
        }
        let published = self.published()?;
        differ("list_sha256", self.list_sha256.clone(), published.hash.clone());
        self.compare_chances(&pool, &problem, &lottery, &mut differ)?;
        for (number, draw) in self.draws.iter().enumerate() {
            let again = published.draw(&draw.drawn.words).map_err(|error| content(&error))?;
            differ(&format!("draws[{number}]"), format!("{:?}", draw.drawn), format!("{again:?}"));
            let members = panel_hash(draw.members.iter().map(String::as_str));
            differ(&format!("draws[{number}].members"), members, again.panel_hash);
        }
        Ok(())
    }

    fn compare_chances(
        &self,
        pool: &Pool,
        problem: &Problem,
        lottery: &Lottery,
        differ: &mut impl FnMut(&str, String, String),
    ) -> Result<(), AuditError> {
        let inclusion = lottery.inclusion(pool.len());
        if self.estimate.is_none() {
            for (id, now) in pool.ids().iter().zip(&inclusion) {
                // Sums in the same order have the same bits everywhere.
                if self.inclusion.get(id).map(|chance| chance.to_bits()) != Some(now.to_bits()) {
                    let recorded = self.inclusion.get(id).map_or("nothing".into(), f64::to_string);
                    differ(&format!("inclusion[{id:?}]"), recorded, now.to_string());
                    break;
                }
            }
            for kind in &problem.types {
                let chances = kind.members.iter().map(|&person| inclusion[person as usize]);
                let (low, high) =
                    chances.fold((1.0f64, 0.0f64), |(low, high), chance| (low.min(chance), high.max(chance)));
                if high - low > ROUNDING {
                    differ("inclusion", "the same for people alike".into(), format!("{low} to {high}"));
                    break;
                }
            }
            let statistics = evenness(&inclusion).ok_or_else(|| AuditError::Content("nobody has a chance".into()))?;
            for (name, recorded, now) in [
                ("min", self.statistics.min, statistics.minimum),
                ("max", self.statistics.max, statistics.maximum),
                ("gini", self.statistics.gini, statistics.gini),
                ("geometric_mean", self.statistics.geometric_mean, statistics.geometric_mean),
                ("ess", self.statistics.ess, statistics.effective),
            ] {
                if (recorded - now).abs().is_nan() || (recorded - now).abs() > ROUNDING * now.abs().max(1.0) {
                    differ(&format!("statistics.{name}"), recorded.to_string(), now.to_string());
                }
            }
        }
        if let Err(error) = check_panels(problem, &self.types) {
            differ("types", "a lottery by types".into(), error.to_string());
            return Ok(());
        }
        let Some(certificate) = &self.certificate else {
            if self.estimate.is_none() {
                differ("certificate", "absent".into(), "a computed lottery has one".into());
            }
            return Ok(());
        };
        // The lottery of people is the one that the certificate speaks of.
        let own: Vec<f64> = problem
            .types
            .iter()
            .map(|kind| kind.members.first().map_or(0.0, |&person| inclusion[person as usize]))
            .collect();
        let apart = deviation(problem, &self.types, &own);
        if apart.is_nan() || apart > ROUNDING {
            differ("types", "the chances of the panels".into(), format!("chances that differ by {apart}"));
        }
        match certificate.check(problem, &self.types) {
            Ok(checked) => {
                let status = if checked.exact { Status::Exact } else { Status::Gap };
                differ("status", format!("{:?}", self.status), format!("{status:?}"));
                let gap = checked.gap.max(checked.deviation);
                if (gap - self.gap).abs().is_nan() || (gap - self.gap).abs() > 1e-12 {
                    differ("gap", self.gap.to_string(), gap.to_string());
                }
            }
            Err(error) => differ("certificate", "holds".into(), error.to_string()),
        }
        Ok(())
    }
}

/// SHA-256 of people: one line each in their order, `ID<tab>VALUE<tab>…<tab>HOUSEHOLD`, ended by a line feed.
fn pool_sha256(people: &[AuditPerson]) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for person in people {
        hash.update(person.id.as_bytes());
        for value in &person.values {
            hash.update(b"\t");
            hash.update(value.as_bytes());
        }
        let home = person.household.map_or_else(String::new, |number| number.to_string());
        hash.update(format!("\t{home}\n").as_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The people of a pool as far as `quotas` and the household rule look.
fn people(pool: &Pool, quotas: &Quotas, one_per_household: bool) -> Result<Vec<AuditPerson>, AuditError> {
    let place = |name: &String| {
        let found = pool.attributes().iter().position(|attribute| attribute.name == *name);
        found.ok_or_else(|| AuditError::Content(format!("the people have no attribute {name:?}")))
    };
    let places = quotas.attributes.iter().map(|quota| place(&quota.name)).collect::<Result<Vec<_>, _>>()?;
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut listed = Vec::with_capacity(pool.len());
    for person in 0..pool.len() {
        let values = pool.values(person);
        let value = |&place: &usize| pool.attributes()[place].values[usize::from(values[place])].clone();
        let home = pool.household(person).filter(|_| one_per_household);
        let next = numbers.len() as u32 + 1;
        let household = home.map(|key| *numbers.entry(key).or_insert(next));
        listed.push(AuditPerson {
            id: pool.ids()[person].clone(),
            values: places.iter().map(value).collect(),
            household,
        });
    }
    Ok(listed)
}
