//! `kleroterion panel`: lotteries over panels, and draws from them.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::demand::{Failure, Outcome};
use super::panel_check::{Check, Relax};
use super::run::carry_out;
use super::terminal::TerminalProgress;
use super::{Common, output};
use crate::formats::foundation::{PeopleOptions, read_people, read_quotas};
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::RunSpec;
use crate::sortition::algorithm::Algorithm;
use crate::sortition::audit::AuditFile;
use crate::sortition::feasibility::{Lamp, Severity, check_edit};
use crate::sortition::lottery_run::{LotteryResult, LotterySpec, Status};
use crate::sortition::pool::Pool;
use crate::sortition::quotas::Quotas;

/// Largest lottery file that is read.
const MAX_BYTES: u64 = 1 << 30;

/// Hold lotteries over panels of people, and draw from them.
#[derive(Subcommand)]
pub(crate) enum Panel {
    /// Say whether the quotas can be met, why not, and who cannot be chosen.
    Check(Check),
    /// Find the smallest changes of the quotas with which a panel exists.
    Relax(Relax),
    /// Compute everybody's chance and the lottery that gives it.
    Lottery(LotteryCommand),
    /// Draw a panel of a lottery with dice, or with any words that everybody saw.
    Draw(Draw),
}

impl Panel {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Check(command) => command.run(),
            Self::Relax(command) => command.run(),
            Self::Lottery(command) => command.run(),
            Self::Draw(command) => command.run(),
        }
    }
}

/// The people and the quotas of a panel.
#[derive(Args)]
pub(crate) struct Files {
    /// People, one row each, with a column for each attribute that has quotas: CSV, XLSX or JSON lines.
    #[arg(long, value_name = "CSV")]
    people: PathBuf,
    /// Quotas: feature,value,min,max[,min_flex,max_flex] or category,name,min,max.
    #[arg(long, value_name = "CSV")]
    quotas: PathBuf,
    /// Members of a panel.
    #[arg(long, value_name = "K")]
    size: u32,
    /// Relative tolerance of quotas that are given as shares of the population (a column `target` without min and max).
    #[arg(long, value_name = "X", default_value_t = 0.1)]
    tolerance: f64,
    /// The column with everybody's id (default: id, nationbuilder_id, …, else rows are numbered).
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// Columns that make an address, separated by commas: no two people of one address on a panel.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    household: Vec<String>,
}

impl Files {
    /// Whether addresses are looked at.
    pub(crate) fn one_per_household(&self) -> bool {
        !self.household.is_empty()
    }

    /// People and quotas as the files have them; quotas may ask for what the people cannot give.
    pub(crate) fn read_unchecked(&self) -> Result<(Pool, Quotas), Failure> {
        let quotas = read_quotas(&self.quotas, self.size, self.tolerance).map_err(Failure::input)?;
        let options = PeopleOptions { id: self.id.clone(), household: self.household.clone() };
        let people = read_people(&self.people, &quotas.quotas, &options).map_err(Failure::input)?;
        for warning in quotas.warnings.iter().chain(&people.warnings) {
            eprintln!("{warning}");
        }
        Ok((people.pool, quotas.quotas))
    }

    /// People and quotas that fit each other.
    pub(crate) fn read(&self) -> Result<(Pool, Quotas), Failure> {
        let (pool, quotas) = self.read_unchecked()?;
        quotas.check(&pool).map_err(|error| Failure::Input(format!("{error} ({})", self.quotas.display())))?;
        Ok((pool, quotas))
    }
}

/// Compute everybody's chance and the lottery that gives it.
#[derive(Args)]
pub(crate) struct LotteryCommand {
    #[command(flatten)]
    files: Files,
    /// leximin, maximin, nash, goldilocks, legacy, uniform or random.
    #[arg(long, value_name = "NAME", default_value = "leximin")]
    algorithm: Algorithm,
    /// Draws of the rules whose chances are estimated (legacy, uniform, random).
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    draws: u64,
    #[command(flatten)]
    common: Common,
}

impl LotteryCommand {
    fn run(self) -> Outcome {
        let (pool, quotas) = self.files.read()?;
        if let Some(reasons) = stands_in_the_way(&pool, &quotas, self.files.one_per_household())? {
            reasons.iter().for_each(|reason| eprintln!("{reason}"));
            eprintln!("No panel meets the quotas; `kleroterion panel check` finds the smallest changes that help.");
            let report = json!({ "status": "infeasible", "reasons": reasons });
            output::write_json(self.common.json.as_deref(), &report)?;
            return Err(Failure::Negative);
        }
        let spec = LotterySpec {
            version: 1,
            pool,
            quotas,
            one_per_household: self.files.one_per_household(),
            algorithm: self.algorithm,
            draws: self.draws,
            seed: self.common.seed,
        };
        let began = Instant::now();
        let RunOutcome::Lottery(result) = carry_out(&self.common, &RunSpec::Lottery(spec.clone()))? else {
            return Err(Failure::Internal("a lottery returned another kind of result".into()));
        };
        let seconds = began.elapsed().as_secs_f64();
        describe(&spec, &result, seconds);
        let file = AuditFile::new(&spec, &result).map_err(Failure::input)?;
        let mut report = serde_json::to_value(&file).map_err(Failure::internal)?;
        if let Some(fields) = report.as_object_mut() {
            fields.insert("seconds".to_owned(), json!(seconds));
        }
        output::write_json(self.common.json.as_deref(), &report)
    }
}

/// Why no panel meets the quotas, where none does.
fn stands_in_the_way(pool: &Pool, quotas: &Quotas, household: bool) -> Result<Option<Vec<String>>, Failure> {
    let census = super::panel_check::census(pool, quotas, household)?;
    let progress = TerminalProgress::new();
    let report = check_edit(&census, quotas, None, &progress);
    progress.finish();
    let reasons = report.findings.into_iter().filter(|finding| finding.severity == Severity::Error);
    Ok((report.lamp == Lamp::Infeasible).then(|| reasons.map(|finding| finding.sentence).collect()))
}

fn describe(spec: &LotterySpec, result: &LotteryResult, seconds: f64) {
    let figures = &result.evenness;
    eprintln!(
        "{} over {} people, {} seats: {} panels in {seconds:.2} s, seed {}",
        spec.algorithm,
        spec.pool.len(),
        spec.quotas.size,
        result.lottery.panels.len(),
        spec.seed
    );
    match (&result.estimate, result.status) {
        (Some(estimate), _) => eprintln!(
            "chances estimated from {} panels ({} attempts failed), within {:.4} each (95 %)",
            estimate.panels, estimate.failed, result.gap
        ),
        (None, Status::Exact) => eprintln!("exact: no chance is off by more than {:.1e}", result.gap),
        (None, Status::Gap) => eprintln!("not exact: a gap of {:.3e} remains", result.gap),
    }
    eprintln!(
        "chances from {:.4} to {:.4}, Gini {:.4}, geometric mean {:.4}",
        figures.minimum, figures.maximum, figures.gini, figures.geometric_mean
    );
    if !result.unreachable.is_empty() {
        eprintln!("{} people can be on no panel", result.unreachable.len());
    }
}

/// Draw a panel of a lottery.
#[derive(Args)]
pub(crate) struct Draw {
    /// The lottery, as `panel lottery --json` wrote it.
    #[arg(long, value_name = "FILE")]
    lottery: PathBuf,
    /// What the dice or the beacon showed; spaces at the ends and runs of spaces do not matter.
    #[arg(long, value_name = "STRING", allow_hyphen_values = true)]
    dice: String,
    /// Write the lottery with this draw added, for `kleroterion verify`.
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Write the result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Draw {
    fn run(self) -> Outcome {
        let unreadable = |reason: String| {
            Failure::Input(format!("the lottery cannot be read: {reason} ({})", self.lottery.display()))
        };
        let size = std::fs::metadata(&self.lottery).map_err(|error| unreadable(error.to_string()))?.len();
        if size > MAX_BYTES {
            return Err(unreadable(format!("it is larger than {} MB", MAX_BYTES >> 20)));
        }
        let text = std::fs::read_to_string(&self.lottery).map_err(|error| unreadable(error.to_string()))?;
        let mut file = AuditFile::from_json(&text).map_err(|error| unreadable(error.to_string()))?;
        let draw = file.draw(&self.dice).map_err(|error| unreadable(error.to_string()))?.clone();
        eprintln!("panel {} of {} was drawn", draw.drawn.panel + 1, file.panels.len());
        eprintln!("seed {} from {:?}", draw.drawn.seed, draw.drawn.words);
        eprintln!("hash of the panel {}", draw.drawn.panel_hash);
        eprintln!("hash of the list  {}", draw.drawn.list_hash);
        for id in &draw.members {
            println_if_alone(self.json.as_deref(), id);
        }
        if let Some(path) = &self.audit {
            let mut text = serde_json::to_string_pretty(&file).map_err(Failure::internal)?;
            text.push('\n');
            output::write_file(path, text.as_bytes())?;
        }
        let report: Value = json!({
            "panel": draw.members,
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
}

/// The members go to standard output, unless JSON does.
fn println_if_alone(json: Option<&std::path::Path>, id: &str) {
    if json != Some(std::path::Path::new("-")) {
        println!("{id}");
    }
}
