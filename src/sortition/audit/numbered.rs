//! Numbered panels that are equally likely, in the audit file.

use super::super::draw::PublishedList;
use super::super::lottery::{Lottery, Panel};
use super::super::transparent::Rounding;
use super::{AuditDraw, AuditError, AuditFile};

/// A list of M numbered panels, one of which a ball or a dice draws.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AuditNumbered {
    /// How the lottery was rounded to it, and the seed of that.
    pub rounding: Rounding,
    pub seed: u64,
    /// Members of each panel in the order of their numbers, as places in the file's `people`, from 0.
    pub panels: Vec<Vec<u32>>,
    /// Hash of the list as it is published: see `draw`.
    pub list_sha256: String,
    /// Largest difference of anybody's chance from the lottery's.
    pub deviation: f64,
    /// Draws from this list.
    #[serde(default)]
    pub draws: Vec<AuditDraw>,
}

impl AuditNumbered {
    /// The list as a lottery over places in the file's people.
    pub fn lottery(&self, people: usize) -> Result<Lottery, AuditError> {
        let probability = 1.0 / self.panels.len().max(1) as f64;
        let panel = |(number, members): (usize, &Vec<u32>)| {
            let mut members = members.clone();
            members.sort_unstable();
            match members.last() {
                Some(&last) if last as usize >= people => Err(AuditError::Content(format!(
                    "numbered panel {} names place {last} of {people} people",
                    number + 1
                ))),
                _ => Ok(Panel { members, probability }),
            }
        };
        Ok(Lottery { panels: self.panels.iter().enumerate().map(panel).collect::<Result<_, _>>()? })
    }
}

/// Largest difference of anybody's chance under equally likely panels from `chances`.
pub(super) fn deviation(panels: &[Panel], chances: &[f64]) -> f64 {
    let mut places = vec![0u32; chances.len()];
    panels.iter().flat_map(|panel| &panel.members).for_each(|&person| places[person as usize] += 1);
    let count = panels.len().max(1) as f64;
    let apart = places.iter().zip(chances).map(|(&places, chance)| (f64::from(places) / count - chance).abs());
    apart.fold(0.0, f64::max)
}

impl AuditFile {
    /// Puts a list of numbered panels into the file, with how it was made.
    pub fn number(&mut self, list: &Lottery, rounding: Rounding, seed: u64) -> Result<&AuditNumbered, AuditError> {
        let ids: Vec<String> = self.people.iter().map(|person| person.id.clone()).collect();
        let published = PublishedList::equal(list, &ids).map_err(|error| AuditError::Content(error.to_string()))?;
        let chances = self.lottery()?.inclusion(self.people.len());
        Ok(self.numbered.insert(AuditNumbered {
            rounding,
            seed,
            deviation: deviation(&list.panels, &chances),
            panels: list.panels.iter().map(|panel| panel.members.clone()).collect(),
            list_sha256: published.hash,
            draws: Vec::new(),
        }))
    }

    /// The numbered panels as they are published before a draw, where there are any.
    pub fn published_numbers(&self) -> Result<Option<PublishedList>, AuditError> {
        let Some(numbered) = &self.numbered else { return Ok(None) };
        let ids: Vec<String> = self.people.iter().map(|person| person.id.clone()).collect();
        let list = PublishedList::equal(&numbered.lottery(ids.len())?, &ids);
        list.map(Some).map_err(|error| AuditError::Content(error.to_string()))
    }

    /// Draws from the numbered panels, and records the draw.
    pub fn draw_number(&mut self, words: &str) -> Result<&AuditDraw, AuditError> {
        let none = || AuditError::Content("the file has no numbered panels".to_owned());
        let published = self.published_numbers()?.ok_or_else(none)?;
        let drawn = published.draw(words).map_err(|error| AuditError::Content(error.to_string()))?;
        let numbered = self.numbered.as_mut().ok_or_else(none)?;
        let id = |&place: &u32| self.people[place as usize].id.clone();
        let members = numbered.panels[drawn.panel].iter().map(id).collect();
        numbered.draws.push(AuditDraw { drawn, members });
        Ok(&numbered.draws[numbered.draws.len() - 1])
    }
}
