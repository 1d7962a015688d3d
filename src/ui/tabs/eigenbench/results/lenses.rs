//! The lens map: what judges look for, and what models are like, on common axes.

use super::view::ResultsView;
use super::words;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::ui::help::eigenbench as help;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, linear};
use crate::ui::widgets::VerdictKind;

/// Up to so many models have their names in the map; more would hide each other, and are in the table.
const NAMED: usize = 24;

/// The lens map.
pub fn page(view: &ResultsView) -> Page {
    let mut page = Page::default();
    let map = match &view.board {
        Ok(board) => board.lens_map.as_ref(),
        Err(problem) => {
            page.sentences.push((VerdictKind::Failed, format!("There is no map: {problem}.")));
            return page;
        }
    };
    let Some(map) = map.filter(|map| !map.singular_values.is_empty()) else {
        page.sentences.push((VerdictKind::Nothing, "No judge tells models apart: there is nothing to map.".to_owned()));
        return page;
    };
    let (n, judges) = (view.judged.models.len(), view.judged.judges());
    let axes = map.singular_values.len();
    let total: f64 = map.singular_values.iter().map(|value| value * value).sum();
    let share = |axis: usize| map.singular_values[axis].powi(2) / total;
    let text = match axes {
        1 => "All judges look along one axis: they differ in how much they care, not in what they look for.".to_owned(),
        _ => format!(
            "The first axis has {} of what judges tell apart, the second {}.",
            number::percent(share(0)),
            number::percent(share(1))
        ),
    };
    page.sentences.push((VerdictKind::Shown, text));
    let at =
        |values: &[f64], place: usize| [values[place * axes], if axes > 1 { values[place * axes + 1] } else { 0.0 }];
    let mut layers = vec![
        Layer::Points {
            name: "models (dispositions)".to_owned(),
            colour: 0,
            points: (0..n).map(|model| at(&map.dispositions, model)).collect(),
        },
        Layer::Points {
            name: "judges (lenses)".to_owned(),
            colour: 1,
            points: (0..n).map(|judge| at(&map.lenses, judge)).collect(),
        },
    ];
    if judges > n {
        layers.push(Layer::Points {
            name: "people (lenses)".to_owned(),
            colour: 2,
            points: (n..judges).map(|judge| at(&map.lenses, judge)).collect(),
        });
    }
    if n <= NAMED {
        layers.push(Layer::Labels {
            points: (0..n).map(|model| at(&map.dispositions, model)).collect(),
            texts: (0..n).map(|model| view.model(model).to_owned()).collect(),
        });
        layers.push(Layer::Labels {
            points: (0..judges).map(|judge| at(&map.lenses, judge)).collect(),
            texts: (0..judges).map(|judge| view.judge(judge).to_owned()).collect(),
        });
    }
    let figure = Figure {
        title: "Lens map".to_owned(),
        caption: format!(
            "Judges' lenses and models' dispositions in the gauge of the singular value decomposition ({}). A judge prefers \
             models that lie in the direction of its lens.",
            words::basis(view)
        ),
        x: linear("first axis"),
        y: linear("second axis"),
        layers,
    };
    page.parts.push(Part::Figures(vec![Shown { figure, height: 380.0, help: help::LENS_MAP }]));
    let header: Vec<String> =
        ["Name", "Role"].into_iter().map(str::to_owned).chain((1..=axes).map(|axis| format!("Axis {axis}"))).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let line = |name: &str, role: &str, values: &[f64], place: usize| {
        let numbers = values[place * axes..][..axes].iter().map(|value| Cell::Number(Some(*value), words::three));
        [Cell::text(name), Cell::text(role)].into_iter().chain(numbers).collect::<Vec<Cell>>()
    };
    let mut rows: Vec<Vec<Cell>> =
        view.order.iter().map(|&model| line(view.model(model), "model", &map.dispositions, model)).collect();
    rows.extend(view.judge_order().into_iter().map(|judge| line(view.judge(judge), "judge", &map.lenses, judge)));
    page.parts.push(Part::Table(Sheet::new(
        "eigenbench-lens-map",
        "Lenses and dispositions",
        &header,
        &rows,
        Some(help::JUDGE_LENS),
    )));
    let values: Vec<String> = map.singular_values.iter().map(|value| words::three(*value)).collect();
    page.parts.push(Part::Note(format!("Singular values: {}.", values.join(", "))));
    page
}
