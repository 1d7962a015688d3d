//! Language models under personas: which of the two moves scores more.

use super::view::ResultsView;
use super::words;
use crate::eigenbench::diagnostics::VarianceShares;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::ui::help::eigenbench as help;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, names};
use crate::ui::widgets::VerdictKind;

/// Personas.
pub fn page(view: &ResultsView) -> Page {
    let mut page = Page::default();
    let split = match &view.personas {
        Ok(split) => split,
        Err(problem) => {
            page.sentences.push((VerdictKind::Nothing, format!("Nothing is split: {problem}.")));
            return page;
        }
    };
    if let Some(shares) = split.elo {
        let (more, less) = match shares.persona > shares.language_model {
            true => (("personas", shares.persona), ("language models", shares.language_model)),
            false => (("language models", shares.language_model), ("personas", shares.persona)),
        };
        let text = format!(
            "Of the variance of Elo {} have {}, {} {}; {} is what the two do together.",
            more.0,
            number::percent(more.1),
            less.0,
            number::percent(less.1),
            number::percent(shares.interaction)
        );
        page.sentences.push((VerdictKind::Shown, text));
    }
    let elo = view.elo().unwrap_or_default();
    let models: Vec<String> = split.grid.iter().map(|row| language_model(view, row[0])).collect();
    let personas: Vec<String> = split.grid[0].iter().map(|&model| words::persona(view, model)).collect();
    page.parts.push(Part::Figures(vec![Shown {
        figure: Figure {
            title: "Elo by language model and persona".to_owned(),
            caption: format!("Elo of each language model (row) under each persona (column) ({}).", words::basis(view)),
            x: names("persona", personas.iter().cloned()),
            y: names("language model", models.iter().cloned()),
            layers: vec![Layer::Heat {
                name: "Elo".to_owned(),
                unit: "Elo".to_owned(),
                rows: models.len(),
                columns: personas.len(),
                values: split.grid.iter().flatten().map(|&model| elo[model]).collect(),
                diverging: false,
                at_least: Vec::new(),
            }],
        },
        height: 80.0 + 36.0 * models.len() as f32,
        help: help::VARIANCE_SPLIT,
    }]));
    let header = ["Of", "Language models", "Personas", "Both together", "All but language models"];
    let row = |name: &str, shares: Option<VarianceShares>| {
        let cell = |of: fn(VarianceShares) -> f64| Cell::Number(shares.map(of), number::percent);
        vec![
            Cell::text(name),
            cell(|shares| shares.language_model),
            cell(|shares| shares.persona),
            cell(|shares| shares.interaction),
            cell(VarianceShares::all_but_language_model),
        ]
    };
    let rows = [row("trust", split.trust), row("Elo", split.elo)];
    let title = "What moves scores";
    page.parts.push(Part::Table(Sheet::new("eigenbench-variance", title, &header, &rows, Some(help::VARIANCE_SPLIT))));
    page.parts.push(Part::Note("The last column is what the paper calls the personas' share.".to_owned()));
    page
}

/// What a language model is called: what the names of its models have in common before " as ", or the name of the first.
fn language_model(view: &ResultsView, first: usize) -> String {
    view.model(first).split(" as ").next().unwrap_or_default().to_owned()
}
