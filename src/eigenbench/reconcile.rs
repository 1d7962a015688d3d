//! Both orders of a pair against each other (eigenbench.md, section 3.3).

use super::comparisons::{Choice, Comparison};

/// What became of both orders of pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Orders {
    /// Pairs that were judged in both orders with strict choices.
    pub pairs: u64,
    /// Of these, the same model was chosen in both.
    pub consistent: u64,
    /// Whichever came first was chosen in both.
    pub first: u64,
    /// Whichever came second was chosen in both.
    pub second: u64,
    /// Pairs judged in both orders with at least one tie.
    pub with_tie: u64,
    /// Judgements whose other order is missing.
    pub single: u64,
}

/// Places of the two orders of one pair in one look.
pub(super) type Pair = (usize, Option<usize>);

/// The judgements of each pair of one (scenario, criterion, judge, pass), both orders together, in the order of these. Where
/// a file does not tell passes apart, the first judgement of one order belongs to the first of the other, and so on; none is lost.
pub(super) fn pairs(rows: &[Comparison]) -> Vec<Pair> {
    // Numbers of one word sort faster than names of six fields.
    let look = |row: &Comparison| {
        let (low, high) = (row.first.min(row.second), row.first.max(row.second));
        let fields = [(row.scenario, 32), (row.criterion.into(), 16), (row.judge.into(), 16), (row.pass, 32)];
        let of = fields.into_iter().chain([(low.into(), 16), (high.into(), 16)]);
        of.fold(0u128, |key, (field, bits)| key << bits | u128::from(field))
    };
    let mut looks: Vec<(u128, bool, usize)> =
        rows.iter().enumerate().map(|(place, row)| (look(row), row.first > row.second, place)).collect();
    looks.sort_unstable();
    let mut found = Vec::with_capacity(rows.len() / 2);
    for same in looks.chunk_by(|a, b| a.0 == b.0) {
        let (one, other) = same.split_at(same.partition_point(|&(_, turned, _)| !turned));
        let both = one.len().min(other.len());
        found.extend(one.iter().zip(other).map(|(a, b)| (a.2, Some(b.2))));
        found.extend(one[both..].iter().chain(&other[both..]).map(|alone| (alone.2, None)));
    }
    found
}

/// Counts what became of both orders, without changing anything; `of` chooses the rows.
pub fn orders(rows: &[Comparison], of: impl Fn(&Comparison) -> bool) -> Orders {
    let mut found = Orders::default();
    for (a, b) in pairs(rows).into_iter().filter(|&(a, _)| of(&rows[a])) {
        found.count(rows[a].choice, b.map(|b| rows[b].choice));
    }
    found
}

impl Orders {
    /// Returns whether the two contradict each other.
    fn count(&mut self, one: Choice, other: Option<Choice>) -> bool {
        match (one, other) {
            (_, None) => self.single += 1,
            (Choice::Tie, _) | (_, Some(Choice::Tie)) => self.with_tie += 1,
            (one, Some(other)) => {
                self.pairs += 1;
                match (one, one == other) {
                    (_, false) => self.consistent += 1,
                    (Choice::First, true) => self.first += 1,
                    (_, true) => self.second += 1,
                }
                return one == other;
            }
        }
        false
    }
}

/// Makes ties of strict choices that contradict each other in the two orders of one look: whichever came first (or second)
/// was chosen, which says nothing of the models. A single order, and a tie beside a strict choice, stay as they are; as many
/// rows come out as went in.
pub fn reconcile(rows: &mut [Comparison]) -> Orders {
    let mut found = Orders::default();
    for (a, b) in pairs(rows) {
        if found.count(rows[a].choice, b.map(|b| rows[b].choice)) {
            rows[a].choice = Choice::Tie;
            if let Some(b) = b {
                rows[b].choice = Choice::Tie;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::Choice::{First, Second, Tie};
    use super::*;

    fn row(first: u16, choice: Choice) -> Comparison {
        Comparison { scenario: 0, criterion: 0, pass: 0, judge: 0, first, second: 1 - first, choice }
    }

    /// eigenbench.md, section 14, check 7.
    #[test]
    fn the_table_of_both_orders() {
        for (one, other, kept) in [
            (First, Second, (First, Second)),
            (Second, First, (Second, First)),
            (First, First, (Tie, Tie)),
            (Second, Second, (Tie, Tie)),
            (Tie, First, (Tie, First)),
            (Second, Tie, (Second, Tie)),
            (Tie, Tie, (Tie, Tie)),
        ] {
            let mut rows = [row(0, one), row(1, other)];
            reconcile(&mut rows);
            assert_eq!((rows[0].choice, rows[1].choice), kept);
        }
        let mut single = [row(0, First)];
        assert_eq!(reconcile(&mut single), Orders { single: 1, ..Orders::default() });
        assert_eq!(single[0].choice, First);
    }

    #[test]
    fn two_passes_of_a_pair_are_reconciled_apart() {
        let passes = [row(0, First), row(1, First), row(0, First), row(1, Second)];
        let known = Orders { pairs: 2, consistent: 1, first: 1, ..Orders::default() };
        // Told apart by number, in any order of rows, or by their places where nothing tells them apart.
        let mut numbered = passes;
        numbered[2].pass = 7;
        numbered[3].pass = 7;
        for mut rows in [passes, numbered] {
            assert_eq!(reconcile(&mut rows), known);
            assert_eq!(rows.map(|row| row.choice), [Tie, Tie, First, Second]);
        }
        let mut mixed = [numbered[3], numbered[0], numbered[1], numbered[2]];
        assert_eq!(reconcile(&mut mixed), known);
        assert_eq!(mixed.map(|row| row.choice), [Second, Tie, Tie, First]);
    }

    #[test]
    fn criteria_do_not_contradict_each_other() {
        let mut rows = [row(0, First), Comparison { criterion: 1, ..row(1, First) }];
        assert_eq!(reconcile(&mut rows).single, 2);
        assert_eq!(rows[0].choice, First);
    }
}
