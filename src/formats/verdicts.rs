//! Verdicts as JSON lines that `rankings score` and other programs read.

use serde_json::{Value, json};

use crate::ranking::verdicts::Verdicts;
use crate::ranking::votes::Ballot;

/// Every verdict with names instead of places: question, clause, judge, pass, models as shown, and `ranking` (best first) or
/// `tie`.
pub fn named(verdicts: &Verdicts) -> Vec<Value> {
    let name = |&model: &u16| verdicts.models[usize::from(model)].as_str();
    let line = |verdict: &crate::ranking::verdicts::Verdict| {
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
}
