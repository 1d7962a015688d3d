//! Importing people: what each column is, which values mean the same, what blanks mean; nothing is stored before.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::{self, ComboBox, ScrollArea, TextEdit, Ui};
use serde::Serialize;

use crate::figures::number;
use crate::formats::people_table::{self, PeopleTable};
use crate::sortition::pool::{Attribute, Pool, PoolError};
use crate::ui::command::{Command, NewPool, Table};
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;
use crate::ui::tabs::shared::run_state::say;
use crate::ui::theme;
use crate::ui::widgets::{VerdictKind, card, data_table, disabled_button, primary_button};

/// Values of an attribute at most; a column with more is a name or a number.
const MOST_VALUES: usize = 60;
/// Rows of the table that are shown.
const SHOWN: usize = 8;

/// What a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Id,
    Attribute,
    /// Part of the address: people who agree in all of these live together.
    Household,
    LeftOut,
}

/// What a blank cell of an attribute means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Blanks {
    #[default]
    OwnValue,
    LeaveOut,
}

/// The name of the value that blanks become.
const BLANK: &str = "(blank)";

/// How a table is read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mapping {
    pub roles: Vec<Role>,
    pub blanks: Blanks,
    /// By column: the name that a value gets; empty: its people are left out.
    pub names: BTreeMap<usize, BTreeMap<String, String>>,
}

/// A column as it was found.
struct Found {
    /// Values with how many people, in the order of their first person; only where there are few.
    values: Vec<(String, usize)>,
    distinct: usize,
    blanks: usize,
}

struct Preview {
    table: Arc<PeopleTable>,
    columns: Vec<Found>,
    shown: Table,
}

/// An import under way.
pub struct Import {
    path: PathBuf,
    asked: bool,
    preview: Requested<Result<Preview, String>>,
    mapping: Option<Mapping>,
    made: Requested<Result<(NewPool, usize), String>>,
}

impl Import {
    /// Begins with a file.
    pub fn new(path: PathBuf) -> Self {
        Self { path, asked: false, preview: Requested::default(), mapping: None, made: Requested::default() }
    }

    /// Draws the import; false when it is over.
    pub fn show(&mut self, ui: &mut Ui, context: &TabContext<'_>, commands: &mut Vec<Command>) -> bool {
        if !std::mem::replace(&mut self.asked, true) {
            let (path, wake) = (self.path.clone(), context.wake.clone());
            self.preview.ask(move || wake(), move || people_table::read(&path).map(preview));
        }
        if let Some(Ok((pool, _))) = self.made.get() {
            commands.push(Command::StorePool(pool.clone()));
            return false;
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
        let mapping = self.mapping.get_or_insert_with(|| guess(preview));
        ScrollArea::vertical().id_salt("panel import").auto_shrink([false, false]).show(ui, |ui| {
            let people = number::counted(preview.table.rows.len() as u64, "row", "rows");
            card(ui, &format!("{}: {people}", preview.table.source), |ui| {
                data_table(ui, "panel import rows", &preview.shown, None, commands);
            });
            card(ui, "What each column is", |ui| columns(ui, preview, mapping));
            for (k, role) in mapping.roles.clone().into_iter().enumerate() {
                if role == Role::Attribute {
                    values(ui, k, preview, mapping);
                }
            }
            card(ui, "Blank cells", |ui| {
                ui.radio_value(&mut mapping.blanks, Blanks::OwnValue, format!("are a value of their own, {BLANK}"));
                ui.radio_value(&mut mapping.blanks, Blanks::LeaveOut, "leave the person out");
            });
            if let Some(Err(problem)) = self.made.get() {
                say(ui, VerdictKind::Failed, problem);
            }
            let obstacle = if mapping.roles.iter().filter(|role| **role == Role::Id).count() > 1 {
                Some("Only one column can be the id.")
            } else if !mapping.roles.contains(&Role::Attribute) {
                Some("Say which columns are attributes first.")
            } else if self.made.waiting() {
                Some("The people are being read.")
            } else {
                None
            };
            ui.horizontal(|ui| {
                if ui.button("Cancel").clicked() {
                    open = false;
                }
                match obstacle {
                    Some(why) => {
                        disabled_button(ui, "Store these people", why);
                    }
                    None => {
                        let store = primary_button(ui, "Store these people");
                        if store.on_hover_text("They stay in the project's folder.").clicked() {
                            let (table, mapping, wake) = (preview.table.clone(), mapping.clone(), context.wake.clone());
                            self.made.ask(move || wake(), move || pool_of(&table, &mapping));
                        }
                    }
                }
            });
            ui.add_space(theme::STEP);
        });
        open
    }
}

fn preview(table: PeopleTable) -> Preview {
    let columns = (0..table.header.len()).map(|k| found(&table, k)).collect();
    let shown = Table {
        name: table.source.clone(),
        header: table.header.clone(),
        rows: table.rows.iter().take(SHOWN).cloned().collect(),
    };
    Preview { table: Arc::new(table), columns, shown }
}

fn found(table: &PeopleTable, column: usize) -> Found {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut values: Vec<(String, usize)> = Vec::new();
    let mut blanks = 0;
    for row in &table.rows {
        let cell = row[column].as_str();
        if cell.is_empty() {
            blanks += 1;
            continue;
        }
        let next = places.len();
        let place = *places.entry(cell).or_insert(next);
        if place < MOST_VALUES {
            if place == values.len() {
                values.push((cell.to_owned(), 0));
            }
            values[place].1 += 1;
        }
    }
    Found { distinct: places.len(), values, blanks }
}

fn guess(preview: &Preview) -> Mapping {
    let mut id = false;
    let role = |(k, name): (usize, &String)| {
        let (name, found) = (name.to_lowercase(), &preview.columns[k]);
        let unique = found.distinct == preview.table.rows.len() && found.blanks == 0;
        let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
        if !id && unique && (words.contains(&"id") || name.ends_with("id") || k == 0) {
            id = true;
            Role::Id
        } else if ["address", "postcode", "zip", "household", "street"].iter().any(|word| name.contains(word)) {
            Role::Household
        } else if (1..=30).contains(&found.distinct) && !unique {
            Role::Attribute
        } else {
            Role::LeftOut
        }
    };
    let roles = preview.table.header.iter().enumerate().map(role).collect();
    Mapping { roles, blanks: Blanks::default(), names: BTreeMap::new() }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Id => "id",
        Role::Attribute => "attribute",
        Role::Household => "address or household",
        Role::LeftOut => "left out",
    }
}

fn columns(ui: &mut Ui, preview: &Preview, mapping: &mut Mapping) {
    for (k, name) in preview.table.header.iter().enumerate() {
        let found = &preview.columns[k];
        ui.horizontal(|ui| {
            let label = crate::ui::name_cell::name_cell(ui, 180.0, theme::strong(name));
            ComboBox::from_id_salt(("panel column", k))
                .width(180.0)
                .selected_text(role_name(mapping.roles[k]))
                .show_ui(ui, |ui| {
                    for role in [Role::Id, Role::Attribute, Role::Household, Role::LeftOut] {
                        // A column of names is no attribute: its quotas would have a row for each person.
                        if role == Role::Attribute && found.distinct > MOST_VALUES {
                            continue;
                        }
                        ui.selectable_value(&mut mapping.roles[k], role, role_name(role));
                    }
                })
                .response
                .labelled_by(label.id);
            let blanks = match found.blanks {
                0 => String::new(),
                blanks => format!(", {} blank", number::count(blanks as u64)),
            };
            let words = number::counted(found.distinct as u64, "value", "values");
            ui.label(theme::caption(format!("{words}{blanks}")).weak());
        });
    }
}

/// The values of an attribute: rename, merge by the same name, leave out by none.
fn values(ui: &mut Ui, column: usize, preview: &Preview, mapping: &mut Mapping) {
    let name = &preview.table.header[column];
    egui::CollapsingHeader::new(format!("Values of {name}")).id_salt(("panel values", column)).show(ui, |ui| {
        let told = "Two values with the same name become one; an empty name leaves their people out.";
        ui.label(theme::caption(told).weak());
        let names = mapping.names.entry(column).or_default();
        for (value, people) in &preview.columns[column].values {
            ui.horizontal(|ui| {
                let people = number::counted(*people as u64, "person", "people");
                let label =
                    crate::ui::name_cell::name_cell(ui, 220.0, egui::RichText::new(format!("{value} ({people})")));
                let kept = names.entry(value.clone()).or_insert_with(|| value.clone());
                ui.add(TextEdit::singleline(kept).id_salt(("panel value", column, value)).desired_width(200.0))
                    .labelled_by(label.id);
            });
        }
    });
}

/// The pool that a mapping makes of a table, with how many people were left out; for a background thread.
fn pool_of(table: &PeopleTable, mapping: &Mapping) -> Result<(NewPool, usize), String> {
    let of = |role: Role| (0..table.header.len()).filter(move |&k| mapping.roles[k] == role);
    let columns: Vec<usize> = of(Role::Attribute).collect();
    let homes: Vec<usize> = of(Role::Household).collect();
    let id = of(Role::Id).next();
    let mut attributes: Vec<Attribute> =
        columns.iter().map(|&k| Attribute { name: table.header[k].clone(), values: Vec::new() }).collect();
    let mut places: Vec<HashMap<String, u16>> = vec![HashMap::new(); columns.len()];
    let (mut ids, mut rows, mut households, mut lines) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    'people: for (line, row) in table.rows.iter().enumerate() {
        let mut answers = Vec::with_capacity(columns.len());
        for (place, &k) in columns.iter().enumerate() {
            let cell = row[k].as_str();
            let named = mapping.names.get(&k).and_then(|names| names.get(cell)).map_or(cell, |name| name.trim());
            let value = match (cell.is_empty(), mapping.blanks) {
                (true, Blanks::OwnValue) => BLANK,
                (true, Blanks::LeaveOut) => continue 'people,
                (false, _) if named.is_empty() => continue 'people,
                (false, _) => named,
            };
            let next = attributes[place].values.len() as u16;
            let number = *places[place].entry(value.to_owned()).or_insert(next);
            if number == next && usize::from(next) == attributes[place].values.len() {
                attributes[place].values.push(value.to_owned());
            }
            answers.push(number);
        }
        let name = id.map_or_else(|| (line + 1).to_string(), |k| row[k].clone());
        if name.is_empty() {
            return Err(format!("Row {} has no id: fill it in, or choose another column for the id.", line + 2));
        }
        let home: Vec<String> =
            homes.iter().map(|&k| row[k].to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        households.push(if home.iter().all(String::is_empty) { String::new() } else { home.join(", ") });
        ids.push(name);
        rows.push(answers);
        lines.push(line + 2);
    }
    if ids.is_empty() {
        return Err("Nobody is left: every row was left out.".to_owned());
    }
    let left_out = table.rows.len() - ids.len();
    if homes.is_empty() {
        households.clear();
    }
    let pool = Pool::new(attributes, ids, &rows, households).map_err(|error| match error {
        PoolError::DuplicateId { id, first, second } => {
            format!(
                "Rows {} and {} have the same id “{id}”: correct one of them, or choose another column for the id.",
                lines[first], lines[second]
            )
        }
        other => format!("{other}."),
    })?;
    let mapping = serde_json::to_string(mapping).unwrap_or_default();
    let new = NewPool { source: table.source.clone(), sha256: table.sha256.clone(), mapping, pool: Arc::new(pool) };
    Ok((new, left_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> PeopleTable {
        let text = |row: [&str; 4]| row.map(str::to_owned).to_vec();
        PeopleTable {
            source: "people.csv".into(),
            sha256: String::new(),
            header: text(["id", "Gender", "Age", "Address"]),
            rows: vec![
                text(["a", "F", "old", "1 High St"]),
                text(["b", "female", "young", "1  high st"]),
                text(["c", "M", "", "2 High St"]),
                text(["d", "M", "young", ""]),
            ],
        }
    }

    #[test]
    fn values_are_merged_and_addresses_compared_without_dress() {
        let found = preview(table());
        let mut mapping = guess(&found);
        assert_eq!(mapping.roles, [Role::Id, Role::Attribute, Role::Attribute, Role::Household]);
        mapping.names.entry(1).or_default().insert("F".into(), "female".into());
        let (new, left_out) = pool_of(&table(), &mapping).unwrap();
        assert_eq!((new.pool.counts(0), left_out), (vec![2, 2], 0));
        assert_eq!(new.pool.attributes()[1].values, ["old", "young", BLANK]);
        assert_eq!(new.pool.household(0), new.pool.household(1));
        assert_eq!(new.pool.household(3), None);
        mapping.blanks = Blanks::LeaveOut;
        assert_eq!(pool_of(&table(), &mapping).unwrap().1, 1);
    }

    #[test]
    fn the_same_id_twice_is_told_with_both_rows() {
        let mut twice = table();
        twice.rows[3][0] = "a".into();
        let mapping = guess(&preview(table()));
        let problem = pool_of(&twice, &mapping).unwrap_err();
        assert!(problem.starts_with("Rows 2 and 5 have the same id “a”"), "{problem}");
    }
}
