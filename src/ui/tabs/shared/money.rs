//! What a run may spend: a budget and the prices of its models, as they are typed.

use std::collections::BTreeSet;

use eframe::egui::{TextEdit, Ui};
use serde::{Deserialize, Serialize};

use super::voice::Voice;
use crate::figures::number;
use crate::providers::price::{Estimate, Price, PriceTable};
use crate::ui::{format, theme};

/// A price as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypedPrice {
    pub model: String,
    /// US dollars per million tokens.
    pub prompt: String,
    pub completion: String,
}

/// Prices and a budget as they were typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Money {
    /// US dollars; empty is no limit.
    pub budget: String,
    pub prices: Vec<TypedPrice>,
}

impl Money {
    /// As a run's spec has them.
    pub fn of(budget: Option<f64>, prices: &PriceTable) -> Self {
        let typed = |(model, price): (&String, &Price)| TypedPrice {
            model: model.clone(),
            prompt: price.prompt.to_string(),
            completion: price.completion.to_string(),
        };
        Self {
            budget: budget.map(|dollars| dollars.to_string()).unwrap_or_default(),
            prices: prices.0.iter().map(typed).collect(),
        }
    }

    /// # Errors
    /// What is wrong with a price or the budget.
    pub fn prices(&self) -> Result<PriceTable, String> {
        let mut table = PriceTable::default();
        for typed in &self.prices {
            let number = |text: &str| match text.trim() {
                "" => Ok(0.0),
                text => text.parse::<f64>().map_err(|_| format!("the price {text:?} of {} is no number", typed.model)),
            };
            if typed.prompt.trim().is_empty() && typed.completion.trim().is_empty() {
                continue;
            }
            let price = Price { prompt: number(&typed.prompt)?, completion: number(&typed.completion)? };
            table.0.insert(typed.model.clone(), price);
        }
        table.check()?;
        Ok(table)
    }

    /// # Errors
    /// Where it is no amount.
    pub fn dollars(&self) -> Result<Option<f64>, String> {
        match self.budget.trim().trim_start_matches('$') {
            "" => Ok(None),
            text => match text.parse::<f64>() {
                Ok(dollars) if dollars.is_finite() && dollars >= 0.0 => Ok(Some(dollars)),
                _ => Err(format!("the budget {text:?} is no amount of US dollars. Type a number, or leave it empty")),
            },
        }
    }

    /// Keeps a place for the price of each of these models.
    fn price_places(&mut self, models: &BTreeSet<&str>) {
        for model in models {
            if !self.prices.iter().any(|typed| typed.model == *model) {
                self.prices.push(TypedPrice { model: (*model).to_owned(), ..TypedPrice::default() });
            }
        }
    }
}

/// Draws the budget and the prices of the models behind `voices`; `tab` tells its fields from those of other forms.
pub fn show<'a>(ui: &mut Ui, tab: &str, money: &mut Money, voices: impl Iterator<Item = &'a Voice>) {
    let used: BTreeSet<&str> = voices.filter_map(Voice::priced).collect();
    money.price_places(&used);
    ui.horizontal(|ui| {
        let label = ui.label("US dollars at most");
        let field = TextEdit::singleline(&mut money.budget).id_salt((tab, "budget")).hint_text("no limit");
        ui.add(field.desired_width(72.0))
            .labelled_by(label.id)
            .on_hover_text("A hard stop: no call starts that might pass it. Models then need prices.");
    });
    if used.is_empty() {
        ui.label(theme::caption("Models of this machine cost nothing.").weak());
    }
    for typed in money.prices.iter_mut().filter(|typed| used.contains(typed.model.as_str())) {
        ui.label(theme::caption(format!("{}, US$ per million tokens", typed.model)));
        ui.horizontal(|ui| {
            for (name, text) in [("read", &mut typed.prompt), ("written", &mut typed.completion)] {
                let label = ui.label(theme::caption(name));
                let id = (tab, "price", typed.model.clone(), name);
                ui.add(TextEdit::singleline(text).id_salt(id).hint_text("unknown").desired_width(64.0))
                    .labelled_by(label.id);
            }
        });
    }
    for problem in [money.prices().err(), money.dollars().err()].into_iter().flatten() {
        ui.label(theme::caption(format::sentence(&problem)).color(theme::palette(ui).bad));
    }
}

/// Draws what the calls may come to; `how` says how it was estimated.
pub fn estimate(ui: &mut Ui, estimate: &Estimate, how: &str) {
    if estimate.calls == 0 {
        return;
    }
    let calls = number::counted(estimate.calls, "call", "calls");
    let tokens = number::general((estimate.prompt_tokens + estimate.completion_tokens) as f64, 2);
    let dollars = match estimate.dollars {
        Some(dollars) if dollars > 0.0 => format!(", about ${dollars:.2}"),
        Some(_) => String::new(),
        None => ", price not known".to_owned(),
    };
    ui.label(theme::caption(format!("{calls}, about {tokens} tokens{dollars}"))).on_hover_text(how);
}
