//! `kleroterion constitution`: clauses and questions, answers to them, and judges' verdicts.

mod export;
mod judge;
mod results;
pub(super) mod speakers;

pub(super) use judge::{Money, prices};

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::demand::{Failure, Outcome};
use super::output;
use crate::dempo::constitution::Constitution;
use crate::formats::constitutions;

/// Judge models' answers by a constitution.
#[derive(Subcommand)]
pub(crate) enum ConstitutionCommand {
    /// Read a constitution (and questions) and write it in the program's form.
    Import(Import),
    /// Let a model write questions for every clause.
    Questions(Box<judge::Questions>),
    /// Let models answer the questions and judges compare the answers.
    Judge(Box<judge::Judge>),
    /// Everything that can be said of verdicts: seven methods, pairs, clauses, judges, diagnostics.
    Results(results::Results),
    /// Store verdicts that were given elsewhere in a project.
    ImportVerdicts(results::ImportVerdicts),
    /// Write answers, verdicts and calls of a stored run as JSON lines.
    Export(export::Export),
}

impl ConstitutionCommand {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Import(import) => import.run(),
            Self::Questions(questions) => questions.run(),
            Self::Judge(judge) => judge.run(),
            Self::Results(results) => results.run(),
            Self::ImportVerdicts(import) => import.run(),
            Self::Export(export) => export.run(),
        }
    }
}

/// A constitution by its shipped name, or out of a file.
pub(super) fn constitution(name: &str, questions: Option<&Path>) -> Result<Constitution, Failure> {
    let shipped = constitutions::shipped().into_iter().find(|(known, _)| *known == name);
    let mut found = match shipped {
        Some((_, shipped)) => shipped,
        None => {
            let read = constitutions::read(Path::new(name)).map_err(Failure::input)?;
            read.warnings.iter().for_each(|warning| eprintln!("{warning}"));
            read.constitution
        }
    };
    if let Some(path) = questions {
        let read = constitutions::read_questions(path, &found).map_err(Failure::input)?;
        read.warnings.iter().for_each(|warning| eprintln!("{warning}"));
        found.questions.extend(read.questions);
    }
    found.check().map_err(Failure::input)?;
    Ok(found)
}

/// Import a constitution.
#[derive(Args)]
pub(crate) struct Import {
    /// A shipped name (everyday, kindness, candour, stewardship) or a file: JSON, a text with a clause a line, or a table.
    constitution: String,
    /// Questions for its clauses: JSON lines or a table with clause and question.
    #[arg(long, value_name = "FILE")]
    questions: Option<PathBuf>,
    /// Write clauses and questions as JSON.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write what was read as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Import {
    fn run(self) -> Outcome {
        let found = constitution(&self.constitution, self.questions.as_deref())?;
        eprintln!("{}: {} clauses, {} questions", found.name, found.clauses.len(), found.questions.len());
        if let Some(out) = &self.out {
            let text = serde_json::to_vec_pretty(&found).map_err(Failure::internal)?;
            crate::formats::whole_file::write(out, &text).map_err(|error| {
                Failure::Input(format!("the constitution cannot be written: {error} ({})", out.display()))
            })?;
        }
        output::write_json(self.json.as_deref(), &json!(found))
    }
}
