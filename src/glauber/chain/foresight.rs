//! The laws of a batch from a backend that keeps them, and what is evaluated along with those it lacks.

use std::sync::Arc;

use super::draw::Drawing;
use super::ensemble::{Cursor, Options, Run, Unit};
use super::wave::Place;
use crate::glauber::conditionals::{ConditionalsError, Draw, Laws, Row};
use crate::glauber::law::Law;

/// A batch that has to evaluate fewer laws than this is filled up with laws that will be needed later.
const THIN: usize = 32;

/// How a batch is asked, and where its round stands.
#[derive(Clone, Copy)]
pub(super) struct Foresight<'b> {
    pub(super) backend: &'b dyn Laws,
    pub(super) options: Options,
    pub(super) cursor: Cursor,
}

/// The law of each draw of `units`, X's before Y's.
pub(super) fn laws_of(
    runs: &mut [Run],
    units: &[Unit],
    foresight: Foresight<'_>,
    drawing: &mut Drawing,
) -> Result<Vec<Arc<Law>>, ConditionalsError> {
    let Foresight { backend, options, .. } = foresight;
    let mut kept = Vec::new();
    backend.kept(&draws(runs, units), options.precision, &mut kept)?;
    let missing: Vec<usize> = (0..kept.len()).filter(|&k| kept[k].is_none()).collect();
    if missing.is_empty() {
        return Ok(kept.into_iter().flatten().collect());
    }
    let coming = if missing.len() < THIN { look_ahead(runs, units, foresight, drawing)? } else { Vec::new() };
    let all = draws(runs, units);
    let mut wanted: Vec<Draw<'_>> = missing.iter().map(|&k| all[k]).collect();
    let room = options.batch_rows.saturating_sub(wanted.len());
    wanted.extend(coming.iter().take(room).map(|coming| coming.draw(runs)));
    let mut evaluated = backend.evaluated(&wanted, options.precision)?.into_iter();
    // Those of the batch come first.
    Ok(kept.into_iter().filter_map(|law| law.or_else(|| evaluated.next())).collect())
}

/// The draws of `units`, X's before Y's.
fn draws<'a>(runs: &'a [Run], units: &[Unit]) -> Vec<Draw<'a>> {
    let mut draws = Vec::with_capacity(2 * units.len());
    for unit in units {
        let run = &runs[unit.place.cell];
        let wave = &run.waves[unit.place.wave];
        draws.push(draw(run, wave.x(&run.cell, unit.place.slot), unit.site));
        if unit.x != unit.y {
            draws.push(draw(run, wave.y(&run.cell, unit.place.slot), unit.site));
        }
    }
    draws
}

fn draw<'a>(run: &'a Run, state: &'a [u32], site: usize) -> Draw<'a> {
    let row = Row { state, position: site };
    Draw { row, temperature: run.cell.temperature, allowed: run.cell.space.allowed_shared() }
}

/// A draw that a pair will make some steps on.
struct Coming {
    place: Place,
    site: usize,
    second: bool,
}

impl Coming {
    fn draw<'a>(&self, runs: &'a [Run]) -> Draw<'a> {
        let run = &runs[self.place.cell];
        draw(run, run.waves[self.place.wave].ahead(self.place.slot, self.second), self.site)
    }
}

/// What the pairs of the batch's model will have to evaluate next, as much as fits a batch.
fn look_ahead(
    runs: &mut [Run],
    units: &[Unit],
    Foresight { backend, options, cursor }: Foresight<'_>,
    drawing: &mut Drawing,
) -> Result<Vec<Coming>, ConditionalsError> {
    let (mut coming, mut found) = (Vec::new(), Vec::new());
    let Some(model) = units.first().map(|unit| runs[unit.place.cell].cell.model) else { return Ok(coming) };
    for (cell, run) in runs.iter_mut().enumerate() {
        if run.cell.model != model || run.cell.temperature.get().is_infinite() {
            continue;
        }
        let (temperature, allowed) = (run.cell.temperature, run.cell.space.allowed_shared().clone());
        let mut kept = |state: &[u32], position: usize| {
            let draw = Draw { row: Row { state, position }, temperature, allowed: &allowed };
            backend.kept(&[draw], options.precision, &mut found)?;
            Ok(found.pop().flatten())
        };
        for (index, wave) in run.waves.iter_mut().enumerate().filter(|(_, wave)| wave.state.joined) {
            for slot in 0..wave.live() {
                if coming.len() >= options.batch_rows {
                    return Ok(coming);
                }
                let place = Place { cell, wave: index, slot };
                let stepped = (Cursor { group: model, place }) < cursor;
                let here = (&run.cell, run.counter);
                if let Some(blocked) = wave.look_ahead(here, slot, stepped, drawing, &mut kept)? {
                    let sides = [(blocked.x, false), (blocked.y, true)];
                    let wanted = sides.into_iter().filter(|side| side.0);
                    coming.extend(wanted.map(|(_, second)| Coming { place, site: blocked.site, second }));
                }
            }
        }
    }
    Ok(coming)
}
