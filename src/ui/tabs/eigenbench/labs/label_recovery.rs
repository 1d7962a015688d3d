//! The label-recovery lab: answers to questions with a key stand for responses, and a judge prefers whoever gave its own answer.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::{DragValue, ScrollArea, TextEdit, Ui};

use crate::eigenbench::label_recovery::{
    LabelAnswers, LabelRecovery, LabelRecoveryError, order_agreement, recover, simulated,
};
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::formats::label_answers;
use crate::ui::command::{Command, EigenBenchPath};
use crate::ui::context::TabContext;
use crate::ui::format;
use crate::ui::help::eigenbench_labs as help;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, draw, linear};
use crate::ui::tabs::shared::task::Task;
use crate::ui::theme;
use crate::ui::widgets::{VerdictKind, card, empty_state};

/// Where answers come from.
#[derive(Clone, Debug, PartialEq)]
enum Source {
    File(PathBuf),
    Simulated,
}

/// What is asked of the lab.
#[derive(Clone, Debug, PartialEq)]
struct Question {
    source: Source,
    reference: Option<PathBuf>,
    key: String,
    dimension: usize,
    seed: u64,
}

/// What was found, with scores to hold it against.
struct Found {
    recovery: LabelRecovery,
    reference: Option<Vec<Option<f64>>>,
    simulated: bool,
    questions: usize,
}

type Answered = Result<Arc<Found>, String>;

/// Settings, and what was computed of them.
pub struct LabelRecoveryLab {
    source: Option<Source>,
    reference: Option<PathBuf>,
    key: String,
    dimension: usize,
    seed: u64,
    task: Option<(Question, Task<Answered>)>,
    made: Option<(Question, Result<Page, String>)>,
}

impl Default for LabelRecoveryLab {
    fn default() -> Self {
        Self { source: None, reference: None, key: String::new(), dimension: 1, seed: 0, task: None, made: None }
    }
}

fn answer(question: &Question, progress: &dyn crate::progress::Progress) -> Answered {
    progress.stage("reading the answers");
    let key = Some(question.key.trim()).filter(|key| !key.is_empty());
    let answers: LabelAnswers = match &question.source {
        Source::File(path) => label_answers::read(path, key).map_err(|problem| problem.to_string())?,
        Source::Simulated => simulated(12, 300, question.seed),
    };
    let reference = match &question.reference {
        None => None,
        Some(path) => Some(label_answers::read_scores(path, &answers.models).map_err(|problem| problem.to_string())?),
    };
    progress.stage("fitting");
    let recovery = recover(&answers, question.dimension, question.seed, progress).map_err(|error| match error {
        LabelRecoveryError::Cancelled(_) => "it was stopped".to_owned(),
        LabelRecoveryError::Unfit(problem) => problem,
    })?;
    let simulated = question.source == Source::Simulated;
    Ok(Arc::new(Found { recovery, reference, simulated, questions: answers.answers.len() }))
}

impl LabelRecoveryLab {
    /// Draws the lab.
    pub fn show(&mut self, ui: &mut Ui, context: &TabContext<'_>, commands: &mut Vec<Command>) {
        ScrollArea::vertical().id_salt("label recovery lab").auto_shrink([false, false]).show(ui, |ui| {
            ui.label(theme::section("Does judging one another find who is right?"));
            self.settings(ui, commands);
            let Some(source) = self.source.clone() else {
                let text = "Give a table of answers to questions that have a right one: a column question, one column a model, \
                            and where wanted key. Each model then judges the others by its own answers, as in the paper's \
                            GPQA table.";
                if empty_state(ui, "No answers yet", text, Some("Simulate answers")) {
                    self.source = Some(Source::Simulated);
                }
                return;
            };
            let question = Question {
                source,
                reference: self.reference.clone(),
                key: self.key.clone(),
                dimension: self.dimension,
                seed: self.seed,
            };
            self.follow(context, question);
            if let Some((_, task)) = &self.task
                && task.show(ui, "Stop fitting")
                && let Some((question, _)) = self.task.take()
            {
                self.made = Some((question, Err("it was stopped; change a setting to begin again".to_owned())));
            }
            match &self.made {
                Some((_, Ok(page))) => {
                    draw(ui, "label recovery", page, commands);
                }
                Some((_, Err(problem))) => {
                    ui.label(theme::strong(format::sentence(problem)).color(theme::palette(ui).bad));
                }
                None => {}
            }
        });
    }

    fn settings(&mut self, ui: &mut Ui, commands: &mut Vec<Command>) {
        card(ui, "", |ui| {
            ui.horizontal_wrapped(|ui| {
                if ui.button("Choose answers…").clicked() {
                    commands.push(Command::ChooseForEigenBench(EigenBenchPath::LabelAnswers));
                }
                match &self.source {
                    Some(Source::File(path)) => ui.label(theme::caption(path.display().to_string())),
                    Some(Source::Simulated) => ui.label(theme::caption("simulated answers of known abilities")),
                    None => ui.label(theme::caption("none yet").weak()),
                };
                if ui
                    .button("Choose a reference…")
                    .on_hover_text("A table with model and a column of scores.")
                    .clicked()
                {
                    commands.push(Command::ChooseForEigenBench(EigenBenchPath::LabelScores));
                }
                if let Some(path) = &self.reference {
                    ui.label(theme::caption(path.display().to_string()));
                    if ui.button("Without it").clicked() {
                        self.reference = None;
                    }
                }
            });
            ui.horizontal_wrapped(|ui| {
                let label = ui.label("Right label, where it is always the same");
                ui.add(TextEdit::singleline(&mut self.key).id_salt("label key").desired_width(48.0))
                    .labelled_by(label.id);
                let label = ui.label("Dimension of lenses");
                ui.add(DragValue::new(&mut self.dimension).range(1..=30).speed(0.05)).labelled_by(label.id);
                let label = ui.label("Seed of the lab");
                ui.add(DragValue::new(&mut self.seed).speed(0.1)).labelled_by(label.id);
            });
        });
    }

    fn follow(&mut self, context: &TabContext<'_>, question: Question) {
        if let Some((_, task)) = &mut self.task
            && let Some(found) = task.result()
        {
            let page = found.as_ref().map(|found| page(found)).map_err(Clone::clone);
            if let Some((question, _)) = self.task.take() {
                self.made = Some((question, page));
            }
        }
        let known = self.made.as_ref().is_some_and(|(of, _)| *of == question);
        let under_way = self.task.as_ref().is_some_and(|(of, _)| *of == question);
        if !known && !under_way {
            let asked = question.clone();
            self.task = Some((question, Task::begin(context, move |progress| answer(&asked, progress))));
        }
    }

    /// Takes a file of answers.
    pub fn take_answers(&mut self, path: PathBuf) {
        self.source = Some(Source::File(path));
    }

    /// Takes a file of scores.
    pub fn take_scores(&mut self, path: PathBuf) {
        self.reference = Some(path);
    }
}

fn page(found: &Found) -> Page {
    let Found { recovery, reference, simulated, questions } = found;
    let mut page = Page::default();
    if *simulated {
        let text = "These answers are simulated: model by model the chance of a right one falls from 90 % to 35 %.";
        page.sentences.push((VerdictKind::Caution, text.to_owned()));
    }
    let of_all = recovery.accuracy.as_ref().map(|own| own.iter().map(|own| Some(own[0])).collect::<Vec<_>>());
    let of_answered = recovery.accuracy.as_ref().map(|own| own.iter().map(|own| Some(own[1])).collect::<Vec<_>>());
    let against = |scores: &[f64], of: &[Option<f64>]| {
        let both = scores.iter().zip(of).filter_map(|(score, of)| Some((*score, (*of)?)));
        let (scores, of): (Vec<f64>, Vec<f64>) = both.unzip();
        order_agreement(&scores, &of)
    };
    let ways = [
        ("EigenTrust", &recovery.trust),
        ("Agreement with others, no judge", &recovery.agreement),
        ("Agreement with most, blanks wrong", &recovery.majority),
        ("Agreement with most, of answered", &recovery.majority_of_answered),
        ("Share won, no lenses or trust", &recovery.win_share),
    ];
    let truths = [
        ("the reference", reference.as_ref()),
        ("right among all questions", of_all.as_ref()),
        ("right among those answered", of_answered.as_ref()),
    ];
    if let Some((name, truth)) = truths.iter().find_map(|(name, truth)| Some((name, (*truth)?))) {
        let [own, agreement, .., won] = ways.map(|(_, scores)| against(scores, truth));
        let beats = own.distance < agreement.distance.min(won.distance);
        let text = format!(
            "Against {name} EigenTrust turns {} of {} pairs round; plain agreement with others, without any judge, {}, \
             the share won without lenses or trust {}.",
            number::fixed(own.distance, 0),
            own.pairs,
            number::fixed(agreement.distance, 0),
            number::fixed(won.distance, 0)
        );
        page.sentences.push((if beats { VerdictKind::Shown } else { VerdictKind::Nothing }, text));
    } else {
        let text = "There is neither a key nor a reference: nothing says who is right.";
        page.sentences.push((VerdictKind::Nothing, text.to_owned()));
    }
    let mut order: Vec<usize> = (0..recovery.models.len()).collect();
    order.sort_by(|&a, &b| recovery.trust[b].total_cmp(&recovery.trust[a]));
    if let Some(truth) = truths.iter().find_map(|(_, truth)| *truth) {
        let points = |scores: &[f64]| {
            scores.iter().zip(truth).filter_map(|(score, truth)| Some([(*truth)?, *score])).collect::<Vec<[f64; 2]>>()
        };
        let figure = |title: &str, y: &str, scores: &[f64]| Shown {
            figure: Figure {
                title: title.to_owned(),
                caption: format!(
                    "Each point is a model; {}.",
                    number::counted(*questions as u64, "question", "questions")
                ),
                x: linear("share right, or score of the reference"),
                y: linear(y),
                layers: vec![Layer::Points { name: "models".to_owned(), colour: 0, points: points(scores) }],
            },
            height: 240.0,
            help: help::LABEL_RECOVERY,
        };
        page.parts.push(Part::Figures(vec![
            figure("Trust against the truth", "trust", &recovery.trust),
            figure("Agreement against the truth", "agreement with others", &recovery.agreement),
        ]));
    }
    let header = ["Way", "Against", "Pairs turned round", "Of", "Kendall's tau", "Chance of so few"];
    let mut rows = Vec::new();
    for (truth_name, truth) in &truths {
        let Some(truth) = truth else { continue };
        for (name, scores) in ways {
            let found = against(scores, truth);
            rows.push(vec![
                Cell::text(name),
                Cell::text(*truth_name),
                Cell::Number(Some(found.distance), |value| number::fixed(value, 1)),
                Cell::count(found.pairs as u64),
                Cell::Number(Some(found.tau), |value| number::fixed(value, 3)),
                Cell::Number(Some(found.p_value), number::probability),
            ]);
        }
    }
    if !rows.is_empty() {
        let title = "How far each order is from the truth";
        page.parts.push(Part::Table(Sheet::new("label-recovery-orders", title, &header, &rows, Some(help::KENDALL))));
    }
    let header = [
        "Model",
        "Elo",
        "Trust",
        "Agreement with others",
        "Agreement with most",
        "Right of all",
        "Right of answered",
        "Reference",
    ];
    let row = |&model: &usize| {
        let accuracy = recovery.accuracy.as_ref().map(|own| own[model]);
        vec![
            Cell::text(&recovery.models[model]),
            Cell::Number(Some(recovery.elo[model]), |value| number::fixed(value, 1)),
            Cell::Number(Some(recovery.trust[model]), |value| number::fixed(value, 4)),
            Cell::Number(Some(recovery.agreement[model]), number::percent),
            Cell::Number(Some(recovery.majority[model]), number::percent),
            Cell::Number(accuracy.map(|own| own[0]), number::percent),
            Cell::Number(accuracy.map(|own| own[1]), number::percent),
            Cell::Number(reference.as_ref().and_then(|scores| scores[model]), |value| number::fixed(value, 3)),
        ]
    };
    let rows: Vec<Vec<Cell>> = order.iter().map(row).collect();
    page.parts.push(Part::Table(Sheet::new("label-recovery", "Models", &header, &rows, Some(help::LABEL_RECOVERY))));
    let text = format!(
        "{} judgements, {} of them ties (equal answers are a tie for every judge); mean loss {} at dimension {}.",
        number::count(recovery.rows),
        number::count(recovery.ties),
        number::fixed(recovery.mean_nll, 4),
        recovery.dimension
    );
    page.parts.push(Part::Note(text));
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn simulated_answers_are_called_simulated_and_held_against_their_key() {
        let question =
            Question { source: Source::Simulated, reference: None, key: String::new(), dimension: 1, seed: 0 };
        let found = answer(&question, &Silent).unwrap();
        let page = page(&found);
        assert!(
            page.sentences[0].1.contains("simulated") && page.sentences[1].1.starts_with("Against right among all")
        );
        let Some(Part::Table(orders)) = page.parts.get(1) else { panic!() };
        assert_eq!(orders.shown.rows.len(), 10);
        let missing = Question { source: Source::File("/nowhere/answers.csv".into()), ..question };
        assert!(answer(&missing, &Silent).err().unwrap().contains("/nowhere/answers.csv"));
    }
}
