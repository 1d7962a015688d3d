//! The questions of one batch, each asked once.

use crate::glauber::conditionals::Row;

/// Finds questions that are already in a batch: same site, same tokens at all other sites.
#[derive(Default)]
pub(super) struct Asked {
    /// Open addressing by hash: number of the row + 1, or 0.
    table: Vec<u32>,
}

impl Asked {
    /// Forgets the batch before; the next one has at most `rows` rows.
    pub(super) fn clear(&mut self, rows: usize) {
        self.table.clear();
        self.table.resize((2 * rows).next_power_of_two(), 0);
    }

    /// The number of `row` in `rows`, to which it is added if it is new.
    pub(super) fn place<'a>(&mut self, rows: &mut Vec<Row<'a>>, row: Row<'a>) -> u32 {
        let mask = self.table.len() - 1;
        let mut at = hash(&row) as usize & mask;
        loop {
            match self.table[at] {
                0 => break,
                entry if same(&rows[entry as usize - 1], &row) => return entry - 1,
                _ => at = (at + 1) & mask,
            }
        }
        rows.push(row);
        self.table[at] = rows.len() as u32;
        rows.len() as u32 - 1
    }
}

fn around<'a>(row: &Row<'a>) -> (&'a [u32], &'a [u32]) {
    (&row.state[..row.position], &row.state[row.position + 1..])
}

fn same(a: &Row<'_>, b: &Row<'_>) -> bool {
    a.position == b.position && around(a) == around(b)
}

fn hash(row: &Row<'_>) -> u64 {
    let (before, after) = around(row);
    let mut hash = row.position as u64 + 1;
    for &token in before.iter().chain(after) {
        hash = (hash.rotate_left(5) ^ u64::from(token)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    // The high bits have seen every token; the table looks at the low ones.
    hash >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_question_is_asked_once() {
        let states: Vec<Vec<u32>> = (0..200u32).map(|k| vec![k % 3, k / 3 % 4, k % 5]).collect();
        let (mut asked, mut rows) = (Asked::default(), Vec::new());
        asked.clear(200);
        for (k, state) in states.iter().enumerate() {
            let row = Row { state, position: k % 2 };
            let place = asked.place(&mut rows, row) as usize;
            assert!(same(&rows[place], &row));
        }
        // Contexts: (4 x 5) around site 0 and (3 x 5) around site 1, as far as the 200 states show them.
        let mut distinct: Vec<_> =
            states.iter().enumerate().map(|(k, state)| (k % 2, around(&Row { state, position: k % 2 }))).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(rows.len(), distinct.len());
        asked.clear(1);
        rows.clear();
        assert_eq!(asked.place(&mut rows, Row { state: &states[0], position: 0 }), 0, "the batch before is forgotten");
    }
}
