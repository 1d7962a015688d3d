//! `kleroterion preferences weigh`: a scheme over preferences, and what it does to them.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::demand::{Failure, Outcome};
use super::output;
use super::preferences::failure;
use super::terminal::TerminalProgress;
use crate::dempo::identity::{identity, pooled};
use crate::dempo::population::Truth;
use crate::dempo::rater_lottery::{RaterLottery, last_draw, panel_of};
use crate::dempo::schedule::{Budget, Mode, Schedule};
use crate::dempo::scheme::{Scheme, Transform, WeightedSet, pairs_per_rater};
use crate::formats::preferences::PreferenceFile;
use crate::formats::{named_people, table};
use crate::sortition::audit::AuditFile;
use crate::statistics::{quantile, sorted};

/// Largest lottery, panel or truth file that is read.
const MAX_BYTES: u64 = 1 << 30;
/// Columns that a survey may have its raters' ids in.
const ID_NAMES: [&str; 5] = ["user_id", "id", "rater", "rater_id", "nationbuilder_id"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SchemeName {
    /// The members of one panel, each alike.
    Hard,
    /// Everybody by their chance to be on the panel: the expectation of hard.
    Soft,
    /// Every rater alike.
    Full,
    /// Every pair alike.
    Pooled,
    /// Every pair of raters with a value in a survey alike, such as those of PRISM's balanced sample of the United States.
    UsRep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sampling {
    /// Every pair once an epoch, with its weight.
    Weighted,
    /// Raters by their weight, then one of their pairs.
    Importance,
}

/// Weigh preferences.
#[derive(Args)]
pub(crate) struct Weigh {
    /// Preferences as `preferences import` writes them.
    #[arg(long, value_name = "FILE")]
    preferences: PathBuf,
    #[arg(long, value_enum)]
    scheme: SchemeName,
    /// hard: the panel, as `panel draw` wrote it (its JSON, or the audit file with its last draw), or a list of ids.
    #[arg(long, value_name = "FILE")]
    panel: Option<PathBuf>,
    /// soft: the lottery, as `panel lottery` wrote it; with hard, for the variance from panel to panel.
    #[arg(long, value_name = "FILE")]
    lottery: Option<PathBuf>,
    /// us-rep: a table of raters with their ids and the column below.
    #[arg(long, value_name = "FILE")]
    survey: Option<PathBuf>,
    /// us-rep: the column that says who counts.
    #[arg(long, value_name = "COLUMN", default_value = "included_in_US_REP")]
    attribute: String,
    /// us-rep: what the column says of them, upper and lower case alike.
    #[arg(long, value_name = "TEXT", default_value = "true")]
    value: String,
    /// none, sqrt, square or clip:LOW:HIGH (quantiles); any but none gives up the closed form.
    #[arg(long, value_name = "NAME", value_parser = transform, default_value = "none")]
    transform: Transform,
    /// A table with a rater's id and a loss in each row, to see the identity on; without it the number of pairs stands in.
    #[arg(long, value_name = "FILE")]
    losses: Option<PathBuf>,
    /// What made-up raters want, as `preferences sample` wrote it: tells what this weighting of them wants.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    #[arg(long, value_enum, default_value = "weighted")]
    sampling: Sampling,
    /// Train so many steps.
    #[arg(long, value_name = "N", group = "budget")]
    steps: Option<u64>,
    /// Train so many epochs over the pairs that count (default: 1).
    #[arg(long, value_name = "X", group = "budget")]
    epochs: Option<f64>,
    /// Train so many visits.
    #[arg(long, value_name = "N", group = "budget")]
    visits: Option<u64>,
    /// Pairs a step.
    #[arg(long, value_name = "N", default_value_t = 32)]
    batch: usize,
    /// Seed of the order of visits.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write the full result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(super) fn transform(text: &str) -> Result<Transform, String> {
    let mistaken = || "give none, sqrt, square or clip:LOW:HIGH, such as clip:0.05:0.95".to_owned();
    match text {
        "none" => Ok(Transform::None),
        "sqrt" => Ok(Transform::SquareRoot),
        "square" => Ok(Transform::Square),
        _ => {
            let (low, high) = text.strip_prefix("clip:").and_then(|ends| ends.split_once(':')).ok_or_else(mistaken)?;
            let number = |text: &str| text.parse().map_err(|_| mistaken());
            Ok(Transform::Clip { low: number(low)?, high: number(high)? })
        }
    }
}

/// Least, quartiles and most.
fn summary(values: &[f64]) -> Value {
    let order = sorted(values);
    let at = |share| quantile(&order, share);
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    json!({ "min": at(0.0), "p25": at(0.25), "median": at(0.5), "mean": mean, "p75": at(0.75), "max": at(1.0) })
}

fn read_text(path: &Path, what: &str) -> Result<String, Failure> {
    let unreadable =
        |reason: String| Failure::Input(format!("the {what} cannot be read: {reason} ({})", path.display()));
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(unreadable(format!("it is larger than {} MB", MAX_BYTES >> 20)));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))
}

/// A lottery beside the raters of a file.
pub(super) fn read_lottery(path: &Path, file: &PreferenceFile) -> Result<RaterLottery, Failure> {
    let refused = |error: String| Failure::Input(format!("the lottery cannot be read: {error} ({})", path.display()));
    let audit = AuditFile::from_json(&read_text(path, "lottery")?).map_err(|error| refused(error.to_string()))?;
    RaterLottery::new(&audit, file.raters()).map_err(|error| refused(error.to_string()))
}

impl Weigh {
    pub(crate) fn run(self) -> Outcome {
        self.check_usage()?;
        let progress = TerminalProgress::new();
        let file = PreferenceFile::open(&self.preferences, &progress);
        progress.finish();
        let file = file.map_err(failure)?;
        let rater_of = file.raters_of_pairs();
        let counts = pairs_per_rater(&rater_of, file.raters().len()).map_err(Failure::input)?;
        let lottery = match &self.lottery {
            Some(path) => Some(read_lottery(path, &file)?),
            None => None,
        };
        let mut notes = Vec::new();
        let scheme = self.scheme(&file, lottery.as_ref(), &mut notes)?;
        let set = WeightedSet::new(&rater_of, file.raters().len(), &scheme, self.transform).map_err(Failure::input)?;
        let budget = match (self.steps, self.epochs, self.visits) {
            (Some(steps), ..) => Budget::EqualSteps(steps),
            (_, _, Some(visits)) => Budget::EqualVisits(visits),
            (_, epochs, _) => Budget::EqualEpochs(epochs.unwrap_or(1.0)),
        };
        let mode = if self.sampling == Sampling::Weighted { Mode::Weighted } else { Mode::ImportanceSampling };
        let schedule = Schedule::new(&set, mode, budget, self.batch, self.seed).map_err(Failure::input)?;
        if !set.closed_form() {
            notes.push(match self.transform {
                Transform::None => "pairs are pooled: raters count by how many they have".to_owned(),
                _ => "the weights were transformed: no longer the closed form".to_owned(),
            });
        }
        let dropped: Vec<&String> = set.dropped().into_iter().map(|rater| &file.raters()[rater as usize]).collect();
        let weights: Vec<f64> = set.pairs().iter().map(|pair| pair.weight).collect();
        let shares: serde_json::Map<String, Value> = file
            .raters()
            .iter()
            .zip(set.shares())
            .filter(|(_, share)| **share > 0.0)
            .map(|(id, share)| (id.clone(), json!(share)))
            .collect();
        let mut report = json!({
            "preferences_sha256": file.sha256(),
            "scheme": self.scheme.to_possible_value().map(|name| name.get_name().to_owned()),
            "transform": self.transform,
            "closed_form": set.closed_form(),
            "pairs": file.len(), "pairs_used": set.len(),
            "raters": file.raters().len(), "raters_used": set.raters_used(), "dropped": dropped,
            "weights": summary(&weights),
            "shares": shares,
            "ess_raters": set.effective_raters(), "ess_pairs": set.effective_pairs(), "design_effect": set.design_effect(),
            "visits": visits(&schedule, &set, self.seed),
        });
        if let Some(lottery) = &lottery {
            self.closed_form(&mut report, lottery, &file, &counts, &mut notes)?;
        }
        if let Some(path) = &self.truth {
            report["truth"] = self.wanted(path, &file, &set)?;
        }
        report["notes"] = json!(notes);
        print(&report);
        output::write_json(self.json.as_deref(), &report)
    }

    /// Refuses what a scheme needs and lacks.
    fn check_usage(&self) -> Outcome {
        let lacks = match self.scheme {
            SchemeName::Hard if self.panel.is_none() => "hard needs --panel: who was drawn",
            SchemeName::Soft if self.lottery.is_none() => "soft needs --lottery: everybody's chance",
            SchemeName::UsRep if self.survey.is_none() => "us-rep needs --survey: who belongs to the balanced sample",
            _ => return Ok(()),
        };
        Err(Failure::Input(format!("--scheme {lacks}")))
    }

    fn scheme(
        &self,
        file: &PreferenceFile,
        lottery: Option<&RaterLottery>,
        notes: &mut Vec<String>,
    ) -> Result<Scheme, Failure> {
        Ok(match (self.scheme, lottery, &self.panel, &self.survey) {
            (SchemeName::Hard, _, Some(path), _) => {
                let ids = panel_ids(path)?;
                let (panel, without) = panel_of(ids.iter().map(String::as_str), file.raters());
                if without > 0 {
                    notes.push(format!("{without} of {} members of the panel have no preferences", ids.len()));
                }
                Scheme::Hard { panel }
            }
            (SchemeName::Soft, Some(lottery), ..) => Scheme::Soft { inclusion: lottery.chances() },
            (SchemeName::UsRep, _, _, Some(path)) => Scheme::Subset { raters: self.subset(path, file, notes)? },
            (SchemeName::Pooled, ..) => Scheme::Pooled,
            _ => Scheme::Full,
        })
    }

    /// The raters with the value in the survey.
    fn subset(&self, path: &Path, file: &PreferenceFile, notes: &mut Vec<String>) -> Result<Vec<u32>, Failure> {
        let read = table::read(path, None).map_err(Failure::input)?;
        let rows = rows_by_id(&read.table, path)?;
        let column = column(&read.table, &[&self.attribute], path)?;
        let mut raters = Vec::new();
        let mut unknown = 0;
        for (id, rater) in file.raters().iter().zip(0..) {
            match rows.get(id.as_str()) {
                Some(&row) if read.table.cell(row, column).trim().eq_ignore_ascii_case(&self.value) => {
                    raters.push(rater)
                }
                Some(_) => {}
                None => unknown += 1,
            }
        }
        if unknown > 0 {
            notes.push(format!("{unknown} raters are not in the survey and do not count"));
        }
        if raters.is_empty() {
            return Err(Failure::Input(format!(
                "no rater has \"{}\" in the column \"{}\". Give --attribute and --value of those who count ({})",
                self.value,
                self.attribute,
                path.display()
            )));
        }
        Ok(raters)
    }

    /// The identity and the variance from panel to panel on these data.
    fn closed_form(
        &self,
        report: &mut Value,
        lottery: &RaterLottery,
        file: &PreferenceFile,
        counts: &[u64],
        notes: &mut Vec<String>,
    ) -> Outcome {
        let without = lottery.seats_without_pairs();
        if without > 1e-9 {
            notes.push(format!(
                "in expectation {without:.2} seats go to people without preferences: soft is then not exactly the \
                 expectation of hard"
            ));
        }
        let (of, losses) = match &self.losses {
            Some(path) => ("losses", self.read_losses(path, file)?),
            None => ("pairs of a rater", counts.iter().map(|&count| count as f64).collect()),
        };
        let losses = lottery.by_person(&losses);
        let pairs: Vec<f64> = counts.iter().map(|&count| count as f64).collect();
        let pairs: Vec<u64> = lottery.by_person(&pairs).into_iter().map(|count| count as u64).collect();
        let found = identity(&lottery.lottery, &losses).map_err(Failure::input)?;
        let pooled = pooled(&lottery.lottery, &losses, &pairs).map_err(Failure::input)?;
        report["identity"] = json!(found);
        report["identity"]["of"] = json!(of);
        report["identity"]["pooled"] = json!(pooled);
        report["seats_without_pairs"] = json!(without);
        let shares = lottery.shares_on_panels().map_err(Failure::input)?;
        report["panels"] = shares
            .iter()
            .map(|one| {
                json!({
                    "attribute": one.attribute, "value": one.value, "share": one.share.soft,
                    "variance": one.share.variance, "standard_deviation": one.share.standard_deviation,
                    "range": one.share.range,
                })
            })
            .collect();
        Ok(())
    }

    fn read_losses(&self, path: &Path, file: &PreferenceFile) -> Result<Vec<f64>, Failure> {
        let read = table::read(path, None).map_err(Failure::input)?;
        let rows = rows_by_id(&read.table, path)?;
        let column = column(&read.table, &["loss"], path)?;
        let loss = |id: &String| {
            let Some(&row) = rows.get(id.as_str()) else {
                return Err(Failure::Input(format!("rater \"{id}\" has no loss: add a row ({})", path.display())));
            };
            let text = read.table.cell(row, column);
            text.trim().parse::<f64>().ok().filter(|loss| loss.is_finite()).ok_or_else(|| {
                let row = read.table.source_row(row);
                Failure::Input(format!("row {row}: the loss \"{text}\" is no number ({})", path.display()))
            })
        };
        file.raters().iter().map(loss).collect()
    }

    fn wanted(&self, path: &Path, file: &PreferenceFile, set: &WeightedSet) -> Result<Value, Failure> {
        let truth: Truth = serde_json::from_str(&read_text(path, "truth")?).map_err(|error| {
            Failure::Input(format!(
                "the truth cannot be read: {error}. Give truth.json of `preferences sample` ({})",
                path.display()
            ))
        })?;
        let weights = file.raters().iter().map(String::as_str).zip(set.shares().iter().copied());
        let wanted = truth.wanted(weights).ok_or_else(|| {
            Failure::Input(format!(
                "the truth knows none of these raters: give that of the same sample ({})",
                path.display()
            ))
        })?;
        Ok(json!({ "weighted": wanted, "population": truth.population, "sample": truth.sample }))
    }
}

/// How a run visits raters.
fn visits(schedule: &Schedule, set: &WeightedSet, seed: u64) -> Value {
    let counts = schedule.visits(schedule.steps());
    let used: Vec<f64> =
        counts.iter().zip(set.shares()).filter(|(_, share)| **share > 0.0).map(|(&count, _)| count as f64).collect();
    json!({
        "seed": seed, "steps": schedule.steps(), "visits": schedule.total_visits(), "batch": schedule.window(),
        "epochs": schedule.total_visits() as f64 / set.len() as f64, "per_rater": summary(&used),
    })
}

/// Rows of a table by the ids in it.
fn rows_by_id<'t>(
    table: &'t crate::sortition::table::Table,
    path: &Path,
) -> Result<std::collections::HashMap<&'t str, usize>, Failure> {
    let ids = column(table, &ID_NAMES, path)?;
    Ok((0..table.len()).map(|row| (table.cell(row, ids).trim(), row)).collect())
}

/// The first of these columns that the table has.
fn column(table: &crate::sortition::table::Table, names: &[&str], path: &Path) -> Result<usize, Failure> {
    names.iter().find_map(|name| table.column(name)).ok_or_else(|| {
        let wanted = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" or ");
        let known = table.names().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        Failure::Input(format!("there is no column {wanted} among {known} ({})", path.display()))
    })
}

/// The ids of a panel: of a draw's JSON, of an audit file's last draw, or of a list.
fn panel_ids(path: &Path) -> Result<Vec<String>, Failure> {
    let refused = |reason: String| Failure::Input(format!("the panel cannot be read: {reason} ({})", path.display()));
    let text = read_text(path, "panel")?;
    if !text.trim_start().starts_with('{') {
        let listed = named_people::read(path, None).map_err(Failure::input)?;
        return Ok(listed.into_iter().map(|(id, _)| id).collect());
    }
    let draw: Value = serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
    if let Some(drawn) = draw.get("panel").and_then(Value::as_array) {
        let seated = draw.get("seated").and_then(Value::as_array).into_iter().flatten();
        let ids = drawn.iter().chain(seated).map(|id| id.as_str().map(str::to_owned));
        return ids.collect::<Option<_>>().ok_or_else(|| refused("its panel is no list of ids".to_owned()));
    }
    let audit = AuditFile::from_json(&text).map_err(|error| refused(error.to_string()))?;
    let drawn = last_draw(&audit).ok_or_else(|| {
        refused("nothing was drawn from the lottery yet: hold `panel draw` with --audit or --json".to_owned())
    })?;
    Ok(drawn.into_iter().map(str::to_owned).collect())
}

/// The figures for people.
fn print(report: &Value) {
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    eprintln!(
        "{} of {} raters with {} of {} pairs; effective raters {:.1}, effective pairs {:.1}, design effect {:.2}",
        report["raters_used"],
        report["raters"],
        report["pairs_used"],
        report["pairs"],
        number(&report["ess_raters"]),
        number(&report["ess_pairs"]),
        number(&report["design_effect"])
    );
    let visits = &report["visits"];
    let per_rater = &visits["per_rater"];
    eprintln!(
        "seed {}: {} steps, {} visits, {:.2} epochs; {} to {} visits a rater (median {})",
        visits["seed"],
        visits["steps"],
        visits["visits"],
        number(&visits["epochs"]),
        per_rater["min"],
        per_rater["max"],
        per_rater["median"]
    );
    if let Some(identity) = report.get("identity") {
        eprintln!(
            "{}: expectation over panels {:.6}, soft {:.6}, standard deviation from panel to panel {:.6}",
            identity["of"].as_str().unwrap_or_default(),
            number(&identity["expected_hard"]),
            number(&identity["soft"]),
            number(&identity["standard_deviation"])
        );
    }
    for wanted in report["truth"]["weighted"].as_array().into_iter().flatten() {
        eprintln!(
            "{:>9}: {} ({:.0} % of choices for the plus side)",
            wanted["quality"].as_str().unwrap_or_default(),
            wanted["side"].as_str().unwrap_or_default(),
            100.0 * number(&wanted["choice"])
        );
    }
    for note in report["notes"].as_array().into_iter().flatten() {
        eprintln!("note: {}", note.as_str().unwrap_or_default());
    }
}
