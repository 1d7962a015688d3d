//! What a training shows while it runs: accuracy and margin by group of raters and by decile of weight, and notices in plain
//! words (dempo.md section 5.6).

use super::training::{EvaluationReport, StepReport, Visited, mean_over_raters};
use crate::sortition::table::Table;
use crate::statistics::mean_half_width;

/// Values of one attribute that are told apart.
const MOST_VALUES: usize = 12;
/// Headers that a column of raters' ids may have.
const ID_NAMES: [&str; 5] = ["user_id", "id", "rater", "rater_id", "nationbuilder_id"];

/// An answer to one of the run's sample questions.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sample {
    /// Steps taken before.
    pub step: u64,
    pub prompt: String,
    pub answer: String,
}

/// One attribute of the raters.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attribute {
    pub name: String,
    pub values: Vec<String>,
    /// The value's place for each rater; none where it is not known.
    pub of_rater: Vec<Option<u16>>,
}

/// Who the raters are.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Groups {
    pub attributes: Vec<Attribute>,
    /// Raters whom the table does not name.
    pub unknown: usize,
}

impl Groups {
    /// The attributes of `raters` in a table of people: its columns with 2 to 12 different values.
    ///
    /// # Errors
    /// What is wrong with the table, with a remedy.
    pub fn new(table: &Table, raters: &[String]) -> Result<Self, String> {
        let id = ID_NAMES.iter().find_map(|name| table.column(name)).ok_or_else(|| {
            format!("the table of people has no column of ids; name it one of {}", ID_NAMES.join(", "))
        })?;
        let rows: std::collections::HashMap<&str, usize> =
            (0..table.len()).map(|row| (table.cell(row, id).trim(), row)).collect();
        let places: Vec<Option<usize>> = raters.iter().map(|rater| rows.get(rater.as_str()).copied()).collect();
        let unknown = places.iter().filter(|place| place.is_none()).count();
        if unknown == raters.len() {
            return Err("the table of people names none of the raters; take the table with the same ids".into());
        }
        let mut attributes = Vec::new();
        for column in (0..table.width()).filter(|&column| column != id) {
            let mut values: Vec<String> = Vec::new();
            let mut of_rater = Vec::with_capacity(raters.len());
            for place in &places {
                let text = place.map_or("", |row| table.cell(row, column).trim());
                let known = values.iter().position(|value| value == text);
                of_rater.push(match (text, known) {
                    ("", _) => None,
                    (_, Some(known)) => Some(known as u16),
                    (text, None) => {
                        values.push(text.to_owned());
                        Some((values.len() - 1) as u16)
                    }
                });
                if values.len() > MOST_VALUES {
                    break;
                }
            }
            if (2..=MOST_VALUES).contains(&values.len()) {
                attributes.push(Attribute { name: table.name(column).to_owned(), values, of_rater });
            }
        }
        Ok(Self { attributes, unknown })
    }
}

/// How a policy does on the pairs of some raters. Errors are standard errors over raters.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct GroupRow {
    pub name: String,
    pub raters: usize,
    pub pairs: usize,
    pub accuracy: f64,
    pub accuracy_error: f64,
    pub margin: f64,
    pub margin_error: f64,
}

fn row(name: String, visits: &[Visited]) -> GroupRow {
    let (accuracy, accuracy_error, raters) = mean_over_raters(visits, &Visited::accuracy);
    let (margin, margin_error, _) = mean_over_raters(visits, &Visited::margin);
    GroupRow { name, raters, pairs: visits.len(), accuracy, accuracy_error, margin, margin_error }
}

/// Rows by the values of an attribute, those with visits only, in the order of the attribute.
pub fn by_value(attribute: &Attribute, visits: &[Visited]) -> Vec<GroupRow> {
    let mut of_value: Vec<Vec<Visited>> = vec![Vec::new(); attribute.values.len()];
    for visit in visits {
        if let Some(Some(value)) = attribute.of_rater.get(visit.rater as usize) {
            of_value[usize::from(*value)].push(*visit);
        }
    }
    let named = attribute.values.iter().zip(of_value).filter(|(_, visits)| !visits.is_empty());
    named.map(|(name, visits)| row(name.clone(), &visits)).collect()
}

/// A row for each of `names` (by the raters' places) with visits, and one for all.
pub fn by_name(names: &[String], visits: &[Visited]) -> (Vec<GroupRow>, GroupRow) {
    let mut of_rater: Vec<Vec<Visited>> = vec![Vec::new(); names.len()];
    for visit in visits {
        if let Some(own) = of_rater.get_mut(visit.rater as usize) {
            own.push(*visit);
        }
    }
    let named = names.iter().zip(of_rater).filter(|(_, visits)| !visits.is_empty());
    (named.map(|(name, visits)| row(name.clone(), &visits)).collect(), row("all".into(), visits))
}

/// Rows by tenths of the visits in order of the weight of their pair, lightest first; fewer where weights coincide.
pub fn by_weight_decile(visits: &[Visited]) -> Vec<GroupRow> {
    let mut order = visits.to_vec();
    order.sort_by(|a, b| a.weight.total_cmp(&b.weight).then(a.pair.cmp(&b.pair)));
    let mut rows: Vec<(Vec<Visited>, usize, usize)> = Vec::new();
    for decile in 1..=10 {
        let (first, last) = (order.len() * (decile - 1) / 10, order.len() * decile / 10);
        let part = &order[first..last];
        let (Some(low), Some(high)) = (part.first(), part.last()) else { continue };
        match rows.last_mut() {
            // Pairs of one weight are not torn apart.
            Some((before, _, end))
                if before.last().is_some_and(|last| last.weight == high.weight && low.weight == high.weight) =>
            {
                before.extend(part);
                *end = decile;
            }
            _ => rows.push((part.to_vec(), decile, decile)),
        }
    }
    let name = |from: usize, to: usize| if from == to { format!("{from}") } else { format!("{from} to {to}") };
    rows.into_iter().map(|(visits, from, to)| row(name(from, to), &visits)).collect()
}

/// Something a person should know.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    pub title: String,
    pub text: String,
}

/// Steps over which a trend is looked for.
const TREND: usize = 20;

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

/// What the reports so far give cause to say; `effective` and `raters` are those of the weights.
pub fn notices(steps: &[StepReport], evaluations: &[EvaluationReport], effective: f64, raters: usize) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut add = |title: &str, text: String| notices.push(Notice { title: title.to_owned(), text });
    if steps.len() >= 2 * TREND {
        let (first, last) = (&steps[..TREND], &steps[steps.len() - TREND..]);
        let reward = |part: &[StepReport]| mean(part.iter().map(|step| step.reward_chosen));
        let margin = |part: &[StepReport]| mean(part.iter().map(|step| step.margin));
        if reward(last) < reward(first) - 0.05 && margin(last) > margin(first) {
            add(
                "Chosen answers are becoming less likely too",
                format!(
                    "The mean reward of chosen answers went from {:.2} to {:.2} while the margin grew. DPO only asks that rejected \
                     answers fall faster, so this is common and no fault by itself; if answers get worse, raise beta or lower \
                     the learning rate.",
                    reward(first),
                    reward(last)
                ),
            );
        }
        let loss = |part: &[StepReport]| mean(part.iter().map(|step| step.loss));
        if loss(last) > 1.5 * loss(first) {
            add(
                "The loss is rising",
                format!(
                    "It went from {:.3} to {:.3}. Lower the learning rate or lengthen the warm-up; the last checkpoint before the \
                     rise is kept until the next one is written.",
                    loss(first),
                    loss(last)
                ),
            );
        }
    }
    if raters >= 10 && effective < 0.2 * raters as f64 {
        add(
            "A few raters carry most of the weight",
            format!(
                "The weights of {raters} raters are worth {effective:.0} equal ones. The result depends on who these few are: \
                 loosen the quotas that make their chances so large, or clip the weights (then it is no longer the \
                 expectation over panels).",
            ),
        );
    }
    if let ([first, .., last], true) = (evaluations, evaluations.len() >= 4) {
        let best = evaluations.iter().min_by(|a, b| a.loss.total_cmp(&b.loss)).unwrap_or(first);
        // The same raters at both steps; one rater has no interval, and then nothing is told apart.
        let noise = mean_half_width(best.loss_error.max(last.loss_error), last.raters, 0.95);
        if noise.is_some_and(|noise| last.loss > best.loss + noise) && best.step < last.step {
            add(
                "Held-out raters are served worse than before",
                format!(
                    "Their loss was lowest at step {} ({:.3}) and is {:.3} now: the run learns its own raters by heart. Fewer \
                     visits, or a smaller adapter, would stop earlier.",
                    best.step, best.loss, last.loss
                ),
            );
        }
    }
    notices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(pair: usize, rater: u32, weight: f64, margin: f64) -> Visited {
        Visited {
            pair,
            rater,
            weight,
            loss: 0.5,
            chosen: -1.0,
            rejected: -2.0,
            reward_chosen: margin,
            reward_rejected: 0.0,
        }
    }

    fn people() -> Table {
        let mut table = Table::new(["id", "age", "name"].map(String::from));
        for (row, (id, age)) in [("a", "old"), ("b", "young"), ("c", "old"), ("d", "")].iter().enumerate() {
            table.push(row as u32 + 2, [*id, *age, id]).unwrap();
        }
        table
    }

    #[test]
    fn groups_are_the_tables_attributes() {
        let raters = ["c", "b", "x", "d"].map(String::from);
        let groups = Groups::new(&people(), &raters).unwrap();
        assert_eq!(groups.unknown, 1);
        assert_eq!(groups.attributes[0].name, "age");
        assert_eq!(groups.attributes[0].values, ["old", "young"]);
        assert_eq!(groups.attributes[0].of_rater, [Some(0), Some(1), None, None]);
        let none = ["x", "y"].map(String::from);
        assert!(Groups::new(&people(), &none).unwrap_err().contains("none of the raters"));
        assert!(Groups::new(&Table::new(["x".to_owned()]), &raters).unwrap_err().contains("ids"));
    }

    #[test]
    fn rows_count_raters_not_pairs() {
        let raters = ["c", "b", "a"].map(String::from);
        let groups = Groups::new(&people(), &raters).unwrap();
        let visits = [visit(0, 0, 1.0, 2.0), visit(1, 0, 1.0, -1.0), visit(2, 2, 1.0, 1.0), visit(3, 1, 1.0, -3.0)];
        let rows = by_value(&groups.attributes[0], &visits);
        assert_eq!((rows[0].name.as_str(), rows[0].raters, rows[0].pairs), ("old", 2, 3));
        assert!((rows[0].accuracy - 0.75).abs() < 1e-15 && (rows[0].margin - 0.75).abs() < 1e-15);
        assert!((rows[0].accuracy_error - 0.25).abs() < 1e-15);
        assert_eq!((rows[1].accuracy, rows[1].margin), (0.0, -3.0));
        assert!(rows[1].accuracy_error.is_nan());
    }

    #[test]
    fn deciles_follow_the_weights_and_keep_equal_ones_together() {
        let visits: Vec<Visited> = (0..40).map(|i| visit(i, i as u32, (40 - i) as f64, i as f64 - 20.0)).collect();
        let rows = by_weight_decile(&visits);
        assert_eq!(rows.len(), 10);
        assert!(rows.iter().all(|row| row.pairs == 4));
        assert!(rows[0].margin > rows[9].margin);
        let equal: Vec<Visited> = (0..40).map(|i| visit(i, i as u32, 1.0, 1.0)).collect();
        let rows = by_weight_decile(&equal);
        assert_eq!((rows.len(), rows[0].name.as_str(), rows[0].pairs), (1, "1 to 10", 40));
    }

    fn step(step: u64, loss: f64, reward_chosen: f64, margin: f64) -> StepReport {
        StepReport {
            step,
            loss,
            learning_rate: 1.0,
            gradient_norm: 1.0,
            tokens: 1,
            reward_chosen,
            reward_rejected: reward_chosen - margin,
            margin,
            accuracy: 0.5,
            log_prob_chosen: -1.0,
            log_prob_rejected: -1.0,
            entropy: None,
            visits: Vec::new(),
        }
    }

    #[test]
    fn notices_say_what_happened_and_only_then() {
        let titles = |notices: Vec<Notice>| notices.into_iter().map(|n| n.title).collect::<Vec<_>>();
        let calm: Vec<StepReport> = (0..60).map(|i| step(i, 0.69 - 0.001 * i as f64, 0.01 * i as f64, 0.01)).collect();
        assert!(notices(&calm, &[], 90.0, 100).is_empty());
        let falling: Vec<StepReport> = (0..60).map(|i| step(i, 0.6, -0.1 * i as f64, 0.1 * i as f64)).collect();
        assert!(titles(notices(&falling, &[], 90.0, 100))[0].contains("less likely"));
        let rising: Vec<StepReport> = (0..60).map(|i| step(i, 0.7 + 0.05 * i as f64, 0.0, 0.0)).collect();
        assert!(titles(notices(&rising, &[], 90.0, 100))[0].contains("loss is rising"));
        assert!(titles(notices(&calm, &[], 5.0, 100))[0].contains("few raters"));
        let evaluation = |step: u64, loss: f64| EvaluationReport {
            step,
            loss,
            loss_error: 0.01,
            accuracy: 0.5,
            accuracy_error: 0.1,
            margin: 0.0,
            raters: 9,
            visits: Vec::new(),
        };
        let worse = [evaluation(0, 0.69), evaluation(10, 0.5), evaluation(20, 0.6), evaluation(30, 0.7)];
        assert!(titles(notices(&calm, &worse, 90.0, 100))[0].contains("Held-out"));
        // Two raters would have to differ by 12.7 errors, one rater says nothing.
        for (raters, loss_error, told) in [(9, 0.08, true), (2, 0.08, false), (2, 0.01, true), (1, f64::NAN, false)] {
            let few: Vec<EvaluationReport> =
                worse.iter().map(|report| EvaluationReport { raters, loss_error, ..report.clone() }).collect();
            assert_eq!(!notices(&calm, &few, 90.0, 100).is_empty(), told, "{raters} raters, error {loss_error}");
        }
    }
}
