//! Comparisons of EigenBench as CSV: `scenario,judge,eval1,eval2,choice`, and where wanted `criterion` and `pass`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::whole_file;
use crate::eigenbench::comparisons::{Choice, Comparison};

/// Rows with the names that they use.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadComparisons {
    /// Names of models; numbers in the order of their size, other names in the order in which they were met.
    pub models: Vec<String>,
    /// Names of scenarios in the order in which they were met.
    pub scenarios: Vec<String>,
    /// Names of criteria likewise; empty where the file has no column for them.
    pub criteria: Vec<String>,
    /// The rows.
    pub rows: Vec<Comparison>,
}

impl ReadComparisons {
    /// Puts judges that nobody judges behind the models that are judged, both in the order in which they were; returns how many
    /// are judged.
    pub fn evaluees_first(&mut self) -> usize {
        let mut judged = vec![false; self.models.len()];
        for row in &self.rows {
            judged[usize::from(row.first)] = true;
            judged[usize::from(row.second)] = true;
        }
        let (mut order, outside): (Vec<usize>, Vec<usize>) = (0..judged.len()).partition(|&place| judged[place]);
        let count = order.len();
        order.extend(outside);
        self.reorder(&order);
        count
    }

    /// Models in another order: `order` holds their present places.
    fn reorder(&mut self, order: &[usize]) {
        let mut to = vec![0; order.len()];
        order.iter().enumerate().for_each(|(new, &old)| to[old] = new as u16);
        for row in &mut self.rows {
            for model in [&mut row.judge, &mut row.first, &mut row.second] {
                *model = to[usize::from(*model)];
            }
        }
        self.models = order.iter().map(|&old| self.models[old].clone()).collect();
    }
}

/// Why a file has no comparisons.
#[derive(Debug, thiserror::Error)]
pub enum ComparisonsError {
    /// The file cannot be read at all.
    #[error("the comparisons cannot be read: {error}. Check the path ({path})", path = path.display())]
    Unreadable { path: PathBuf, error: String },
    /// A column is missing.
    #[error("there is no column \"{column}\": the table needs scenario, judge, eval1, eval2 and choice ({path})", path = path.display())]
    Column { path: PathBuf, column: &'static str },
    /// A row is not what it should be.
    #[error("line {line}: {reason} ({path})", path = path.display())]
    Row { path: PathBuf, line: u64, reason: String },
    /// There is nothing in the file.
    #[error("there are no comparisons in {path}", path = path.display())]
    Empty { path: PathBuf },
}

/// Reads comparisons; `choice` is 0 for a tie, 1 or 2 for the first or the second. Where there is a column `criterion`, both
/// orders of a pair belong together criterion by criterion; where there is a column `pass`, pass by pass.
///
/// # Errors
/// [`ComparisonsError`].
pub fn read(path: &Path) -> Result<ReadComparisons, ComparisonsError> {
    let unreadable = |error: String| ComparisonsError::Unreadable { path: path.to_owned(), error };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|error| unreadable(error.to_string()))?;
    let header = reader.headers().map_err(|error| unreadable(error.to_string()))?.clone();
    let column = |name: &'static str| {
        let matches = |column: &str| column.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name);
        header.iter().position(matches).ok_or_else(|| ComparisonsError::Column { path: path.to_owned(), column: name })
    };
    let [scenario, judge, first, second, choice] =
        [column("scenario")?, column("judge")?, column("eval1")?, column("eval2")?, column("choice")?];
    let optional = |name: &'static str| column(name).ok();
    let (criterion, pass) = (optional("criterion"), optional("pass"));
    let mut scenarios = Names::default();
    let mut criteria = Names::default();
    let mut passes = Names::default();
    let mut models = Names::default();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        let wrong = |reason: String| ComparisonsError::Row { path: path.to_owned(), line, reason };
        let cell = |at: usize| record.get(at).unwrap_or("");
        let (a, b) = (cell(first), cell(second));
        if [cell(judge), a, b].contains(&"") {
            return Err(wrong("a model's name is missing".into()));
        }
        if a == b {
            return Err(wrong(format!("{a} is compared with itself")));
        }
        let choice = match cell(choice) {
            "0" => Choice::Tie,
            "1" => Choice::First,
            "2" => Choice::Second,
            other => return Err(wrong(format!("the choice is \"{other}\": write 0 for a tie, 1 or 2"))),
        };
        let place = |models: &mut Names, name: &str| {
            u16::try_from(models.place(name)).map_err(|_| wrong("there are more than 65,536 models".into()))
        };
        let criterion = criterion.map_or(0, |at| criteria.place(cell(at)));
        rows.push(Comparison {
            scenario: scenarios.place(cell(scenario)),
            criterion: u16::try_from(criterion).map_err(|_| wrong("there are more than 65,536 criteria".into()))?,
            pass: pass.map_or(0, |at| passes.place(cell(at))),
            judge: place(&mut models, cell(judge))?,
            first: place(&mut models, a)?,
            second: place(&mut models, b)?,
            choice,
        });
    }
    if rows.is_empty() {
        return Err(ComparisonsError::Empty { path: path.to_owned() });
    }
    // Numbers have an order of their own, whatever the rows begin with.
    let mut order: Vec<usize> = (0..models.names.len()).collect();
    let numbers: Option<Vec<u64>> = models.names.iter().map(|name| name.parse().ok()).collect();
    if let Some(numbers) = numbers {
        order.sort_by_key(|&place| numbers[place]);
    }
    let mut read = ReadComparisons { models: models.names, scenarios: scenarios.names, criteria: criteria.names, rows };
    read.reorder(&order);
    Ok(read)
}

/// Writes comparisons as [`read`] takes them, with `criterion` and `pass`.
///
/// # Errors
/// Whatever the operating system refuses.
pub fn write(path: &Path, read: &ReadComparisons) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut line = |cells: [&str; 7]| writer.write_record(cells).expect("memory takes any row");
    line(["scenario", "judge", "eval1", "eval2", "choice", "criterion", "pass"]);
    let model = |place: u16| read.models[usize::from(place)].as_str();
    for row in &read.rows {
        line([
            &read.scenarios[row.scenario as usize],
            model(row.judge),
            model(row.first),
            model(row.second),
            &row.choice.figure().to_string(),
            read.criteria.get(usize::from(row.criterion)).map_or("", String::as_str),
            &row.pass.to_string(),
        ]);
    }
    whole_file::write(path, &writer.into_inner().expect("memory takes any row"))
}

/// Names in the order in which they were met.
#[derive(Default)]
pub(super) struct Names {
    pub(super) names: Vec<String>,
    places: BTreeMap<String, u32>,
}

impl Names {
    pub(super) fn place(&mut self, name: &str) -> u32 {
        if let Some(&place) = self.places.get(name) {
            return place;
        }
        let place = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.places.insert(name.to_owned(), place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<ReadComparisons, ComparisonsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("comparisons.csv");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn numbers_are_ordered_and_names_kept_as_met() {
        let read = read_text("scenario,judge,eval1,eval2,choice\n7,10,2,10,1\n7,2,10,2,0\n").unwrap();
        assert_eq!(read.models, ["2", "10"]);
        let row =
            Comparison { scenario: 0, criterion: 0, pass: 0, judge: 1, first: 0, second: 1, choice: Choice::First };
        assert_eq!(read.rows[0], row);
        let read = read_text("scenario,judge,eval1,eval2,choice\na,zoe,zoe,ann,2\n").unwrap();
        assert_eq!(read.models, ["zoe", "ann"]);
    }

    #[test]
    fn judges_whom_nobody_judges_come_last() {
        let mut read = read_text("scenario,judge,eval1,eval2,choice\n0,1,2,3,1\n0,2,3,2,1\n").unwrap();
        assert_eq!(read.models, ["1", "2", "3"]);
        assert_eq!((read.evaluees_first(), read.models.join(" ")), (2, "2 3 1".to_owned()));
        assert_eq!((read.rows[0].judge, read.rows[0].first, read.rows[1].judge), (2, 0, 0));
    }

    #[test]
    fn criteria_and_passes_come_back_as_they_were_written() {
        let text = "scenario,judge,eval1,eval2,choice,criterion,pass\ns,a,a,b,1,\"kind, fair\",0\ns,a,b,a,0,brief,1\n";
        let one = read_text(text).unwrap();
        assert_eq!(one.criteria, ["kind, fair", "brief"]);
        assert_eq!((one.rows[1].criterion, one.rows[1].pass), (1, 1));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("again.csv");
        write(&path, &one).unwrap();
        assert_eq!(read(&path).unwrap(), one);
    }

    #[test]
    fn a_wrong_row_is_named() {
        for (text, part) in [
            ("scenario,judge,eval1,eval2,choice\n0,0,1,2,3\n", "line 2: the choice is \"3\""),
            ("scenario,judge,eval1,eval2,choice\n0,0,1,2,1\n0,0,1,1,1\n", "line 3: 1 is compared with itself"),
            ("scenario,judge,eval1,choice\n0,0,1,1\n", "no column \"eval2\""),
            ("scenario,judge,eval1,eval2,choice\n", "no comparisons"),
        ] {
            let error = read_text(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
