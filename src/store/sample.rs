//! Sample projects: a folder of text that becomes a project when it is first opened.
//!
//! `project.toml` holds `name`, `description`, `[[sentences]]` tables (`name`, `file`: text or CSV inside the folder)
//! and `[[run]]` tables (a [`RunSpec`]; `list = "name"` stands for the sentences of that list, `criteria = ["name"]` for
//! constitutions that ship with the program, `first_scenarios = N` for the first of its scenarios).

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::StoreError;
use super::folder::{SAMPLE, inside};
use crate::formats::{constitutions, scenarios, sentences};
use crate::jobs::spec::RunSpec;

/// Largest `project.toml` that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// What a new database is filled with.
#[derive(Debug, Default)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) lists: Vec<(String, Vec<String>)>,
    pub(super) runs: Vec<RunSpec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    sentences: Vec<List>,
    #[serde(default)]
    run: Vec<toml::Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    name: String,
    file: PathBuf,
}

impl Sample {
    /// Reads the sample in `directory` (canonical) and the files it names; changes nothing.
    pub(super) fn read(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(SAMPLE);
        let wrong = |problem: String| {
            StoreError::project(
                format!("this sample project cannot be read: {problem}"),
                "Correct project.toml or the file it names, or start a new project",
                &path,
            )
        };
        let unreadable = |error: std::io::Error| StoreError::file(&error, "reading the sample project", &path);
        inside(directory, Path::new(SAMPLE))?;
        if fs::metadata(&path).map_err(unreadable)?.len() > MAX_BYTES {
            return Err(wrong(format!("it is larger than {} MB", MAX_BYTES >> 20)));
        }
        let text = fs::read_to_string(&path).map_err(unreadable)?;
        let file: File = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let lists = file
            .sentences
            .into_iter()
            .map(|list| {
                let sentences = sentences::read(&inside(directory, &list.file)?).map_err(|e| wrong(e.to_string()))?;
                Ok((list.name, sentences))
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        let runs = (1..)
            .zip(file.run)
            .map(|(number, table)| run(table, &lists).map_err(|problem| wrong(format!("run {number}: {problem}"))))
            .collect::<Result<_, _>>()?;
        Ok(Self { name: file.name, description: file.description, lists, runs })
    }
}

fn run(mut table: toml::Table, lists: &[(String, Vec<String>)]) -> Result<RunSpec, String> {
    if let Some(list) = table.remove("list") {
        let name = list.as_str().ok_or("list must be a name in quotes")?;
        let (_, sentences) =
            lists.iter().find(|(known, _)| known == name).ok_or_else(|| format!("there is no list {name:?}"))?;
        table.insert("sentences".to_owned(), sentences.clone().into());
    }
    if let Some(names) = table.remove("criteria") {
        let wrong = || "criteria must be names in quotes, of constitutions that ship with the program".to_owned();
        let find = |name: &toml::Value| {
            let name = name.as_str()?;
            constitutions::shipped().into_iter().find(|(known, _)| *known == name).map(|(_, found)| found)
        };
        let found: Option<Vec<_>> = names.as_array().ok_or_else(wrong)?.iter().map(find).collect();
        let found = toml::Value::try_from(found.ok_or_else(wrong)?).map_err(|error| error.to_string())?;
        table.insert("constitutions".to_owned(), found);
    }
    if let Some(first) = table.remove("first_scenarios") {
        let first = first.as_integer().and_then(|first| usize::try_from(first).ok());
        let mut scenarios = scenarios::shipped();
        scenarios.truncate(first.ok_or("first_scenarios must be a number")?);
        let scenarios = toml::Value::try_from(scenarios).map_err(|error| error.to_string())?;
        table.insert("scenarios".to_owned(), scenarios);
    }
    table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}
