//! What judges are like: order bias, circles, ties, preference for themselves and for length, and whether they agree.

use super::view::ResultsView;
use super::words;
use crate::eigenbench::findings::LengthEffect;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::ui::help::eigenbench as help;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, names};
use crate::ui::widgets::VerdictKind;

/// Name of the table of judges.
pub const TABLE: &str = "eigenbench-judges";
/// Title of the heat map of judgements.
pub const COVERAGE: &str = "Judgements";
/// Share of pairs that contradict themselves when turned round from which a judge is worth a look.
const MUCH: f64 = 0.3;

/// Judges.
pub fn page(view: &ResultsView) -> Page {
    let mut page = Page::default();
    for judge in view.judge_order() {
        let Some(own) = view.judges.get(judge) else { continue };
        if let Some(consistent) = own.consistent.filter(|consistent| 1.0 - consistent > MUCH) {
            let text = format!(
                "{} contradicts itself in {} of pairs when they are turned round; these count as ties.",
                view.judge(judge),
                number::percent(1.0 - consistent)
            );
            page.sentences.push((VerdictKind::Caution, text));
        }
    }
    let [nominal, interval] = view.alpha;
    if let Some(alpha) = nominal {
        let text = format!(
            "Judges agree with Krippendorff's alpha {} (nominal{}): 1 is full agreement, 0 what chance gives.",
            number::fixed(alpha, 2),
            interval.map_or(String::new(), |alpha| format!("; interval {}", number::fixed(alpha, 2)))
        );
        page.sentences.push((VerdictKind::Nothing, text));
    }
    if page.sentences.is_empty() {
        let text = "No judge stands out, and there is too little to say whether they agree.";
        page.sentences.push((VerdictKind::Nothing, text.to_owned()));
    }
    page.parts.push(Part::Table(table(view)));
    let judges = view.judge_order();
    let mut figures = vec![Shown {
        figure: Figure {
            title: COVERAGE.to_owned(),
            caption: "Judgements of each judge (row) with each model (column); a judgement has two models.".to_owned(),
            x: names("model", view.ordered_models()),
            y: names("judge", view.ordered_judges()),
            layers: vec![Layer::Heat {
                name: "judgements".to_owned(),
                unit: "judgements".to_owned(),
                rows: judges.len(),
                columns: view.order.len(),
                values: (judges.iter())
                    .flat_map(|&judge| view.order.iter().map(move |&model| view.coverage[judge][model] as f64))
                    .collect(),
                diverging: false,
                at_least: Vec::new(),
            }],
        },
        height: 300.0,
        help: help::COVERAGE,
    }];
    if !view.distances.is_empty() {
        figures.push(Shown {
            figure: Figure {
                title: "Distance of trust".to_owned(),
                caption:
                    "Sums of absolute differences between judges' trust: 0 where two trust alike, 2 where they trust \
                          nobody in common."
                        .to_owned(),
                x: names("judge", view.ordered_judges()),
                y: names("judge", view.ordered_judges()),
                layers: vec![Layer::Heat {
                    name: "distance".to_owned(),
                    unit: "L1".to_owned(),
                    rows: judges.len(),
                    columns: judges.len(),
                    values: judges.iter().flat_map(|&a| judges.iter().map(move |&b| view.distances[a][b])).collect(),
                    diverging: false,
                    at_least: Vec::new(),
                }],
            },
            height: 300.0,
            help: help::TRUST_DISTANCE,
        });
    }
    page.parts.push(Part::Figures(figures));
    match &view.length {
        Ok(length) => {
            let judged = |(judge, effect): (usize, &f64)| view.judges[judge].rows.gt(&0).then_some(*effect);
            let effects: Vec<f64> = length.effects.iter().enumerate().filter_map(judged).collect();
            let mean = effects.iter().sum::<f64>() / effects.len().max(1) as f64;
            let gain = 2.0 * length.rows as f64 * (length.mean_nll_without - length.mean_nll);
            let text = format!(
                "Length: with a term for it the fit of {} gains {} in twice the log-likelihood for {} more numbers; effects are \
                 {} on average, positive where the longer response is liked.",
                number::counted(length.rows as u64, "judgement", "judgements"),
                number::fixed(gain, 1),
                effects.len(),
                number::fixed(mean, 2)
            );
            page.parts.push(Part::Note(text));
            page.parts.push(Part::Table(without_length(view, length)));
        }
        Err(problem) => page.parts.push(Part::Note(format!("Length: {problem}"))),
    }
    page
}

/// The leaderboard with the effect of length taken out, beside the one with it.
fn without_length(view: &ResultsView, length: &LengthEffect) -> Sheet {
    let header = ["Model", "Elo", "Elo without the effect of length", "Change"];
    let elo: Vec<Option<f64>> = length.elo.iter().copied().map(Some).collect();
    let (shown, without) = (view.elo(), view.anchored(&elo));
    let row = |&model: &usize| {
        let own = shown.map(|shown| shown[model]);
        let change = own.zip(without[model]).map(|(own, without)| without - own);
        vec![
            Cell::text(view.model(model)),
            Cell::Number(own, words::elo),
            Cell::Number(without[model], words::elo),
            Cell::Number(change, |value| format!("{value:+.0}")),
        ]
    };
    let rows: Vec<Vec<Cell>> = view.order.iter().map(row).collect();
    Sheet::new("eigenbench-without-length", "Without the effect of length", &header, &rows, Some(help::LENGTH_EFFECT))
}

fn table(view: &ResultsView) -> Sheet {
    let header = [
        "Judge",
        "Judgements",
        "Consistent",
        "First in both",
        "Second in both",
        "Ties",
        "Lambda",
        "Circles",
        "Itself, points more",
        "Longer chosen",
        "Length effect",
    ];
    let row = |judge: usize| {
        let own = &view.judges[judge];
        let ties = (own.rows > 0).then(|| own.ties as f64 / own.rows as f64);
        let lambda = view.board.as_ref().ok().and_then(|board| board.lambda.get(judge).copied());
        let effect = view.length.as_ref().ok().and_then(|length| length.effects.get(judge).copied());
        vec![
            Cell::text(view.judge(judge)),
            Cell::count(own.rows),
            Cell::Number(own.consistent, number::percent),
            Cell::Number(own.first_both, number::percent),
            Cell::Number(own.second_both, number::percent),
            Cell::Number(ties, number::percent),
            Cell::Number(lambda, words::three),
            Cell::Number(own.cycle_rate, number::percent),
            Cell::Number(own.self_preference.map(|own| 100.0 * own.excess()), |value| number::fixed(value, 1)),
            Cell::Number(view.longer[judge], number::percent),
            Cell::Number(effect, words::three),
        ]
    };
    let rows: Vec<Vec<Cell>> = view.judge_order().into_iter().map(row).collect();
    Sheet::new(TABLE, "Judges", &header, &rows, Some(help::ORDER_BIAS))
}
