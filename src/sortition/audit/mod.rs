//! The audit file: all that a stranger needs to check a lottery and its draws from scratch, on another machine, bit for
//! bit. It names people by their ids and holds of them only what the quotas look at; households are numbers.

mod checks;
mod numbered;
mod settled;

use std::collections::{BTreeMap, HashMap};

pub use checks::{AuditCheck, AuditDifference, Subject};
pub use numbered::AuditNumbered;
pub use settled::{AuditBefore, AuditSettled};

use super::algorithm::Algorithm;
use super::certificate::Certificate;
use super::draw::{Drawn, PublishedList};
use super::lottery::{Lottery, Panel, TypeLottery};
use super::lottery_run::{Estimate, LotteryResult, LotterySpec, Status};
use super::pool::{Attribute, Pool};
use super::quotas::Quotas;

/// What the file calls itself.
pub const KIND: &str = "kleroterion-panel";
/// The checks' name among the documents of a run.
pub const CHECKS: &str = "audit-checks";
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
    /// What was settled before: `people` and `quotas` are what it leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<AuditBefore>,
    /// Numbered panels that are equally likely, where such a list was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbered: Option<AuditNumbered>,
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

impl AuditFile {
    /// The file of a lottery, without draws.
    pub fn new(spec: &LotterySpec, result: &LotteryResult) -> Result<Self, AuditError> {
        let ids = spec.pool.ids();
        let mut homes = HashMap::new();
        let people = people(&spec.pool, &spec.quotas, spec.one_per_household, &mut homes)?;
        let before = match &spec.before {
            Some(before) => Some(AuditBefore::new(before, spec.one_per_household, &mut homes)?),
            None => None,
        };
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
            before,
            numbered: None,
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
        pool(&self.quotas, &self.people)
    }

    /// Everybody in the file: the pool, then those who were settled before.
    pub fn whole(&self) -> Result<Pool, AuditError> {
        let settled = self.before.iter().flat_map(|before| &before.people).map(|settled| &settled.person);
        let all: Vec<AuditPerson> = self.people.iter().chain(settled).cloned().collect();
        pool(&self.quotas, &all)
    }
}

/// People as a pool with the attributes of `quotas`.
fn pool(quotas: &Quotas, people: &[AuditPerson]) -> Result<Pool, AuditError> {
    let content = |error: String| AuditError::Content(error);
    let attributes: Vec<Attribute> = quotas
        .attributes
        .iter()
        .map(|quota| Attribute {
            name: quota.name.clone(),
            values: quota.values.iter().map(|value| value.value.clone()).collect(),
        })
        .collect();
    let mut rows = Vec::with_capacity(people.len());
    for person in people {
        if person.values.len() != attributes.len() {
            let (values, attributes) = (person.values.len(), attributes.len());
            return Err(content(format!("{:?} has {values} values for {attributes} attributes", person.id)));
        }
        let place = |(attribute, value): (&Attribute, &String)| {
            attribute.values.iter().position(|known| known == value).map(|place| place as u16).ok_or_else(|| {
                content(format!("{:?} has {value:?} for {}, which has no quota", person.id, attribute.name))
            })
        };
        rows.push(attributes.iter().zip(&person.values).map(place).collect::<Result<Vec<u16>, _>>()?);
    }
    let ids = people.iter().map(|person| person.id.clone()).collect();
    let home = |person: &AuditPerson| person.household.map_or_else(String::new, |number| number.to_string());
    let households = match people.iter().any(|person| person.household.is_some()) {
        true => people.iter().map(home).collect(),
        false => Vec::new(),
    };
    Pool::new(attributes, ids, &rows, households).map_err(|error| content(error.to_string()))
}

/// SHA-256 of people: one line each in their order, `ID<tab>VALUE<tab>…<tab>HOUSEHOLD`, ended by a line feed.
fn pool_sha256(people: &[AuditPerson]) -> String {
    lines_sha256(people.iter().map(line_of_person))
}

/// `ID<tab>VALUE<tab>…<tab>HOUSEHOLD`.
fn line_of_person(person: &AuditPerson) -> String {
    let home = person.household.map_or_else(String::new, |number| number.to_string());
    let cells = std::iter::once(&person.id).chain(&person.values).chain([&home]);
    cells.map(String::as_str).collect::<Vec<&str>>().join("\t")
}

fn lines_sha256(lines: impl Iterator<Item = String>) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The people of a pool as far as `quotas` and the household rule look; households get numbers as they come.
fn people<'p>(
    pool: &'p Pool,
    quotas: &Quotas,
    one_per_household: bool,
    numbers: &mut HashMap<&'p str, u32>,
) -> Result<Vec<AuditPerson>, AuditError> {
    let place = |name: &String| {
        let found = pool.attributes().iter().position(|attribute| attribute.name == *name);
        found.ok_or_else(|| AuditError::Content(format!("the people have no attribute {name:?}")))
    };
    let places = quotas.attributes.iter().map(|quota| place(&quota.name)).collect::<Result<Vec<_>, _>>()?;
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
