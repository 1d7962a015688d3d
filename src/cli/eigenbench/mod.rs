//! `kleroterion eigenbench`: judgements are collected, imported and exported, fitted and reported on.

mod collect;
mod files;
mod fit;
mod labs;
mod people;
mod report;

use clap::Subcommand;

use super::demand::Outcome;

/// Models judge each other: from comparisons to a leaderboard.
#[derive(Subcommand)]
pub(crate) enum Eigenbench {
    /// Let models respond to scenarios and judge one another's responses.
    Collect(Box<collect::Collect>),
    /// Fit judges' lenses, the trust matrix and Elo to comparisons.
    Fit(fit::FitCommand),
    /// Leaderboard, intervals and diagnostics of judgements that a project holds.
    Report(report::Report),
    /// Read the EigenBench authors' evaluations, keep them in a project, or write comparisons for `fit`.
    Import(files::Import),
    /// Write judgements of a project as the EigenBench authors' evaluations, or as comparisons.
    Export(files::Export),
    /// Take in what people chose elsewhere between responses of a run.
    ImportPeople(people::ImportPeople),
    /// Write what people chose between responses of a run.
    ExportPeople(people::ExportPeople),
    /// What a group gains whose members, as judges, put each other first.
    Collusion(labs::Collusion),
    /// Whether judging one another finds who is right (as GPQA in the paper).
    LabelRecovery(labs::LabelRecovery),
}

impl Eigenbench {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Collect(command) => command.run(),
            Self::Fit(command) => command.run(),
            Self::Report(command) => command.run(),
            Self::Import(command) => command.run(),
            Self::Export(command) => command.run(),
            Self::ImportPeople(command) => command.run(),
            Self::ExportPeople(command) => command.run(),
            Self::Collusion(command) => command.run(),
            Self::LabelRecovery(command) => command.run(),
        }
    }
}
