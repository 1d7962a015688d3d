//! `kleroterion preferences`: raters' preferences from files, and samples of raters who do not exist.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use serde_json::json;

use super::demand::{Failure, Outcome};
use super::output;
use super::preferences_transforms::Transforms;
use super::preferences_weigh::Weigh;
use super::terminal::TerminalProgress;
use crate::dempo::pairs::Pairing;
use crate::dempo::population::{Population, Size};
use crate::formats::population_files::write_population;
use crate::formats::preferences::{Field, Format, ImportOptions, PreferencesError, Source, import};

/// Preferences of raters: import them, weigh them, make some up.
#[derive(Subcommand)]
pub(crate) enum Preferences {
    /// Read PRISM's files, JSON lines, CSV, Parquet or a TRL dataset into the form that everything else works with.
    Import(Import),
    /// Weigh pairs by a scheme, and see what it does: effective sizes, visits, the variance from panel to panel.
    Weigh(Box<Weigh>),
    /// Compare transforms of Soft's weights: effective sizes, and everybody's weight against their chance.
    Transforms(Transforms),
    /// Make up raters whose preferences are known, with people and quotas for a panel.
    Sample(Sample),
}

impl Preferences {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Import(import) => import.run(),
            Self::Weigh(weigh) => weigh.run(),
            Self::Transforms(transforms) => transforms.run(),
            Self::Sample(sample) => sample.run(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// By name, content and first record.
    Auto,
    /// An object a line, with a rater.
    Jsonl,
    /// A table, with a rater.
    Csv,
    /// An object a line as TRL's datasets have them, with or without a rater.
    Trl,
    /// A Parquet file (Snappy or uncompressed).
    Parquet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Pairs {
    /// All replies of a turn whose scores differ, in every turn.
    All,
    /// The chosen reply beside each other one, in first turns.
    Best,
}

/// Import preferences.
#[derive(Args)]
#[command(group(ArgGroup::new("source").required(true)))]
pub(crate) struct Import {
    /// The folder of PRISM's files: utterances.jsonl (or conversations.jsonl), and survey.jsonl.
    #[arg(long, value_name = "DIR", group = "source")]
    prism: Option<PathBuf>,
    /// A file of pairs.
    #[arg(long, value_name = "FILE", group = "source")]
    file: Option<PathBuf>,
    /// What the file is.
    #[arg(long, value_enum, default_value = "auto", conflicts_with = "prism")]
    format: FormatName,
    /// A column that has another name than usual; FIELD is id, rater, system, prompt, chosen, rejected, conversation, turn,
    /// margin, score-chosen, score-rejected, model-chosen or model-rejected.
    #[arg(long, value_name = "FIELD=NAME", value_parser = column, conflicts_with = "prism")]
    column: Vec<(Field, String)>,
    /// Which of PRISM's replies are put beside each other.
    #[arg(long, value_enum, default_value = "all", conflicts_with = "file")]
    pairs: Pairs,
    /// Leave out pairs whose scores differ by less.
    #[arg(long, value_name = "X", default_value_t = 0.0, conflicts_with = "file")]
    delta: f64,
    /// Leave out lines that cannot be read; they are counted, and the first told.
    #[arg(long)]
    skip_malformed: bool,
    /// Where to write the preferences, a JSON object a line.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write what became of the source as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn column(text: &str) -> Result<(Field, String), String> {
    let (field, name) = text.split_once('=').ok_or("write FIELD=NAME, such as rater=worker_id")?;
    let field = Field::named(field.trim()).ok_or_else(|| format!("the fields are {}", Field::names()))?;
    Ok((field, name.trim().to_owned()))
}

/// How an error of preferences ends a command.
pub(super) fn failure(error: PreferencesError) -> Failure {
    match error {
        PreferencesError::Cancelled(_) => Failure::Cancelled,
        other => Failure::input(other),
    }
}

impl Import {
    pub(crate) fn run(self) -> Outcome {
        if !(self.delta.is_finite() && self.delta >= 0.0) {
            return Err(Failure::Input(format!("--delta {}: give a number that is not negative", self.delta)));
        }
        if self.pairs == Pairs::Best && self.delta > 0.0 {
            return Err(Failure::Input(
                "--delta goes with --pairs all: the chosen reply counts whatever its score".into(),
            ));
        }
        let format = match self.format {
            FormatName::Auto => Format::Auto,
            FormatName::Jsonl => Format::JsonLines,
            FormatName::Csv => Format::Csv,
            FormatName::Trl => Format::Trl,
            FormatName::Parquet => Format::Parquet,
        };
        let source = match (self.prism, self.file) {
            (Some(folder), _) => Source::Prism(folder),
            (None, Some(file)) => Source::File(file, format),
            (None, None) => return Err(Failure::Input("give --prism or --file".to_owned())),
        };
        let pairing = match self.pairs {
            Pairs::All => Pairing::All { delta: self.delta },
            Pairs::Best => Pairing::Best,
        };
        let options =
            ImportOptions { pairing, skip_malformed: self.skip_malformed, columns: self.column.into_iter().collect() };
        let progress = TerminalProgress::new();
        let report = import(&source, &self.out, &options, &progress);
        progress.finish();
        let report = report.map_err(failure)?;
        let [least, _, median, _, most] = report.pairs_per_rater;
        eprintln!("{} pairs of {} raters, {least} to {most} a rater (median {median})", report.pairs, report.raters);
        for (why, count) in &report.dropped {
            eprintln!("left out: {count} for {}", json!(why).as_str().unwrap_or_default().replace('-', " "));
        }
        if report.malformed.count > 0 {
            eprintln!(
                "{} of {} lines cannot be read and were left out: {}",
                report.malformed.count, report.lines, report.malformed
            );
        }
        if let Some(without) = report.raters_without_demographics.filter(|&without| without > 0) {
            eprintln!("{without} raters without demographics were kept: only a scheme that needs them leaves them out");
        }
        if report.scattered_conversations > 0 {
            eprintln!("{} conversations whose lines stand apart were put together", report.scattered_conversations);
        }
        report.notes.iter().for_each(|note| eprintln!("note: {note}"));
        output::write_json(self.json.as_deref(), &json!(report))
    }
}

/// Make up raters.
#[derive(Args)]
pub(crate) struct Sample {
    /// Folder to write people.csv, quotas.csv, preferences.jsonl, probes.jsonl and truth.json into; made if need be.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[arg(long, default_value_t = 400)]
    raters: usize,
    /// Mean; raters have between half and one and a half times as many.
    #[arg(long, value_name = "N", default_value_t = 12)]
    pairs_per_rater: u64,
    /// Members of a panel that the quotas are for (default: a tenth of the raters).
    #[arg(long, value_name = "K")]
    size: Option<u32>,
    /// Seed of every random choice.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write what was made as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Sample {
    pub(crate) fn run(self) -> Outcome {
        let panel = self.size.unwrap_or((self.raters / 10).max(1) as u32);
        let size = Size { raters: self.raters, pairs_per_rater: self.pairs_per_rater, panel };
        let made = Population::new(size, self.seed).map_err(Failure::input)?;
        let folder = &self.out;
        write_population(folder, &made).map_err(Failure::Input)?;
        eprintln!("seed {}: {} raters with {} pairs", self.seed, self.raters, made.preferences.len());
        for (all, own) in made.truth.population.iter().zip(&made.truth.sample) {
            eprintln!(
                "{:>9}: the population wants {} ({:.0} % of choices for the plus side), the raters {} ({:.0} %)",
                all.quality,
                all.side,
                100.0 * all.choice,
                own.side,
                100.0 * own.choice
            );
        }
        self.next_steps(folder, panel);
        let report = json!({
            "seed": self.seed, "raters": self.raters, "pairs": made.preferences.len(), "probes": made.probes.len(),
            "size": panel, "qualities": made.truth.qualities, "population": made.truth.population, "sample": made.truth.sample,
        });
        output::write_json(self.json.as_deref(), &report)
    }

    fn next_steps(&self, folder: &Path, panel: u32) {
        let folder = folder.display();
        eprintln!(
            "next: kleroterion panel lottery --people {folder}/people.csv --quotas {folder}/quotas.csv --size {panel} \
             --algorithm leximin --json lottery.json"
        );
    }
}
