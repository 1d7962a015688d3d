//! Scores the items of a survey, group by group.

use std::collections::BTreeMap;

use super::sampling::{self, Cell, Item, MOST_PER_CONTEXT};
use super::{Plausibility, Record, Subject, SurveySpec};
use crate::glauber::certificate::{Assessment, Verdict, check_temperature};
use crate::glauber::certify::likeliest;
use crate::glauber::conditionals::{Conditionals, ConditionalsError, Logits, Precision, Row, ask};
use crate::glauber::rectangle::{Corners, Rectangle};
use crate::progress::Progress;

/// Rectangles whose rows travel together. Groups start at fixed items, so a resumed survey has the same batches and
/// therefore the same bits.
const GROUP: u64 = 16;

/// Evaluates items from `first` on, calling `commit` with each finished batch in order; a resumed survey passes the
/// number of records it has and gets the identical rest.
///
/// A batch holds at most 16 records of one subject in one context. Each rectangle is scored in f32 and f64, in a batch
/// and row by row; rows that rectangles of a batch share are scored once.
pub fn run(
    spec: &SurveySpec,
    subjects: &[Subject],
    first: u64,
    commit: &mut dyn FnMut(&[Record]) -> Result<(), String>,
    progress: &dyn Progress,
) -> Result<(), ConditionalsError> {
    check(spec)?;
    let cells = sampling::cells(spec, subjects);
    let total = cells.last().map_or(0, |cell| cell.first + cell.len());
    progress.stage("scoring rectangles");
    progress.report(first.min(total), total);
    let mut ordinary: Vec<Option<Vec<u32>>> = vec![None; subjects.len()];
    for cell in cells.iter().filter(|cell| cell.first + cell.len() > first) {
        let subject = &subjects[cell.subject];
        let tokens = ordinary[cell.subject].get_or_insert_with(|| {
            let model = subject.model.as_ref();
            (0..model.vocabulary() as u32).filter(|&token| model.ordinary(token)).collect()
        });
        if tokens.len() < 2 {
            return Err(ConditionalsError::Invalid(format!("{} has fewer than two ordinary tokens", subject.name)));
        }
        for start in (0..cell.len()).step_by(GROUP as usize) {
            let end = (start + GROUP).min(cell.len());
            if cell.first + end <= first {
                continue;
            }
            let mut records = group(spec, subject, tokens, cell, start..end, progress)?;
            records.retain(|record| record.item >= first);
            commit(&records).map_err(ConditionalsError::Commit)?;
            progress.report(cell.first + end, total);
        }
    }
    Ok(())
}

fn check(spec: &SurveySpec) -> Result<(), ConditionalsError> {
    check_temperature(spec.temperature)?;
    let problem = if spec.plausibilities.is_empty() || spec.distances.is_empty() {
        "no stratum is chosen: choose at least one kind of token pair and one distance".to_owned()
    } else if !(1..=MOST_PER_CONTEXT).contains(&spec.per_context) {
        format!("{} rectangles per context: choose 1 to {MOST_PER_CONTEXT}", spec.per_context)
    } else if spec.plausibilities.contains(&Plausibility::TopK) && spec.top_k < 2 {
        format!("the top {} tokens give no pair: choose at least 2", spec.top_k)
    } else {
        return Ok(());
    };
    Err(ConditionalsError::Invalid(problem))
}

/// Draws and scores the items `range` of a cell.
fn group(
    spec: &SurveySpec,
    subject: &Subject,
    ordinary: &[u32],
    cell: &Cell,
    range: std::ops::Range<u64>,
    progress: &dyn Progress,
) -> Result<Vec<Record>, ConditionalsError> {
    let model = subject.model.as_ref();
    let state = &subject.contexts[cell.context];
    let sites = sampling::sites(model, state);
    let mut items: Vec<(Item, (usize, usize))> = range
        .map(|k| {
            let mut item = cell.item(k, spec.seed);
            let pairs: Vec<(usize, usize)> = sampling::pairs(&sites, item.distance).collect();
            let pair = pairs[item.stream.below(pairs.len() as u64) as usize];
            (item, pair)
        })
        .collect();
    progress.checkpoint()?;
    let base = base_logits(model, state, &items)?;
    let rectangles: Vec<Rectangle> = items
        .iter_mut()
        .map(|(item, (i, j))| {
            let mut draw = |site: usize| tokens(spec, item, ordinary, state[site], base.get(&site).map(Vec::as_slice));
            let ((a, a2), (b, b2)) = (draw(*i), draw(*j));
            Rectangle { i: *i, j: *j, a, a2, b, b2 }
        })
        .collect();

    let questions = Questions::new(state, &rectangles);
    let corners = |precision, alone| questions.corners(model, precision, alone, progress);
    let f32_batch = corners(Precision::F32, false)?;
    let f32_alone = corners(Precision::F32, true)?;
    let f64_batch = corners(Precision::F64, false)?;
    let f64_alone = corners(Precision::F64, true)?;
    Ok(items
        .iter()
        .enumerate()
        .map(|(k, (item, _))| {
            let tau = spec.temperature;
            let x = Assessment::new(&f32_batch[k], &f32_alone[k], &f64_batch[k], &f64_alone[k], false, tau);
            Record {
                item: item.number,
                subject: cell.subject as u32,
                context: cell.context as u32,
                plausibility: item.plausibility,
                distance: item.distance,
                rectangle: rectangles[k],
                lor_i: f64_batch[k].lor_i(),
                lor_j: f64_batch[k].lor_j(),
                r: x.r64,
                error: x.e64,
                certified: x.c1 == Verdict::Certified,
            }
        })
        .collect())
}

/// Logits of the untouched sentence at each site that a plausible draw needs, in one f32 batch.
fn base_logits(
    model: &dyn Conditionals,
    state: &[u32],
    items: &[(Item, (usize, usize))],
) -> Result<BTreeMap<usize, Vec<f64>>, ConditionalsError> {
    let drawn = items.iter().filter(|(item, _)| item.plausibility != Plausibility::Uniform);
    let sites: std::collections::BTreeSet<usize> = drawn.flat_map(|&(_, (i, j))| [i, j]).collect();
    let rows: Vec<Row<'_>> = sites.iter().map(|&position| Row { state, position }).collect();
    if rows.is_empty() {
        return Ok(BTreeMap::new());
    }
    let logits = ask(model, &rows, Precision::F32)?;
    Ok(sites.into_iter().enumerate().map(|(k, site)| (site, logits.row(k).to_vec())).collect())
}

/// The two tokens of an item at one site that holds `original`; `logits` are those of the site in the sentence, which
/// only uniform draws can do without.
fn tokens(spec: &SurveySpec, item: &mut Item, ordinary: &[u32], original: u32, logits: Option<&[f64]>) -> (u32, u32) {
    let stream = &mut item.stream;
    let kind = item.plausibility;
    // Sites are shared: a uniform draw must not look at logits that another item asked for.
    let Some(logits) = logits.filter(|_| kind != Plausibility::Uniform) else {
        let first = stream.below(ordinary.len() as u64) as usize;
        let second = stream.below(ordinary.len() as u64 - 1) as usize;
        return (ordinary[first], ordinary[if second < first { second } else { second + 1 }]);
    };
    let mut draw = |from: &[u32]| {
        let most = from.iter().map(|&token| logits[token as usize]).fold(f64::NEG_INFINITY, f64::max);
        let weight = |&token: &u32| ((logits[token as usize] - most) / spec.temperature).exp();
        from[stream.weighted(&from.iter().map(weight).collect::<Vec<f64>>())]
    };
    let without = |from: &[u32], token: u32| from.iter().copied().filter(|&other| other != token).collect::<Vec<u32>>();
    if kind == Plausibility::OriginalAndDraw {
        return (original, draw(&without(ordinary, original)));
    }
    let top = likeliest(logits, ordinary.to_vec(), spec.top_k as usize);
    let first = draw(&top);
    (first, draw(&without(&top, first)))
}

/// The different rows that a group of rectangles needs, and where each corner is found in them.
struct Questions {
    rows: Vec<(Vec<u32>, usize)>,
    /// Row and token of each corner, eight for each rectangle.
    wanted: Vec<[(usize, u32); 8]>,
}

impl Questions {
    fn new(state: &[u32], rectangles: &[Rectangle]) -> Self {
        let mut rows: Vec<(Vec<u32>, usize)> = Vec::new();
        let mut known = BTreeMap::new();
        let mut row = |position: usize, other: usize, token: u32| {
            // The token at the masked site has no influence: left alone, equal questions are equal rows.
            let mut copy = state.to_vec();
            copy[other] = token;
            *known.entry((copy.clone(), position)).or_insert_with(|| {
                rows.push((copy, position));
                rows.len() - 1
            })
        };
        let wanted = rectangles
            .iter()
            .map(|&Rectangle { i, j, a, a2, b, b2 }| {
                let (of_b, of_b2, of_a, of_a2) = (row(i, j, b), row(i, j, b2), row(j, i, a), row(j, i, a2));
                [(of_b, a), (of_b, a2), (of_b2, a), (of_b2, a2), (of_a, b), (of_a, b2), (of_a2, b), (of_a2, b2)]
            })
            .collect();
        Self { rows, wanted }
    }

    /// Corners of every rectangle, all rows in one batch or each alone.
    fn corners(
        &self,
        model: &dyn Conditionals,
        precision: Precision,
        alone: bool,
        progress: &dyn Progress,
    ) -> Result<Vec<Corners>, ConditionalsError> {
        let mut corners = vec![Corners([0.0; 8]); self.wanted.len()];
        let size = if alone { 1 } else { self.rows.len().max(1) };
        for (batch, owned) in self.rows.chunks(size).enumerate() {
            progress.checkpoint()?;
            let rows: Vec<Row<'_>> = owned.iter().map(|(state, position)| Row { state, position: *position }).collect();
            let logits: Logits = ask(model, &rows, precision)?;
            for (corners, wanted) in corners.iter_mut().zip(&self.wanted) {
                for (value, &(row, token)) in corners.0.iter_mut().zip(wanted) {
                    if row / size == batch {
                        *value = logits.row(row % size)[token as usize];
                    }
                }
            }
        }
        Ok(corners)
    }
}
