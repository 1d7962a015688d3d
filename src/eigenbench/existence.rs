//! Whether comparisons determine a leaderboard at all (eigenbench.md, section 4.4); the members are named, not numbered.

use super::comparisons::Cell;

/// What stands in the way of a fit. Models are places in the list of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Nobody ever compared this model.
    NeverCompared { model: usize },
    /// The comparisons fall into parts that nothing connects.
    Apart { parts: Vec<Vec<usize>> },
    /// A judge without rows has no row of trust.
    NoRows { judge: usize },
    /// For a judge, some models never lost to the others that it saw (Ford 1957).
    Separated { judge: usize, above: Vec<usize>, below: Vec<usize> },
    /// A judge said nothing but ties.
    OnlyTies { judge: usize },
}

impl Obstacle {
    /// In words, with names and a way out; judges outside the population come after the models.
    pub fn words(&self, models: &[String]) -> String {
        let names =
            |places: &[usize]| places.iter().map(|&place| models[place].as_str()).collect::<Vec<_>>().join(", ");
        match self {
            Self::NeverCompared { model } => {
                format!("{} was never compared with another model: add comparisons, or leave it out", models[*model])
            }
            Self::Apart { parts } => {
                let parts: Vec<String> = parts.iter().map(|part| format!("({})", names(part))).collect();
                format!("no comparison connects {}: add some between them, or fit each by itself", parts.join(" and "))
            }
            Self::NoRows { judge } => format!(
                "{} judged nothing, so that it has no row of trust: collect its judgements, or let it trust all alike \
                 (--dangling uniform)",
                models[*judge]
            ),
            Self::Separated { judge, above, below } => format!(
                "for the judge {} none of {} ever lost to {}: without a ridge its scores have no finite fit",
                models[*judge],
                names(above),
                names(below)
            ),
            Self::OnlyTies { judge } => {
                format!(
                    "the judge {} said nothing but ties: without a ridge its tie rate has no finite fit",
                    models[*judge]
                )
            }
        }
    }
}

/// What makes any fit meaningless: models that were never compared, parts that nothing connects, judges without rows
/// (unless `dangling` ones may be).
pub fn obstacles(models: usize, cells: &[Cell], dangling: bool) -> Vec<Obstacle> {
    let mut found = Vec::new();
    let mut met = vec![vec![false; models]; models];
    let mut judged = vec![false; models];
    for cell in cells {
        let (a, b) = (usize::from(cell.first), usize::from(cell.second));
        (met[a][b], met[b][a]) = (true, true);
        if let Some(judged) = judged.get_mut(usize::from(cell.judge)) {
            *judged = true;
        }
    }
    found.extend(
        (0..models).filter(|&model| !met[model].contains(&true)).map(|model| Obstacle::NeverCompared { model }),
    );
    if found.is_empty() {
        let parts = parts(&met);
        if parts.len() > 1 {
            found.push(Obstacle::Apart { parts });
        }
    }
    if !dangling {
        found.extend((0..models).filter(|&judge| !judged[judge]).map(|judge| Obstacle::NoRows { judge }));
    }
    found
}

/// Judges whose own comparisons have no finite fit by themselves. With a ridge, or where judges share few dimensions, they
/// borrow from the others.
pub fn weak_judges(models: usize, cells: &[Cell]) -> Vec<Obstacle> {
    let mut found = Vec::new();
    let judges: std::collections::BTreeSet<usize> = cells.iter().map(|cell| usize::from(cell.judge)).collect();
    for judge in judges {
        let own: Vec<&Cell> = cells.iter().filter(|cell| usize::from(cell.judge) == judge).collect();
        if own.iter().all(|cell| cell.counts[1] + cell.counts[2] == 0.0) {
            found.push(Obstacle::OnlyTies { judge });
            continue;
        }
        let mut beat = vec![vec![false; models]; models];
        let mut seen = vec![false; models];
        for cell in own {
            let (a, b) = (usize::from(cell.first), usize::from(cell.second));
            beat[a][b] |= cell.counts[0] + cell.counts[1] > 0.0;
            beat[b][a] |= cell.counts[0] + cell.counts[2] > 0.0;
            (seen[a], seen[b]) = (true, true);
        }
        let seen: Vec<usize> = (0..models).filter(|&model| seen[model]).collect();
        for upwards in [true, false] {
            let reached = reached(&seen, |from, to| if upwards { beat[to][from] } else { beat[from][to] });
            let outside: Vec<usize> = seen.iter().copied().filter(|model| !reached.contains(model)).collect();
            if !outside.is_empty() {
                let (above, below) = if upwards { (reached, outside) } else { (outside, reached) };
                found.push(Obstacle::Separated { judge, above, below });
                break;
            }
        }
    }
    found
}

/// The members of `among` that steps lead to from the first of them, ascending.
fn reached(among: &[usize], step: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut found = vec![among[0]];
    let mut place = 0;
    while place < found.len() {
        let from = found[place];
        for &to in among {
            if step(from, to) && !found.contains(&to) {
                found.push(to);
            }
        }
        place += 1;
    }
    found.sort_unstable();
    found
}

fn parts(met: &[Vec<bool>]) -> Vec<Vec<usize>> {
    let mut left: Vec<usize> = (0..met.len()).collect();
    let mut parts = Vec::new();
    while !left.is_empty() {
        let part = reached(&left, |from, to| met[from][to]);
        left.retain(|model| !part.contains(model));
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(judge: u16, first: u16, second: u16, counts: [f64; 3]) -> Cell {
        Cell { judge, first, second, counts }
    }

    /// eigenbench.md, section 14, check 6.
    #[test]
    fn members_are_named() {
        let names: Vec<String> = ["ann", "ben", "cat", "dan"].map(str::to_owned).to_vec();
        let cells =
            [cell(0, 0, 1, [1.0; 3]), cell(1, 2, 3, [1.0; 3]), cell(2, 0, 1, [1.0; 3]), cell(3, 2, 3, [1.0; 3])];
        let found = obstacles(4, &cells, false);
        assert_eq!(found, [Obstacle::Apart { parts: vec![vec![0, 1], vec![2, 3]] }]);
        assert!(found[0].words(&names).contains("(ann, ben) and (cat, dan)"));
        let found = obstacles(3, &[cell(0, 0, 1, [1.0; 3]), cell(1, 0, 1, [1.0; 3])], false);
        assert_eq!(found, [Obstacle::NeverCompared { model: 2 }, Obstacle::NoRows { judge: 2 }]);
        assert!(obstacles(3, &[cell(0, 0, 1, [1.0; 3]), cell(1, 1, 2, [1.0; 3])], true).is_empty());
        assert!(found[0].words(&names).starts_with("cat was never compared"));
    }

    #[test]
    fn judges_without_a_finite_fit_of_their_own() {
        let cells = [
            cell(0, 0, 1, [0.0, 3.0, 1.0]),
            cell(0, 1, 2, [0.0, 2.0, 0.0]),
            cell(1, 0, 1, [0.0, 1.0, 1.0]),
            cell(1, 1, 2, [1.0, 0.0, 0.0]),
            cell(2, 0, 1, [4.0, 0.0, 0.0]),
        ];
        let found = weak_judges(3, &cells);
        let known =
            [Obstacle::Separated { judge: 0, above: vec![0, 1], below: vec![2] }, Obstacle::OnlyTies { judge: 2 }];
        assert_eq!(found, known);
    }
}
