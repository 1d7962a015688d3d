//! `kleroterion train update-size` and `train gradients`: how far trainings moved their models, and whether schemes pull in the
//! same direction.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::demand::{Failure, Outcome};
use super::output;
use super::run::failure;
use super::terminal::TerminalProgress;
use super::train::{fill_scheme, read_spec};
use crate::dempo::gradients::{Alignment, Estimate};
use crate::jobs::spec::RunSpec;
use crate::jobs::train::gradients::{At, GradientSpec, gradients};
use crate::jobs::train::update::Moved;
use crate::jobs::train::{RaterScheme, TrainSpec};
use crate::models::llama::UpdateSize;
use crate::store::{Project, RunId};

/// How far trainings moved their weights.
#[derive(Args)]
pub(crate) struct UpdateSizes {
    /// Output folders of trainings: an adapter, or a whole model.
    #[arg(value_name = "DIR", required_unless_present = "run")]
    folders: Vec<PathBuf>,
    /// The model before the training: shipped name, folder or hub name. An adapter names its own.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Trainings of this project, by --run.
    #[arg(long, value_name = "DIR", requires = "run")]
    project: Option<PathBuf>,
    /// Number of a training of the project; may be repeated.
    #[arg(long, value_name = "N", requires = "project")]
    run: Vec<i64>,
    /// Write every tensor as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl UpdateSizes {
    pub(crate) fn run(self) -> Outcome {
        let mut report = Vec::new();
        for moved in self.moved()? {
            let progress = TerminalProgress::new();
            let found = moved.measure(&progress);
            progress.finish();
            let found = found.map_err(failure)?;
            eprintln!(
                "{}: update {:.4e} in {} tensors, {:.3e} of their norm, {:.3e} of the model's",
                moved.name,
                found.update,
                found.tensors.len(),
                found.relative(),
                found.relative_to_model()
            );
            report.push(in_json(&moved, &found));
        }
        output::write_json(self.json.as_deref(), &json!({ "trainings": report }))
    }

    fn moved(&self) -> Result<Vec<Moved>, Failure> {
        let mut all = Vec::new();
        for folder in &self.folders {
            all.push(match &self.model {
                Some(model) => Moved { name: folder.display().to_string(), model: model.clone(), out: folder.clone() },
                None => Moved::of_folder(folder).map_err(Failure::Input)?,
            });
        }
        if let Some(directory) = &self.project {
            let project = Project::open_reader(directory).map_err(Failure::input)?;
            for &number in &self.run {
                let RunSpec::Train(spec) = project.run(RunId(number)).map_err(Failure::input)?.spec else {
                    return Err(Failure::Input(format!(
                        "run {number} is no training by this program; name the folder of its adapter instead"
                    )));
                };
                all.push(Moved::of_run(format!("run {number}"), &spec, directory));
            }
        }
        Ok(all)
    }
}

fn in_json(moved: &Moved, found: &UpdateSize) -> Value {
    let tensors: Vec<Value> = found
        .tensors
        .iter()
        .map(|one| {
            json!({
                "name": one.name, "numbers": one.numbers, "base": one.base, "update": one.update,
                "relative": one.relative(),
            })
        })
        .collect();
    json!({
        "name": moved.name, "model": moved.model, "out": moved.out, "adapter": found.adapter, "update": found.update,
        "base": found.base, "relative": found.relative(), "model_norm": found.model,
        "relative_to_model": found.relative_to_model(), "tensors": tensors,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SchemeName {
    /// The panel of --lottery that was drawn last, or that of the settings.
    Hard,
    /// Everybody by their chance in --lottery, or those of the settings.
    Soft,
    /// Every rater alike.
    Full,
    /// Every pair alike.
    Pooled,
    /// The subset that the settings name.
    Subset,
}

/// Lengths of schemes' gradients and cosines between them.
#[derive(Args)]
pub(crate) struct GradientsCommand {
    /// Settings, as for `train run`: preferences, model, objective, held-out raters and transform count.
    #[arg(long, value_name = "FILE")]
    spec: PathBuf,
    /// Schemes to compare, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAMES", default_value = "full,pooled")]
    schemes: Vec<SchemeName>,
    /// An audit file for hard and soft, unless the settings have the panel or the chances.
    #[arg(long, value_name = "FILE")]
    lottery: Option<PathBuf>,
    /// Take the gradients at the weights that a training left in this folder (default: at its start).
    #[arg(long, value_name = "DIR")]
    trained: Option<PathBuf>,
    /// Draw N raters by their mean share in the schemes, from the seed of the settings, and estimate with standard errors
    /// (default: all raters, exactly).
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Write the full result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl GradientsCommand {
    pub(crate) fn run(self) -> Outcome {
        let training = read_spec(&self.spec)?;
        let schemes = self.schemes.iter().map(|&name| self.scheme(name, &training)).collect::<Result<_, _>>()?;
        let at = self.trained.clone().map_or(At::Start, At::Trained);
        let spec = GradientSpec { training, schemes, at, sample: self.sample };
        let progress = TerminalProgress::new();
        let found = gradients(&spec, &progress);
        progress.finish();
        let found = found.map_err(failure)?;
        say(&found);
        let mut report = serde_json::to_value(&found).map_err(Failure::internal)?;
        report["at"] = match &spec.at {
            At::Start => json!("start"),
            At::Trained(folder) => json!(folder),
        };
        output::write_json(self.json.as_deref(), &report)
    }

    fn scheme(&self, name: SchemeName, training: &TrainSpec) -> Result<RaterScheme, Failure> {
        let (word, own) = match (name, &training.scheme) {
            (SchemeName::Full, _) => return Ok(RaterScheme::Full),
            (SchemeName::Pooled, _) => return Ok(RaterScheme::Pooled),
            (SchemeName::Subset, RaterScheme::Subset { .. }) => return Ok(training.scheme.clone()),
            (SchemeName::Subset, _) => {
                return Err(Failure::Input(format!(
                    "subset needs settings whose scheme is one ({})",
                    self.spec.display()
                )));
            }
            (SchemeName::Hard, scheme) => ("hard", matches!(scheme, RaterScheme::Hard { .. })),
            (SchemeName::Soft, scheme) => ("soft", matches!(scheme, RaterScheme::Soft { .. })),
        };
        match &self.lottery {
            Some(file) => of_lottery(word, file),
            None if own => Ok(training.scheme.clone()),
            None => Err(Failure::Input(format!(
                "{word} needs --lottery: an audit file, as `panel lottery` and `panel draw` write them"
            ))),
        }
    }
}

fn of_lottery(word: &str, file: &Path) -> Result<RaterScheme, Failure> {
    let mut scheme = Map::from_iter([("scheme".to_owned(), json!(word))]);
    fill_scheme(&mut scheme, file)?;
    serde_json::from_value(Value::Object(scheme)).map_err(Failure::internal)
}

fn say(found: &Alignment) {
    let estimate = |estimate: &Estimate| match estimate.error {
        Some(error) => format!("{:.4e} (standard error {error:.1e})", estimate.value),
        None => format!("{:.4e}", estimate.value),
    };
    eprintln!(
        "{} pairs of {} of {} raters, {}; {} numbers trained",
        found.pairs,
        found.looked_at,
        found.raters,
        if found.sampled { format!("a sample of {} draws", found.draws) } else { "exact".to_owned() },
        found.dimensions
    );
    for scheme in &found.schemes {
        eprintln!("{}: {} raters, gradient {}", scheme.name, scheme.raters, estimate(&scheme.norm));
    }
    for (a, row) in found.cosines.iter().enumerate() {
        for (b, cosine) in row.iter().enumerate().skip(a + 1) {
            let names = format!("{} and {}", found.schemes[a].name, found.schemes[b].name);
            match cosine {
                Some(cosine) => {
                    let error = cosine.error.map_or(String::new(), |error| format!(" (standard error {error:.4})"));
                    eprintln!("{names}: cosine {:.4}{error}", cosine.value);
                }
                None => eprintln!("{names}: no cosine, a gradient is zero"),
            }
        }
    }
}
