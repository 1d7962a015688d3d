//! Recurrence quantification of a symmetric distance matrix (Eckmann 1987; Marwan et al. 2007).

/// What a recurrence plot counts; shares are `None` where nothing recurs.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RecurrenceMeasures {
    /// Share of the pairs of different times that are within the threshold.
    pub rate: f64,
    /// Share of recurrent pairs on diagonal lines of at least the least length: the sequence repeats itself.
    pub determinism: Option<f64>,
    /// Share of recurrent pairs on vertical lines of at least the least length: the sequence stands still.
    pub laminarity: Option<f64>,
    /// Longest diagonal line off the main diagonal, in snapshots.
    pub longest_diagonal: usize,
}

/// Measures the plot `distance(i, j) <= threshold`, i and j below `size`, lines from length `least` (2 by habit).
///
/// The main diagonal is left out of all counts: every time is near itself.
pub fn recurrence_measures(
    size: usize,
    distance: impl Fn(usize, usize) -> f64,
    threshold: f64,
    least: usize,
) -> RecurrenceMeasures {
    let recurs = |i: usize, j: usize| i != j && distance(i, j) <= threshold;
    let (mut recurrent, mut diagonal, mut vertical, mut longest) = (0usize, 0usize, 0usize, 0usize);
    for column in 0..size {
        let (mut here, mut line) = (0, 0);
        for row in 0..size {
            if recurs(row, column) {
                line += 1;
                here += 1;
            } else {
                vertical += if line >= least { line } else { 0 };
                line = 0;
            }
        }
        vertical += if line >= least { line } else { 0 };
        recurrent += here;
    }
    for offset in 1..size {
        let mut line = 0;
        for start in 0..size - offset {
            if recurs(start, start + offset) {
                line += 1;
                longest = longest.max(line);
            } else {
                diagonal += if line >= least { line } else { 0 };
                line = 0;
            }
        }
        diagonal += if line >= least { line } else { 0 };
    }
    let pairs = size * size.saturating_sub(1);
    let share = |part: usize| (recurrent > 0).then(|| part as f64 / recurrent as f64);
    RecurrenceMeasures {
        rate: if pairs == 0 { 0.0 } else { recurrent as f64 / pairs as f64 },
        // Below the main diagonal the plot is the same again.
        determinism: share(2 * diagonal),
        laminarity: share(vertical),
        longest_diagonal: longest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Stream;

    fn of(sequence: &[u64]) -> RecurrenceMeasures {
        recurrence_measures(sequence.len(), |i, j| sequence[i].abs_diff(sequence[j]) as f64, 0.5, 2)
    }

    #[test]
    fn a_periodic_sequence_is_deterministic_and_never_still() {
        let periodic: Vec<u64> = (0..40).map(|t| t % 4).collect();
        let found = of(&periodic);
        // 10 of each of 4 values: 4 * 10 * 9 of 40 * 39 pairs.
        assert!((found.rate - 360.0 / 1560.0).abs() < 1e-15);
        assert_eq!((found.determinism, found.laminarity, found.longest_diagonal), (Some(1.0), Some(0.0), 36));
    }

    #[test]
    fn an_iid_sequence_recurs_by_chance() {
        let mut stream = Stream::new(11, 0);
        let iid: Vec<u64> = (0..400).map(|_| stream.below(10)).collect();
        let found = of(&iid);
        assert!((found.rate - 0.1).abs() < 0.01, "{found:?}");
        // A recurrent pair lies on a line of 2 or more unless both neighbours fail: 1 - 0.9^2 = 0.19.
        assert!((found.determinism.unwrap() - 0.19).abs() < 0.03, "{found:?}");
        assert!((found.laminarity.unwrap() - 0.19).abs() < 0.03, "{found:?}");
    }

    #[test]
    fn a_constant_sequence_stands_still_and_a_changing_one_never_recurs() {
        let found = of(&[3; 20]);
        assert_eq!((found.rate, found.longest_diagonal), (1.0, 19));
        // Lines of length 1 only where the main diagonal cuts one off: the columns next to the ends and the corner.
        assert!(found.determinism.unwrap() > 0.99 && found.laminarity.unwrap() > 0.99);
        let changing = of(&(0..20).collect::<Vec<u64>>());
        assert_eq!((changing.rate, changing.determinism, changing.laminarity), (0.0, None, None));
        assert_eq!(of(&[]).rate, 0.0);
    }
}
