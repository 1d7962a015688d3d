//! Panels of other sizes from the same pool: how chances depend on the size.

use std::sync::Arc;

use eframe::egui::{TextEdit, Ui};

use super::draft;
use crate::figures::figure::{Axis, Figure, Layer, Ticks};
use crate::figures::number;
use crate::sortition::fairness::Evenness;
use crate::sortition::lottery_run::LotterySpec;
use crate::sortition::size_sensitivity::{SizeRow, by_size, usual_sizes};
use crate::store::RunId;
use crate::ui::command::{Command, Table};
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::run_state::say;
use crate::ui::tabs::shared::task::Task;
use crate::ui::widgets::{VerdictKind, data_table, disabled_button, figure_view, what_is};
use crate::ui::{format, help, theme};

/// What was found, as it is drawn.
struct Shown {
    sentence: String,
    figures: Vec<Figure>,
    table: Table,
}

/// The card between frames.
#[derive(Default)]
pub struct SizesState {
    run: Option<RunId>,
    /// Sizes as they are typed.
    typed: String,
    task: Option<Task<Result<Arc<Shown>, String>>>,
    found: Option<Result<Arc<Shown>, String>>,
}

/// The sizes that a text means, for a pool of `people`.
fn sizes(text: &str, people: usize) -> Result<Vec<u32>, String> {
    let parts = text.split(|letter: char| letter.is_whitespace() || ",;".contains(letter));
    let mut all = Vec::new();
    for part in parts.filter(|part| !part.is_empty()) {
        match part.parse::<u32>() {
            Ok(0) | Err(_) => return Err(format!("“{part}” is no size of a panel; type whole numbers from 1.")),
            Ok(size) if size as usize > people => {
                return Err(format!("A panel of {size} is larger than the pool of {}.", number::count(people as u64)));
            }
            Ok(size) => all.push(size),
        }
    }
    all.sort_unstable();
    all.dedup();
    if all.is_empty() { Err("Type the sizes to look at, such as 20, 30, 40.".to_owned()) } else { Ok(all) }
}

impl SizesState {
    /// Draws the card for the lottery of `run`; `tolerance` is that of the form's quotas, in percent.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        (run, spec): (RunId, &Arc<LotterySpec>),
        tolerance: &str,
        commands: &mut Vec<Command>,
    ) {
        if self.run != Some(run) {
            let usual = usual_sizes(spec.quotas.size, spec.pool.len());
            let typed = usual.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            *self = Self { run: Some(run), typed, ..Self::default() };
        }
        if let Some(found) = self.task.as_mut().and_then(Task::result).cloned() {
            (self.task, self.found) = (None, Some(found));
        }
        ui.horizontal_wrapped(|ui| {
            let text = "The same rule and pool with quotas in proportion: what a smaller or a larger panel would give.";
            ui.label(theme::caption(text).weak());
            what_is(ui, help::PANEL_SIZE.name, help::PANEL_SIZE.text);
        });
        if let Some(task) = &self.task {
            if task.show(ui, "Cancel") {
                self.task = None;
            }
            return;
        }
        let asked = ui
            .horizontal_wrapped(|ui| {
                let label = ui.label("Sizes");
                let field = TextEdit::singleline(&mut self.typed).id_salt("panel sizes").desired_width(200.0);
                ui.add(field).labelled_by(label.id);
                match sizes(&self.typed, spec.pool.len()) {
                    Ok(wanted) => ui.button("Compare sizes").clicked().then_some(wanted),
                    Err(why) => {
                        drop(disabled_button(ui, "Compare sizes", &why));
                        ui.label(theme::caption(why).color(theme::palette(ui).bad));
                        None
                    }
                }
            })
            .inner;
        if let Some(wanted) = asked {
            let (spec, tolerance) = (spec.clone(), draft::tolerance(tolerance));
            self.found = None;
            self.task = Some(Task::begin(context, move |progress| {
                let rows = by_size(&spec, &wanted, tolerance, progress).map_err(|cancelled| cancelled.to_string())?;
                Ok(Arc::new(shown(&spec, &rows)))
            }));
        }
        match &self.found {
            None => {}
            Some(Err(problem)) => {
                say(ui, VerdictKind::Failed, "This could not be computed.");
                ui.label(theme::caption(format::sentence(problem)));
            }
            Some(Ok(shown)) => {
                say(ui, VerdictKind::Shown, &shown.sentence);
                for figure in &shown.figures {
                    figure_view(ui, &format!("panel {}", figure.title), figure, 220.0, &[], commands);
                }
                data_table(ui, "panel sizes", &shown.table, None, commands);
            }
        }
    }
}

fn shown(spec: &LotterySpec, rows: &[SizeRow]) -> Shown {
    let held: Vec<(f64, &Evenness)> =
        rows.iter().filter_map(|row| row.evenness().map(|figures| (f64::from(row.size), figures))).collect();
    let line = |name: &str, colour: usize, of: &dyn Fn(&Evenness) -> f64| Layer::Line {
        name: name.to_owned(),
        colour,
        points: held.iter().map(|(size, figures)| [*size, of(figures)]).collect(),
        dashed: false,
    };
    let people = number::count(spec.pool.len() as u64);
    let missing: Vec<String> =
        rows.iter().filter(|row| row.evenness().is_none()).map(|row| row.size.to_string()).collect();
    let without = match missing.is_empty() {
        true => String::new(),
        false => format!(" No lottery at {}.", missing.join(", ")),
    };
    let axis = |label: &str| Axis { label: label.to_owned(), ticks: Ticks::Linear { range: None } };
    let mut figures = Vec::new();
    if !held.is_empty() {
        let guide = Layer::Guide {
            name: "same chance for all".to_owned(),
            slope: 100.0 / spec.pool.len() as f64,
            intercept: 0.0,
        };
        figures.push(Figure {
            title: "Chances by size of the panel".to_owned(),
            caption: format!("Chances of {people} people under {}, quotas in proportion.{without}", spec.algorithm),
            x: axis("members of the panel"),
            y: axis("chance (%)"),
            layers: vec![
                line("lowest", 0, &|figures| 100.0 * figures.minimum),
                line("geometric mean", 2, &|figures| 100.0 * figures.geometric_mean),
                line("highest", 1, &|figures| 100.0 * figures.maximum),
                guide,
            ],
        });
        figures.push(Figure {
            title: "Evenness by size of the panel".to_owned(),
            caption: format!(
                "Gini coefficient of the chances of {people} people, and their effective number over all.{without}"
            ),
            x: axis("members of the panel"),
            y: axis("share"),
            layers: vec![
                line("Gini", 0, &|figures| figures.gini),
                line("effective people over all", 1, &|figures| figures.effective / figures.people as f64),
            ],
        });
    }
    let sentence = match (held.first(), held.last()) {
        (Some((small, low)), Some((large, high))) => format!(
            "From {small} to {large} members the lowest chance goes from {} to {} %, and Gini from {} to {}.{without}",
            number::fixed(100.0 * low.minimum, 2),
            number::fixed(100.0 * high.minimum, 2),
            number::fixed(low.gini, 3),
            number::fixed(high.gini, 3)
        ),
        _ => format!("There is no lottery at any of these sizes.{without}"),
    };
    Shown { sentence, figures, table: table(rows) }
}

fn table(rows: &[SizeRow]) -> Table {
    let percent = |share: f64| format!("{} %", number::fixed(100.0 * share, 2));
    let row = |row: &SizeRow| {
        let mut cells = vec![row.size.to_string()];
        match row.evenness() {
            Some(figures) => cells.extend([
                percent(figures.minimum),
                percent(figures.maximum),
                number::fixed(figures.gini, 4),
                percent(figures.geometric_mean),
                number::fixed(figures.effective, 1),
            ]),
            None => cells.extend(std::iter::repeat_n("–".to_owned(), 5)),
        }
        cells.push(row.standing());
        cells
    };
    let header =
        ["members", "lowest chance", "highest chance", "Gini", "geometric mean", "effective people", "lottery"];
    Table {
        name: "sizes-of-the-panel".to_owned(),
        header: header.map(str::to_owned).to_vec(),
        rows: rows.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::size_sensitivity::OfSize;

    #[test]
    fn sizes_are_read_in_order_or_refused_with_a_reason() {
        assert_eq!(sizes("40, 20;30 20", 300), Ok(vec![20, 30, 40]));
        for (text, told) in [("", "Type the sizes"), ("20, x", "“x”"), ("0", "“0”"), ("301", "larger than the pool")]
        {
            assert!(sizes(text, 300).unwrap_err().contains(told), "{text}");
        }
    }

    #[test]
    fn an_infeasible_size_stands_in_the_table_with_its_reason() {
        let reasons = vec!["Four are asked for, three are there.".to_owned()];
        let rows = [SizeRow { size: 8, found: OfSize::Infeasible { reasons } }];
        let table = table(&rows);
        assert_eq!(table.rows[0][6], "infeasible: Four are asked for, three are there.");
        assert_eq!(table.rows[0][1], "–");
    }
}
