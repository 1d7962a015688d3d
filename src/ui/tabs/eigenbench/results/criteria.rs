//! The leaderboard by each criterion.

use super::view::ResultsView;
use super::words;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::ui::help::eigenbench as help;
use crate::ui::tabs::shared::model_picker::shortened;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, names};
use crate::ui::widgets::VerdictKind;

/// Title of the heat map of Elo.
pub const ELO: &str = "Elo by criterion";

/// Criteria that have a leaderboard, in their order.
pub fn with_boards(view: &ResultsView) -> Vec<usize> {
    (0..view.by_criterion.len()).filter(|&at| view.by_criterion[at].elo.is_ok()).collect()
}

/// Criteria.
pub fn page(view: &ResultsView) -> Page {
    let mut page = Page::default();
    let name = |criterion: u16| view.judged.criteria.get(usize::from(criterion)).map_or("?", String::as_str);
    let there = with_boards(view);
    for own in &view.by_criterion {
        if let Err(problem) = &own.elo {
            page.sentences.push((VerdictKind::Failed, format!("{}: {problem}.", shortened(name(own.criterion), 60))));
        }
    }
    if there.len() < 2 {
        let text = "Fewer than two criteria have a leaderboard of their own: there is nothing to compare.";
        page.sentences.push((VerdictKind::Nothing, text.to_owned()));
        return page;
    }
    let elo = |at: usize, model: usize| view.by_criterion[at].elo.as_ref().map_or(f64::NAN, |elo| elo[model].elo);
    let spread = |model: usize| {
        let values: Vec<f64> = there.iter().map(|&at| elo(at, model)).collect();
        let [low, high] = [f64::min, f64::max].map(|of| values.iter().copied().reduce(of).unwrap_or_default());
        high - low
    };
    if let Some(&model) = view.order.iter().max_by(|&&a, &&b| spread(a).total_cmp(&spread(b))) {
        let best = there.iter().max_by(|&&a, &&b| elo(a, model).total_cmp(&elo(b, model)));
        let worst = there.iter().min_by(|&&a, &&b| elo(a, model).total_cmp(&elo(b, model)));
        if let (Some(&best), Some(&worst)) = (best, worst) {
            let text = format!(
                "{} depends on the criterion most: {} Elo by \"{}\", {} by \"{}\".",
                view.model(model),
                words::elo(elo(best, model)),
                shortened(name(view.by_criterion[best].criterion), 60),
                words::elo(elo(worst, model)),
                shortened(name(view.by_criterion[worst].criterion), 60)
            );
            page.sentences.push((VerdictKind::Shown, text));
        }
    }
    let short = |at: usize| shortened(name(view.by_criterion[at].criterion), 24);
    page.parts.push(Part::Figures(vec![Shown {
        figure: Figure {
            title: ELO.to_owned(),
            caption: format!(
                "Elo of each model (column) by the judgements on one criterion (row) alone ({}).",
                words::basis(view)
            ),
            x: names("model", view.ordered_models()),
            y: names("criterion", there.iter().map(|&at| short(at))),
            layers: vec![Layer::Heat {
                name: "Elo".to_owned(),
                unit: "Elo".to_owned(),
                rows: there.len(),
                columns: view.order.len(),
                values: there.iter().flat_map(|&at| view.order.iter().map(move |&model| elo(at, model))).collect(),
                diverging: false,
                at_least: Vec::new(),
            }],
        },
        height: 60.0 + 32.0 * there.len() as f32,
        help: help::BY_CRITERION,
    }]));
    let header: Vec<String> =
        ["Criterion".to_owned(), "Judgements".to_owned()].into_iter().chain(view.ordered_models()).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let row = |at: &usize| {
        let own = &view.by_criterion[*at];
        let cell = |&model: &usize| {
            let value = own.elo.as_ref().ok().map(|elo| elo[model]);
            Cell::Estimate(value.map(|own| own.elo), value.and_then(|own| own.interval), words::elo)
        };
        let first = [Cell::text(name(own.criterion)), Cell::count(own.rows as u64)];
        first.into_iter().chain(view.order.iter().map(cell)).collect::<Vec<Cell>>()
    };
    let rows: Vec<Vec<Cell>> = there.iter().map(row).collect();
    let sheet = Sheet::new("eigenbench-criteria", "Elo by criterion", &header, &rows, Some(help::BY_CRITERION));
    page.parts.push(Part::Table(sheet));
    if let Some(conditioned) = &view.conditioned {
        let line = |(at, elo): (usize, &Vec<f64>)| {
            let criterion = view.by_criterion.get(at).map_or("?", |own| name(own.criterion));
            let cells = view.order.iter().map(|&model| Cell::Number(Some(elo[model]), words::elo));
            std::iter::once(Cell::text(criterion)).chain(cells).collect::<Vec<Cell>>()
        };
        let rows: Vec<Vec<Cell>> = conditioned.elo.iter().enumerate().map(line).collect();
        let header: Vec<String> = std::iter::once("Criterion".to_owned()).chain(view.ordered_models()).collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let title = "Elo by criterion on common axes";
        page.parts.push(Part::Table(Sheet::new(
            "eigenbench-conditioned",
            title,
            &header,
            &rows,
            Some(help::CONDITIONED),
        )));
        let criterion_of = |at: usize| view.by_criterion.get(at).map_or("?", |own| name(own.criterion));
        let judges = view.judge_order();
        let trust_of = |(at, trust): (usize, &Vec<Vec<f64>>)| {
            let line = |&judge: &usize| {
                let cells = view.order.iter().map(|&model| Cell::Number(Some(trust[judge][model]), words::three));
                let first = [Cell::text(criterion_of(at)), Cell::text(view.judge(judge))];
                first.into_iter().chain(cells).collect::<Vec<Cell>>()
            };
            judges.iter().map(line).collect::<Vec<_>>()
        };
        let rows: Vec<Vec<Cell>> = conditioned.trust.iter().enumerate().flat_map(trust_of).collect();
        let header: Vec<String> =
            ["Criterion", "Judge"].into_iter().map(str::to_owned).chain(view.ordered_models()).collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let title = "Trust of judges by criterion, on common axes";
        page.parts.push(Part::Table(Sheet::new(
            "eigenbench-conditioned-trust",
            title,
            &header,
            &rows,
            Some(help::CONDITIONED),
        )));
        let text = format!(
            "One fit of all criteria, in which judges have a lens for each and models one disposition: mean loss {}, against {} \
             of the merged fit.",
            number::fixed(conditioned.mean_nll, 4),
            number::fixed(conditioned.mean_nll_merged, 4)
        );
        page.parts.push(Part::Note(text));
    }
    page
}
