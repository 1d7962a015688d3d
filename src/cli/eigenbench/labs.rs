//! `kleroterion eigenbench collusion` and `label-recovery`: the two laboratories.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::super::demand::{Failure, Outcome};
use super::super::output;
use super::super::terminal::TerminalProgress;
use crate::eigenbench::collusion::{Group, Simulation, SimulationError};
use crate::eigenbench::label_recovery::{LabelRecoveryError, order_agreement, recover};
use crate::formats::label_answers;

/// What a group gains whose members, as judges, put each other first.
#[derive(Args)]
pub(crate) struct Collusion {
    /// Honest models (H).
    #[arg(long, value_name = "H", default_value_t = 4)]
    honest: u32,
    /// Groups of 0 to G colluders.
    #[arg(long, value_name = "G", default_value_t = 5)]
    colluders: u32,
    /// Trust that a colluder gives to its group (c).
    #[arg(long, value_name = "C", default_value_t = 0.9)]
    mass: f64,
    /// Share of trust that goes back at every step.
    #[arg(long, value_name = "A", default_value_t = 0.0)]
    damping: f64,
    /// It goes back to the honest alone.
    #[arg(long)]
    pretrust: bool,
    /// Also draw populations with known dispositions and send their judgements through the whole pipeline.
    #[arg(long)]
    simulate: bool,
    /// Of the simulation: scenarios of each population.
    #[arg(long, default_value_t = 100)]
    scenarios: u32,
    /// Of the simulation: populations for each size of the group.
    #[arg(long, default_value_t = 10)]
    replicates: u32,
    /// Of the simulation: chance that a colluder chooses its group whatever it sees.
    #[arg(long, default_value_t = 1.0)]
    loyalty: f64,
    /// Seed of the simulation.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write the result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Collusion {
    pub(super) fn run(self) -> Outcome {
        let wrong = |text: &str| Err(Failure::Input(text.to_owned()));
        if self.honest == 0 {
            return wrong("--honest 0: at least one honest model is needed");
        }
        if !(0.0..=1.0).contains(&self.mass) || !(0.0..=1.0).contains(&self.damping) {
            return wrong("--mass and --damping are shares from 0 to 1");
        }
        let group = |colluders| Group {
            honest: self.honest,
            colluders,
            mass: self.mass,
            damping: self.damping,
            trusted: self.pretrust,
        };
        let closed: Vec<_> = (0..=self.colluders).map(|colluders| group(colluders).gain()).collect();
        for gain in &closed {
            let elo = gain.elo_colluder.map_or("-".to_owned(), |elo| format!("{elo:.1}"));
            eprintln!(
                "{} colluders: share {:.4} (plain mean {:.4}), Elo {elo} against {:.1}",
                gain.colluders, gain.share, gain.mean_share, gain.elo_honest
            );
        }
        let simulation = Simulation {
            honest: self.honest,
            most_colluders: self.colluders,
            loyalty: self.loyalty,
            scenarios: self.scenarios,
            replicates: self.replicates,
            damping: self.damping,
            seed: self.seed,
        };
        let simulated = match self.simulate {
            false => None,
            true => {
                let progress = TerminalProgress::new();
                let found = simulation.run(&progress).map_err(|error| match error {
                    SimulationError::Cancelled(_) => Failure::Cancelled,
                    SimulationError::Unfit(problem) => Failure::Input(problem),
                })?;
                progress.finish();
                Some(found)
            }
        };
        let report = json!({
            "honest": self.honest, "mass": self.mass, "damping": self.damping, "pretrust": self.pretrust, "seed": self.seed,
            "closed_form": closed, "simulation": simulated,
        });
        output::write_json(self.json.as_deref(), &report)
    }
}

/// Whether judging one another finds who is right.
#[derive(Args)]
pub(crate) struct LabelRecovery {
    /// CSV with question, one column of answers a model, and where wanted key.
    #[arg(long, value_name = "CSV")]
    answers: PathBuf,
    /// The right label where it is the same for all questions and the file has no key.
    #[arg(long, value_name = "LABEL")]
    key: Option<String>,
    /// CSV with model and a column of scores to hold the order against.
    #[arg(long, value_name = "CSV")]
    reference: Option<PathBuf>,
    /// Dimension of judges' lenses.
    #[arg(long, value_name = "D", default_value_t = 1)]
    dim: usize,
    /// Seed of the fit's starts.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write the result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl LabelRecovery {
    pub(super) fn run(self) -> Outcome {
        if self.dim == 0 {
            return Err(Failure::Input("--dim 0: judges need at least one dimension".into()));
        }
        let answers = label_answers::read(&self.answers, self.key.as_deref()).map_err(Failure::input)?;
        let reference = match &self.reference {
            None => None,
            Some(path) => Some(label_answers::read_scores(path, &answers.models).map_err(Failure::input)?),
        };
        let progress = TerminalProgress::new();
        let found = recover(&answers, self.dim, self.seed, &progress).map_err(|error| match error {
            LabelRecoveryError::Cancelled(_) => Failure::Cancelled,
            LabelRecoveryError::Unfit(problem) => Failure::Input(format!("{problem} ({})", self.answers.display())),
        })?;
        progress.finish();
        let against = |scores: &[f64], of: &[Option<f64>]| {
            let both: Vec<(f64, f64)> = scores.iter().zip(of).filter_map(|(s, r)| Some((*s, (*r)?))).collect();
            let (scores, of): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
            order_agreement(&scores, &of)
        };
        let agreements = |of: &[Option<f64>]| {
            json!({
                "eigentrust": against(&found.trust, of), "agreement": against(&found.agreement, of),
                "majority": against(&found.majority, of),
            })
        };
        let by_accuracy = |place: usize| {
            let accuracy = found.accuracy.as_ref()?;
            Some(agreements(&accuracy.iter().map(|own| Some(own[place])).collect::<Vec<_>>()))
        };
        let mut order: Vec<usize> = (0..found.models.len()).collect();
        order.sort_by(|&a, &b| found.trust[b].total_cmp(&found.trust[a]));
        for &model in &order {
            let right =
                found.accuracy.as_ref().map_or(String::new(), |own| format!("  {:.1} % right", 100.0 * own[model][0]));
            eprintln!("{:>9.1}  {}{right}", found.elo[model], found.models[model]);
        }
        let mut report = json!(found);
        report["against_reference"] = json!(reference.as_deref().map(agreements));
        report["against_accuracy_of_all"] = json!(by_accuracy(0));
        report["against_accuracy_of_answered"] = json!(by_accuracy(1));
        output::write_json(self.json.as_deref(), &report)
    }
}
