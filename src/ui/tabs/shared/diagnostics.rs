//! Convergence of numbers along chains: the table and its explanation, wherever chains are diagnosed.

use eframe::egui::Ui;

use crate::figures::number;
use crate::glauber::experiments::trajectories::Diagnostic;
use crate::ui::command::Table;
use crate::ui::widgets::what_is;
use crate::ui::{help, theme};

/// One row for each number; the chains have a value every `every` sweeps.
pub fn table(found: &[Diagnostic], every: u64) -> Table {
    let header =
        ["quantity", "R-hat", "bulk ESS", "tail ESS", "autocorrelation time (sweeps)", "chains", "snapshots of each"];
    let rows = found
        .iter()
        .map(|Diagnostic { name, convergence: c }| {
            vec![
                name.clone(),
                c.r_hat.map_or("undefined".to_owned(), |r| number::fixed(r, 3)),
                number::fixed(c.bulk_ess, 0),
                number::fixed(c.tail_ess, 0),
                number::general(c.autocorrelation_time * every as f64, 3),
                c.chains.to_string(),
                number::count(c.draws as u64),
            ]
        })
        .collect();
    Table { name: "diagnostics".to_owned(), header: header.map(str::to_owned).to_vec(), rows }
}

/// What the numbers can and cannot say.
pub fn headline(ui: &mut Ui) {
    ui.label("Diagnostics, not proof of mixing: chains stuck in one basin agree with each other too.");
    ui.horizontal_wrapped(|ui| {
        for (name, text) in [
            ("R-hat", help::R_HAT),
            ("Effective sample size", help::EFFECTIVE_SAMPLE_SIZE),
            ("Autocorrelation time", help::AUTOCORRELATION_TIME),
        ] {
            ui.label(theme::caption(name).weak());
            what_is(ui, text.name, text.text);
        }
    });
}
