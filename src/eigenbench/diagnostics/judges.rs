//! What each judge is like.

use std::collections::BTreeMap;

use crate::eigenbench::comparisons::{Choice, Comparison};
use crate::eigenbench::reconcile::{Orders, orders, reconcile};

/// Triples of models that one judge compared with one another in one look at one scenario by one criterion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Cycles {
    pub triples: u64,
    /// Of them, those in which a beats b, b beats c and c beats a.
    pub cycles: u64,
}

impl Cycles {
    /// The share of cycles; `None` without triples.
    pub fn rate(self) -> Option<f64> {
        (self.triples > 0).then(|| self.cycles as f64 / self.triples as f64)
    }
}

/// How a model fares with itself as judge and with the others. A tie is half a win.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct SelfPreference {
    /// The model's share of wins where it judges.
    pub own: f64,
    /// Its share where others judge.
    pub others: f64,
}

impl SelfPreference {
    /// Own less others.
    pub fn excess(self) -> f64 {
        self.own - self.others
    }
}

/// One judge.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct JudgeDiagnosis {
    /// Its place: a model's, or after all models where it is outside the population.
    pub judge: u16,
    /// Judgements.
    pub rows: u64,
    /// Ties that the judge said.
    pub ties: u64,
    /// Ties and contradictions between both orders.
    pub ties_reconciled: u64,
    pub orders: Orders,
    /// Of pairs with strict choices in both orders: the first was chosen in both.
    pub first_both: Option<f64>,
    /// The second was chosen in both.
    pub second_both: Option<f64>,
    /// The same model was chosen in both.
    pub consistent: Option<f64>,
    /// Among reconciled judgements.
    pub cycles: Cycles,
    pub cycle_rate: Option<f64>,
    /// Among reconciled judgements; `None` where the judge never saw its own response, or no other judge did.
    pub self_preference: Option<SelfPreference>,
}

/// Every judge, whether it judged or not, from rows as the judges gave them; those outside the population come after the models.
pub fn diagnose_judges(judges: usize, rows: &[Comparison]) -> Vec<JudgeDiagnosis> {
    let mut reconciled = rows.to_vec();
    reconcile(&mut reconciled);
    let cycles = cycles(judges, &reconciled);
    // Both orders of a pair are one judge's: judges are taken apart once, not searched for in all rows each time.
    let mut own = vec![Vec::new(); judges];
    rows.iter().for_each(|row| own[usize::from(row.judge)].push(*row));
    let mut ties_reconciled = vec![0; judges];
    for row in reconciled.iter().filter(|row| row.choice == Choice::Tie) {
        ties_reconciled[usize::from(row.judge)] += 1;
    }
    let one = |(judge, cycles): (u16, Cycles)| {
        let rows = &own[usize::from(judge)];
        let orders = orders(rows, |_| true);
        let share = |count: u64| (orders.pairs > 0).then(|| count as f64 / orders.pairs as f64);
        JudgeDiagnosis {
            judge,
            rows: rows.len() as u64,
            ties: rows.iter().filter(|row| row.choice == Choice::Tie).count() as u64,
            ties_reconciled: ties_reconciled[usize::from(judge)],
            first_both: share(orders.first),
            second_both: share(orders.second),
            consistent: share(orders.consistent),
            orders,
            cycles,
            cycle_rate: cycles.rate(),
            self_preference: self_preference(judge, &reconciled),
        }
    };
    (0..judges as u16).zip(cycles).map(one).collect()
}

fn self_preference(model: u16, rows: &[Comparison]) -> Option<SelfPreference> {
    let mut sums = [[0.0; 2]; 2];
    for row in rows.iter().filter(|row| row.first == model || row.second == model) {
        let won = match (row.choice, row.first == model) {
            (Choice::Tie, _) => 0.5,
            (Choice::First, is_first) => f64::from(u8::from(is_first)),
            (Choice::Second, is_first) => f64::from(u8::from(!is_first)),
        };
        let sum = &mut sums[usize::from(row.judge != model)];
        sum[0] += won;
        sum[1] += 1.0;
    }
    let [own, others] = sums.map(|[won, all]| (all > 0.0).then(|| won / all));
    Some(SelfPreference { own: own?, others: others? })
}

/// Strict circles of each judge. Which of two models won a look is the sign of its strict choices in both orders.
fn cycles(judges: usize, rows: &[Comparison]) -> Vec<Cycles> {
    type Look = (u32, u16, u16, u32);
    let mut looks: BTreeMap<Look, BTreeMap<(u16, u16), i32>> = BTreeMap::new();
    for row in rows {
        let (pair, sign) =
            if row.first < row.second { ((row.first, row.second), 1) } else { ((row.second, row.first), -1) };
        let net = match row.choice {
            Choice::Tie => 0,
            Choice::First => sign,
            Choice::Second => -sign,
        };
        *looks.entry((row.scenario, row.criterion, row.judge, row.pass)).or_default().entry(pair).or_default() += net;
    }
    let mut found = vec![Cycles::default(); judges];
    for ((_, _, judge, _), pairs) in looks {
        let count = &mut found[usize::from(judge)];
        for (&(a, b), ab) in &pairs {
            for (&(_, c), ac) in pairs.range((a, b + 1)..=(a, u16::MAX)) {
                let Some(bc) = pairs.get(&(b, c)) else { continue };
                count.triples += 1;
                let signs = [ab.signum(), bc.signum(), -ac.signum()];
                count.cycles += u64::from(signs == [1; 3] || signs == [-1; 3]);
            }
        }
    }
    found
}

/// Of each judge's strict choices between responses of unlike length, the share that chose the longer; `None` without any.
/// `length` is that of a model's response to a scenario, in words, where it is known.
pub fn longer_shares(judges: usize, rows: &[Comparison], length: impl Fn(u32, u16) -> Option<u32>) -> Vec<Option<f64>> {
    let mut sums = vec![[0u64; 2]; judges];
    for row in rows.iter().filter(|row| row.choice != Choice::Tie) {
        let lengths = length(row.scenario, row.first).zip(length(row.scenario, row.second));
        let Some((first, second)) = lengths.filter(|(first, second)| first != second) else { continue };
        let sum = &mut sums[usize::from(row.judge)];
        sum[0] += u64::from((first > second) == (row.choice == Choice::First));
        sum[1] += 1;
    }
    sums.into_iter().map(|[longer, all]| (all > 0).then(|| longer as f64 / all as f64)).collect()
}

/// How many rows of each judge have each model, `[judges, models]` by rows. A row has two models.
pub fn coverage(judges: usize, models: usize, rows: &[Comparison]) -> Vec<u64> {
    let mut counts = vec![0; judges * models];
    for row in rows {
        for model in [row.first, row.second] {
            counts[usize::from(row.judge) * models + usize::from(model)] += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::Choice::{First, Second, Tie};
    use super::*;

    fn row(judge: u16, first: u16, second: u16, choice: Choice) -> Comparison {
        Comparison { scenario: 0, criterion: 0, pass: 0, judge, first, second, choice }
    }

    #[test]
    fn a_circle_is_counted_and_an_order_is_not() {
        let circle = [row(0, 0, 1, First), row(0, 1, 2, First), row(0, 2, 0, First)];
        let order = [row(1, 0, 1, First), row(1, 1, 2, First), row(1, 2, 0, Second)];
        // A tie in one order leaves what the other says; a tie in both is no strict win.
        let tied = [row(2, 0, 1, Tie), row(2, 1, 0, Second), row(2, 1, 2, First), row(2, 2, 0, Tie)];
        let rows = [&circle[..], &order[..], &tied[..]].concat();
        let found = diagnose_judges(3, &rows);
        assert_eq!(found[0].cycle_rate, Some(1.0));
        assert_eq!(found[1].cycles, Cycles { triples: 1, cycles: 0 });
        assert_eq!(found[2].cycles, Cycles { triples: 1, cycles: 0 });
        assert_eq!(found[2].ties, 2);
        assert_eq!(coverage(3, 3, &rows)[..3], [2, 2, 2]);
    }

    #[test]
    fn other_scenarios_and_passes_close_no_circle() {
        let mut rows = [row(0, 0, 1, First), row(0, 1, 2, First), row(0, 2, 0, First)];
        rows[1].pass = 1;
        assert_eq!(diagnose_judges(3, &rows)[0].cycles, Cycles::default());
    }

    #[test]
    fn a_judge_that_likes_itself_shows() {
        let rows = [row(0, 0, 1, First), row(0, 1, 0, Second), row(1, 0, 1, Second), row(1, 1, 0, Tie)];
        let found = diagnose_judges(2, &rows);
        let own = found[0].self_preference.unwrap();
        assert_eq!((own.own, own.others), (1.0, 0.25));
        assert_eq!(found[1].self_preference.unwrap().excess(), 0.75);
        assert_eq!(diagnose_judges(2, &rows[..2])[0].self_preference, None);
        assert_eq!((found[0].consistent, found[1].consistent), (Some(1.0), None));
    }

    #[test]
    fn the_longer_of_two_is_chosen_so_often() {
        let rows = [row(0, 0, 1, First), row(0, 1, 0, First), row(0, 0, 2, First), row(1, 0, 1, Tie)];
        // Models 0 and 2 are alike long.
        let shares = longer_shares(3, &rows, |_, model| [Some(9), Some(4), Some(9)][usize::from(model)]);
        assert_eq!(shares, [Some(0.5), None, None]);
        assert_eq!(longer_shares(3, &rows, |_, _| None), [None; 3]);
    }
}
