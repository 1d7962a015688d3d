//! People's trust beside that of the models, computed on a background thread; and the leaderboard with people mixed in.

use std::sync::Arc;

use eframe::egui::Ui;

use super::super::view::View;
use super::teleport::Teleport;
use crate::eigenbench::diagnostics::Distance;
use crate::eigenbench::findings::{Findings, Judged, Settings};
use crate::eigenbench::people::{
    MeanDistances, PersonReport, Teleported, mean_distances, person_reports, teleport_curve,
};
use crate::eigenbench::people_agreement::{Contradiction, PeopleAgreement, people_agreement};
use crate::eigenbench::reconcile::reconcile;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::progress::{Cancelled, Progress};
use crate::store::RunId;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::help::{eigenbench as board_help, eigenbench_people as help};
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, draw, names};
use crate::ui::tabs::shared::task::Task;
use crate::ui::theme;
use crate::ui::widgets::{VerdictKind, empty_state};

/// So many contradictions are listed.
const LISTED: usize = 100;
/// Steps of the curve from 0 to 1.
const STEPS: u32 = 50;

/// Everything about people.
pub struct PeopleFindings {
    pub judged: Arc<Judged>,
    /// People are the last so many judges.
    pub people: usize,
    pub reports: Vec<PersonReport>,
    pub agreement: PeopleAgreement,
    pub distances: MeanDistances,
    /// `[judges][models]`.
    pub trust: Vec<Vec<f64>>,
    pub elo: Vec<f64>,
    pub curve: Vec<Teleported>,
}

impl PeopleFindings {
    fn compute(judged: Arc<Judged>, people: usize, progress: &dyn Progress) -> Result<Result<Self, String>, Cancelled> {
        let mut settings = Settings { quick: true, ..Settings::default() };
        // A model that judged nothing is no reason against comparing people with the others.
        settings.board.dangling = true;
        let found = Findings::compute(&judged, &settings, progress)?;
        let board = match found.board {
            Ok(board) => board,
            Err(problem) => return Ok(Err(problem)),
        };
        let (models, judges) = (judged.models.len(), judged.judges());
        let flat: Vec<f64> = board.matrix.concat();
        let mut has_rows = vec![false; judges];
        judged.rows.iter().for_each(|row| has_rows[usize::from(row.judge)] = true);
        let first = judges - people;
        // Judges outside that are no people are left out of the comparison.
        let own: Vec<_> = judged.rows.iter().filter(|row| usize::from(row.judge) < models).copied().collect();
        let mut rows = own;
        rows.extend(judged.rows.iter().filter(|row| usize::from(row.judge) >= first).map(|row| {
            let judge = (usize::from(row.judge) - first + models) as u16;
            crate::eigenbench::comparisons::Comparison { judge, ..*row }
        }));
        reconcile(&mut rows);
        let kept: Vec<f64> = [&flat[..models * models], &flat[first * models..]].concat();
        let kept_rows: Vec<bool> = [&has_rows[..models], &has_rows[first..]].concat();
        Ok(Ok(Self {
            agreement: people_agreement(models, people, &rows, Distance::Nominal),
            reports: person_reports(models, people, &rows, settings.board.fit.ridge, progress)?,
            distances: mean_distances(&kept, models, &kept_rows),
            curve: teleport_curve(&kept, models, STEPS),
            trust: kept.chunks_exact(models).map(<[f64]>::to_vec).collect(),
            elo: board.elo,
            judged,
            people,
        }))
    }

    pub fn person(&self, place: usize) -> &str {
        self.judged.judge((self.judged.judges() - self.people + place) as u16)
    }
}

type Answer = Result<Result<Arc<PeopleFindings>, String>, Cancelled>;

/// What was computed, and the pages made of it.
#[derive(Default)]
pub struct Against {
    asked: Option<(RunId, Arc<Judged>)>,
    task: Option<Task<Answer>>,
    found: Option<(RunId, Result<Arc<PeopleFindings>, String>)>,
    page: Option<Page>,
    teleport: Teleport,
}

impl Against {
    /// Draws how people and models differ, or what mixing people in does.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        run: RunId,
        view: &View,
        mix: bool,
        commands: &mut Vec<Command>,
    ) {
        let known = self.asked.as_ref().is_some_and(|(of, judged)| *of == run && Arc::ptr_eq(judged, &view.judged));
        if !known {
            self.asked = Some((run, view.judged.clone()));
            let (judged, people) = (view.judged.clone(), view.judgements.people);
            self.task = Some(Task::begin(context, move |progress| {
                Ok(PeopleFindings::compute(judged, people, progress)?.map(Arc::new))
            }));
        }
        if let Some(answer) = self.task.as_mut().and_then(|task| task.result().cloned()) {
            self.task = None;
            if let Ok(found) = answer {
                self.found = Some((run, found));
                self.page = None;
                self.teleport = std::mem::take(&mut self.teleport).renewed();
            }
        }
        match self.found.as_ref().filter(|(of, _)| *of == run) {
            None => {
                ui.spinner();
            }
            Some((_, Err(problem))) => {
                let text = crate::ui::format::sentence(problem);
                empty_state(ui, "There is no trust to compare", &text, None);
            }
            Some((_, Ok(found))) if mix => {
                let found = found.clone();
                self.teleport.show(ui, &found, commands);
            }
            Some((_, Ok(found))) => {
                let page = self.page.get_or_insert_with(|| page(found));
                draw(ui, "eigenbench people", page, commands);
                ui.label(
                    theme::caption("People are in the lens map, the trust matrix and the judges' report, too.").weak(),
                );
            }
        }
    }
}

fn three(value: f64) -> String {
    number::fixed(value, 3)
}

fn page(found: &PeopleFindings) -> Page {
    let mut page = Page::default();
    let MeanDistances { between_people, people_and_models, between_models } = found.distances;
    if let Some(across) = people_and_models {
        let text = match between_people.or(between_models) {
            Some(within) => format!(
                "People and models are {} apart on average, {} {} among each other.",
                three(across),
                if between_people.is_some() { "people" } else { "models" },
                three(within)
            ),
            None => format!("People and models are {} apart on average.", three(across)),
        };
        page.sentences.push((VerdictKind::Shown, text));
    }
    for (place, report) in found.reports.iter().enumerate() {
        let few = report.rows < 2 * found.judged.models.len() as u64;
        if few {
            let count = number::counted(report.rows, "choice", "choices");
            let text =
                format!("{} made {count}: the fit borrows most of that row of trust from others.", found.person(place));
            page.sentences.push((VerdictKind::Caution, text));
        }
    }
    if page.sentences.is_empty() {
        page.sentences.push((VerdictKind::Nothing, "There is too little to compare yet.".to_owned()));
    }
    let models = found.judged.models.len();
    let mut order: Vec<usize> = (0..models).collect();
    order.sort_by(|&a, &b| found.elo[b].total_cmp(&found.elo[a]));
    let model = |place: &usize| found.judged.models[*place].clone();
    let rows: Vec<usize> = order.iter().copied().chain(models..models + found.people).collect();
    let judge = |row: &usize| if *row < models { model(row) } else { found.person(*row - models).to_owned() };
    page.parts.push(Part::Figures(vec![Shown {
        figure: Figure {
            title: "Trust of models and people".to_owned(),
            caption: "Chance that a judge (row; people last) names a model (column) when it picks the best of all."
                .to_owned(),
            x: names("model", order.iter().map(model)),
            y: names("judge", rows.iter().map(judge)),
            layers: vec![Layer::Heat {
                name: "trust".to_owned(),
                unit: "chance".to_owned(),
                rows: rows.len(),
                columns: models,
                values: rows.iter().flat_map(|&row| order.iter().map(move |&model| found.trust[row][model])).collect(),
                diverging: false,
                at_least: Vec::new(),
            }],
        },
        height: 300.0,
        help: board_help::TRUST_MATRIX,
    }]));
    let header: Vec<String> = ["Person", "Choices", "Ties", "With most models", "Of", "Alpha with models"]
        .into_iter()
        .map(str::to_owned)
        .chain(order.iter().map(|place| format!("Own Elo of {}", model(place))))
        .collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let line = |(place, report): (usize, &PersonReport)| {
        let share = (report.compared > 0).then(|| report.agreeing as f64 / report.compared as f64);
        let ties = (report.rows > 0).then(|| report.ties as f64 / report.rows as f64);
        let own = report.own_elo.as_ref();
        let first = [
            Cell::text(found.person(place)),
            Cell::count(report.rows),
            Cell::Number(ties, number::percent),
            Cell::Number(share, number::percent),
            Cell::count(report.compared),
            Cell::Number(found.agreement.with_majority.get(place).copied().flatten(), three),
        ];
        let elo = order.iter().map(|&model| Cell::Number(own.map(|own| own[model]), |value| number::fixed(value, 0)));
        first.into_iter().chain(elo).collect::<Vec<Cell>>()
    };
    let rows: Vec<Vec<Cell>> = found.reports.iter().enumerate().map(line).collect();
    page.parts.push(Part::Table(Sheet::new("eigenbench-people", "People", &header, &rows, Some(help::HUMAN_PANEL))));
    let text = "With most models: of strict choices, those that agree with the majority of the models' judges on the same pair, \
                scenario and criterion. Own Elo: a scalar fit of a person's choices alone, as in the paper.";
    page.parts.push(Part::Note(text.to_owned()));
    if let Some(alpha) = found.agreement.among_people {
        page.parts.push(Part::Note(format!("Krippendorff's alpha among people is {} (nominal).", three(alpha))));
    }
    let header = ["Scenario", "Criterion", "People prefer", "Models prefer", "People", "Models"];
    let line = |own: &Contradiction| {
        vec![
            Cell::count(u64::from(own.scenario) + 1),
            Cell::text(found.judged.criteria.get(usize::from(own.criterion)).map_or("", String::as_str)),
            Cell::text(model(&usize::from(own.preferred))),
            Cell::text(model(&usize::from(own.other))),
            Cell::Number(Some(own.people), three),
            Cell::Number(Some(own.models), three),
        ]
    };
    let rows: Vec<Vec<Cell>> = found.agreement.contradictions.iter().take(LISTED).map(line).collect();
    if !rows.is_empty() {
        let title = "Where people and models contradict each other";
        page.parts.push(Part::Table(Sheet::new("eigenbench-contradictions", title, &header, &rows, None)));
        let text = "Means over people and over the models' judges: 1 where all prefer whom people prefer, -1 where all prefer the \
                    other.";
        page.parts.push(Part::Note(text.to_owned()));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eigenbench::comparisons::{Choice, Comparison};
    use crate::progress::Silent;
    use crate::ui::tabs::eigenbench::people::teleport;

    fn judged() -> Judged {
        let mut rows = Vec::new();
        for scenario in 0..12 {
            for (first, second) in [(0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0)] {
                let wins = |judge: u16| {
                    // Models like the low places, the person the high ones; every fourth scenario is the other way round.
                    (first < second) == ((judge < 3) == (scenario % 4 != 0))
                };
                for judge in [(scenario % 3) as u16, 3] {
                    let choice = if wins(judge) { Choice::First } else { Choice::Second };
                    rows.push(Comparison { scenario, criterion: 0, pass: 0, judge, first, second, choice });
                }
            }
        }
        Judged {
            models: ["a", "b", "c"].map(str::to_owned).into(),
            outside: vec!["Ada".to_owned()],
            criteria: vec!["kind".to_owned()],
            rows,
            ..Judged::default()
        }
    }

    #[test]
    fn people_and_models_are_compared_and_mixed() {
        let found = PeopleFindings::compute(Arc::new(judged()), 1, &Silent).unwrap().unwrap();
        assert_eq!((found.person(0), found.trust.len(), found.reports.len()), ("Ada", 4, 1));
        assert!(found.distances.people_and_models.unwrap() > 2.0 * found.distances.between_models.unwrap());
        let report = &found.reports[0];
        assert!((report.rows, report.agreeing) == (72, 0) && report.compared == 72);
        // Ada has it the other way round, so that the order turns on the way.
        assert_eq!(found.curve.len(), STEPS as usize + 1);
        let leads = |at: usize| found.curve[at].trust[0] > found.curve[at].trust[2];
        assert!(leads(0) && !leads(STEPS as usize));
        let page = page(&found);
        assert!(page.sentences[0].1.starts_with("People and models are"));
        let page = teleport::page(&found, 0.5);
        assert!(page.sentences[0].1.contains("50.0 %"), "{:?}", page.sentences);
    }
}
