//! Which view the centre shows, and which lottery: where its run stands, what it gave, what was drawn.

use eframe::egui::{ComboBox, ScrollArea, Ui};

use super::ceremony::{self, Step};
use super::draft::Draft;
use super::draw::{self, DrawState};
use super::grid::Seats;
use super::lottery::{self, Chosen};
use super::lottery_view::LotteryView;
use crate::jobs::spec::RunSpec;
use crate::sortition::quotas::Quotas;
use crate::store::{RunId, RunRow};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::loaded::Loaded;
use crate::ui::tabs::shared::run_state;
use crate::ui::theme;
use crate::ui::widgets::empty_state;

/// What the centre shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    #[default]
    Quotas,
    Lottery,
    Draw,
    /// An audit file that somebody handed over.
    Audit,
}

/// What the centre keeps between frames.
#[derive(Default)]
pub struct Outcome {
    pub view: View,
    /// A run chosen by hand; otherwise the newest is shown.
    picked: Option<RunId>,
    loaded: Loaded<Option<LotteryView>>,
    chosen: Chosen,
    draw: DrawState,
    ceremony: Option<Step>,
}

impl Outcome {
    /// Shows the results of `run` from now on.
    pub fn pick(&mut self, run: RunId) {
        self.picked = Some(run);
        self.view = View::Lottery;
    }

    /// Follows the newest run again.
    pub fn follow_newest(&mut self) {
        self.picked = None;
        self.view = View::Lottery;
    }

    /// The run to show, kept up with.
    pub fn follow<'a>(&mut self, context: &TabContext<'a>, draft: &Draft) -> Option<&'a RunRow> {
        let lotteries = || context.runs.iter().filter(|run| matches!(run.spec, RunSpec::Lottery(_)));
        let picked = self.picked.and_then(|id| lotteries().find(|run| run.id == id));
        let run = picked.or_else(|| lotteries().next())?;
        let id = run.id;
        self.loaded.follow(context, id, |_| move |project| LotteryView::load(project, id));
        if let Some(Ok(Some(view))) = self.loaded.get() {
            self.draw.follow(context, id, view, draft);
        }
        Some(run)
    }

    /// Seats that values may expect, and those of the panel that was drawn, for the grid.
    pub fn seats(&mut self) -> (Option<&Seats>, Option<&Seats>) {
        let expected = match self.loaded.get() {
            Some(Ok(Some(view))) => Some(&view.expected),
            _ => None,
        };
        (expected, self.draw.outcome().map(|outcome| &outcome.seats))
    }

    /// The switch between the views; `note` says what goes on, where nothing moves for it.
    pub fn switch(&mut self, ui: &mut Ui, why_hidden: &mut bool, note: Option<&str>) {
        ui.horizontal(|ui| {
            for (view, name, why) in [
                (View::Quotas, "Quotas", "Who should sit on the panel."),
                (View::Lottery, "Lottery", "Everybody's chance."),
                (View::Draw, "Draw", "From dice to a panel."),
                (View::Audit, "Audit", "Check a lottery that somebody handed over."),
            ] {
                ui.selectable_value(&mut self.view, view, name).on_hover_text(why);
            }
            let text = if *why_hidden { "Show explanation" } else { "Hide explanation" };
            if ui.small_button(text).clicked() {
                *why_hidden = !*why_hidden;
            }
            if let Some(note) = note {
                ui.label(theme::caption(note).weak());
                ui.ctx().request_repaint_after_secs(0.25);
            }
        });
    }

    /// The ceremony over the whole window, while it goes on; true then.
    pub fn ceremony(
        &mut self,
        ui: &mut Ui,
        run: Option<&RunRow>,
        draft: &mut Draft,
        commands: &mut Vec<Command>,
    ) -> bool {
        let Some(step) = &mut self.ceremony else { return false };
        let shown = match (run, self.loaded.get()) {
            (Some(run), Some(Ok(Some(view)))) => ceremony::show(ui, run.id, view, draft, &mut self.draw, step),
            _ => false,
        };
        if !shown {
            self.ceremony = None;
            commands.push(Command::FullScreen(false));
        }
        shown
    }

    /// The combo box that chooses among the lotteries.
    fn pick_run(&mut self, ui: &mut Ui, context: &TabContext<'_>, run: &RunRow) {
        let name = |run: &RunRow| match &run.spec {
            RunSpec::Lottery(spec) => format!("Run {}: {} of {}", run.id.0, spec.algorithm, spec.quotas.size),
            _ => String::new(),
        };
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Lottery");
            ComboBox::from_id_salt("panel shown run")
                .width(220.0)
                .truncate()
                .selected_text(name(run))
                .show_ui(ui, |ui| {
                    for other in context.runs.iter().filter(|other| matches!(other.spec, RunSpec::Lottery(_))) {
                        if ui.selectable_label(other.id == run.id, name(other)).clicked() {
                            self.picked = Some(other.id);
                        }
                    }
                })
                .response
                .labelled_by(label.id);
            let state = format!("{}, {}", run_state::state_name(run.state), run_state::run_time(run));
            ui.label(theme::caption(state).weak());
        });
    }

    /// Draws the lottery or the draw.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        run: Option<&RunRow>,
        draft: &mut Draft,
        form: Option<&Quotas>,
        commands: &mut Vec<Command>,
    ) {
        let Some(run) = run else {
            let text = "Set the quotas, then press “Run the lottery”. It gives everybody's chance, and the panels that a draw \
                        chooses from.";
            if empty_state(ui, "No lottery yet", text, Some("Go to the quotas")) {
                self.view = View::Quotas;
            }
            return;
        };
        let RunSpec::Lottery(spec) = &run.spec else { return };
        ScrollArea::vertical()
            .id_salt(("panel outcome", run.id, self.view == View::Draw))
            .auto_shrink([false, false])
            .show(ui, |ui| {
                self.pick_run(ui, context, run);
                let whole = spec.before.as_ref().map_or(&spec.quotas, |before| &before.quotas);
                let changed = form.is_none_or(|form| !same_bounds(form, whole))
                    || draft.already != super::already(spec)
                    || (draft.algorithm, draft.seed, draft.one_per_household)
                        != (spec.algorithm, spec.seed, spec.one_per_household);
                if changed {
                    ui.horizontal_wrapped(|ui| {
                        let words = "The form has changed since this lottery.";
                        ui.label(theme::caption(words).color(theme::palette(ui).warning));
                        if ui.small_button("Fill the form from this run").clicked() {
                            commands.push(Command::DuplicateAsForm(run.id));
                        }
                    });
                }
                run_state::state(ui, context, run, commands);
                match self.loaded.get() {
                    Some(Ok(Some(view))) if self.view == View::Draw => {
                        let asked = draw::show(ui, context, run.id, view, draft, &mut self.draw, commands);
                        if asked {
                            self.ceremony = Some(Step::Lottery);
                            commands.push(Command::FullScreen(true));
                        }
                    }
                    Some(Ok(Some(view))) => {
                        let of = (run.id, draft.tolerance.as_str());
                        lottery::show(ui, context, of, view, &mut self.chosen, commands);
                    }
                    Some(Ok(None)) => {
                        ui.label("Chances appear here once the lottery is computed.");
                    }
                    Some(Err(problem)) => run_state::unreadable(ui, problem),
                    None => {}
                }
                run_state::provenance(ui, run, commands);
            });
    }
}

/// Whether quotas ask for the same; flexible limits are for suggestions only.
fn same_bounds(one: &Quotas, other: &Quotas) -> bool {
    let bare = |quotas: &Quotas| {
        let mut quotas = quotas.clone();
        for quota in quotas.attributes.iter_mut().flat_map(|attribute| &mut attribute.values) {
            (quota.target, quota.min_flex, quota.max_flex) = (None, 0, 0);
        }
        quotas
    };
    bare(one) == bare(other)
}
