//! `kleroterion panel`: lotteries over panels, and draws from them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, Subcommand};
use serde_json::json;

use super::demand::{Failure, Outcome};
use super::panel_check::{Check, Relax};
use super::panel_draw::Draw;
use super::panel_sensitivity::Sensitivity;
use super::run::carry_out;
use super::terminal::TerminalProgress;
use super::{Common, output};
use crate::formats::foundation::{PeopleOptions, read_people, read_quotas};
use crate::formats::named_people;
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::RunSpec;
use crate::sortition::algorithm::Algorithm;
use crate::sortition::audit::AuditFile;
use crate::sortition::before::{Before, Named, settle};
use crate::sortition::feasibility::{Lamp, Severity, check_edit};
use crate::sortition::lottery_run::{LotteryResult, LotterySpec, Status};
use crate::sortition::pool::Pool;
use crate::sortition::problem::Problem;
use crate::sortition::quotas::Quotas;
use crate::sortition::transparent::{Rounding, TransparentError, transparent};

/// Hold lotteries over panels of people, and draw from them.
#[derive(Subcommand)]
pub(crate) enum Panel {
    /// Say whether the quotas can be met, why not, and who cannot be chosen.
    Check(Check),
    /// Find the smallest changes of the quotas with which a panel exists.
    Relax(Relax),
    /// Compute everybody's chance and the lottery that gives it.
    Lottery(LotteryCommand),
    /// Hold the lottery for several sizes of the panel, with quotas scaled to each.
    Sensitivity(Sensitivity),
    /// Draw a panel of a lottery with dice, or with any words that everybody saw.
    Draw(Draw),
}

impl Panel {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Check(command) => command.run(),
            Self::Relax(command) => command.run(),
            Self::Lottery(command) => command.run(),
            Self::Sensitivity(command) => command.run(),
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
    /// People who are on the panel already: one id a line, or a table with the columns id and why. The quotas are those
    /// of the whole panel; what is drawn is what these people leave.
    #[arg(long, value_name = "FILE")]
    already: Option<PathBuf>,
    /// People who are not to be drawn (again), in the same layouts.
    #[arg(long, value_name = "FILE")]
    left: Option<PathBuf>,
}

/// People, quotas, and what was settled before them.
pub(crate) struct Given {
    pub(crate) pool: Arc<Pool>,
    pub(crate) quotas: Quotas,
    pub(crate) before: Option<Arc<Before>>,
}

impl Files {
    /// Whether addresses are looked at.
    pub(crate) fn one_per_household(&self) -> bool {
        !self.household.is_empty()
    }

    /// Relative tolerance of quotas that are shares.
    pub(crate) fn tolerance(&self) -> f64 {
        self.tolerance
    }

    /// People and quotas as the files have them; quotas may ask for what the people cannot give.
    pub(crate) fn read_unchecked(&self) -> Result<Given, Failure> {
        let quotas = read_quotas(&self.quotas, self.size, self.tolerance).map_err(Failure::input)?;
        let options = PeopleOptions { id: self.id.clone(), household: self.household.clone() };
        let people = read_people(&self.people, &quotas.quotas, &options).map_err(Failure::input)?;
        for warning in quotas.warnings.iter().chain(&people.warnings) {
            eprintln!("{warning}");
        }
        self.settle(people.pool, quotas.quotas)
    }

    /// People and quotas that fit each other.
    pub(crate) fn read(&self) -> Result<Given, Failure> {
        let given = self.read_unchecked()?;
        let checked = given.quotas.check(&given.pool);
        checked.map_err(|error| Failure::Input(format!("{error} ({})", self.quotas.display())))?;
        Ok(given)
    }

    /// Takes out those who are seated already and those who left.
    fn settle(&self, pool: Pool, quotas: Quotas) -> Result<Given, Failure> {
        if self.already.is_none() && self.left.is_none() {
            return Ok(Given { pool: Arc::new(pool), quotas, before: None });
        }
        let named = |file: &Option<PathBuf>| -> Result<Vec<Named>, Failure> {
            let Some(path) = file else { return Ok(Vec::new()) };
            named_people::read_among(path, self.id.as_deref(), &pool).map_err(Failure::input)
        };
        let (seated, gone) = (named(&self.already)?, named(&self.left)?);
        let left = settle(&pool, &quotas, &seated, &gone, self.one_per_household(), None)
            .map_err(|error| Failure::Input(format!("{error} ({})", self.quotas.display())))?;
        eprintln!("{} seated already, {} seats to draw", seated.len(), left.quotas.size);
        Ok(Given { pool: left.pool, quotas: left.quotas, before: Some(left.before) })
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
    /// Add a list of M numbered panels that are equally likely, for a draw with balls or dice.
    #[arg(long, value_name = "M")]
    numbered: Option<u32>,
    #[command(flatten)]
    common: Common,
}

impl LotteryCommand {
    fn run(self) -> Outcome {
        let Given { pool, quotas, before } = self.files.read()?;
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
            before,
        };
        let began = Instant::now();
        let RunOutcome::Lottery(result) = carry_out(&self.common, &RunSpec::Lottery(spec.clone()))? else {
            return Err(Failure::Internal("a lottery returned another kind of result".into()));
        };
        let seconds = began.elapsed().as_secs_f64();
        describe(&spec, &result, seconds);
        let mut file = AuditFile::new(&spec, &result).map_err(Failure::input)?;
        if let Some(count) = self.numbered {
            number(&mut file, &spec, &result, count)?;
        }
        let mut report = serde_json::to_value(&file).map_err(Failure::internal)?;
        if let Some(fields) = report.as_object_mut() {
            fields.insert("seconds".to_owned(), json!(seconds));
        }
        output::write_json(self.common.json.as_deref(), &report)
    }
}

/// Rounds the lottery to numbered panels and puts them into the file.
fn number(file: &mut AuditFile, spec: &LotterySpec, result: &LotteryResult, count: u32) -> Outcome {
    let problem = Problem::new(&spec.pool, &spec.quotas, spec.one_per_household).map_err(Failure::input)?;
    let progress = TerminalProgress::new();
    let made = transparent(&problem, &result.types, count, Rounding::USUAL, spec.seed, &progress);
    progress.finish();
    let made = made.map_err(|error| match error {
        TransparentError::Cancelled(_) => Failure::Cancelled,
        other => Failure::Input(other.to_string()),
    })?;
    let numbered = file.number(&made.list, Rounding::USUAL, spec.seed).map_err(Failure::internal)?;
    eprintln!("{count} numbered panels; no chance is off by more than {:.1e}", numbered.deviation);
    eprintln!("hash of their list {}", numbered.list_sha256);
    Ok(())
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
