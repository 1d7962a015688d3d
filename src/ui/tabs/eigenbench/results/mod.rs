//! What can be said of judgements: settings, a computation on a background thread, and views of what it found.

mod criteria;
mod judges;
mod leaderboard;
mod lenses;
mod personas;
mod robustness;
mod settings;
#[cfg(test)]
mod tests;
mod trust;
mod view;
mod words;

use std::sync::Arc;

use eframe::egui::Ui;

use super::rows::RowFilter;
use crate::eigenbench::findings::{Judged, Settings};
use crate::progress::Cancelled;
use crate::store::RunId;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::page::{Click, Page, draw};
use crate::ui::tabs::shared::task::Task;
use crate::ui::theme;
use crate::ui::widgets::empty_state;

use view::ResultsView;

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Leaderboard,
    Lenses,
    Trust,
    Judges,
    Criteria,
    Personas,
    Robustness,
}

impl Part {
    const ALL: [(Self, &str, &str); 7] = [
        (Self::Leaderboard, "Leaderboard", "Whom all trust, weighed by trust, with intervals and ranges of ranks."),
        (Self::Lenses, "Lens map", "What judges look for and what models are like, on common axes."),
        (Self::Trust, "Trust and wins", "Which judge trusts whom, and who wins against whom."),
        (Self::Judges, "Judges", "Order bias, circles, ties, preference for oneself and for length, agreement."),
        (Self::Criteria, "Criteria", "The leaderboard by each criterion."),
        (Self::Personas, "Personas", "Whether language models or personas move scores."),
        (Self::Robustness, "How sure", "What hangs on choices and on single judges, and whether the model fits."),
    ];

    fn page(self, view: &ResultsView) -> Page {
        match self {
            Self::Leaderboard => leaderboard::page(view),
            Self::Lenses => lenses::page(view),
            Self::Trust => trust::page(view),
            Self::Judges => judges::page(view),
            Self::Criteria => criteria::page(view),
            Self::Personas => personas::page(view),
            Self::Robustness => robustness::page(view),
        }
    }
}

/// Judgements and settings that something was computed from.
struct Question {
    run: RunId,
    judged: Arc<Judged>,
    settings: Settings,
}

impl Question {
    fn is(&self, judged: &Arc<Judged>, settings: &Settings) -> bool {
        Arc::ptr_eq(&self.judged, judged) && self.settings == *settings
    }
}

/// A view on its way.
type Computation = Task<Result<Arc<ResultsView>, Cancelled>>;

/// The results part of the tab, with its settings and what it computes.
#[derive(Default)]
pub struct Results {
    settings: Settings,
    /// The run that settings name models, judges and criteria of.
    run: Option<RunId>,
    part: Part,
    working: Option<(Question, Computation)>,
    /// The newest view and what it answers.
    view: Option<(Question, Arc<ResultsView>)>,
    /// A computation that the user ended, until something changes.
    stopped: Option<Question>,
    serial: u64,
    /// The page that is shown, with the number of its view.
    made: Option<(u64, Part, Page)>,
}

impl Results {
    /// Draws everything that is known of `judged` in `run`, and computes what is not on a background thread. A new `Arc` is a new set of
    /// judgements: the view before stays until its own is there. While judging is `live`, only what moves is computed.
    /// Returns which judgements were asked for by a click.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        run: RunId,
        judged: &Arc<Judged>,
        live: bool,
        commands: &mut Vec<Command>,
    ) -> Option<RowFilter> {
        if judged.rows.is_empty() {
            let what = "The leaderboard appears with the first judgements, and moves as more come.";
            empty_state(ui, "No judgements yet", what, None);
            return None;
        }
        if self.run.replace(run).is_some_and(|before| before != run) {
            self.settings = settings::of_another_run(&self.settings);
        }
        settings::show(ui, judged, &mut self.settings);
        // What can be had at once comes first: the rest may take a minute where there are many models.
        let quickly = |settings: &Settings| Settings { quick: true, ..settings.clone() };
        let seen = self.view.as_ref().is_some_and(|(question, _)| {
            question.run == run
                && question.is(judged, &Settings { quick: question.settings.quick, ..self.settings.clone() })
        });
        let wanted = if live || !seen { quickly(&self.settings) } else { self.settings.clone() };
        self.follow(context, run, judged, &wanted);
        if !live && !seen && self.working.is_none() {
            ui.ctx().request_repaint();
        }
        if let Some((question, task)) = &self.working
            && !question.settings.quick
            && task.show(ui, "Stop computing")
            && let Some((question, _)) = self.working.take()
        {
            self.stopped = Some(question);
        }
        if self.stopped.is_some() {
            ui.horizontal_wrapped(|ui| {
                ui.label(theme::caption("Computing was stopped: change a setting, or compute again.").weak());
                if ui.button("Compute again").clicked() {
                    self.stopped = None;
                }
            });
        }
        let (_, view) = self.view.as_ref()?;
        let view = view.clone();
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            for (part, name, about) in Part::ALL {
                ui.selectable_value(&mut self.part, part, name).on_hover_text(about);
            }
        });
        let quick = match (view.settings.quick, live) {
            (true, true) => ". Judging goes on: intervals come when it rests.",
            (true, false) => ". Intervals and the rest are on their way.",
            (false, _) => ".",
        };
        ui.label(theme::caption(format!("{}{quick}", words::basis(&view))).weak());
        let known = |(serial, part, _): &(u64, Part, Page)| *serial == view.serial && *part == self.part;
        if !self.made.as_ref().is_some_and(known) {
            self.made = Some((view.serial, self.part, self.part.page(&view)));
        }
        let (_, part, page) = self.made.as_ref()?;
        let click = draw(ui, &format!("eigenbench {part:?}"), page, commands)?;
        asked_for(&view, *part, &click)
    }

    /// Takes over what was computed, and computes what is asked now. New settings end a computation under way; new judgements
    /// wait for it, since while judges work there are new ones all the time.
    fn follow(&mut self, context: &TabContext<'_>, run: RunId, judged: &Arc<Judged>, settings: &Settings) {
        if let Some((_, task)) = &mut self.working
            && let Some(result) = task.result()
        {
            let result = result.clone();
            if let Some((question, _)) = self.working.take()
                && let Ok(view) = result
            {
                self.view = Some((question, view));
            }
        }
        // What belongs to another run is not shown while this one's is computed, though it may have the same models.
        let strange = |question: &Question| question.run != run || question.judged.models != judged.models;
        if self.view.as_ref().is_some_and(|(question, _)| strange(question)) {
            self.view = None;
            self.made = None;
        }
        if self.stopped.as_ref().is_some_and(|stopped| !stopped.is(judged, settings)) {
            self.stopped = None;
        }
        let known = self.view.as_ref().is_some_and(|(question, _)| question.is(judged, settings));
        let under_way =
            self.working.as_ref().is_some_and(|(question, _)| question.settings == *settings && !strange(question));
        if known || under_way || self.stopped.is_some() {
            return;
        }
        self.serial += 1;
        let (serial, asked, of) = (self.serial, settings.clone(), judged.clone());
        let task =
            Task::begin(context, move |progress| ResultsView::compute(of, asked, serial, progress).map(Arc::new));
        self.working = Some((Question { run, judged: judged.clone(), settings: settings.clone() }, task));
    }
}

/// Which judgements stand behind what was clicked.
fn asked_for(view: &ResultsView, part: Part, click: &Click) -> Option<RowFilter> {
    let model = |place: usize| view.order.get(place).map(|&model| model as u16);
    let judge = |place: usize| view.judge_order().get(place).map(|&judge| judge as u16);
    let none = RowFilter::default();
    match click {
        Click::Cell { title, row, column } => match title.as_str() {
            trust::TRUST | trust::POINTS | judges::COVERAGE => {
                Some(RowFilter { judge: judge(*row), model: model(*column), ..none })
            }
            trust::WINS => Some(RowFilter { model: model(*row), against: model(*column), ..none }),
            criteria::ELO => {
                let criterion = *criteria::with_boards(view).get(*row)?;
                let criterion = Some(view.by_criterion[criterion].criterion);
                Some(RowFilter { criterion, model: model(*column), ..none })
            }
            _ => None,
        },
        Click::Row { name, row } => match (part, name.as_str()) {
            (Part::Leaderboard, leaderboard::TABLE) => Some(RowFilter { model: model(*row), ..none }),
            (Part::Trust, trust::BY_JUDGE) => {
                let [judge, model, against] = trust::by_judge(view).get(*row)?.map(|place| Some(place as u16));
                Some(RowFilter { judge, model, against, ..none })
            }
            (Part::Judges, judges::TABLE) => Some(RowFilter { judge: judge(*row), ..none }),
            (Part::Robustness, robustness::RESIDUALS) => {
                let own = view.robustness.as_ref()?.residuals[*robustness::residual_order(view).get(*row)?];
                Some(RowFilter { judge: Some(own.judge), model: Some(own.first), against: Some(own.second), ..none })
            }
            _ => None,
        },
    }
}
