//! The command line: every job of the window, headless, with exit codes and JSON for scripts.
//!
//! Exit codes: 0 success, 1 a negative answer or failed check, 2 bad usage or bad input, 3 cancelled, 4 internal failure.

mod certify;
mod chains;
mod constitution;
mod demand;
mod dynamics;
mod eigenbench;
mod escape;
mod exact;
mod mix;
mod model;
mod output;
mod panel;
mod panel_check;
mod panel_draw;
mod panel_sensitivity;
mod phase;
mod preferences;
mod preferences_transforms;
mod preferences_weigh;
mod project;
mod rankings;
mod run;
mod shot;
mod singles;
mod survey;
mod terminal;
mod train;
mod train_diagnostics;
mod train_mlm;
mod trajectories;
mod verify;
mod window;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Kleroterion: whose values does a language model carry? Without a command it opens the window.
#[derive(Parser)]
#[command(name = "kleroterion", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Open the window on a project (default: the quickstart sample).
    Open(window::Open),
    /// Look for a certificate that no joint distribution has a model's conditionals, in one context.
    Certify(certify::Certify),
    /// Sample rectangles over many sentences: how often and how far are the conditionals incompatible?
    Survey(survey::Survey),
    /// Run coupled pairs of chains until they meet, and bound how fast the chain forgets its start.
    Mix(mix::Mix),
    /// Enumerate a small space: stationary law, mixing time, spectrum, influence, every rectangle.
    Exact(exact::Exact),
    /// Run chains from a fixed point until they leave its neighbourhood, beside the time its margin predicts.
    Escape(escape::EscapeCommand),
    /// Couple pairs over a grid of temperatures and lengths; fit growth laws and critical temperatures.
    Phase(phase::Phase),
    /// Follow single chains: basins, dwell times, recurrences, political content.
    Trajectories(trajectories::Trajectories),
    /// Hold lotteries over panels of people, and draw from them.
    #[command(subcommand)]
    Panel(panel::Panel),
    /// Raters' preferences: import them, weigh them by a panel or a lottery, make some up.
    #[command(subcommand)]
    Preferences(preferences::Preferences),
    /// Judge models' answers by a constitution.
    #[command(subcommand)]
    Constitution(constitution::ConstitutionCommand),
    /// Rank models by judges' rankings or pairwise choices.
    #[command(subcommand)]
    Rankings(rankings::Rankings),
    /// Let models judge each other: from comparisons to a leaderboard.
    #[command(subcommand)]
    Eigenbench(eigenbench::Eigenbench),
    /// Check a certificate or a panel's audit file from scratch.
    Verify(verify::Verify),
    /// Train a small BERT-layout masked language model and its tokenizer from plain text.
    TrainMlm(train_mlm::TrainMlm),
    /// Train a Llama on preferences weighed by a panel or a lottery.
    #[command(subcommand)]
    Train(train::Train),
    /// Look at, check and download models.
    #[command(subcommand)]
    Model(model::Model),
    /// Make and look at projects.
    #[command(subcommand)]
    Project(project::ProjectCommand),
    /// Carry out (or resume) a run that a project holds.
    Run(run::Run),
    /// Draw a tab of a project as a picture, without a display.
    Shot(shot::Shot),
}

/// What every command that computes takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Common {
    /// Write the full result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE", global = true)]
    json: Option<PathBuf>,
    /// Store the run in this project; without it nothing is left behind.
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
    /// Seed of every random choice.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Worker threads (default: all cores). Never changes a result.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// Parses the arguments, carries them out, and maps what happened to an exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors; clap prints them to standard output itself.
            let asked = !error.use_stderr();
            return match error.print() {
                Ok(()) if asked => ExitCode::SUCCESS,
                _ => ExitCode::from(2),
            };
        }
    };
    terminal::catch_interrupts();
    let outcome = match cli.command {
        None => window::Open::default().run(),
        Some(Command::Open(command)) => command.run(),
        Some(Command::Certify(command)) => command.run(),
        Some(Command::Survey(command)) => command.run(),
        Some(Command::Mix(command)) => command.run(),
        Some(Command::Exact(command)) => command.run(),
        Some(Command::Escape(command)) => command.run(),
        Some(Command::Phase(command)) => command.run(),
        Some(Command::Trajectories(command)) => command.run(),
        Some(Command::Panel(command)) => command.run(),
        Some(Command::Preferences(command)) => command.run(),
        Some(Command::Constitution(command)) => command.run(),
        Some(Command::Rankings(command)) => command.run(),
        Some(Command::Eigenbench(command)) => command.run(),
        Some(Command::Verify(command)) => command.run(),
        Some(Command::TrainMlm(command)) => command.run(),
        Some(Command::Train(command)) => command.run(),
        Some(Command::Model(command)) => command.run(),
        Some(Command::Project(command)) => command.run(),
        Some(Command::Run(command)) => command.run(),
        Some(Command::Shot(command)) => command.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                eprintln!("kleroterion: {message}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}
