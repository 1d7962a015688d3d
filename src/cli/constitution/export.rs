//! Answers, verdicts and calls of a stored judging as files.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::super::demand::{Failure, Outcome};
use crate::formats::{verdicts, whole_file};
use crate::jobs::judge::collected;
use crate::jobs::spec::RunSpec;
use crate::store::{CallId, Project, RunId};

/// Export a judging.
#[derive(Args)]
pub(crate) struct Export {
    /// The project's folder.
    #[arg(long, value_name = "DIR")]
    project: PathBuf,
    /// The run's number.
    #[arg(long, value_name = "N")]
    run: i64,
    /// Receives answers.jsonl, rankings.jsonl, pairs.csv, verdicts.jsonl and calls.jsonl.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Calls that are read at once.
const PAGE: u32 = 500;

impl Export {
    pub(super) fn run(self) -> Outcome {
        let project = Project::open_reader(&self.project).map_err(Failure::input)?;
        let run = project.run(RunId(self.run)).map_err(Failure::input)?;
        let RunSpec::Judge(spec) = &run.spec else {
            return Err(Failure::Input(format!("run {} is no judging ({})", self.run, run.kind)));
        };
        let answers = project.answers(run.id).map_err(Failure::internal)?;
        let rows = project.verdicts(run.id).map_err(Failure::internal)?;
        let all = collected(spec, &answers, &rows);
        std::fs::create_dir_all(&self.out)
            .map_err(|error| Failure::Input(format!("the folder cannot be made: {error} ({})", self.out.display())))?;
        let mut text = String::new();
        for answer in &answers {
            let question = &spec.constitution.questions[answer.question as usize];
            let line = json!({
                "question": question.id, "clause": question.clause,
                "model": spec.entrants[usize::from(answer.model)].name,
                "ending": answer.ending, "answer": answer.text,
            });
            text.push_str(&format!("{line}\n"));
        }
        self.write("answers.jsonl", &text)?;
        self.write("rankings.jsonl", &verdicts::rankings(&all))?;
        self.write("pairs.csv", &verdicts::pairs(&all))?;
        let lines: Vec<String> = verdicts::named(&all).iter().map(|line| format!("{line}\n")).collect();
        self.write("verdicts.jsonl", &lines.concat())?;
        let calls = self.calls(&project, run.id)?;
        eprintln!("{} answers, {} verdicts, {calls} calls ({})", answers.len(), rows.len(), self.out.display());
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Outcome {
        let path = self.out.join(name);
        whole_file::write(&path, text.as_bytes())
            .map_err(|error| Failure::Input(format!("a file cannot be written: {error} ({})", path.display())))
    }

    /// Calls are many and long: written page by page.
    fn calls(&self, project: &Project, run: RunId) -> Result<u64, Failure> {
        let path = self.out.join("calls.jsonl");
        let failed = |error: std::io::Error, path: &Path| {
            Failure::Input(format!("the calls cannot be written: {error} ({})", path.display()))
        };
        let file = std::fs::File::create(&path).map_err(|error| failed(error, &path))?;
        let mut file = std::io::BufWriter::new(file);
        let (mut last, mut count) = (CallId(0), 0);
        loop {
            let page = project.calls(run, last, PAGE).map_err(Failure::internal)?;
            let Some(end) = page.last() else { break };
            last = end.id;
            for call in &page {
                let line = json!({
                    "id": call.id.0, "at": call.at, "provider": call.provider, "request": call.request,
                    "reply": call.reply.as_ref().ok(), "error": call.reply.as_ref().err(),
                });
                writeln!(file, "{line}").map_err(|error| failed(error, &path))?;
                count += 1;
            }
        }
        file.flush().map_err(|error| failed(error, &path))?;
        Ok(count)
    }
}
