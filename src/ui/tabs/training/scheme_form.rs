//! The scheme's card: whose preferences count, by which lottery, and whether weights are changed.

use eframe::egui::{self, ScrollArea, TextEdit, Ui};

use super::draft::{Draft, LotterySource, SchemeKind, TransformKind};
use super::form::{path_field, wrong};
use super::settings_form::number_text;
use super::sources::Sources;
use super::{typed, words};
use crate::dempo::schedule::Mode;
use crate::figures::number;
use crate::jobs::spec::RunSpec;
use crate::store::{RunRow, RunState};
use crate::ui::command::{Command, TabKind, TrainingPath};
use crate::ui::context::TabContext;
use crate::ui::widgets::what_is;
use crate::ui::{help, theme};

/// Draws the card.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut Draft,
    sources: &mut Sources,
    commands: &mut Vec<Command>,
) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for kind in SchemeKind::ALL {
            ui.selectable_value(&mut draft.scheme, kind, words::scheme_name(kind))
                .on_hover_text(words::scheme_sentence(kind));
        }
        what_is(ui, help::RATER_SCHEME.name, help::RATER_SCHEME.text);
    });
    ui.label(theme::caption(words::scheme_sentence(draft.scheme)).weak());
    if draft.scheme == SchemeKind::Subset || draft.alike.contains(&SchemeKind::Subset) {
        subset(ui, draft);
    }
    let alike = draft.alike.iter().any(|kind| kind.needs_lottery());
    if draft.scheme.needs_lottery() || alike {
        lottery(ui, context, draft, sources, commands);
    }
    let label = ui.label("Raters' weights");
    egui::ComboBox::from_id_salt("training transform")
        .width(ui.available_width())
        .selected_text(words::transform_name(draft.transform))
        .show_ui(ui, |ui| {
            for kind in [TransformKind::None, TransformKind::SquareRoot, TransformKind::Square, TransformKind::Clip] {
                ui.selectable_value(&mut draft.transform, kind, words::transform_name(kind));
            }
        })
        .response
        .labelled_by(label.id);
    if draft.transform == TransformKind::Clip {
        number_text(ui, "From percentile", &mut draft.clip_low, typed::share, "Smaller weights are raised to it.");
        number_text(ui, "To percentile", &mut draft.clip_high, typed::share, "Larger weights are lowered to it.");
        if let Err(problem) = draft.transform()
            && typed::share(&draft.clip_low).is_ok()
            && typed::share(&draft.clip_high).is_ok()
        {
            wrong(ui, &problem);
        }
    }
    if draft.transform != TransformKind::None {
        let warning = theme::palette(ui).warning;
        ui.label(theme::caption("No longer the closed form: not the mean over panels any more.").color(warning));
    }
    ui.label("Weights act");
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for mode in [Mode::ImportanceSampling, Mode::Weighted] {
            let (name, why) = words::mode_name(mode);
            ui.selectable_value(&mut draft.mode, mode, name).on_hover_text(why);
        }
    });
}

fn subset(ui: &mut Ui, draft: &mut Draft) {
    let label = ui.label("Name of the subset");
    ui.add(
        TextEdit::singleline(&mut draft.subset_name)
            .id_salt("training subset name")
            .desired_width(ui.available_width()),
    )
    .labelled_by(label.id);
    let count = typed::ids(&draft.subset).len();
    let label = ui.label("Ids of its raters");
    ScrollArea::vertical().id_salt("training subset scroll").max_height(96.0).show(ui, |ui| {
        ui.add(
            TextEdit::multiline(&mut draft.subset)
                .id_salt("training subset")
                .hint_text("between blanks, commas or line ends")
                .desired_rows(3)
                .desired_width(ui.available_width()),
        )
        .labelled_by(label.id);
    });
    ui.label(theme::caption(number::counted(count as u64, "rater", "raters")).weak());
}

fn lottery_name(run: &RunRow) -> String {
    match &run.spec {
        RunSpec::Lottery(spec) => {
            format!("Run {}: {}, {} of {}", run.id.0, spec.algorithm, spec.quotas.size, spec.pool.len())
        }
        _ => String::new(),
    }
}

fn lottery(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut Draft,
    sources: &mut Sources,
    commands: &mut Vec<Command>,
) {
    let lotteries: Vec<&RunRow> = context
        .runs
        .iter()
        .filter(|run| matches!(run.spec, RunSpec::Lottery(_)) && run.state == RunState::Done)
        .collect();
    let chosen = match &draft.lottery {
        LotterySource::None => "choose a lottery".to_owned(),
        LotterySource::Kept => "that of the run".to_owned(),
        LotterySource::File(_) => "an audit file".to_owned(),
        LotterySource::Run(id) => {
            lotteries.iter().find(|run| run.id.0 == *id).map_or_else(|| format!("Run {id}"), |run| lottery_name(run))
        }
    };
    let label = ui.label("Lottery");
    egui::ComboBox::from_id_salt("training lottery")
        .width(ui.available_width())
        .truncate()
        .selected_text(chosen)
        .show_ui(ui, |ui| {
            for run in &lotteries {
                ui.selectable_value(&mut draft.lottery, LotterySource::Run(run.id.0), lottery_name(run));
            }
            if draft.kept.is_some() {
                ui.selectable_value(&mut draft.lottery, LotterySource::Kept, "that of the run");
            }
            let file = matches!(draft.lottery, LotterySource::File(_));
            if ui.selectable_label(file, "an audit file").clicked() && !file {
                draft.lottery = LotterySource::File(String::new());
            }
        })
        .response
        .labelled_by(label.id);
    if let LotterySource::File(path) = &mut draft.lottery {
        path_field(ui, "Audit file", path, "audit.json", TrainingPath::Lottery, commands);
    }
    if lotteries.is_empty() && draft.lottery == LotterySource::None {
        ui.label(theme::caption("This project has no lottery yet.").weak());
        if ui.button("Hold one in the Panel tab").clicked() {
            commands.push(Command::ShowTab(TabKind::Panel));
        }
        return;
    }
    let empty = matches!(&draft.lottery, LotterySource::File(path) if path.trim().is_empty());
    match sources.chances() {
        Some(Err(problem)) if !empty => wrong(ui, problem),
        Some(Ok(chances)) => {
            let people = number::counted(chances.inclusion.len() as u64, "person", "people");
            let drawn = match &chances.panel {
                Some(panel) => format!("a panel of {} was drawn", number::count(panel.len() as u64)),
                None => "no panel was drawn yet".to_owned(),
            };
            ui.label(theme::caption(format!("{people}; {drawn}.")).weak());
        }
        _ => {}
    }
    if let Err(problem) = draft.rater_scheme(draft.scheme, sources.chances())
        && draft.scheme == SchemeKind::Hard
        && sources.chances().is_some_and(Result::is_ok)
    {
        wrong(ui, &problem);
    }
}
