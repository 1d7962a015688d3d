//! `kleroterion panel draw`: a panel of a lottery, alternates, and those who remain.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::demand::{Failure, Outcome};
use super::output;
use crate::formats::foundation::{PeopleOptions, ReadPeople, pool_csv, read_people, table_csv};
use crate::sortition::audit::{AuditDraw, AuditError, AuditFile};
use crate::sortition::before::Standing;
use crate::sortition::pool::Pool;
use crate::sortition::replacement::{remaining, reserves};

/// Largest lottery file that is read.
const MAX_BYTES: u64 = 1 << 30;

/// Draw a panel of a lottery.
#[derive(Args)]
pub(crate) struct Draw {
    /// The lottery, as `panel lottery --json` wrote it.
    #[arg(long, value_name = "FILE")]
    lottery: PathBuf,
    /// What the dice or the beacon showed; spaces at the ends and runs of spaces do not matter.
    #[arg(long, value_name = "STRING", allow_hyphen_values = true)]
    dice: String,
    /// Draw from the numbered panels that the file has, all equally likely.
    #[arg(long)]
    numbered: bool,
    /// List so many alternates beside the panel, chosen by the same dice.
    #[arg(long, value_name = "N", default_value_t = 0)]
    alternates: usize,
    /// The people's own table: with it, those who were drawn and those who remain are written with all their columns.
    #[arg(long, value_name = "CSV")]
    people: Option<PathBuf>,
    /// The column with everybody's id in that table.
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// Write those who were drawn, and were seated already, as CSV.
    #[arg(long, value_name = "FILE")]
    selected: Option<PathBuf>,
    /// Write those who may still be drawn as CSV.
    #[arg(long, value_name = "FILE")]
    remaining: Option<PathBuf>,
    /// Write the lottery with this draw added, for `kleroterion verify`.
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Write the result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Draw {
    pub(crate) fn run(self) -> Outcome {
        let unreadable = |reason: String| {
            Failure::Input(format!("the lottery cannot be read: {reason} ({})", self.lottery.display()))
        };
        let size = std::fs::metadata(&self.lottery).map_err(|error| unreadable(error.to_string()))?.len();
        if size > MAX_BYTES {
            return Err(unreadable(format!("it is larger than {} MB", MAX_BYTES >> 20)));
        }
        let text = std::fs::read_to_string(&self.lottery).map_err(|error| unreadable(error.to_string()))?;
        let mut file = AuditFile::from_json(&text).map_err(|error| unreadable(error.to_string()))?;
        let drawn = if self.numbered { file.draw_number(&self.dice) } else { file.draw(&self.dice) };
        let draw = drawn.map_err(|error| unreadable(error.to_string()))?.clone();
        let panels = match &file.numbered {
            Some(numbered) if self.numbered => numbered.panels.len(),
            _ => file.panels.len(),
        };
        eprintln!("panel {} of {panels} was drawn", draw.drawn.panel + 1);
        eprintln!("seed {} from {:?}", draw.drawn.seed, draw.drawn.words);
        eprintln!("hash of the panel {}", draw.drawn.panel_hash);
        eprintln!("hash of the list  {}", draw.drawn.list_hash);
        for id in &draw.members {
            println_if_alone(self.json.as_deref(), id);
        }
        let found = Found::new(&file, &draw).map_err(|error| unreadable(error.to_string()))?;
        let alternates = found.alternates(&file, self.alternates);
        for id in &alternates {
            eprintln!("alternate: {id}");
        }
        self.tables(&file, &found)?;
        if let Some(path) = &self.audit {
            let mut text = serde_json::to_string_pretty(&file).map_err(Failure::internal)?;
            text.push('\n');
            output::write_file(path, text.as_bytes())?;
        }
        let report: Value = json!({
            "panel": draw.members,
            "seated": found.seated,
            "alternates": alternates,
            "index": draw.drawn.panel,
            "hashes": {
                "seed": draw.drawn.seed,
                "panel": draw.drawn.panel_hash,
                "list": draw.drawn.list_hash,
                "pool": file.pool_sha256,
            },
            "words": draw.drawn.words,
            "number": draw.drawn.number,
        });
        output::write_json(self.json.as_deref(), &report)
    }

    /// Writes the tables of those who were drawn and of those who remain.
    fn tables(&self, file: &AuditFile, found: &Found) -> Outcome {
        if self.selected.is_none() && self.remaining.is_none() {
            return Ok(());
        }
        let pool = found.pool.ids();
        let selected = found.members.iter().map(|&person| pool[person as usize].as_str());
        let selected: Vec<&str> = selected.chain(found.seated.iter().map(String::as_str)).collect();
        let remaining: Vec<&str> = found.remaining.iter().map(|&person| pool[person as usize].as_str()).collect();
        let own = match &self.people {
            Some(path) => Some((path, self.own_table(path, file)?)),
            None => None,
        };
        for (target, ids) in [(&self.selected, selected), (&self.remaining, remaining)] {
            let Some(target) = target else { continue };
            let text = match &own {
                Some((path, read)) => {
                    let rows: HashMap<&str, u32> =
                        read.pool.ids().iter().map(String::as_str).zip(read.report.places.iter().copied()).collect();
                    let row = |id: &&str| match rows.get(*id) {
                        Some(&row) => Ok(row as usize),
                        None => Err(Failure::Input(format!(
                            "nobody has the id {id:?}: give the table that the lottery was held over ({})",
                            path.display()
                        ))),
                    };
                    table_csv(&read.table, ids.iter().map(row).collect::<Result<Vec<usize>, Failure>>()?)
                }
                None => found.as_known(&ids),
            };
            output::write_file(target, text.as_bytes())?;
        }
        Ok(())
    }

    fn own_table(&self, path: &Path, file: &AuditFile) -> Result<ReadPeople, Failure> {
        let options = PeopleOptions { id: self.id.clone(), household: Vec::new() };
        let quotas = file.before.as_ref().map_or(&file.quotas, |before| &before.quotas);
        read_people(path, quotas, &options).map_err(Failure::input)
    }
}

/// What a draw leaves.
struct Found {
    pool: Pool,
    /// Those who were drawn and those who may still be, as places in the pool.
    members: Vec<u32>,
    remaining: Vec<u32>,
    /// Ids of those who were on the panel already.
    seated: Vec<String>,
    /// Everybody of the file, those who are not drawn from too.
    whole: Pool,
    seed: u64,
}

impl Found {
    fn new(file: &AuditFile, draw: &AuditDraw) -> Result<Self, AuditError> {
        let pool = file.pool()?;
        let places: HashMap<&str, u32> = pool.ids().iter().map(String::as_str).zip(0..).collect();
        let members: Vec<u32> = draw.members.iter().filter_map(|id| places.get(id.as_str()).copied()).collect();
        let settled = file.before.iter().flat_map(|before| &before.people);
        let seated = settled.filter(|one| one.standing == Standing::Seated).map(|one| one.person.id.clone()).collect();
        let remaining = remaining(&pool, &members, &[], file.one_per_household);
        let digits = draw.drawn.seed.get(..16).unwrap_or_default();
        let seed = u64::from_str_radix(digits, 16).unwrap_or_default();
        Ok(Self { remaining, members, seated, seed, whole: file.whole()?, pool })
    }

    /// Ids of alternates in the order in which they are called.
    fn alternates(&self, file: &AuditFile, count: usize) -> Vec<String> {
        if count == 0 {
            return Vec::new();
        }
        let listed = reserves(&self.pool, &file.quotas, &self.members, &[], count, file.one_per_household, self.seed);
        listed.into_iter().map(|person| self.pool.ids()[person as usize].clone()).collect()
    }

    /// A table of people as far as the file knows them.
    fn as_known(&self, ids: &[&str]) -> String {
        let places: HashMap<&str, usize> = self.whole.ids().iter().map(String::as_str).zip(0..).collect();
        pool_csv(&self.whole, ids.iter().filter_map(|id| places.get(id).copied()))
    }
}

/// The members go to standard output, unless JSON does.
fn println_if_alone(json: Option<&std::path::Path>, id: &str) {
    if json != Some(std::path::Path::new("-")) {
        println!("{id}");
    }
}
