//! Importing people: what each column is, which values mean the same, what blanks mean; nothing is stored before.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::{self, ComboBox, ScrollArea, Ui};

use super::import_columns::{Edits, Role, columns, role, values};
use crate::figures::number;
use crate::formats::table::{self, ReadTable};
use crate::sortition::import::apply;
use crate::sortition::import_report::ImportReport;
use crate::sortition::mapping::{self, Duplicates, Mapping};
use crate::sortition::suggestion::suggest;
use crate::ui::command::{Command, NewPool, Table};
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;
use crate::ui::tabs::shared::run_state::say;
use crate::ui::theme;
use crate::ui::widgets::{VerdictKind, card, data_table, disabled_button, primary_button};

/// Values of an attribute at most; a column with more is a name or a number.
pub(super) const MOST_VALUES: usize = 60;
/// Rows of the table that are shown.
const SHOWN: usize = 8;

/// A table that was read, ready to be shown.
pub(super) struct Preview {
    read: Arc<ReadTable>,
    /// What its columns look like.
    pub columns: Vec<mapping::ColumnPreview>,
    shown: Table,
    suggested: Mapping,
}

/// People that a mapping made, with an account of every row.
type Made = Result<(NewPool, ImportReport), String>;

/// An import under way.
pub struct Import {
    path: PathBuf,
    asked: bool,
    preview: Requested<Result<Preview, String>>,
    edits: Option<Edits>,
    made: Requested<Made>,
}

impl Import {
    /// Begins with a file.
    pub fn new(path: PathBuf) -> Self {
        Self { path, asked: false, preview: Requested::default(), edits: None, made: Requested::default() }
    }

    /// Draws the import; false when it is over.
    pub fn show(&mut self, ui: &mut Ui, context: &TabContext<'_>, commands: &mut Vec<Command>) -> bool {
        if !std::mem::replace(&mut self.asked, true) {
            let (path, wake) = (self.path.clone(), context.wake.clone());
            let read = move || table::read(&path, None).map(preview).map_err(|error| error.to_string());
            self.preview.ask(move || wake(), read);
        }
        let mut open = true;
        let preview = match self.preview.get() {
            None => {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label("Reading the table …");
                });
                return true;
            }
            Some(Err(problem)) => {
                say(ui, VerdictKind::Failed, problem);
                ui.horizontal(|ui| {
                    if ui.button("Choose another file…").clicked() {
                        commands.push(Command::ChoosePeople);
                    }
                    open = !ui.button("Cancel").clicked();
                });
                return open;
            }
            Some(Ok(preview)) => preview,
        };
        if let Some(Ok((pool, report))) = self.made.get() {
            // Rows that were left out are told before anything is stored.
            if report.left_out.is_empty() {
                commands.push(Command::StorePool(pool.clone()));
                return false;
            }
            match account(ui, pool, report) {
                Some(true) => {
                    commands.push(Command::StorePool(pool.clone()));
                    open = false;
                }
                Some(false) => self.made = Requested::default(),
                None => {}
            }
            return open;
        }
        let edits = self.edits.get_or_insert_with(|| Edits::new(preview.suggested.clone()));
        let mut read = false;
        ScrollArea::vertical().id_salt("panel import").auto_shrink([false, false]).show(ui, |ui| {
            let people = number::counted(preview.read.table.len() as u64, "row", "rows");
            card(ui, &format!("{}: {people}", preview.read.source), |ui| {
                for warning in &preview.read.warnings {
                    say(ui, VerdictKind::Caution, &format!("{warning}."));
                }
                data_table(ui, "panel import rows", &preview.shown, None, commands);
            });
            card(ui, "What each column is", |ui| columns(ui, preview, &mut edits.mapping));
            for column in &preview.columns {
                if role(&edits.mapping, &column.name) == Role::Attribute {
                    values(ui, column, edits);
                }
            }
            card(ui, "Ids and addresses", |ui| rules(ui, &mut edits.mapping));
            if let Some(Err(problem)) = self.made.get() {
                say(ui, VerdictKind::Failed, problem);
            }
            ui.horizontal(|ui| {
                if ui.button("Cancel").clicked() {
                    open = false;
                }
                let obstacle = if edits.mapping.attributes.is_empty() {
                    Some("Say which columns are attributes first.")
                } else {
                    self.made.waiting().then_some("The people are being read.")
                };
                match obstacle {
                    Some(why) => {
                        disabled_button(ui, "Store these people", why);
                    }
                    None => {
                        let store = primary_button(ui, "Store these people");
                        read = store.on_hover_text("They stay in the project's folder.").clicked();
                    }
                }
            });
            ui.add_space(theme::STEP);
        });
        if read {
            let (table, mapping, wake) = (preview.read.clone(), edits.finished(), context.wake.clone());
            self.made.ask(move || wake(), move || made(&table, &mapping));
        }
        open
    }
}

/// For a background thread: the look at a table.
fn preview(read: ReadTable) -> Preview {
    let mapping::Preview { columns, rows } = mapping::preview(&read.table, SHOWN, MOST_VALUES);
    let shown = Table {
        name: read.source.clone(),
        header: read.table.names().map(str::to_owned).collect(),
        rows: rows.into_iter().map(|(_, cells)| cells).collect(),
    };
    let suggested = suggest(&read.table);
    Preview { read: Arc::new(read), columns, shown, suggested }
}

/// For a background thread: the people that a mapping makes of a table.
fn made(read: &ReadTable, mapping: &Mapping) -> Made {
    let (pool, report) = apply(&read.table, mapping).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|error| crate::ui::format::sentence(&error.to_string())).collect();
        lines.join("\n")
    })?;
    let mapping = serde_json::to_string(mapping).map_err(|error| error.to_string())?;
    let (source, sha256) = (read.source.clone(), read.sha256.clone());
    Ok((NewPool { source, sha256, mapping, pool: Arc::new(pool) }, report))
}

/// Who was left out and why; whether to store the others (true) or to go back (false), once that is chosen.
fn account(ui: &mut Ui, pool: &NewPool, report: &ImportReport) -> Option<bool> {
    let mut chosen = None;
    let people = number::counted(pool.pool.len() as u64, "person", "people");
    let rows: usize = report.left_out.iter().map(|left| left.rows.len()).sum();
    let out = number::counted(rows as u64, "row is", "rows are");
    card(ui, &format!("{people}; {out} left out"), |ui| {
        for left in &report.left_out {
            let first: Vec<String> = left.rows.iter().take(5).map(u32::to_string).collect();
            let more = if left.rows.len() > 5 { ", …" } else { "" };
            let rows = number::counted(left.rows.len() as u64, "row", "rows");
            ui.label(format!("{rows} for {}: {}{more}", left.reason, first.join(", ")));
        }
        ui.horizontal(|ui| {
            if ui.button("Back to the columns").clicked() {
                chosen = Some(false);
            }
            if primary_button(ui, &format!("Store {people}")).clicked() {
                chosen = Some(true);
            }
        });
    });
    chosen
}

fn duplicates_name(duplicates: Duplicates) -> &'static str {
    match duplicates {
        Duplicates::Refuse => "are an error that names the rows",
        Duplicates::KeepFirst => "leave all but the first out",
        Duplicates::MakeUnique => "get a number each",
    }
}

/// What ids that stand twice mean, and how addresses are compared.
fn rules(ui: &mut Ui, mapping: &mut Mapping) {
    ui.horizontal(|ui| {
        let label = ui.label("People with the same id");
        ComboBox::from_id_salt("panel duplicates")
            .width(260.0)
            .selected_text(duplicates_name(mapping.duplicates))
            .show_ui(ui, |ui| {
                for choice in [Duplicates::Refuse, Duplicates::KeepFirst, Duplicates::MakeUnique] {
                    ui.selectable_value(&mut mapping.duplicates, choice, duplicates_name(choice));
                }
            })
            .response
            .labelled_by(label.id);
    });
    if let Some(household) = &mut mapping.household {
        let why = "Case, blanks, punctuation, accents and usual abbreviations do not count: \"12 High St.\" is \"12 high street\".";
        ui.checkbox(&mut household.normalise, "Addresses that differ in dress only are the same").on_hover_text(why);
    } else {
        ui.label(egui::RichText::new("No column is an address: the rule of one per household cannot be used.").weak());
    }
}

#[cfg(test)]
mod tests {
    use super::super::import_columns::set_role;
    use super::*;

    fn read(text: &str) -> ReadTable {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        std::fs::write(&path, text).unwrap();
        table::read(&path, None).unwrap()
    }

    const TOWN: &str =
        "id,Gender,Age,Address\na,F,old,1 High St\nb,female,young,1  high st\nc,M,,2 High St\nd,M,young,\n";

    #[test]
    fn values_are_merged_and_addresses_compared_without_dress() {
        let found = preview(read(TOWN));
        let mut edits = Edits::new(found.suggested.clone());
        set_role(&mut edits.mapping, "Age", Role::Attribute);
        let roles = ["id", "Gender", "Age", "Address"].map(|name| role(&edits.mapping, name));
        assert_eq!(roles, [Role::Id, Role::Attribute, Role::Attribute, Role::Household]);
        edits.rename("Gender", "F", "female");
        let (new, report) = made(&found.read, &edits.finished()).unwrap();
        assert_eq!((new.pool.len(), report.left_out.len()), (4, 0));
        let gender = new.pool.attributes().iter().position(|attribute| attribute.name == "Gender").unwrap();
        assert_eq!(new.pool.counts(gender), [2, 2]);
        assert_eq!(new.pool.household(0), new.pool.household(1));
        assert_eq!(new.pool.household(3), None);
        // A value without a name leaves its people out.
        edits.rename("Gender", "M", " ");
        let (new, report) = made(&found.read, &edits.finished()).unwrap();
        assert_eq!((new.pool.len(), report.left_out[0].rows.clone()), (2, vec![4, 5]));
    }

    #[test]
    fn the_same_id_twice_is_told_with_both_rows() {
        let found = preview(read("id,g\na,x\nb,y\na,x\n"));
        let mut edits = Edits::new(found.suggested.clone());
        set_role(&mut edits.mapping, "id", Role::Id);
        set_role(&mut edits.mapping, "g", Role::Attribute);
        let problem = made(&found.read, &edits.finished()).unwrap_err();
        assert!(problem.contains('2') && problem.contains('4') && problem.contains("the same id"), "{problem}");
        edits.mapping.duplicates = Duplicates::KeepFirst;
        assert_eq!(made(&found.read, &edits.finished()).unwrap().0.pool.len(), 2);
    }
}
