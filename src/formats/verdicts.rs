//! Verdicts as JSON lines and CSV: those of a judging for other programs, and those of other programs for us.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::rankings::{BadLine, RankingsError, text};
use crate::ranking::verdicts::{QuestionPlace, Verdict, Verdicts};
use crate::ranking::votes::Ballot;

/// Every verdict with names instead of places: question, clause, judge, pass, models as shown, and `ranking` (best first) or
/// `tie`.
pub fn named(verdicts: &Verdicts) -> Vec<Value> {
    let name = |&model: &u16| verdicts.models[usize::from(model)].as_str();
    let line = |verdict: &Verdict| {
        let question = &verdicts.questions[verdict.question as usize];
        let mut line = json!({
            "question": question.id,
            "clause": verdicts.clauses[question.clause as usize],
            "judge": verdicts.judges[usize::from(verdict.judge)],
            "pass": verdict.pass,
            "shown": verdict.shown.iter().map(name).collect::<Vec<_>>(),
        });
        match &verdict.ballot {
            Ballot::Order(order) => line["ranking"] = json!(order.iter().map(name).collect::<Vec<_>>()),
            Ballot::Tie(a, b) => line["tie"] = json!([name(a), name(b)]),
        }
        line
    };
    verdicts.verdicts.iter().map(line).collect()
}

/// JSON lines for `rankings score --rankings`, one a verdict: `models`, `rankings` (a list with one order), and the fields of
/// [`named`]. Ties of a pair have no order and are left out; [`pairs`] has them.
pub fn rankings(verdicts: &Verdicts) -> String {
    let mut text = String::new();
    for mut line in named(verdicts) {
        let Some(ranking) = line.get_mut("ranking").map(Value::take) else { continue };
        line["models"] = json!(verdicts.models);
        line["rankings"] = json!([ranking]);
        if let Some(fields) = line.as_object_mut() {
            fields.remove("ranking");
        }
        text.push_str(&line.to_string());
        text.push('\n');
    }
    text
}

/// CSV for `rankings score --pairs`: left, right, winner (left, right or tie), question, clause, judge, pass. Orders of more than
/// two are taken apart.
pub fn pairs(verdicts: &Verdicts) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |row: [&str; 7]| writer.write_record(row).expect("memory takes any row");
    write(["left", "right", "winner", "question", "clause", "judge", "pass"]);
    for verdict in &verdicts.verdicts {
        let question = &verdicts.questions[verdict.question as usize];
        let clause = &verdicts.clauses[question.clause as usize];
        let (judge, pass) = (&verdicts.judges[usize::from(verdict.judge)], verdict.pass.to_string());
        let mut pair = |left: u16, right: u16, winner: &str| {
            let (left, right) = (&verdicts.models[usize::from(left)], &verdicts.models[usize::from(right)]);
            write([left, right, winner, &question.id, clause, judge, &pass]);
        };
        match &verdict.ballot {
            &Ballot::Tie(a, b) => pair(a, b, "tie"),
            Ballot::Order(order) => {
                for (place, &above) in order.iter().enumerate() {
                    order[place + 1..].iter().for_each(|&below| pair(above, below, "left"));
                }
            }
        }
    }
    let bytes = writer.into_inner().expect("memory takes any row");
    String::from_utf8(bytes).expect("names are text")
}

/// Verdicts of a file, JSON lines or (where its name ends in `csv`) pairs.
///
/// A JSON line has `ranking` (names, best first), `rankings` (several of them, as many passes) or `tie` (two names), and where
/// it can `models` (all names), `question`, `clause`, `judge`, `pass` and `shown` (names in the order of the display). A pair
/// has the columns left, right, winner (left, right or tie), and where it can count, question, clause, judge and pass. A line
/// that names no question is a question of its own. Lines that cannot be read are an error, or left out where they may be.
///
/// # Errors
/// [`RankingsError`], naming the lines.
pub fn read(path: &Path, skip_bad_lines: bool) -> Result<Verdicts, RankingsError> {
    let text = text(path)?;
    let mut gathered = Gathered::default();
    let mut bad = Vec::new();
    let mut lines = 0;
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
        let unreadable =
            |error: csv::Error| RankingsError::Unreadable { path: path.to_owned(), error: error.to_string() };
        let header = reader.headers().map_err(unreadable)?.clone();
        if let Some(column) = ["left", "right", "winner"].into_iter().find(|name| !header.iter().any(|at| at == *name))
        {
            return Err(RankingsError::Column { path: path.to_owned(), column: column.to_owned() });
        }
        for row in reader.records() {
            let row = row.map_err(unreadable)?;
            let line = row.position().map_or(0, csv::Position::line);
            lines += 1;
            let fields: BTreeMap<&str, &str> = header.iter().zip(row.iter()).collect();
            if let Err(reason) = gathered.pair(&fields, line) {
                bad.push(BadLine { line, reason });
            }
        }
    } else {
        for (line, content) in (1..).zip(text.lines()).filter(|(_, content)| !content.trim().is_empty()) {
            lines += 1;
            let read = serde_json::from_str::<Map<String, Value>>(content).map_err(|e| format!("no JSON object ({e})"));
            if let Err(reason) = read.and_then(|fields| gathered.line(&fields, line)) {
                bad.push(BadLine { line, reason });
            }
        }
    }
    if !bad.is_empty() && !skip_bad_lines {
        let first = bad.iter().take(5).cloned().collect();
        return Err(RankingsError::Lines { path: path.to_owned(), lines, bad: bad.len(), first });
    }
    if gathered.all.verdicts.is_empty() {
        return Err(RankingsError::Empty { path: path.to_owned() });
    }
    let Gathered { mut all, .. } = gathered;
    all.lengths = vec![vec![None; all.models.len()]; all.questions.len()];
    Ok(all)
}

/// Verdicts as far as they were read, with the places of names.
#[derive(Default)]
struct Gathered {
    all: Verdicts,
    questions: BTreeMap<String, u32>,
    /// Looks so far, by question and judge.
    passes: BTreeMap<(u32, u16), u16>,
}

/// Where a verdict belongs.
struct Belongs {
    question: u32,
    judge: u16,
    pass: Option<u16>,
}

fn place(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}

impl Gathered {
    fn belongs(&mut self, field: &dyn Fn(&str) -> Option<String>, line: u64) -> Result<Belongs, String> {
        let clause = place(&mut self.all.clauses, &field("clause").unwrap_or_else(|| "All questions".to_owned()));
        let id = field("question").unwrap_or_else(|| format!("line {line}"));
        let question = match self.questions.get(&id) {
            Some(&known) if self.all.questions[known as usize].clause as usize != clause => {
                return Err(format!("question \"{id}\" belongs to another clause on an earlier line"));
            }
            Some(&known) => known,
            None => {
                let fresh = self.all.questions.len() as u32;
                self.all.questions.push(QuestionPlace { id: id.clone(), clause: clause as u32 });
                self.questions.insert(id, fresh);
                fresh
            }
        };
        let judge = place(&mut self.all.judges, &field("judge").unwrap_or_else(|| "Judge".to_owned())) as u16;
        let pass = match field("pass") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| format!("the pass \"{text}\" is no whole number"))?),
        };
        Ok(Belongs { question, judge, pass })
    }

    fn add(&mut self, to: &Belongs, shown: Vec<u16>, ballot: Ballot) {
        let next = self.passes.entry((to.question, to.judge)).or_default();
        let pass = to.pass.unwrap_or(*next);
        *next = (*next).max(pass.saturating_add(1));
        self.all.verdicts.push(Verdict { question: to.question, judge: to.judge, pass, shown, ballot });
    }

    /// Places of different names.
    fn models(&mut self, names: &[String]) -> Result<Vec<u16>, String> {
        let mut places = Vec::with_capacity(names.len());
        for name in names {
            let at = place(&mut self.all.models, name) as u16;
            if places.contains(&at) {
                return Err(format!("{name} stands in one list twice"));
            }
            places.push(at);
        }
        Ok(places)
    }

    fn line(&mut self, fields: &Map<String, Value>, line: u64) -> Result<(), String> {
        let names = |value: &Value| -> Result<Vec<String>, String> {
            serde_json::from_value(value.clone()).map_err(|_| "a list of names is something else".to_owned())
        };
        let known = fields.get("models").map(names).transpose()?;
        if let Some(known) = &known {
            self.models(known)?;
        }
        let mut orders = Vec::new();
        if let Some(order) = fields.get("ranking") {
            orders.push(names(order)?);
        }
        if let Some(several) = fields.get("rankings") {
            let several = several.as_array().ok_or("\"rankings\" is no list of lists of names")?;
            orders.extend(several.iter().map(names).collect::<Result<Vec<_>, _>>()?);
        }
        let tie = fields.get("tie").map(names).transpose()?;
        if orders.is_empty() && tie.is_none() {
            return Err("it has no \"ranking\", \"rankings\" or \"tie\"".to_owned());
        }
        let text = |name: &str| match fields.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Some(value.to_string()),
            _ => None,
        };
        let to = self.belongs(&text, line)?;
        let shown = fields.get("shown").map(names).transpose()?;
        let mut ballots = Vec::new();
        for order in orders {
            if order.len() < 2 {
                return Err("a ranking names fewer than two models".to_owned());
            }
            ballots.push((self.models(&order)?, None));
        }
        if let Some(tie) = tie {
            let [a, b] = self.models(&tie)?[..] else { return Err("a tie is of two models".to_owned()) };
            ballots.push((vec![a, b], Some(Ballot::Tie(a.min(b), a.max(b)))));
        }
        for (ranked, tie) in ballots {
            // Where nobody says how answers were shown, the order of the names is the same for all.
            let seen = match &shown {
                Some(shown) => self.models(shown)?,
                None => {
                    let mut sorted = ranked.clone();
                    sorted.sort_unstable();
                    sorted
                }
            };
            if seen.len() != ranked.len() || ranked.iter().any(|model| !seen.contains(model)) {
                return Err("\"shown\" and the ranking do not name the same models".to_owned());
            }
            self.add(&to, seen, tie.unwrap_or(Ballot::Order(ranked)));
        }
        Ok(())
    }

    fn pair(&mut self, fields: &BTreeMap<&str, &str>, line: u64) -> Result<(), String> {
        let text = |name: &str| fields.get(name).filter(|text| !text.is_empty()).map(|text| (*text).to_owned());
        let (Some(left), Some(right)) = (text("left"), text("right")) else {
            return Err("a model's name is missing".to_owned());
        };
        let [left, right] = self.models(&[left, right])?[..] else { return Err("two models make a pair".to_owned()) };
        let ballot = match text("winner").unwrap_or_default().to_lowercase().as_str() {
            "left" => Ballot::Order(vec![left, right]),
            "right" => Ballot::Order(vec![right, left]),
            "tie" => Ballot::Tie(left.min(right), left.max(right)),
            other => return Err(format!("the winner is \"{other}\": write left, right or tie")),
        };
        let count = text("count").map_or(Ok(1), |text| {
            text.parse::<u32>().map_err(|_| format!("the count \"{text}\" is no whole number"))
        })?;
        let to = self.belongs(&text, line)?;
        for _ in 0..count {
            self.add(&to, vec![left, right], ballot.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::verdicts::{QuestionPlace, Verdict};

    #[test]
    fn verdicts_leave_with_their_names() {
        let verdict = |ballot| Verdict { question: 0, judge: 0, pass: 2, shown: vec![1, 0], ballot };
        let all = Verdicts {
            models: vec!["a".into(), "b, c".into()],
            judges: vec!["j".into()],
            clauses: vec!["kind".into()],
            questions: vec![QuestionPlace { id: "q".into(), clause: 0 }],
            lengths: vec![vec![None, None]],
            verdicts: vec![verdict(Ballot::Order(vec![1, 0])), verdict(Ballot::Tie(0, 1))],
        };
        let lines: Vec<Value> = rankings(&all).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["rankings"], json!([["b, c", "a"]]));
        assert_eq!((&lines[0]["clause"], &lines[0]["pass"]), (&json!("kind"), &json!(2)));
        let table = pairs(&all);
        assert_eq!(table.lines().nth(1), Some("\"b, c\",a,left,q,kind,j,2"));
        assert_eq!(table.lines().nth(2), Some("a,\"b, c\",tie,q,kind,j,2"));
        assert_eq!(named(&all)[1]["tie"], json!(["a", "b, c"]));
    }

    fn from(name: &str, content: &str) -> Result<Verdicts, RankingsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        read(&path, false)
    }

    #[test]
    fn verdicts_come_back_as_they_left() {
        let verdict = |question, pass, ballot| Verdict { question, judge: 0, pass, shown: vec![1, 0], ballot };
        let all = Verdicts {
            models: vec!["a".into(), "b".into()],
            judges: vec!["j".into()],
            clauses: vec!["kind".into(), "brief".into()],
            questions: vec![QuestionPlace { id: "q".into(), clause: 0 }, QuestionPlace { id: "r".into(), clause: 1 }],
            lengths: vec![vec![None, None]; 2],
            verdicts: vec![verdict(0, 0, Ballot::Order(vec![0, 1])), verdict(1, 3, Ballot::Order(vec![1, 0]))],
        };
        assert_eq!(from("v.jsonl", &rankings(&all)).unwrap(), all);
        let csv = from("v.csv", &pairs(&all)).unwrap();
        let ballots = |all: &Verdicts| all.verdicts.iter().map(|verdict| verdict.ballot.clone()).collect::<Vec<_>>();
        assert_eq!((ballots(&csv), &csv.questions, &csv.clauses), (ballots(&all), &all.questions, &all.clauses));
    }

    #[test]
    fn foreign_lines_need_little_and_wrong_ones_are_named() {
        let text = "{\"models\":[\"x\",\"y\",\"z\"],\"rankings\":[[\"y\",\"x\",\"z\"],[\"x\",\"y\"]]}\n{\"tie\":[\"z\",\"x\"]}";
        let found = from("v.jsonl", text).unwrap();
        assert_eq!((found.models.len(), found.questions.len(), found.verdicts.len()), (3, 2, 3));
        assert_eq!(found.verdicts[1].pass, 1);
        assert_eq!(found.verdicts[2].ballot, Ballot::Tie(0, 2));
        let problem = |text: &str| from("v.jsonl", text).unwrap_err().to_string();
        assert!(problem("{}").contains("line 1: it has no \"ranking\""));
        assert!(problem("{\"ranking\":[\"a\",\"a\"]}").contains("twice"));
        assert!(problem("{\"ranking\":[\"a\",\"b\"],\"shown\":[\"a\",\"c\"]}").contains("the same models"));
        assert!(problem("\n").contains("no ballots"));
        let counted = from("v.csv", "left,right,winner,count\na,b,left,3\na,b,tie,1\n").unwrap();
        assert_eq!(counted.verdicts.len(), 4);
        assert!(from("v.csv", "left,right\na,b\n").unwrap_err().to_string().contains("winner"));
    }
}
