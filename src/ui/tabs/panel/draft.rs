//! The form as data: which people, which quotas, which lottery. Autosave and undo keep it as one JSON text.
//!
//! Cells hold what was typed. A cell that is no number stays as it is and is told in its place (see [`super::reading`]).

use serde::{Deserialize, Serialize};

use super::cells::Column;
use crate::figures::number;
use crate::sortition::algorithm::Algorithm;
use crate::sortition::pool::Attribute;
use crate::sortition::quotas::{Quotas, bounds_from_share};

/// Where bounds come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Min and max follow share, tolerance and size.
    #[default]
    Shares,
    /// Min and max are typed.
    Counts,
}

/// One row of the grid: a value with its bounds, as typed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ValueDraft {
    pub value: String,
    /// Percent.
    pub share: String,
    /// Percent of the share; empty: as for all.
    pub tolerance: String,
    pub min: String,
    pub max: String,
    /// Lowest min that a suggestion may propose; empty: any.
    pub flex_min: String,
    /// Highest max that a suggestion may propose; empty: any.
    pub flex_max: String,
    pub slack: bool,
    /// Suggestions leave this row alone.
    pub locked: bool,
}

/// The rows of one attribute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttributeDraft {
    pub name: String,
    pub values: Vec<ValueDraft>,
}

/// The draw: what the dice showed, and what was drawn with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DrawDraft {
    /// What is being typed.
    pub words: String,
    /// Draw from numbered panels that are equally likely.
    pub equal: bool,
    /// How many of them.
    pub count: u32,
    /// What was drawn last.
    pub drawn: Option<DrawnDraft>,
}

/// A draw that was made; everything else follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawnDraft {
    /// The lottery's run.
    pub run: i64,
    pub words: String,
    /// Of so many equally likely panels; `None`: by the lottery's own probabilities.
    pub equal: Option<u32>,
}

impl Default for DrawDraft {
    fn default() -> Self {
        Self { words: String::new(), equal: false, count: 1000, drawn: None }
    }
}

/// The whole form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// Number of the people in the project.
    pub pool: Option<i64>,
    pub size: u32,
    /// Percent of each share, for rows without a tolerance of their own.
    pub tolerance: String,
    pub source: Source,
    pub quotas: Vec<AttributeDraft>,
    pub one_per_household: bool,
    pub algorithm: Algorithm,
    /// Attempts of a rule whose chances are estimated.
    pub draws: u64,
    pub seed: u64,
    pub draw: DrawDraft,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            pool: None,
            size: 30,
            tolerance: "10".to_owned(),
            source: Source::default(),
            quotas: Vec::new(),
            one_per_household: false,
            algorithm: Algorithm::Leximin,
            draws: 10_000,
            seed: 0,
            draw: DrawDraft::default(),
        }
    }
}

/// A row of the grid as a place in the draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub attribute: usize,
    pub value: usize,
}

/// A share as the grid writes it: percent without needless digits.
pub fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The share that a text in percent means.
pub fn share(text: &str) -> Option<f64> {
    let text = text.trim().trim_end_matches('%').trim().replace(',', ".");
    text.parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent)).map(|percent| percent / 100.0)
}

/// The relative tolerance that a text in percent means.
pub fn tolerance(text: &str) -> Option<f64> {
    let text = text.trim().trim_end_matches('%').trim().replace(',', ".");
    text.parse::<f64>().ok().filter(|percent| (0.0..=1000.0).contains(percent)).map(|percent| percent / 100.0)
}

impl Draft {
    /// The rows of the grid from top to bottom.
    pub fn places(&self) -> Vec<Place> {
        let rows = |(attribute, draft): (usize, &AttributeDraft)| {
            (0..draft.values.len()).map(move |value| Place { attribute, value })
        };
        self.quotas.iter().enumerate().flat_map(rows).collect()
    }

    /// The row at `place`.
    pub fn row(&self, place: Place) -> Option<&ValueDraft> {
        self.quotas.get(place.attribute)?.values.get(place.value)
    }

    /// What a cell holds, as it is shown, copied and edited.
    pub fn cell(&self, place: Place, column: Column) -> String {
        let Some(row) = self.row(place) else { return String::new() };
        let yes = |set: bool| if set { "yes" } else { "" };
        match column {
            Column::Attribute => &self.quotas[place.attribute].name,
            Column::Value => &row.value,
            Column::Share => &row.share,
            Column::Tolerance => &row.tolerance,
            Column::Min => &row.min,
            Column::Max => &row.max,
            Column::FlexMin => &row.flex_min,
            Column::FlexMax => &row.flex_max,
            Column::Slack => return yes(row.slack).to_owned(),
            Column::Locked => return yes(row.locked).to_owned(),
            Column::Pool | Column::Expected | Column::Drawn => return String::new(),
        }
        .clone()
    }

    /// Puts `text` into a cell; bounds follow where they come from shares.
    pub fn set(&mut self, place: Place, column: Column, text: &str) {
        let text = text.trim();
        if column == Column::Attribute {
            if let Some(attribute) = self.quotas.get_mut(place.attribute) {
                text.clone_into(&mut attribute.name);
            }
            return;
        }
        let Some(row) = self.quotas.get_mut(place.attribute).and_then(|a| a.values.get_mut(place.value)) else {
            return;
        };
        let set = matches!(text.to_lowercase().as_str(), "yes" | "y" | "true" | "1" | "x");
        match column {
            Column::Value => text.clone_into(&mut row.value),
            Column::Share => text.clone_into(&mut row.share),
            Column::Tolerance => text.clone_into(&mut row.tolerance),
            Column::Min => text.clone_into(&mut row.min),
            Column::Max => text.clone_into(&mut row.max),
            Column::FlexMin => text.clone_into(&mut row.flex_min),
            Column::FlexMax => text.clone_into(&mut row.flex_max),
            Column::Slack => row.slack = set,
            Column::Locked => row.locked = set,
            Column::Attribute | Column::Pool | Column::Expected | Column::Drawn => {}
        }
        if matches!(column, Column::Share | Column::Tolerance) {
            self.derive(place);
        }
    }

    /// Sets min and max of a row from its share, where bounds come from shares.
    fn derive(&mut self, place: Place) {
        if self.source == Source::Counts {
            return;
        }
        let (size, general) = (self.size, tolerance(&self.tolerance));
        let Some(row) = self.quotas.get_mut(place.attribute).and_then(|a| a.values.get_mut(place.value)) else {
            return;
        };
        let own = if row.tolerance.is_empty() { general } else { tolerance(&row.tolerance) };
        if let (Some(share), Some(tolerance)) = (share(&row.share), own) {
            let (min, max) = bounds_from_share(share, size, tolerance);
            (row.min, row.max) = (min.to_string(), max.to_string());
        }
    }

    /// Sets min and max of every row that has a share, where bounds come from shares.
    pub fn derive_all(&mut self) {
        for place in self.places() {
            self.derive(place);
        }
    }

    /// Fills shares from the counts: the middle of each row's bounds over the size. Rows without both stay as they are.
    pub fn shares_from_counts(&mut self) {
        let size = f64::from(self.size.max(1));
        for row in self.quotas.iter_mut().flat_map(|attribute| &mut attribute.values) {
            if let (Ok(min), Ok(max)) = (row.min.trim().parse::<u32>(), row.max.trim().parse::<u32>()) {
                row.share = percent(((f64::from(min) + f64::from(max)) / 2.0 / size).min(1.0));
            }
        }
    }

    /// Rows for attributes of the people that have none yet: no bounds, or those of the people's own shares.
    pub fn add_attributes(&mut self, attributes: &[Attribute], counts: Option<&[Vec<usize>]>) {
        for (k, attribute) in attributes.iter().enumerate() {
            if self.quotas.iter().any(|known| known.name == attribute.name) {
                continue;
            }
            let total = counts.map_or(0, |counts| counts[k].iter().sum::<usize>());
            let values = attribute.values.iter().enumerate().map(|(v, value)| ValueDraft {
                value: value.clone(),
                share: match counts {
                    Some(counts) if total > 0 => percent(counts[k][v] as f64 / total as f64),
                    _ => String::new(),
                },
                ..ValueDraft::default()
            });
            self.quotas.push(AttributeDraft { name: attribute.name.clone(), values: values.collect() });
        }
        self.derive_all();
    }

    /// Adds rows for values that people have and the quotas do not name.
    pub fn add_missing_values(&mut self, attributes: &[Attribute]) {
        for quota in &mut self.quotas {
            let Some(attribute) = attributes.iter().find(|known| known.name == quota.name) else { continue };
            for value in &attribute.values {
                if quota.values.iter().all(|row| row.value != *value) {
                    quota.values.push(ValueDraft { value: value.clone(), ..ValueDraft::default() });
                }
            }
        }
    }

    /// Adds a value below `at`, or a first one; its place.
    pub fn add_value(&mut self, at: Option<Place>) -> Place {
        if self.quotas.is_empty() {
            return self.add_attribute();
        }
        let last = self.quotas.len() - 1;
        let at = at.filter(|at| at.attribute <= last);
        let attribute = at.map_or(last, |at| at.attribute);
        let values = &mut self.quotas[attribute].values;
        let value = at.map_or(values.len(), |at| (at.value + 1).min(values.len()));
        values.insert(value, ValueDraft::default());
        Place { attribute, value }
    }

    /// Adds an attribute with one value; the value's place.
    pub fn add_attribute(&mut self) -> Place {
        self.quotas.push(AttributeDraft { name: String::new(), values: vec![ValueDraft::default()] });
        Place { attribute: self.quotas.len() - 1, value: 0 }
    }

    /// Removes rows; an attribute goes with its last row.
    pub fn remove(&mut self, places: &[Place]) {
        for place in places.iter().rev() {
            if let Some(attribute) = self.quotas.get_mut(place.attribute)
                && place.value < attribute.values.len()
            {
                attribute.values.remove(place.value);
            }
        }
        self.quotas.retain(|attribute| !attribute.values.is_empty());
    }

    /// Takes over finished quotas: bounds as they are, shares where there are targets.
    pub fn set_quotas(&mut self, quotas: &Quotas) {
        self.size = quotas.size;
        let row = |quota: &crate::sortition::quotas::ValueQuota| {
            let flex = |limit: u32, bound: u32| if limit == bound { String::new() } else { limit.to_string() };
            ValueDraft {
                value: quota.value.clone(),
                share: quota.target.map(percent).unwrap_or_default(),
                min: quota.min.to_string(),
                max: quota.max.to_string(),
                flex_min: flex(quota.min_flex, quota.min),
                flex_max: flex(quota.max_flex, quota.max),
                slack: quota.slack,
                ..ValueDraft::default()
            }
        };
        let attribute = |attribute: &crate::sortition::quotas::AttributeQuotas| AttributeDraft {
            name: attribute.name.clone(),
            values: attribute.values.iter().map(row).collect(),
        };
        self.quotas = quotas.attributes.iter().map(attribute).collect();
    }

    /// What the form is about, in a few words.
    pub fn in_words(&self) -> String {
        format!("{} drawn by {}", number::counted(u64::from(self.size), "person", "people"), self.algorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::sample_pool;

    const FIRST: Place = Place { attribute: 0, value: 0 };

    #[test]
    fn bounds_follow_shares_unless_counts_are_typed() {
        let mut draft = Draft { size: 145, ..Draft::default() };
        draft.add_attributes(&[Attribute { name: "a".into(), values: vec!["x".into()] }], None);
        draft.set(FIRST, Column::Share, "60 %");
        assert_eq!((draft.cell(FIRST, Column::Min), draft.cell(FIRST, Column::Max)), ("78".into(), "96".into()));
        draft.set(FIRST, Column::Tolerance, "0");
        assert_eq!(draft.cell(FIRST, Column::Min), "87");
        draft.source = Source::Counts;
        draft.set(FIRST, Column::Share, "10");
        assert_eq!(draft.cell(FIRST, Column::Min), "87");
        draft.shares_from_counts();
        assert_eq!(draft.cell(FIRST, Column::Share), "60");
    }

    #[test]
    fn what_is_no_number_stays_as_typed() {
        let mut draft = Draft::default();
        draft.add_attribute();
        draft.set(FIRST, Column::Min, "a few");
        draft.set(FIRST, Column::Share, "many");
        assert_eq!(draft.cell(FIRST, Column::Min), "a few");
        assert_eq!(draft.cell(FIRST, Column::Share), "many");
        assert_eq!(draft.cell(FIRST, Column::Max), "");
    }

    #[test]
    fn rows_come_and_go_with_their_attributes() {
        let mut draft = Draft::default();
        draft.set_quotas(&sample_pool::quotas());
        let rows = draft.places().len();
        let added = draft.add_value(Some(FIRST));
        assert_eq!((added, draft.places().len()), (Place { attribute: 0, value: 1 }, rows + 1));
        let first: Vec<Place> = draft.places().into_iter().filter(|place| place.attribute == 0).collect();
        draft.remove(&first);
        assert_eq!(draft.quotas[0].name, "Age");
    }
}
