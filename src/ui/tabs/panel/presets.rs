//! Quotas to begin with, and quotas from files: what is taken over, and what did not match.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::Ui;

use super::PanelTab;
use super::draft::{AttributeDraft, Draft, Source, ValueDraft, percent, tolerance};
use super::people::Gathered;
use super::reading::{Counts, Reading};
use crate::figures::number;
use crate::formats::foundation;
use crate::sortition::pool::Pool;
use crate::sortition::presets::Preset;
use crate::sortition::quota_table::{Difference, Header, match_to};
use crate::sortition::quotas::Quotas;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;
use crate::ui::theme;
use crate::ui::widgets::{card, disabled_button};

/// Lines of a report that are shown.
const LINES: usize = 12;

/// What was taken over, and what did not match.
pub struct Notes {
    title: String,
    lines: Vec<String>,
}

/// Quotas that were read from a file: matched to the people where there are any.
type Read = Result<(Quotas, Vec<String>), String>;

/// Quotas on their way from a file.
#[derive(Default)]
pub struct QuotaFile {
    waiting: Option<PathBuf>,
    name: String,
    read: Requested<Read>,
    pub notes: Option<Notes>,
}

impl QuotaFile {
    /// Reads this file next.
    pub fn ask(&mut self, path: PathBuf) {
        self.waiting = Some(path);
    }

    /// Reads what was asked for, and takes it over once it is there.
    pub fn follow(&mut self, context: &TabContext<'_>, draft: &mut Draft, found: Option<&Gathered>) {
        if let Some(path) = self.waiting.take() {
            self.name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let (size, wake) = (draft.size, context.wake.clone());
            let tolerance = tolerance(&draft.tolerance).unwrap_or(0.1);
            let stored = found.map(|found| found.stored.clone());
            self.read.clear();
            self.read.ask(
                move || wake(),
                move || {
                    let read = foundation::read_quotas(&path, size, tolerance).map_err(|error| error.to_string())?;
                    let mut lines: Vec<String> = read.warnings.iter().map(|warning| format!("{warning}.")).collect();
                    let quotas = match stored {
                        Some(stored) => {
                            let (matched, differences) = match_to(&read.quotas, &stored.pool);
                            lines.extend(differences.iter().map(sentence));
                            matched
                        }
                        None => read.quotas,
                    };
                    Ok((quotas, lines))
                },
            );
        }
        if self.read.get().is_none() {
            return;
        }
        let read = std::mem::take(&mut self.read).into_latest();
        match read {
            Some(Ok((quotas, lines))) => {
                draft.set_quotas(&quotas);
                // What a file says stays as it says it.
                draft.source = Source::Counts;
                let rows: usize = quotas.attributes.iter().map(|attribute| attribute.values.len()).sum();
                let rows = number::counted(rows as u64, "row", "rows");
                self.notes = Some(Notes { title: format!("{}: {rows} taken over", self.name), lines });
            }
            Some(Err(problem)) => {
                let title = format!("{} was not taken over", self.name);
                self.notes = Some(Notes { title, lines: vec![format!("{problem}.")] });
            }
            None => {}
        }
    }

    /// Draws what the last file or preset came with, until it is dismissed.
    pub fn show(&mut self, ui: &mut Ui) {
        if self.read.waiting() {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label("Reading the quotas …");
            });
        }
        let Some(notes) = &self.notes else { return };
        let mut open = true;
        card(ui, &notes.title, |ui| {
            for line in notes.lines.iter().take(LINES) {
                ui.label(line.as_str());
            }
            if notes.lines.len() > LINES {
                let more = number::count((notes.lines.len() - LINES) as u64);
                ui.label(theme::caption(format!("… and {more} more lines like these.")).weak());
            }
            if notes.lines.is_empty() {
                ui.label(theme::caption("Every row matches the people. Undo takes it back.").weak());
            }
            open = !ui.button("Dismiss").clicked();
        });
        if !open {
            self.notes = None;
        }
    }
}

fn sentence(difference: &Difference) -> String {
    let mut text = difference.to_string();
    if let Some(first) = text.get(..1).map(str::to_uppercase) {
        text.replace_range(..1, &first);
    }
    text + "."
}

impl PanelTab {
    /// Takes over quotas from a file.
    pub fn read_quotas(&mut self, path: PathBuf) {
        self.quota_file.ask(path);
        self.outcome.view = super::outcome::View::Quotas;
    }

    /// The menus of presets and of quota files.
    pub(super) fn quota_menus(
        &mut self,
        ui: &mut Ui,
        reading: &Reading,
        found: Option<&Gathered>,
        commands: &mut Vec<Command>,
    ) {
        match found {
            None => {
                disabled_button(ui, "Presets", "Import people first.");
            }
            Some(found) => {
                ui.menu_button("Presets", |ui| {
                    let (pool, counts) = (found.stored.pool.clone(), found.counts.clone());
                    let own = ui.button("The people's own shares");
                    if own.on_hover_text("A panel that looks like the pool.").clicked() {
                        own_shares(&mut self.draft, &pool, &counts);
                        ui.close();
                    }
                    let equal = ui.button("Equal shares");
                    if equal.on_hover_text("Each value of an attribute gets as many seats as every other.").clicked() {
                        equal_shares(&mut self.draft, &pool);
                        ui.close();
                    }
                    for preset in Preset::ALL {
                        if ui.button(preset.title()).on_hover_text(preset.source()).clicked() {
                            self.quota_file.notes = Some(take_over(&mut self.draft, preset, &pool));
                            ui.close();
                        }
                    }
                });
            }
        }
        ui.menu_button("Quota file", |ui| {
            let layout = "The Sortition Foundation's layouts, and the same with shares.";
            if ui.button("Import quotas…").on_hover_text(layout).clicked() {
                commands.push(Command::ChooseQuotas);
                ui.close();
            }
            for (name, header) in [
                ("Export as feature, value…", Header::FeatureValue),
                ("Export as category, name…", Header::CategoryName),
            ] {
                let Some(quotas) = &reading.quotas else {
                    disabled_button(ui, name, "The quotas have rows that are not ready.");
                    continue;
                };
                if ui.button(name).clicked() {
                    match foundation::quotas_csv(quotas, header) {
                        Ok(text) => commands.push(Command::ExportText { name: "quotas.csv".to_owned(), text }),
                        Err(error) => {
                            let title = "The quotas cannot be written".to_owned();
                            self.quota_file.notes = Some(Notes { title, lines: vec![format!("{error}.")] });
                        }
                    }
                    ui.close();
                }
            }
        });
    }
}

/// Shares of the pool for every row that it knows; rows for all attributes where there are none.
fn own_shares(draft: &mut Draft, pool: &Arc<Pool>, counts: &Counts) {
    if draft.quotas.is_empty() {
        draft.add_attributes(pool.attributes(), None);
    }
    draft.source = Source::Shares;
    let people = counts.people.max(1) as f64;
    for attribute in &mut draft.quotas {
        for row in &mut attribute.values {
            if let Some(of) = counts.of(&attribute.name, &row.value) {
                (row.share, row.slack) = (percent(of as f64 / people), false);
            }
        }
    }
    draft.derive_all();
}

/// The same share for every value of an attribute.
fn equal_shares(draft: &mut Draft, pool: &Arc<Pool>) {
    if draft.quotas.is_empty() {
        draft.add_attributes(pool.attributes(), None);
    }
    draft.source = Source::Shares;
    for attribute in &mut draft.quotas {
        let share = percent(1.0 / attribute.values.len().max(1) as f64);
        for row in &mut attribute.values {
            (row.share, row.slack) = (share.clone(), false);
        }
    }
    draft.derive_all();
}

/// Puts the attributes of a preset that the people have into the draft; what did not match is told.
fn take_over(draft: &mut Draft, preset: Preset, pool: &Pool) -> Notes {
    let own = tolerance(&draft.tolerance).unwrap_or(0.1);
    let (size, relative) = preset.usual().unwrap_or((draft.size, own));
    let (mut quotas, differences) = match_to(&preset.quotas(size, relative), pool);
    quotas.attributes.retain(|quota| pool.attributes().iter().any(|known| known.name == quota.name));
    let mut lines: Vec<String> = differences.iter().map(sentence).collect();
    if quotas.attributes.is_empty() {
        return Notes { title: format!("{}: nothing was changed", preset.title()), lines };
    }
    lines.push(format!("Source: {}.", preset.source()));
    draft.size = size;
    draft.tolerance = percent(relative);
    draft.source = Source::Shares;
    for quota in &quotas.attributes {
        let row = |value: &crate::sortition::quotas::ValueQuota| ValueDraft {
            value: value.value.clone(),
            share: value.target.map(percent).unwrap_or_default(),
            slack: value.slack,
            ..ValueDraft::default()
        };
        let made = AttributeDraft { name: quota.name.clone(), values: quota.values.iter().map(row).collect() };
        match draft.quotas.iter_mut().find(|known| known.name == quota.name) {
            Some(known) => *known = made,
            None => draft.quotas.push(made),
        }
    }
    draft.derive_all();
    let attributes = number::counted(quotas.attributes.len() as u64, "attribute", "attributes");
    Notes { title: format!("{}: {attributes} taken over", preset.title()), lines }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::pool::Attribute;
    use crate::sortition::sample_pool;

    #[test]
    fn shares_of_the_pool_and_equal_shares() {
        let pool = Arc::new(sample_pool::pool().unwrap());
        let counts = Counts::new(&pool);
        let mut draft = Draft { source: Source::Counts, ..Draft::default() };
        own_shares(&mut draft, &pool, &counts);
        let first = &draft.quotas[0].values[0];
        let expected = counts.of(&draft.quotas[0].name, &first.value).unwrap() as f64 / 300.0;
        assert_eq!((first.share.clone(), draft.quotas.len()), (percent(expected), pool.attributes().len()));
        assert!(Reading::new(&draft, Some(&counts)).quotas.is_some());
        equal_shares(&mut draft, &pool);
        let values = draft.quotas[1].values.len() as f64;
        assert!(draft.quotas[1].values.iter().all(|row| row.share == percent(1.0 / values) && !row.min.is_empty()));
    }

    #[test]
    fn a_preset_takes_what_the_people_have_and_tells_the_rest() {
        let values = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<String>>();
        let attributes = vec![
            Attribute { name: "Gender".into(), values: values(&["female", "Male", "Robot"]) },
            Attribute { name: "Town".into(), values: values(&["A"]) },
        ];
        let ids = values(&["p0", "p1", "p2"]);
        let pool = Pool::new(attributes, ids, &[vec![0, 0], vec![1, 0], vec![2, 0]], Vec::new()).unwrap();
        let mut draft = Draft::default();
        let notes = take_over(&mut draft, Preset::PaperUnitedStates, &pool);
        assert_eq!((draft.size, draft.quotas.len(), draft.quotas[0].name.as_str()), (145, 1, "Gender"));
        let female = &draft.quotas[0].values[0];
        assert_eq!((female.value.as_str(), female.min.as_str(), female.max.as_str()), ("female", "66", "82"));
        let told = notes.lines.join("\n");
        assert!(told.contains("Robot") && told.contains("religion") && notes.title.contains("1 attribute"), "{told}");
        // Nothing fits: nothing changes.
        let alone = pool.filtered(|_| true);
        let none = Pool::new(vec![alone.attributes()[1].clone()], vec!["x".into()], &[vec![0]], Vec::new()).unwrap();
        let before = draft.clone();
        take_over(&mut draft, Preset::CensusUnitedStates, &none);
        assert_eq!(draft, before);
    }
}
