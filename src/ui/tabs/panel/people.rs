//! The people of the project: read once on a background thread, counted, and named in the first card.

use std::sync::Arc;

use eframe::egui::Ui;

use super::draft::Draft;
use super::reading::Counts;
use crate::figures::number;
use crate::jobs;
use crate::sortition::sample_pool;
use crate::store::{StoreError, StoredPool};
use crate::ui::command::{Command, NewPool};
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;
use crate::ui::tabs::shared::run_state;
use crate::ui::widgets::card;
use crate::ui::{format, theme};

/// People with their counts.
#[derive(Clone)]
pub struct Gathered {
    pub stored: Arc<StoredPool>,
    pub counts: Arc<Counts>,
    /// How many live with somebody else of the pool.
    pub sharing: usize,
}

impl Gathered {
    fn new(stored: StoredPool) -> Self {
        let mut households = std::collections::HashMap::new();
        for person in 0..stored.pool.len() {
            if let Some(key) = stored.pool.household(person) {
                *households.entry(key).or_insert(0_usize) += 1;
            }
        }
        let sharing = households.values().filter(|&&people| people > 1).sum();
        let counts = Arc::new(Counts::new(&stored.pool));
        Self { counts, sharing, stored: Arc::new(stored) }
    }
}

/// The people that the draft names.
#[derive(Default)]
pub struct People {
    asked: Option<i64>,
    found: Requested<Result<Option<Gathered>, StoreError>>,
}

impl People {
    /// Keeps up with the draft.
    pub fn follow(&mut self, context: &TabContext<'_>, pool: Option<i64>) {
        if self.asked == pool {
            return;
        }
        self.asked = pool;
        match pool {
            None => self.found.clear(),
            Some(id) => {
                context.query(&mut self.found, move |project| Ok(project.pool(id)?.map(Gathered::new)));
            }
        }
    }

    /// The people, once they were read.
    pub fn get(&mut self) -> Option<&Gathered> {
        let asked = self.asked;
        match self.found.get() {
            Some(Ok(Some(found))) if Some(found.stored.id) == asked => Some(found),
            _ => None,
        }
    }

    /// The first card of the form.
    pub fn card(&mut self, ui: &mut Ui, draft: &Draft, commands: &mut Vec<Command>) {
        card(ui, "1  People", |ui| {
            let waiting = self.found.waiting();
            match (draft.pool, self.found.get()) {
                (None, _) => {
                    ui.label(
                        theme::caption("Nobody yet. A table has one row for each person who may be drawn.").weak(),
                    );
                }
                (Some(_), Some(Err(problem))) => run_state::unreadable(ui, problem),
                (Some(_), Some(Ok(None))) if !waiting => {
                    let told = "These people are no longer stored in the project. Import them again.";
                    ui.label(theme::caption(told).color(theme::palette(ui).warning));
                }
                (Some(_), Some(Ok(Some(found)))) => summary(ui, found),
                _ => {
                    ui.spinner();
                }
            }
            ui.horizontal_wrapped(|ui| {
                let import = ui.button(if draft.pool.is_some() { "Other people…" } else { "Import people…" });
                if import.on_hover_text("CSV, Excel or JSON lines; or drop the file on the window.").clicked() {
                    commands.push(Command::ChoosePeople);
                }
                if draft.pool.is_some() {
                    let forget = ui.button("Forget them");
                    let why = "Deletes everybody from the project, earlier imports too. Finished lotteries keep their people.";
                    if forget.on_hover_text(why).clicked() {
                        commands.push(Command::ForgetPeople);
                    }
                }
            });
        });
    }
}

fn summary(ui: &mut Ui, found: &Gathered) {
    let pool = &found.stored.pool;
    let people = number::counted(pool.len() as u64, "person", "people");
    ui.label(theme::strong(people));
    let attributes = number::counted(pool.attributes().len() as u64, "attribute", "attributes");
    let sharing = match found.sharing {
        0 => String::new(),
        sharing => format!(", {} share a household", number::count(sharing as u64)),
    };
    let when = format::local_time(&found.stored.imported);
    let from = format!("{}: {attributes}{sharing}. Stored {when}.", found.stored.source);
    let sha = format!("SHA-256 of the table: {}", found.stored.sha256);
    ui.label(theme::caption(from).weak()).on_hover_text(sha);
}

/// The invented people of the sample.
pub fn sample() -> Result<NewPool, String> {
    let pool = sample_pool::pool().map_err(|error| error.to_string())?;
    let mut bytes = String::new();
    for person in 0..pool.len() {
        bytes += &pool.ids()[person];
        for value in pool.values(person) {
            bytes += &format!(",{value}");
        }
        bytes.push('\n');
    }
    Ok(NewPool {
        source: "Aldermoor, an invented town".to_owned(),
        sha256: jobs::sha256(bytes.as_bytes()),
        mapping: "{}".to_owned(),
        pool: Arc::new(pool),
    })
}
