//! People who are on the panel already: named in the form, with why; the lottery is held over the others.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::{ScrollArea, TextEdit, Ui};

use super::draft::{AlreadyDraft, Draft};
use super::grid::Seats;
use super::people::Gathered;
use crate::figures::number;
use crate::formats::named_people;
use crate::sortition::before::Named;
use crate::sortition::mapping::{IdSource, Mapping};
use crate::sortition::pool::Pool;
use crate::store::StoredPool;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::format::sentence;
use crate::ui::requested::Requested;
use crate::ui::theme;
use crate::ui::widgets::{card, disabled_button};

/// The button that seats a list.
const FROM_FILE: &str = "From a file…";
const FILE_LAYOUT: &str = "One id on each line, or a table with a column of ids and, if you like, one named why.";

/// The people who are named, found in the pool.
#[derive(Default)]
pub struct Taken {
    /// Places in the pool.
    pub named: Vec<Named>,
    /// Ids that nobody has.
    pub unknown: Vec<String>,
    /// Their seats by attribute and value.
    pub seats: Seats,
}

impl Taken {
    fn new(pool: &Pool, already: &[AlreadyDraft]) -> Self {
        let mut taken = Self::default();
        if already.is_empty() {
            return taken;
        }
        let mut places: HashMap<&str, Option<u32>> = already.iter().map(|one| (one.id.as_str(), None)).collect();
        for (place, id) in (0..).zip(pool.ids()) {
            if let Some(found) = places.get_mut(id.as_str()) {
                *found = Some(place);
            }
        }
        for one in already {
            match places.get(one.id.as_str()).copied().flatten() {
                Some(place) => taken.named.push((place, one.why.clone())),
                None => taken.unknown.push(one.id.clone()),
            }
        }
        add_seats(&mut taken.seats, pool, taken.named.iter().map(|(place, _)| *place));
        taken
    }
}

/// Counts the values of people into `seats`.
pub fn add_seats(seats: &mut Seats, pool: &Pool, people: impl Iterator<Item = u32>) {
    for person in people {
        for (attribute, &value) in pool.attributes().iter().zip(pool.values(person as usize)) {
            let value = attribute.values[usize::from(value)].clone();
            *seats.entry((attribute.name.clone(), value)).or_default() += 1.0;
        }
    }
}

/// The people of a list, or why it was refused, and the pool in which they were looked for.
type FromFile = (i64, Result<Vec<AlreadyDraft>, String>);

/// The card between frames.
#[derive(Default)]
pub struct AlreadyState {
    ids: String,
    why: String,
    told: Option<Result<String, String>>,
    file: Option<PathBuf>,
    read: Requested<FromFile>,
    known: Option<(i64, Vec<AlreadyDraft>, Arc<Taken>)>,
}

/// Ids in a typed text: between commas, semicolons, tabs or line ends; between blanks where a part as a whole is no id.
pub fn typed_ids(text: &str, known: impl Fn(&str) -> bool) -> Vec<String> {
    let mut ids = Vec::new();
    for part in text.split([',', ';', '\t', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
        if known(part) {
            ids.push(part.to_owned());
        } else {
            ids.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    ids
}

impl AlreadyState {
    /// Reads this list next.
    pub fn ask(&mut self, path: PathBuf) {
        self.file = Some(path);
    }

    /// Reads the list that was asked for, and seats its people once they are found: all of them or nobody.
    pub fn take_file(&mut self, context: &TabContext<'_>, draft: &mut Draft, found: Option<&Gathered>) {
        if let Some(path) = self.file.take() {
            let Some(found) = found else {
                self.told = Some(Err("Import people first.".to_owned()));
                return;
            };
            let (stored, wake) = (found.stored.clone(), context.wake.clone());
            self.read.clear();
            self.read.ask(move || wake(), move || (stored.id, listed(&path, &stored)));
        }
        if self.read.get().is_none() {
            return;
        }
        let Some((pool, listed)) = std::mem::take(&mut self.read).into_latest() else { return };
        // People who came meanwhile are others.
        if found.is_none_or(|found| found.stored.id != pool) {
            return;
        }
        self.told = Some(listed.map(|listed| {
            let all = listed.len();
            let new = listed.into_iter().filter(|one| draft.already.iter().all(|known| known.id != one.id));
            let new: Vec<AlreadyDraft> = new.collect();
            let before = match all - new.len() {
                0 => String::new(),
                known => format!("; {known} of the list were seated before"),
            };
            let told = format!("{} from the file{before}.", number::counted(new.len() as u64, "person", "people"));
            draft.already.extend(new);
            told
        }));
    }

    /// Those who are named, found among the people; looked for only where something changed.
    pub fn follow(&mut self, draft: &Draft, found: Option<&Gathered>) -> Arc<Taken> {
        let Some(found) = found else { return Arc::default() };
        let pool = found.stored.id;
        if let Some((of, already, taken)) = &self.known
            && *of == pool
            && *already == draft.already
        {
            return taken.clone();
        }
        let taken = Arc::new(Taken::new(&found.stored.pool, &draft.already));
        self.known = Some((pool, draft.already.clone(), taken.clone()));
        taken
    }

    /// The card of the form.
    pub fn card(&mut self, ui: &mut Ui, draft: &mut Draft, found: Option<&Gathered>, commands: &mut Vec<Command>) {
        card(ui, "3  Already on the panel", |ui| {
            if draft.already.is_empty() {
                let text = "Nobody. People whom you name keep a seat: the quotas are met together with them.";
                ui.label(theme::caption(text).weak());
            } else {
                self.list(ui, draft);
            }
            ui.horizontal(|ui| {
                let label = ui.label("Ids");
                let field = TextEdit::singleline(&mut self.ids).id_salt("panel already ids");
                ui.add(field.hint_text("between commas").desired_width(ui.available_width())).labelled_by(label.id);
            });
            ui.horizontal(|ui| {
                let label = ui.label("Why");
                let field = TextEdit::singleline(&mut self.why).id_salt("panel already why");
                ui.add(field.hint_text("such as: pilot panel").desired_width(ui.available_width()))
                    .labelled_by(label.id);
            });
            let why_not = if found.is_none() {
                Some("Import people first.")
            } else {
                self.ids.trim().is_empty().then_some("Type whom first.")
            };
            ui.horizontal(|ui| {
                match (why_not, found) {
                    (None, Some(found)) => {
                        if ui.button("Seat them").clicked() {
                            self.seat(draft, found);
                        }
                    }
                    (why, _) => {
                        disabled_button(ui, "Seat them", why.unwrap_or_default());
                    }
                }
                if found.is_none() {
                    disabled_button(ui, FROM_FILE, "Import people first.");
                } else if ui.button(FROM_FILE).on_hover_text(FILE_LAYOUT).clicked() {
                    commands.push(Command::ChooseSeated);
                }
                if self.read.waiting() {
                    ui.spinner();
                }
            });
            match &self.told {
                Some(Err(problem)) => {
                    ui.label(theme::caption(problem.as_str()).color(theme::palette(ui).bad));
                }
                Some(Ok(told)) => {
                    ui.label(theme::caption(told.as_str()).weak());
                }
                None => {}
            }
        });
    }

    fn list(&mut self, ui: &mut Ui, draft: &mut Draft) {
        let people = number::counted(draft.already.len() as u64, "person is", "people are");
        ui.label(format!("{people} seated."));
        if let Some((_, _, taken)) = &self.known
            && let Some(unknown) = taken.unknown.first()
        {
            let told = format!("Nobody has the id {unknown}: take it out.");
            ui.label(theme::caption(told).color(theme::palette(ui).bad));
        }
        let mut out = None;
        ScrollArea::vertical().id_salt("panel already").max_height(140.0).show(ui, |ui| {
            for (k, one) in draft.already.iter().enumerate() {
                ui.horizontal(|ui| {
                    let name = format!("Take {} out", one.id);
                    let button = ui.small_button("×");
                    button.widget_info(|| {
                        eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Button, true, name.as_str())
                    });
                    if button.on_hover_text(&name).clicked() {
                        out = Some(k);
                    }
                    ui.label(theme::mono(one.id.as_str()));
                    ui.label(theme::caption(one.why.as_str()).weak());
                });
            }
        });
        if let Some(out) = out {
            draft.already.remove(out);
        }
    }

    /// Seats those who are typed, all of them or nobody.
    fn seat(&mut self, draft: &mut Draft, found: &Gathered) {
        let known: std::collections::HashSet<&str> = found.stored.pool.ids().iter().map(String::as_str).collect();
        let ids = typed_ids(&self.ids, |id| known.contains(id));
        if let Some(unknown) = ids.iter().find(|id| !known.contains(id.as_str())) {
            self.told = Some(Err(format!("Nobody has the id {unknown}.")));
            return;
        }
        if let Some(twice) = ids.iter().find(|id| draft.already.iter().any(|one| one.id == **id)) {
            self.told = Some(Err(format!("{twice} is seated already.")));
            return;
        }
        let why = self.why.trim().to_owned();
        for id in ids {
            if draft.already.iter().all(|one| one.id != id) {
                draft.already.push(AlreadyDraft { id, why: why.clone() });
            }
        }
        self.told = None;
        self.ids.clear();
    }
}

/// For a background thread: the people of a list, found among those who are stored.
fn listed(path: &Path, stored: &StoredPool) -> Result<Vec<AlreadyDraft>, String> {
    // A list may call its column of ids as the people's table does.
    let id = match serde_json::from_str::<Mapping>(&stored.mapping).map(|mapping| mapping.id) {
        Ok(IdSource::Column(column)) => Some(column),
        _ => None,
    };
    let named =
        named_people::read_among(path, id.as_deref(), &stored.pool).map_err(|error| sentence(&format!("{error}.")))?;
    Ok(named
        .into_iter()
        .map(|(place, why)| AlreadyDraft { id: stored.pool.ids()[place as usize].clone(), why })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::sample_pool;

    #[test]
    fn typed_ids_may_hold_blanks() {
        let known = |id: &str| id == "made-up 1";
        assert_eq!(typed_ids("a, made-up 1;b c\n", known), ["a", "made-up 1", "b", "c"]);
    }

    #[test]
    fn those_who_are_named_are_found_and_counted() {
        let pool = sample_pool::pool().unwrap();
        let one = |id: &str| AlreadyDraft { id: id.to_owned(), why: "pilot".to_owned() };
        let taken = Taken::new(&pool, &[one(&pool.ids()[7]), one("nobody"), one(&pool.ids()[2])]);
        assert_eq!(taken.named, [(7, "pilot".to_owned()), (2, "pilot".to_owned())]);
        assert_eq!(taken.unknown, ["nobody"]);
        let of_first: f64 =
            taken.seats.iter().filter(|((a, _), _)| *a == pool.attributes()[0].name).map(|(_, n)| n).sum();
        assert!((of_first - 2.0).abs() < 1e-12);
    }
}
