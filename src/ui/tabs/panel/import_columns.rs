//! The columns of a table under import: what each is, what its values are called, what blanks become.

use std::collections::BTreeMap;

use eframe::egui::{self, ComboBox, TextEdit, Ui};

use super::import::{MOST_VALUES, Preview};
use crate::figures::number;
use crate::sortition::mapping::{
    AttributeMapping, ColumnPreview, HouseholdMapping, IdSource, MISSING, Mapping, Policy, Source, Target, ValueRule,
};
use crate::ui::theme;

/// What a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Id,
    Attribute,
    /// Part of the address.
    Household,
    LeftOut,
}

/// A mapping with the names that were typed for values.
pub(super) struct Edits {
    pub mapping: Mapping,
    /// By column and text.
    names: BTreeMap<(String, String), String>,
}

impl Edits {
    pub fn new(mapping: Mapping) -> Self {
        Self { mapping, names: BTreeMap::new() }
    }

    /// Calls the value that a text becomes `name`; blank: its people are left out.
    pub fn rename(&mut self, column: &str, text: &str, name: &str) {
        self.names.insert((column.to_owned(), text.to_owned()), name.to_owned());
    }

    /// The mapping with a rule for each name that was typed, before those that it had.
    pub fn finished(&self) -> Mapping {
        let mut mapping = self.mapping.clone();
        for attribute in &mut mapping.attributes {
            let own = self.names.iter().filter(|((column, _), _)| *column == attribute.column);
            let rule = |((_, text), name): (&(String, String), &String)| ValueRule {
                from: Source::Text(text.clone()),
                to: match name.trim() {
                    "" => Target::LeaveOut,
                    name => Target::Value(name.to_owned()),
                },
            };
            let typed: Vec<ValueRule> = own.map(rule).collect();
            attribute.rules.splice(0..0, typed);
        }
        mapping
    }
}

/// What the mapping makes of a column.
pub(super) fn role(mapping: &Mapping, column: &str) -> Role {
    if mapping.id == IdSource::Column(column.to_owned()) {
        Role::Id
    } else if mapping.attributes.iter().any(|attribute| attribute.column == column) {
        Role::Attribute
    } else if mapping.household.as_ref().is_some_and(|home| home.columns.iter().any(|name| name == column)) {
        Role::Household
    } else {
        Role::LeftOut
    }
}

/// Makes a column what is asked for, and nothing else.
pub(super) fn set_role(mapping: &mut Mapping, column: &str, wanted: Role) {
    if role(mapping, column) == wanted {
        return;
    }
    if mapping.id == IdSource::Column(column.to_owned()) {
        mapping.id = IdSource::Numbered;
    }
    mapping.attributes.retain(|attribute| attribute.column != column);
    if let Some(home) = &mut mapping.household {
        home.columns.retain(|name| name != column);
    }
    match wanted {
        Role::Id => mapping.id = IdSource::Column(column.to_owned()),
        Role::Attribute => mapping.attributes.push(AttributeMapping::plain(column, column)),
        Role::Household => {
            let fresh = || HouseholdMapping { columns: Vec::new(), normalise: true };
            mapping.household.get_or_insert_with(fresh).columns.push(column.to_owned());
        }
        Role::LeftOut => {}
    }
    if mapping.household.as_ref().is_some_and(|home| home.columns.is_empty()) {
        mapping.household = None;
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Id => "id",
        Role::Attribute => "attribute",
        Role::Household => "address or household",
        Role::LeftOut => "left out",
    }
}

/// One line a column: its name, what it is, what it looks like.
pub(super) fn columns(ui: &mut Ui, preview: &Preview, mapping: &mut Mapping) {
    for (k, column) in preview.columns.iter().enumerate() {
        ui.horizontal(|ui| {
            let label = crate::ui::name_cell::name_cell(ui, 180.0, theme::strong(&column.name));
            let before = role(mapping, &column.name);
            let mut chosen = before;
            ComboBox::from_id_salt(("panel column", k))
                .width(180.0)
                .selected_text(role_name(before))
                .show_ui(ui, |ui| {
                    for role in [Role::Id, Role::Attribute, Role::Household, Role::LeftOut] {
                        // A column of names is no attribute: its quotas would have a row for each person.
                        if role == Role::Attribute && column.distinct > MOST_VALUES {
                            continue;
                        }
                        ui.selectable_value(&mut chosen, role, role_name(role));
                    }
                })
                .response
                .labelled_by(label.id);
            set_role(mapping, &column.name, chosen);
            let blanks = match column.blanks {
                0 => String::new(),
                blanks => format!(", {} blank", number::count(blanks as u64)),
            };
            let words = number::counted(column.distinct as u64, "value", "values");
            ui.label(theme::caption(format!("{words}{blanks}")).weak());
        });
    }
}

/// The values of an attribute: rename, merge by the same name, leave out by none; and what its blanks become.
pub(super) fn values(ui: &mut Ui, column: &ColumnPreview, edits: &mut Edits) {
    let id = ("panel values", &column.name);
    egui::CollapsingHeader::new(format!("Values of {}", column.name)).id_salt(id).show(ui, |ui| {
        let Some(place) = edits.mapping.attributes.iter().position(|attribute| attribute.column == column.name) else {
            return;
        };
        if column.blanks > 0 {
            blanks(ui, &mut edits.mapping.attributes[place]);
        }
        let told = "Two values with the same name become one; an empty name leaves their people out.";
        ui.label(theme::caption(told).weak());
        for (text, people) in &column.values {
            ui.horizontal(|ui| {
                let people = number::counted(*people as u64, "person", "people");
                let label =
                    crate::ui::name_cell::name_cell(ui, 220.0, egui::RichText::new(format!("{text} ({people})")));
                let key = (column.name.clone(), text.clone());
                let mut name = edits.names.get(&key).map_or_else(
                    || match edits.mapping.attributes[place].target(text) {
                        Some(Target::Value(value)) => value.clone(),
                        Some(Target::Missing) => MISSING.to_owned(),
                        Some(Target::LeaveOut) => String::new(),
                        None => text.clone(),
                    },
                    String::clone,
                );
                let field = TextEdit::singleline(&mut name).id_salt(("panel value", &key)).desired_width(200.0);
                if ui.add(field).labelled_by(label.id).changed() {
                    edits.rename(&column.name, text, &name);
                }
            });
        }
    });
}

fn blanks(ui: &mut Ui, attribute: &mut AttributeMapping) {
    let name = |policy: &Policy| match policy {
        Policy::Keep => format!("are a value of their own, {MISSING}"),
        Policy::Value(value) => format!("are taken for \u{201c}{value}\u{201d}"),
        Policy::LeaveOut => "leave the person out".to_owned(),
        Policy::Refuse => "are an error that names the rows".to_owned(),
    };
    ui.horizontal(|ui| {
        let label = ui.label("Blank cells");
        let mut choices = vec![Policy::Keep, Policy::LeaveOut, Policy::Refuse];
        if matches!(attribute.missing, Policy::Value(_)) {
            choices.push(attribute.missing.clone());
        }
        ComboBox::from_id_salt(("panel blanks", &attribute.column))
            .width(260.0)
            .selected_text(name(&attribute.missing))
            .show_ui(ui, |ui| {
                for choice in choices {
                    let words = name(&choice);
                    ui.selectable_value(&mut attribute.missing, choice, words);
                }
            })
            .response
            .labelled_by(label.id);
        let mut value = match &attribute.missing {
            Policy::Value(value) => value.clone(),
            _ => String::new(),
        };
        let label = ui.label("or the value");
        let field =
            TextEdit::singleline(&mut value).id_salt(("panel blank value", &attribute.column)).desired_width(140.0);
        if ui.add(field).labelled_by(label.id).changed() {
            attribute.missing = if value.trim().is_empty() { Policy::Keep } else { Policy::Value(value) };
        }
    });
}
