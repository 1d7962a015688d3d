//! Whether judges agree, with themselves from look to look and with one another (dempo.md, section 6). One judge asked five
//! times is not five judges: what the passes share is self-consistency.

use std::collections::BTreeMap;

use super::verdicts::Verdicts;

/// Two judges, or one with itself.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Agreement {
    /// Places in [`Verdicts::judges`].
    pub judges: [u16; 2],
    /// Questions on which two looks can be compared: one of each judge, or two of the one.
    pub questions: u64,
    /// Kendall's tau: over pairs of models that both looks compared, those put in the same order less those put in opposite
    /// orders, as a share; a tie is neither. Averaged over pairs of looks and then over questions.
    pub kendall_tau: f64,
    /// The chance that two looks have the same model first, averaged likewise; `None` where no two looks have a first model.
    pub same_first: Option<f64>,
    /// Agreement on the first model above chance: `(same_first - c) / (1 - c)`, where c is the chance of agreement if each
    /// judge named models as often as it does, but blindly. Of one judge with itself this is Fleiss' kappa where all questions
    /// have as many looks, of two with one look each Cohen's. `None` where c is 1.
    pub kappa: Option<f64>,
}

/// One look of a judge at a question: for each pair of models +1, -1 or 0 (a tie), where it compared them.
struct Look {
    signs: Vec<Option<i8>>,
    /// The model that no other was put above and that was put above most others, where there is exactly one.
    first: Option<usize>,
}

impl Look {
    fn new(models: usize, net: &[Option<i32>]) -> Self {
        let signs: Vec<Option<i8>> = net.iter().map(|net| net.map(|net| net.signum() as i8)).collect();
        let won = |model: usize| signs[model * models..][..models].iter().flatten().filter(|sign| **sign > 0).count();
        let most = (0..models).map(won).max().unwrap_or(0);
        let mut best = (0..models).filter(|&model| won(model) == most);
        let first = best.next().filter(|_| most > 0 && best.next().is_none());
        Self { signs, first }
    }

    fn tau(&self, other: &Self) -> Option<f64> {
        let (mut same, mut shared) = (0i64, 0i64);
        // Each pair stands twice, with opposite signs on both sides.
        for (a, b) in self.signs.iter().zip(&other.signs) {
            if let (Some(a), Some(b)) = (a, b) {
                same += i64::from(a * b);
                shared += 1;
            }
        }
        (shared > 0).then(|| same as f64 / shared as f64)
    }
}

/// Each judge with itself and with every other, by the places of the two; pairs without a question in common are left out.
pub fn agreement(verdicts: &Verdicts) -> Vec<Agreement> {
    let models = verdicts.models.len();
    let mut nets: BTreeMap<(u32, u16, u16), Vec<Option<i32>>> = BTreeMap::new();
    for verdict in &verdicts.verdicts {
        let key = (verdict.question, verdict.judge, verdict.pass);
        let net = nets.entry(key).or_insert_with(|| vec![None; models * models]);
        verdict.pairs(|above, below, tied| {
            let (above, below) = (usize::from(above), usize::from(below));
            let by = i32::from(!tied);
            *net[above * models + below].get_or_insert(0) += by;
            *net[below * models + above].get_or_insert(0) -= by;
        });
    }
    let mut looks: BTreeMap<u32, BTreeMap<u16, Vec<Look>>> = BTreeMap::new();
    for ((question, judge, _), net) in nets {
        looks.entry(question).or_default().entry(judge).or_default().push(Look::new(models, &net));
    }
    let judges = verdicts.judges.len() as u16;
    let pairs = (0..judges).flat_map(|a| (a..judges).map(move |b| [a, b]));
    pairs.filter_map(|pair| between(pair, models, &looks)).collect()
}

/// A mean over pairs of looks, and then over questions.
#[derive(Default)]
struct Mean {
    sum: f64,
    questions: f64,
}

impl Mean {
    fn add(&mut self, values: &[f64]) {
        if !values.is_empty() {
            self.sum += values.iter().sum::<f64>() / values.len() as f64;
            self.questions += 1.0;
        }
    }

    fn value(&self) -> Option<f64> {
        (self.questions > 0.0).then(|| self.sum / self.questions)
    }
}

fn between([a, b]: [u16; 2], models: usize, looks: &BTreeMap<u32, BTreeMap<u16, Vec<Look>>>) -> Option<Agreement> {
    let (mut tau, mut same) = (Mean::default(), Mean::default());
    let mut firsts = [vec![0.0; models], vec![0.0; models]];
    for of_question in looks.values() {
        let (Some(of_a), Some(of_b)) = (of_question.get(&a), of_question.get(&b)) else { continue };
        let (mut taus, mut sames) = (Vec::new(), Vec::new());
        for (at, one) in of_a.iter().enumerate() {
            let others = if a == b { &of_b[at + 1..] } else { &of_b[..] };
            for other in others {
                taus.extend(one.tau(other));
                if let (Some(one), Some(other)) = (one.first, other.first) {
                    sames.push(f64::from(u8::from(one == other)));
                }
            }
        }
        // What is named where nothing could be compared says nothing of chance.
        if !sames.is_empty() {
            for (counts, looks) in firsts.iter_mut().zip([of_a, of_b]) {
                looks.iter().filter_map(|look| look.first).for_each(|first| counts[first] += 1.0);
            }
        }
        tau.add(&taus);
        same.add(&sames);
    }
    let [total_a, total_b] = [0, 1].map(|at: usize| firsts[at].iter().sum::<f64>());
    let chance: f64 = firsts[0].iter().zip(&firsts[1]).map(|(a, b)| a / total_a * (b / total_b)).sum();
    let same_first = same.value();
    Some(Agreement {
        judges: [a, b],
        questions: tau.questions as u64,
        kendall_tau: tau.value()?,
        same_first,
        kappa: same_first.filter(|_| chance < 1.0).map(|same| (same - chance) / (1.0 - chance)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::reliability::reliability;
    use crate::ranking::verdicts::examples::{drawn, verdicts};
    use crate::ranking::verdicts::{Cluster, Selection};

    #[test]
    fn two_judges_on_two_questions() {
        let all = verdicts(
            "ABC",
            &[
                (0, 0, 0, "ABC", "ABC"),
                (0, 0, 1, "ABC", "ACB"),
                (0, 1, 0, "ABC", "CBA"),
                (1, 0, 0, "ABC", "BAC"),
                (1, 1, 0, "ABC", "BAC"),
            ],
        );
        let found = agreement(&all);
        let of = |judges: [u16; 2]| found.iter().find(|row| row.judges == judges);
        // ABC and ACB agree on two of three pairs: tau 1/3; both have A first.
        let own = of([0, 0]).unwrap();
        assert_eq!(own.questions, 1);
        assert!((own.kendall_tau - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((own.same_first, own.kappa), (Some(1.0), None), "A is first always: no chance of anything else");
        // With judge 1: on question 0 tau -1 and -1/3, on question 1 tau 1.
        let other = of([0, 1]).unwrap();
        assert!((other.kendall_tau - (-2.0 / 3.0 + 1.0) / 2.0).abs() < 1e-12);
        // Judge 0 names A twice and B once, judge 1 C and B once each: by chance 1/3 * 1/2.
        assert_eq!(other.same_first, Some(0.5));
        assert!((other.kappa.unwrap() - (0.5 - 1.0 / 6.0) / (5.0 / 6.0)).abs() < 1e-12);
        assert_eq!(of([1, 1]), None, "judge 1 looked once at each");
    }

    #[test]
    fn pairwise_choices_of_one_look_are_put_together() {
        let all = verdicts(
            "ABC",
            &[
                (0, 0, 0, "AB", "AB"),
                (0, 0, 0, "AC", "AC"),
                (0, 0, 0, "BC", "B=C"),
                (0, 0, 1, "AB", "AB"),
                (0, 0, 1, "CA", "CA"),
                (0, 0, 1, "BC", "BC"),
            ],
        );
        let found = &agreement(&all)[0];
        // Same, opposite, and a tie that is neither.
        assert!(found.kendall_tau.abs() < 1e-12);
        // The second look is a circle: nobody is first.
        assert_eq!((found.same_first, found.kappa), (None, None));
    }

    /// Of complete rankings with as many passes everywhere, the same figures as those of all ballots in one group a question.
    #[test]
    fn one_judge_with_itself_is_reliability() {
        let all = drawn(&[1.5, 0.5, -0.5, -1.5], 40, 5, 0.0, 2);
        let known = reliability(&all.selected(&Selection::judge(0)).votes(Cluster::Question)).unwrap();
        let found = &agreement(&all)[0];
        assert_eq!(found.questions, 40);
        assert!((found.kendall_tau - known.kendall_tau).abs() < 1e-12);
        assert!((found.kappa.unwrap() - known.fleiss_kappa.unwrap()).abs() < 1e-12);
    }
}
