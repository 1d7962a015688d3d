//! Replacements: those who left a panel that was drawn, and the lottery that fills their seats.

use std::sync::Arc;

use eframe::egui::{TextEdit, Ui};

use super::already::typed_ids;
use super::draft::Draft;
use super::draw::DrawState;
use super::lottery_view::LotteryView;
use crate::jobs::spec::RunSpec;
use crate::sortition::before::{Before, Follows, Named, settle};
use crate::sortition::draw::Drawn;
use crate::sortition::lottery_run::LotterySpec;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;
use crate::ui::theme;
use crate::ui::widgets::{card, disabled_button};

/// The card between frames.
#[derive(Default)]
pub struct Replacements {
    /// Ids of those who left, as typed.
    left: String,
    why: String,
    /// The lottery that fills their seats, being made.
    made: Requested<Result<LotterySpec, String>>,
    told: Option<String>,
}

impl Replacements {
    /// Starts the lottery once it is made.
    pub fn follow(&mut self, commands: &mut Vec<Command>) {
        if self.made.get().is_none() {
            return;
        }
        match std::mem::take(&mut self.made).into_latest() {
            Some(Ok(spec)) => {
                self.told = None;
                commands.push(Command::StartRun(Box::new(RunSpec::Lottery(spec))));
            }
            Some(Err(problem)) => self.told = Some(problem),
            None => {}
        }
    }
}

/// Draws the card.
pub fn show(ui: &mut Ui, context: &TabContext<'_>, view: &LotteryView, draft: &Draft, state: &mut DrawState) {
    let Some(outcome) = state.outcome() else { return };
    let (members, drawn) = (outcome.members.clone(), outcome.drawn.clone());
    let state = &mut state.replacements;
    card(ui, "Replacements", |ui| {
        let label = ui.label("Ids of members who left, between commas");
        ui.add(TextEdit::singleline(&mut state.left).id_salt("panel left").desired_width(360.0)).labelled_by(label.id);
        let label = ui.label("Why they left");
        ui.add(TextEdit::singleline(&mut state.why).id_salt("panel why left").desired_width(360.0))
            .labelled_by(label.id);
        let name = "Run the lottery for replacements";
        if state.made.waiting() {
            disabled_button(ui, name, "The seats that are left are being counted.");
        } else if state.left.trim().is_empty() {
            disabled_button(ui, name, "Type who left first.");
        } else if ui.button(name).clicked() {
            let (spec, wake, seed) = (view.spec.clone(), context.wake.clone(), draft.seed);
            let (left, why) = (state.left.clone(), state.why.clone());
            state.made.ask(move || wake(), move || replacement(&spec, &members, &drawn, &left, &why, seed));
        }
        if let Some(told) = &state.told {
            ui.label(theme::caption(told.as_str()).color(theme::palette(ui).bad));
        }
        let text = "The members who stay keep their seats; the quotas are reduced by them, and a new lottery is held over those \
                    who were not drawn. Then draw again with new dice. Its audit file names the panel that it completes.";
        ui.label(theme::caption(text).weak());
    });
}

/// The lottery over those who are left, for the seats that `left` (ids as typed) leave empty.
fn replacement(
    spec: &LotterySpec,
    members: &[u32],
    drawn: &Drawn,
    left: &str,
    why: &str,
    seed: u64,
) -> Result<LotterySpec, String> {
    let (whole, mut seated, mut gone) = match &spec.before {
        Some(before) => before.whole(&spec.pool).map_err(|error| format!("{error}."))?,
        None => (spec.pool.as_ref().clone(), Vec::new(), Vec::new()),
    };
    let quotas = spec.before.as_ref().map_or(&spec.quotas, |before: &Arc<Before>| &before.quotas);
    let id = |place: u32| whole.ids()[place as usize].as_str();
    let on_panel: Vec<Named> =
        members.iter().map(|&place| (place, "drawn".to_owned())).chain(seated.iter().cloned()).collect();
    let ids = typed_ids(left, |typed| on_panel.iter().any(|(place, _)| id(*place) == typed));
    for typed in &ids {
        if !on_panel.iter().any(|(place, _)| id(*place) == typed) {
            return Err(format!("{typed} is not on the panel that was drawn."));
        }
    }
    seated.clear();
    for (place, reason) in on_panel {
        if ids.iter().any(|typed| typed == id(place)) {
            gone.push((place, why.to_owned()));
        } else {
            seated.push((place, reason));
        }
    }
    let follows = Follows {
        list_sha256: drawn.list_hash.clone(),
        panel_sha256: drawn.panel_hash.clone(),
        members: members.iter().map(|&place| id(place).to_owned()).collect(),
    };
    let left = settle(&whole, quotas, &seated, &gone, spec.one_per_household, Some(follows));
    let left = left.map_err(|error| format!("{error}."))?;
    Ok(LotterySpec { pool: left.pool, quotas: left.quotas, before: Some(left.before), seed, ..spec.clone() })
}
