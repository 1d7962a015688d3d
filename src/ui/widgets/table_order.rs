//! The order in which a table's rows are shown, and which of its columns are numbers.

use std::cmp::Ordering;

/// Which column sorts the rows, and which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SortBy {
    pub column: Option<usize>,
    pub descending: bool,
}

impl SortBy {
    /// The next state after a click on a header: ascending, descending, as given.
    pub fn clicked(self, column: usize) -> Self {
        match (self.column == Some(column), self.descending) {
            (false, _) => Self { column: Some(column), descending: false },
            (true, false) => Self { column: Some(column), descending: true },
            (true, true) => Self::default(),
        }
    }
}

/// Remembered between frames, so that a large table is sorted once and not at every frame.
#[derive(Clone, Debug, Default)]
pub struct Order {
    by: SortBy,
    rows: usize,
    columns: usize,
    sample: u64,
    /// Place on screen to index of the row.
    pub places: Vec<usize>,
    /// Whether all cells of a column are numbers (in words, with units or plain).
    pub numeric: Vec<bool>,
    /// Longest text of each column among the rows looked at, in characters.
    pub longest: Vec<usize>,
}

/// At most this many rows decide whether a column is numeric and how wide it is.
const LOOKED_AT: usize = 400;

impl Order {
    /// Brings the order up to date; cheap when nothing changed.
    pub fn refresh(&mut self, header: &[String], rows: &[Vec<String>], by: SortBy) {
        let sample = sample_of(rows);
        if self.by == by && self.rows == rows.len() && self.columns == header.len() && self.sample == sample {
            return;
        }
        let stride = (rows.len() / LOOKED_AT).max(1);
        self.numeric = (0..header.len())
            .map(|column| {
                let mut cells = rows.iter().step_by(stride).filter_map(|row| row.get(column)).filter(|c| !is_blank(c));
                let first = cells.next();
                first.is_some_and(|cell| number_in(cell).is_some()) && cells.all(|cell| number_in(cell).is_some())
            })
            .collect();
        self.longest = (0..header.len())
            .map(|column| {
                let cells = rows.iter().step_by(stride).filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(header[column].chars().count() + 2)
            })
            .collect();
        self.places = match by.column {
            Some(column) if column < header.len() => sorted(rows, column, self.numeric[column], by.descending),
            _ => (0..rows.len()).collect(),
        };
        (self.by, self.rows, self.columns, self.sample) = (by, rows.len(), header.len(), sample);
    }
}

/// Stable order of the rows by one column; blanks and non-numbers last in either direction.
fn sorted(rows: &[Vec<String>], column: usize, numeric: bool, descending: bool) -> Vec<usize> {
    let cell = |row: usize| rows[row].get(column).map_or("", String::as_str);
    let turn = |ordering: Ordering| if descending { ordering.reverse() } else { ordering };
    let mut places: Vec<usize> = (0..rows.len()).collect();
    if numeric {
        let keys: Vec<Option<f64>> = places.iter().map(|&row| number_in(cell(row)).filter(|v| !v.is_nan())).collect();
        places.sort_by(|&a, &b| match (keys[a], keys[b]) {
            (Some(a), Some(b)) => turn(a.total_cmp(&b)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        });
    } else {
        let keys: Vec<String> = places.iter().map(|&row| cell(row).to_lowercase()).collect();
        places.sort_by(|&a, &b| {
            let blank = is_blank(&keys[a]).cmp(&is_blank(&keys[b]));
            blank.then_with(|| turn(keys[a].cmp(&keys[b])))
        });
    }
    places
}

fn is_blank(cell: &str) -> bool {
    let cell = cell.trim();
    cell.is_empty() || cell == "–" || cell == "—"
}

/// Fingerprint of a few hundred cells spread over the table: enough to notice that a result was replaced.
fn sample_of(rows: &[Vec<String>]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for row in rows.iter().step_by((rows.len() / 64).max(1)) {
        row.hash(&mut hasher);
    }
    rows.last().hash(&mut hasher);
    hasher.finish()
}

/// Seconds or bytes in one unit, so that durations and sizes sort by length.
const UNITS: [(&str, f64); 14] = [
    ("ms", 1e-3),
    ("s", 1.0),
    ("min", 60.0),
    ("h", 3600.0),
    ("d", 86_400.0),
    ("byte", 1.0),
    ("bytes", 1.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("%", 1.0),
    ("nats", 1.0),
    ("rows/s", 1.0),
];

/// The number that a cell written by `figures::number` stands for; `None` for other text.
pub fn number_in(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    match cell {
        "not a number" => return Some(f64::NAN),
        "infinity" => return Some(f64::INFINITY),
        "minus infinity" => return Some(f64::NEG_INFINITY),
        "exactly 0" => return Some(0.0),
        _ => {}
    }
    let cell = ["below ", "above ", "> ", "< ", "≥ ", "≤ "].iter().find_map(|p| cell.strip_prefix(p)).unwrap_or(cell);
    // "0.41 (95 % interval 0.38 to 0.44)" sorts by its estimate.
    let cell = cell.split_once(" (").map_or(cell, |(estimate, _)| estimate);
    // So does "0.41 ± 0.03".
    let cell = cell.split_once(" ± ").map_or(cell, |(estimate, _)| estimate);
    let mut words = cell.split_whitespace();
    let mut total = plain(words.next()?)?;
    let Some(unit) = words.next() else { return Some(total) };
    total *= unit_size(unit)?;
    while let Some(word) = words.next() {
        total += plain(word)? * unit_size(words.next()?)?;
    }
    Some(total)
}

fn unit_size(unit: &str) -> Option<f64> {
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, size)| *size)
}

fn plain(word: &str) -> Option<f64> {
    let first = word.trim_start_matches(['-', '−', '+']).chars().next()?;
    if !first.is_ascii_digit() && first != '.' {
        return None;
    }
    word.replace(',', "").replace('−', "-").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(cells: &[&str], by: SortBy) -> Vec<usize> {
        let rows: Vec<Vec<String>> = cells.iter().map(|cell| vec![(*cell).to_owned()]).collect();
        let mut order = Order::default();
        order.refresh(&["column".to_owned()], &rows, by);
        order.places
    }

    const ASCENDING: SortBy = SortBy { column: Some(0), descending: false };
    const DESCENDING: SortBy = SortBy { column: Some(0), descending: true };

    #[test]
    fn numbers_sort_as_numbers_whatever_their_dress() {
        assert_eq!(order(&["1,000", "2.5e-9", "-3", "10"], ASCENDING), [2, 1, 3, 0]);
        assert_eq!(order(&["2 h 10 min", "45 s", "3 min 5 s", "12 ms"], ASCENDING), [3, 1, 2, 0]);
        assert_eq!(order(&["15.7 MB", "980 bytes", "2.0 kB"], DESCENDING), [0, 2, 1]);
        assert_eq!(order(&["0.5 (95 % interval 0.4 to 0.6)", "0.1 (95 % interval 0.0 to 0.9)"], ASCENDING), [1, 0]);
        assert_eq!(order(&["0.20 ± 0.31", "-0.40 ± 0.02", "0.10 (one rater, no interval)"], ASCENDING), [1, 2, 0]);
        assert_eq!(order(&["below 1e-12", "exactly 0", "below 3e-13"], ASCENDING), [1, 2, 0]);
    }

    #[test]
    fn blanks_and_non_numbers_come_last_in_both_directions() {
        let cells = ["not a number", "2", "", "1", "infinity"];
        assert_eq!(order(&cells, ASCENDING), [3, 1, 4, 0, 2]);
        assert_eq!(order(&cells, DESCENDING), [4, 1, 3, 0, 2]);
    }

    #[test]
    fn text_sorts_without_case_and_ties_keep_their_order() {
        assert_eq!(order(&["beta", "Alpha", "alpha", "gamma"], ASCENDING), [1, 2, 0, 3]);
        assert_eq!(order(&["5 apples", "12 pears"], ASCENDING), [1, 0], "counted things are text");
    }

    #[test]
    fn a_click_goes_from_ascending_to_descending_to_as_given() {
        let by = SortBy::default().clicked(2);
        assert_eq!((by.column, by.descending), (Some(2), false));
        let by = by.clicked(2);
        assert_eq!((by.column, by.descending), (Some(2), true));
        assert_eq!(by.clicked(2), SortBy::default());
    }

    #[test]
    fn new_content_is_noticed() {
        let header = ["a".to_owned()];
        let mut rows: Vec<Vec<String>> = (0..100).map(|k| vec![k.to_string()]).collect();
        let mut order = Order::default();
        order.refresh(&header, &rows, DESCENDING);
        assert_eq!(order.places[0], 99);
        rows.push(vec!["1000".to_owned()]);
        order.refresh(&header, &rows, DESCENDING);
        assert_eq!(order.places[0], 100);
        assert!(order.numeric[0]);
    }
}
