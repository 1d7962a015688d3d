//! Whether judging one another finds who is right: answers to questions with a key stand for responses, and a judge prefers whoever
//! gave its own answer (eigenbench.md, section 8; the paper's table 7 on GPQA).

use super::btd::{FitSpec, fit};
use super::comparisons::Cell;
use super::trust::{Settling, elo, trust_matrix};
use crate::progress::{Cancelled, Progress};
use crate::statistics::Stream;

/// Answers of models to questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelAnswers {
    pub models: Vec<String>,
    /// `[questions][models]`: labels as numbers; `None` where a model gave none.
    pub answers: Vec<Vec<Option<u16>>>,
    /// The right label of each question, where it is known.
    pub key: Option<Vec<u16>>,
}

/// How well an order agrees with a reference.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct OrderAgreement {
    /// Pairs that the two order unlike each other (Kendall's distance); ties count as unlike half.
    pub distance: f64,
    /// Pairs of models.
    pub pairs: usize,
    /// `1 - 2 distance / pairs`.
    pub tau: f64,
    /// Chance of a distance no larger than this among all orders of as many models (exact).
    pub p_value: f64,
}

/// What the proxy found.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LabelRecovery {
    pub models: Vec<String>,
    pub dimension: usize,
    /// Judgements, and ties among them.
    pub rows: u64,
    pub ties: u64,
    pub mean_nll: f64,
    pub trust: Vec<f64>,
    pub elo: Vec<f64>,
    /// Without any judge: how often a model gives the answer of another, over all others and questions.
    pub agreement: Vec<f64>,
    /// How often a model gives the answer that most give (a tie for most counts by its share).
    pub majority: Vec<f64>,
    /// Share of right answers among all questions, and among those answered.
    pub accuracy: Option<Vec<[f64; 2]>>,
}

/// Why nothing can be recovered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelRecoveryError {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    #[error("{0}")]
    Unfit(String),
}

/// Counts of the proxy's judgements: of two answers the judge prefers its own; equal ones are a tie for every judge; where it gave
/// neither, or somebody gave none, there is no judgement.
pub fn proxy_counts(answers: &LabelAnswers) -> Vec<Cell> {
    let n = answers.models.len();
    let mut counts = vec![[0.0; 3]; n * n * n];
    for row in &answers.answers {
        for first in 0..n {
            for second in first + 1..n {
                let (Some(a), Some(b)) = (row[first], row[second]) else { continue };
                for (judge, own) in row.iter().enumerate() {
                    let choice = match own {
                        _ if a == b => 0,
                        Some(own) if *own == a => 1,
                        Some(own) if *own == b => 2,
                        _ => continue,
                    };
                    counts[(judge * n + first) * n + second][choice] += 1.0;
                }
            }
        }
    }
    let cell = |(at, counts): (usize, [f64; 3])| Cell {
        judge: (at / (n * n)) as u16,
        first: (at / n % n) as u16,
        second: (at % n) as u16,
        counts,
    };
    counts.into_iter().enumerate().filter(|(_, counts)| counts.iter().sum::<f64>() > 0.0).map(cell).collect()
}

/// Fits the proxy's judgements, and says what needs no judge beside it.
///
/// # Errors
/// [`LabelRecoveryError`].
pub fn recover(
    answers: &LabelAnswers,
    dimension: usize,
    seed: u64,
    progress: &dyn Progress,
) -> Result<LabelRecovery, LabelRecoveryError> {
    let n = answers.models.len();
    if n < 2 {
        return Err(LabelRecoveryError::Unfit("fewer than two models gave answers".into()));
    }
    let cells = proxy_counts(answers);
    if cells.is_empty() {
        return Err(LabelRecoveryError::Unfit("no two models answered the same question".into()));
    }
    let spec = FitSpec { dimension, ridge: 0.0, starts: 3, seed };
    let fitted = fit(n, &cells, spec, None, progress)?;
    let settled = Settling::default()
        .settle(&trust_matrix(&fitted.model), n)
        .map_err(|problem| LabelRecoveryError::Unfit(problem.to_string()))?;
    let sum = |of: fn(&Cell) -> f64| cells.iter().map(of).sum::<f64>() as u64;
    Ok(LabelRecovery {
        models: answers.models.clone(),
        dimension,
        rows: sum(Cell::rows),
        ties: sum(|cell| cell.counts[0]),
        mean_nll: fitted.mean_nll,
        elo: elo(&settled.trust),
        trust: settled.trust,
        agreement: agreement(answers),
        majority: majority(answers),
        accuracy: accuracy(answers),
    })
}

fn agreement(answers: &LabelAnswers) -> Vec<f64> {
    let n = answers.models.len();
    let share = |model: usize| {
        let (mut alike, mut all) = (0.0, 0.0);
        for row in &answers.answers {
            let Some(own) = row[model] else { continue };
            for other in row.iter().enumerate().filter(|(other, _)| *other != model).filter_map(|(_, answer)| *answer) {
                alike += f64::from(u8::from(other == own));
                all += 1.0;
            }
        }
        if all > 0.0 { alike / all } else { 0.0 }
    };
    (0..n).map(share).collect()
}

fn majority(answers: &LabelAnswers) -> Vec<f64> {
    let n = answers.models.len();
    let mut points = vec![0.0; n];
    for row in &answers.answers {
        let mut counts: std::collections::BTreeMap<u16, u32> = std::collections::BTreeMap::new();
        row.iter().flatten().for_each(|answer| *counts.entry(*answer).or_default() += 1);
        let most = counts.values().copied().max().unwrap_or(0);
        let leading = counts.values().filter(|count| **count == most).count() as f64;
        for (point, answer) in points.iter_mut().zip(row) {
            if answer.is_some_and(|answer| counts[&answer] == most) {
                *point += 1.0 / leading;
            }
        }
    }
    points.into_iter().map(|point| point / answers.answers.len().max(1) as f64).collect()
}

fn accuracy(answers: &LabelAnswers) -> Option<Vec<[f64; 2]>> {
    let key = answers.key.as_ref()?;
    let share = |model: usize| {
        let given = answers.answers.iter().zip(key).filter_map(|(row, key)| Some((row[model]?, key)));
        let (mut right, mut answered) = (0.0, 0.0);
        for (answer, key) in given {
            right += f64::from(u8::from(answer == *key));
            answered += 1.0;
        }
        [right / key.len().max(1) as f64, if answered > 0.0 { right / answered } else { 0.0 }]
    };
    Some((0..answers.models.len()).map(share).collect())
}

/// How well `scores` order models as `reference` does.
pub fn order_agreement(scores: &[f64], reference: &[f64]) -> OrderAgreement {
    let n = scores.len();
    let mut distance = 0.0;
    for a in 0..n {
        for b in a + 1..n {
            let product = (scores[a] - scores[b]) * (reference[a] - reference[b]);
            distance += if product < 0.0 {
                1.0
            } else if product == 0.0 && (scores[a] != scores[b] || reference[a] != reference[b]) {
                0.5
            } else {
                0.0
            };
        }
    }
    let pairs = n * n.saturating_sub(1) / 2;
    let tau = if pairs == 0 { 0.0 } else { 1.0 - 2.0 * distance / pairs as f64 };
    OrderAgreement { distance, pairs, tau, p_value: chance_of_distance(n, distance.floor() as usize) }
}

/// Chance that an order of `n` drawn at random has at most `distance` pairs turned round: the law of inversions, by convolution.
fn chance_of_distance(n: usize, distance: usize) -> f64 {
    let mut law = vec![1.0];
    for size in 2..=n {
        let mut next = vec![0.0; law.len() + size - 1];
        for (at, chance) in law.iter().enumerate() {
            for more in 0..size {
                next[at + more] += chance / size as f64;
            }
        }
        law = next;
    }
    law.iter().take(distance + 1).sum::<f64>().min(1.0)
}

/// Answers of models with known abilities, for trying the lab out: model `m` of `models` is right with a chance that falls evenly
/// from 0.9 to 0.35, and else takes one of three wrong labels, one of which tempts most.
pub fn simulated(models: usize, questions: usize, seed: u64) -> LabelAnswers {
    let chance = |model: usize| 0.9 - 0.55 * model as f64 / (models.max(2) - 1) as f64;
    let question = |question: usize| {
        let mut stream = Stream::new(seed, question as u64);
        let hard = 0.6 + 0.8 * stream.unit();
        let answer = |model: usize| {
            let blank = stream.unit() < 0.03;
            let right = stream.unit() < chance(model).powf(hard);
            let wrong = 1 + stream.weighted(&[0.6, 0.25, 0.15]) as u16;
            (!blank).then_some(if right { 0 } else { wrong })
        };
        (0..models).map(answer).collect::<Vec<Option<u16>>>()
    };
    LabelAnswers {
        models: (0..models).map(|model| format!("simulated, right {:.0} %", 100.0 * chance(model))).collect(),
        answers: (0..questions).map(question).collect(),
        key: Some(vec![0; questions]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn answers(rows: &[&str], key: Option<&str>) -> LabelAnswers {
        let label = |letter: char| (letter != ' ').then_some(letter as u16);
        LabelAnswers {
            models: (0..rows[0].len()).map(|model| model.to_string()).collect(),
            answers: rows.iter().map(|row| row.chars().map(label).collect()).collect(),
            key: key.map(|key| key.chars().map(|letter| letter as u16).collect()),
        }
    }

    #[test]
    fn a_judge_prefers_its_own_answer_and_blanks_judge_nothing() {
        let cells = proxy_counts(&answers(&["AAB", "AB "], None));
        let find = |judge, first, second| {
            cells
                .iter()
                .find(|cell| (cell.judge, cell.first, cell.second) == (judge, first, second))
                .map(|cell| cell.counts)
        };
        // Of the first question 0 and 1 are alike for all; of the second everybody but 2 judges.
        assert_eq!(find(0, 0, 1), Some([1.0, 1.0, 0.0]));
        assert_eq!(find(1, 0, 1), Some([1.0, 0.0, 1.0]));
        assert_eq!(find(2, 0, 1), Some([1.0, 0.0, 0.0]));
        assert_eq!(find(2, 0, 2), Some([0.0, 0.0, 1.0]));
    }

    #[test]
    fn what_needs_no_judge_is_counted() {
        let found = recover(&answers(&["AAB", "AB ", "CAA"], Some("AAA")), 1, 0, &Silent).unwrap();
        assert_eq!(found.majority, [(1.0 + 0.5) / 3.0, (1.0 + 0.5 + 1.0) / 3.0, 1.0 / 3.0]);
        assert_eq!(found.accuracy.as_ref().unwrap()[2], [1.0 / 3.0, 0.5]);
        assert_eq!(found.agreement, [1.0 / 5.0, 2.0 / 5.0, 1.0 / 4.0]);
    }

    /// eigenbench.md, section 14, check 12.
    #[test]
    fn twelve_pairs_turned_round_among_fifteen_models_are_as_rare_as_published() {
        let reference: Vec<f64> = (0..15).map(f64::from).collect();
        // Moving the last to the place 12 before turns just twelve pairs round.
        let mut scores = reference.clone();
        scores[14] = 1.5;
        let found = order_agreement(&scores, &reference);
        assert_eq!((found.distance, found.pairs), (12.0, 105));
        assert!((found.tau - 0.771_428_571_428_571_4).abs() < 1e-15 && (found.p_value / 5.028e-6 - 1.0).abs() < 1e-3);
        assert_eq!(order_agreement(&reference, &reference).tau, 1.0);
        assert!((chance_of_distance(4, 6) - 1.0).abs() < 1e-12 && (chance_of_distance(3, 0) - 1.0 / 6.0).abs() < 1e-15);
    }

    #[test]
    fn simulated_abilities_are_found_again() {
        let answers = simulated(8, 800, 3);
        assert_eq!(answers, simulated(8, 800, 3));
        let found = recover(&answers, 1, 0, &Silent).unwrap();
        let truth: Vec<f64> = (0..8).map(|model| -f64::from(model)).collect();
        assert!(order_agreement(&found.trust, &truth).tau > 0.85, "{:?}", found.trust);
        let right: Vec<f64> = found.accuracy.unwrap().iter().map(|own| own[0]).collect();
        assert!(right[0] > 0.75 && right[7] < 0.5);
        assert!(
            recover(&super::LabelAnswers { models: vec!["a".into()], answers: vec![], key: None }, 1, 0, &Silent)
                .is_err()
        );
    }
}
