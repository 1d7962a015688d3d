//! Constitutions from files (our JSON, a bare JSON list of clauses, plain text, tables) and those that ship with the program;
//! questions for a constitution that is there already.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::decode;
use super::table::{self, TableError, TableProblem, TableWarning};
use crate::dempo::constitution::{Clause, Constitution, ConstitutionError, Question};
use crate::sortition::table::Table;

/// Names and texts of the constitutions that ship with the program, written for it; the first has questions too.
const SHIPPED: [(&str, &str); 4] = [
    ("everyday", include_str!("../../assets/constitutions/everyday.json")),
    ("kindness", include_str!("../../assets/constitutions/kindness.json")),
    ("candour", include_str!("../../assets/constitutions/candour.json")),
    ("stewardship", include_str!("../../assets/constitutions/stewardship.json")),
];

/// Endings of files that hold tables; everything else is text or JSON.
const TABLES: [&str; 8] = ["csv", "tsv", "xlsx", "xlsm", "xlsb", "ods", "jsonl", "ndjson"];

/// A constitution as it stands in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadConstitution {
    /// Passes [`Constitution::check`]. Called as the file says, or else as the file is called.
    pub constitution: Constitution,
    /// What was assumed while reading.
    pub warnings: Vec<TableWarning>,
}

/// Questions as they stand in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadQuestions {
    /// In the order of the file; each belongs to a clause of the constitution.
    pub questions: Vec<Question>,
    /// What was assumed while reading.
    pub warnings: Vec<TableWarning>,
}

/// Why a file gives no constitution, or no questions.
#[derive(Debug, thiserror::Error)]
pub enum ConstitutionFileError {
    /// The file cannot be read, or is no table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// No JSON, or not of our form.
    #[error("line {line} is not as a constitution in JSON must be: {reason}. Correct it, or give a list of clauses ({path})", path = path.display())]
    Json { path: PathBuf, line: usize, reason: String },
    /// JSON that holds no list of clauses.
    #[error("{problem}. Give a list of clauses, each a text, or {{\"name\", \"clauses\", \"questions\"}} ({path})", path = path.display())]
    NoList { path: PathBuf, problem: String },
    /// A column is missing.
    #[error("there is no column \"{column}\": the table needs {needed} ({path})", path = path.display())]
    Column { path: PathBuf, column: &'static str, needed: &'static str },
    /// A row is not what it should be.
    #[error("row {row}: {reason} ({path})", path = path.display())]
    Row { path: PathBuf, row: u32, reason: String },
    /// What was read is unfit for judging.
    #[error("{problem} ({path})", path = path.display())]
    Unfit { path: PathBuf, problem: ConstitutionError },
}

/// The constitutions that ship with the program: `everyday` (20 clauses with 6 questions each), and `kindness`, `candour`
/// and `stewardship` (8 criteria each, without questions).
pub fn shipped() -> [(&'static str, Constitution); 4] {
    SHIPPED
        .map(|(name, text)| (name, serde_json::from_str(text).expect("every shipped constitution is read by a test")))
}

/// Reads a constitution: `{"name", "clauses": [{"id", "text"}], "questions": [{"id", "clause", "text"}]}`, a JSON list of texts
/// or an object with one such list under any key, a table with the columns `clause`, and where wanted `id` (of the clause) and
/// `question`, or plain text with one clause a line.
///
/// In a table a row without a clause adds its question to the clause above; questions are called `clause:1`, `clause:2`, ….
///
/// # Errors
/// [`ConstitutionFileError`].
pub fn read(path: &Path) -> Result<ReadConstitution, ConstitutionFileError> {
    if ending(path).is_some_and(|ending| TABLES.contains(&ending.as_str())) {
        return from_table(path);
    }
    let failed = |problem| TableError { problem, path: path.to_owned() };
    let bytes = std::fs::read(path).map_err(|error| failed(TableProblem::Unreadable(error.to_string())))?;
    let (text, assumed) = decode::decode(&bytes).map_err(failed)?;
    let begins = text.trim_start();
    let json = ending(path).as_deref() == Some("json") || begins.starts_with("[\"") || begins.starts_with('{');
    let constitution = match json {
        true => match from_json(path, &text)? {
            Some(constitution) => constitution,
            None => return from_table(path),
        },
        false => Constitution::from_lines(&stem(path), &text),
    };
    finished(path, constitution, assumed.into_iter().collect())
}

/// Reads questions for `constitution` from a table or from JSON lines: the clause's id or its whole text under `clause`, the
/// question under `text` or `question`, and where wanted its `id`, else `clause:1`, `clause:2`, ….
///
/// # Errors
/// [`ConstitutionFileError`], also where a clause is not the constitution's.
pub fn read_questions(path: &Path, constitution: &Constitution) -> Result<ReadQuestions, ConstitutionFileError> {
    let read = table::read(path, None)?;
    let table = &read.table;
    let needed = "clause, text (or question), and where wanted id";
    let missing = |column| ConstitutionFileError::Column { path: path.to_owned(), column, needed };
    let clause = table.column("clause").ok_or_else(|| missing("clause"))?;
    let text = table.column("text").or_else(|| table.column("question")).ok_or_else(|| missing("text"))?;
    let id = table.column("id");
    let mut questions: Vec<Question> = Vec::with_capacity(table.len());
    let mut names = Names::default();
    for row in 0..table.len() {
        let wrong = |reason| wrong(path, table, row, reason);
        let asked = table.cell(row, clause).trim();
        let known = constitution.clauses.iter().find(|known| known.id == asked);
        let known = known.or_else(|| constitution.clauses.iter().find(|known| known.text.trim() == asked));
        let Some(known) = known else {
            let name = &constitution.name;
            let reason =
                format!("the constitution \"{name}\" has no clause \"{asked}\". Write a clause's id or its whole text");
            return Err(wrong(reason));
        };
        let own = id.map(|id| table.cell(row, id).trim()).filter(|own| !own.is_empty());
        let question = names.question(&known.id, own, table.cell(row, text)).map_err(wrong)?;
        questions.push(question);
    }
    Ok(ReadQuestions { questions, warnings: read.warnings })
}

/// Names of questions: which are taken, and how many each clause has.
#[derive(Default)]
struct Names {
    taken: BTreeSet<String>,
    of_clause: BTreeMap<String, usize>,
}

impl Names {
    /// A question of a clause, with an id of its own or the next of the clause's.
    fn question(&mut self, clause: &str, own: Option<&str>, text: &str) -> Result<Question, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("the question has no text. Write it or take the row out".into());
        }
        let number = self.of_clause.entry(clause.to_owned()).or_default();
        *number += 1;
        let id = own.map_or_else(|| format!("{clause}:{number}"), str::to_owned);
        if !self.taken.insert(id.clone()) {
            return Err(format!("the question is called \"{id}\", as one above is. Give each its own id"));
        }
        Ok(Question { id, clause: clause.to_owned(), text: text.to_owned() })
    }
}

fn wrong(path: &Path, table: &Table, row: usize, reason: String) -> ConstitutionFileError {
    ConstitutionFileError::Row { path: path.to_owned(), row: table.source_row(row), reason }
}

fn ending(path: &Path) -> Option<String> {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase())
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

fn finished(
    path: &Path,
    constitution: Constitution,
    warnings: Vec<TableWarning>,
) -> Result<ReadConstitution, ConstitutionFileError> {
    match constitution.check() {
        Ok(()) => Ok(ReadConstitution { constitution, warnings }),
        Err(problem) => Err(ConstitutionFileError::Unfit { path: path.to_owned(), problem }),
    }
}

/// Our form; the name may be left out.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Ours {
    name: Option<String>,
    clauses: Vec<Clause>,
    #[serde(default)]
    questions: Vec<Question>,
}

/// The constitution in JSON; `None` where it is a list of objects, which is a table.
fn from_json(path: &Path, text: &str) -> Result<Option<Constitution>, ConstitutionFileError> {
    let refused = |error: serde_json::Error| {
        let told = error.to_string();
        let reason = told.rfind(" at line ").map_or(&told[..], |end| &told[..end]).to_owned();
        ConstitutionFileError::Json { path: path.to_owned(), line: error.line(), reason }
    };
    let no_list = |problem: String| ConstitutionFileError::NoList { path: path.to_owned(), problem };
    let (name, list) = match serde_json::from_str(text).map_err(refused)? {
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => return Ok(None),
        Value::Array(items) => (None, items),
        Value::Object(fields) => {
            let clauses = fields.get("clauses").and_then(Value::as_array);
            if clauses.is_some_and(|clauses| clauses.is_empty() || !clauses.iter().all(Value::is_string)) {
                let Ours { name, clauses, questions } = serde_json::from_str(text).map_err(refused)?;
                return Ok(Some(Constitution { name: name.unwrap_or_else(|| stem(path)), clauses, questions }));
            }
            let name = fields.get("name").and_then(Value::as_str).map(str::to_owned);
            let lists = fields.into_iter().filter_map(|(key, value)| match value {
                Value::Array(items) if items.iter().all(Value::is_string) => Some((key, items)),
                _ => None,
            });
            let mut lists: Vec<(String, Vec<Value>)> = lists.collect();
            match (lists.pop(), lists.pop()) {
                (Some((_, items)), None) => (name, items),
                (Some((one, _)), Some((other, _))) => {
                    return Err(no_list(format!("both \"{other}\" and \"{one}\" could be the clauses")));
                }
                (None, _) => return Err(no_list("no key holds a list of texts".into())),
            }
        }
        _ => return Err(no_list("the JSON is neither a list nor an object".into())),
    };
    let clause = |(place, item): (usize, Value)| match item {
        Value::String(text) => Ok(Clause { id: (place + 1).to_string(), text: text.trim().to_owned() }),
        _ => Err(no_list(format!("item {} of the list is no text", place + 1))),
    };
    let clauses = list.into_iter().enumerate().map(clause).collect::<Result<_, _>>()?;
    Ok(Some(Constitution { name: name.unwrap_or_else(|| stem(path)), clauses, questions: Vec::new() }))
}

/// A constitution from the rows of a table.
fn from_table(path: &Path) -> Result<ReadConstitution, ConstitutionFileError> {
    let read = table::read(path, None)?;
    let table = &read.table;
    let clause =
        table.column("clause").or_else(|| table.column("text")).ok_or_else(|| ConstitutionFileError::Column {
            path: path.to_owned(),
            column: "clause",
            needed: "clause, and where wanted id and question",
        })?;
    let (id, question) = (table.column("id"), table.column("question"));
    let mut constitution = Constitution { name: stem(path), ..Constitution::default() };
    let mut names = Names::default();
    let mut present: Option<usize> = None;
    for row in 0..table.len() {
        let wrong = |reason| wrong(path, table, row, reason);
        let text = table.cell(row, clause).trim();
        let asked = question.map_or("", |question| table.cell(row, question).trim());
        let own = id.map_or("", |id| table.cell(row, id).trim());
        let known = constitution.clauses.iter().position(|known| known.text == text);
        let place = match (text, known, present) {
            ("", _, Some(above)) if !asked.is_empty() && (own.is_empty() || own == constitution.clauses[above].id) => {
                above
            }
            ("", ..) => return Err(wrong("there is no clause. Write its text, or take the row out".into())),
            (_, Some(known), _) if asked.is_empty() => {
                let reason =
                    format!("the clause stands above as \"{}\". Take one of them out", constitution.clauses[known].id);
                return Err(wrong(reason));
            }
            (_, Some(known), _) if own.is_empty() || own == constitution.clauses[known].id => known,
            (_, Some(known), _) => {
                let reason =
                    format!("the clause was called \"{}\" above. Call it alike", constitution.clauses[known].id);
                return Err(wrong(reason));
            }
            (_, None, _) => {
                let number = (constitution.clauses.len() + 1).to_string();
                let id = if own.is_empty() { number } else { own.to_owned() };
                if constitution.place_of(&id).is_some() {
                    return Err(wrong(format!("another clause is called \"{id}\". Give each its own id")));
                }
                constitution.clauses.push(Clause { id, text: text.to_owned() });
                constitution.clauses.len() - 1
            }
        };
        present = Some(place);
        if !asked.is_empty() {
            let question = names.question(&constitution.clauses[place].id, None, asked).map_err(wrong)?;
            constitution.questions.push(question);
        }
    }
    finished(path, constitution, read.warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file of that name and content gives.
    fn read_as(name: &str, content: &str) -> Result<ReadConstitution, ConstitutionFileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        read(&path)
    }

    fn refusal(name: &str, content: &str) -> String {
        let told = read_as(name, content).unwrap_err().to_string();
        assert!(told.ends_with(&format!("{name})")), "the path stands last: {told}");
        told
    }

    fn texts(constitution: &Constitution) -> Vec<&str> {
        constitution.clauses.iter().map(|clause| clause.text.as_str()).collect()
    }

    #[test]
    fn every_shipped_constitution_is_fit_for_judging() {
        for (name, constitution) in shipped() {
            constitution.check().unwrap();
            assert_eq!(constitution.name.to_lowercase(), name);
            let unlike: BTreeSet<&str> = texts(&constitution).into_iter().collect();
            assert_eq!(unlike.len(), constitution.clauses.len(), "{name} says something twice");
            let written = read_as(&format!("{name}.json"), &serde_json::to_string(&constitution).unwrap()).unwrap();
            assert_eq!(written.constitution, constitution);
            let counts = (constitution.clauses.len(), constitution.questions.len());
            assert_eq!(counts, if name == "everyday" { (20, 120) } else { (8, 0) }, "{name}");
        }
    }

    #[test]
    fn everyday_asks_six_different_questions_of_each_clause() {
        let [(_, everyday), ..] = shipped();
        for clause in &everyday.clauses {
            assert!(clause.text.starts_with("The answer that "), "{clause:?}");
            assert_eq!(
                everyday.questions.iter().filter(|question| question.clause == clause.id).count(),
                6,
                "{clause:?}"
            );
        }
        let unlike: BTreeSet<String> = everyday.questions.iter().map(|question| question.text.to_lowercase()).collect();
        assert_eq!(unlike.len(), 120);
    }

    #[test]
    fn shipped_scenarios_are_many_and_no_question_of_a_constitution() {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Scenario {
            id: String,
            text: String,
        }
        let scenarios: Vec<Scenario> =
            serde_json::from_str(include_str!("../../assets/scenarios/everyday.json")).unwrap();
        let ids: BTreeSet<&str> = scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
        let unlike: BTreeSet<&str> = scenarios.iter().map(|scenario| scenario.text.trim()).collect();
        assert_eq!((scenarios.len(), ids.len(), unlike.len()), (120, 120, 120));
        assert!(unlike.iter().all(|text| text.len() > 40 && text.len() < 400));
        let [(_, everyday), ..] = shipped();
        assert!(everyday.questions.iter().all(|question| !unlike.contains(question.text.as_str())));
    }

    #[test]
    fn a_list_of_texts_is_one_clause_each_under_whatever_key() {
        for (content, name) in [
            (r#"["Be kind.", " Be honest. "]"#, "mine"),
            (r#"{"principles": ["Be kind.", "Be honest."]}"#, "mine"),
            (r#"{"name": "Ours", "clauses": ["Be kind.", "Be honest."], "version": 2}"#, "Ours"),
            (r#"{"clauses": [{"id": "1", "text": "Be kind."}, {"id": "2", "text": "Be honest."}]}"#, "mine"),
            (r#"[{"id": "1", "text": "Be kind."}, {"id": "2", "text": "Be honest."}]"#, "mine"),
        ] {
            let read = read_as("mine.json", content).unwrap().constitution;
            assert_eq!((read.name.as_str(), texts(&read)), (name, vec!["Be kind.", "Be honest."]), "{content}");
            assert_eq!(read.clauses[1].id, "2");
        }
        let lines = read_as("mine.txt", "- Be kind.\n\n2. Be honest, and brief.\n").unwrap().constitution;
        assert_eq!(texts(&lines), ["Be kind.", "Be honest, and brief."]);
        let quoted = read_as("mine.txt", "[\"Be kind.\"]").unwrap().constitution;
        assert_eq!(texts(&quoted), ["Be kind."]);
    }

    #[test]
    fn json_that_is_no_constitution_is_refused_with_the_remedy() {
        assert!(refusal("a.json", "[\"Be kind.\",\n oops]").starts_with("line 2 is not as"));
        let told = refusal("a.json", "{\"clauses\": [{\"id\": \"1\", \"text\": \"x\"}],\n \"question\": []}");
        assert!(told.contains("line 2") && told.contains("unknown field `question`"), "{told}");
        assert!(refusal("a.json", "{\"a\": [\"x\"], \"b\": [\"y\"]}").contains("both \"a\" and \"b\" could be"));
        assert!(refusal("a.json", "{\"a\": 3}").contains("no key holds a list of texts"));
        assert!(refusal("a.json", "3").contains("neither a list nor an object"));
        assert!(refusal("a.json", "[\"x\", 3]").contains("item 2 of the list is no text"));
        assert!(refusal("a.json", "[\"x\", \" \"]").contains("clause 2 has no text"));
        assert!(refusal("a.json", "[]").contains("no clause"));
        assert!(refusal("a.json", "{\"clauses\": [], \"questions\": []}").contains("no clause"));
        assert!(refusal("a.txt", " \n").contains("no clause"));
        assert!(refusal("a.txt", "Be \u{0}kind").contains("no text"));
        let absent = read(Path::new("/nowhere/a.txt")).unwrap_err().to_string();
        assert!(absent.contains("cannot be read") && absent.ends_with("(/nowhere/a.txt)"), "{absent}");
    }

    #[test]
    fn a_table_holds_clauses_with_their_questions() {
        let read =
            read_as("b.csv", "clause,question\nBe kind.,Why?\n,How?\n\"Be honest, always.\",When?\nBe kind.,Where?\n");
        let read = read.unwrap().constitution;
        assert_eq!(texts(&read), ["Be kind.", "Be honest, always."]);
        let questions: Vec<(&str, &str)> =
            read.questions.iter().map(|question| (question.id.as_str(), question.text.as_str())).collect();
        assert_eq!(questions, [("1:1", "Why?"), ("1:2", "How?"), ("2:1", "When?"), ("1:3", "Where?")]);
        let named = read_as("b.csv", "id;clause\nkind;Be kind.\nhonest;Be honest.\n").unwrap().constitution;
        assert_eq!((named.clauses[1].id.as_str(), named.questions.len()), ("honest", 0));
        let lines = read_as("b.jsonl", "{\"id\": \"kind\", \"clause\": \"Be kind.\", \"question\": \"Why?\"}\n");
        assert_eq!(lines.unwrap().constitution.questions[0].id, "kind:1");
    }

    #[test]
    fn a_row_of_a_table_is_refused_with_its_number() {
        assert!(refusal("b.csv", "text,rule\nx,y\n,z\n").starts_with("row 3: there is no clause"));
        assert!(refusal("b.csv", "rule,why\nx,y\n").contains("no column \"clause\""));
        assert!(refusal("b.csv", "clause,question\n,How?\n").starts_with("row 2: there is no clause"));
        assert!(
            refusal("b.csv", "clause,id\nBe kind.,a\nBe kind.,b\n")
                .starts_with("row 3: the clause stands above as \"a\"")
        );
        let twice = refusal("b.csv", "clause,id,question\nBe kind.,a,Why?\nBe kind.,b,How?\n");
        assert!(twice.starts_with("row 3: the clause was called \"a\""), "{twice}");
        assert!(
            refusal("b.csv", "clause,id\nBe kind.,a\nBe honest.,a\n")
                .starts_with("row 3: another clause is called \"a\"")
        );
    }

    #[test]
    fn questions_find_their_clause_by_id_or_text() {
        let folder = tempfile::tempdir().unwrap();
        let constitution = Constitution::from_lines("test", "Be kind.\nBe honest.");
        let questions = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            read_questions(&path, &constitution)
        };
        let lines = "{\"clause\": \"2\", \"text\": \"Why?\"}\n{\"id\": \"q\", \"clause\": \"Be kind.\", \"text\": \"How?\"}\n\
                     {\"clause\": \"Be honest.\", \"text\": \"When?\"}\n";
        let read = questions("q.jsonl", lines).unwrap().questions;
        let found: Vec<(&str, &str)> =
            read.iter().map(|question| (question.id.as_str(), question.clause.as_str())).collect();
        assert_eq!(found, [("2:1", "2"), ("q", "1"), ("2:2", "2")]);
        let whole = Constitution { questions: read, ..constitution.clone() };
        assert_eq!(whole.check(), Ok(()));
        assert_eq!(questions("q.csv", "clause,question\n1,Why?\n").unwrap().questions[0].text, "Why?");
        for (content, told) in [
            ("clause,text\n1,Why?\n3,How?\n", "row 3: the constitution \"test\" has no clause \"3\""),
            ("clause,text\n1,Why?\n2,\n", "row 3: the question has no text"),
            ("id,clause,text\na,1,Why?\na,2,How?\n", "row 3: the question is called \"a\", as one above is"),
            ("clause,id\n1,a\n", "there is no column \"text\""),
            ("text,id\nWhy?,a\n", "there is no column \"clause\""),
        ] {
            let error = questions("q.csv", content).unwrap_err().to_string();
            assert!(error.starts_with(told) && error.ends_with("q.csv)"), "{error}");
        }
    }

    #[test]
    fn published_constitutions_are_read() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
        let public = data.join("dempo/public_constitution_75.txt");
        let folder = data.join("eigenbench/constitutions");
        if !public.is_file() || !folder.is_dir() {
            println!("skipped: {} is not there", data.display());
            return;
        }
        let read_public = read(&public).unwrap().constitution;
        assert_eq!((read_public.clauses.len(), read_public.name.as_str()), (75, "public_constitution_75"));
        let mut files = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let listed: Vec<String> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let read = read(&path).unwrap();
            assert!(read.warnings.is_empty(), "{read:?}");
            assert_eq!(texts(&read.constitution), listed.iter().map(|text| text.trim()).collect::<Vec<_>>());
            files += 1;
        }
        assert!(files > 0, "no constitution in the folder");
    }
}
