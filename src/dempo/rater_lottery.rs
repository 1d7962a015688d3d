//! A lottery over people, seen from the preferences of those of them who rated.

use std::collections::HashMap;

use super::identity::{Identity, IdentityError, identity};
use crate::sortition::audit::{AuditError, AuditFile};
use crate::sortition::before::Standing;
use crate::sortition::lottery::Lottery;

/// A lottery and the raters behind its people. People who were seated before it are on every panel.
#[derive(Clone, Debug, PartialEq)]
pub struct RaterLottery {
    /// Ids of the people, those who were seated before last.
    pub people: Vec<String>,
    /// The place of each of them among the raters; none where the person has no preferences.
    pub rater_of: Vec<Option<u32>>,
    /// The panels over places among the people, seated ones included.
    pub lottery: Lottery,
    /// Everybody's chance to be on the panel.
    pub inclusion: Vec<f64>,
    /// Attributes and values that the lottery's quotas know, with the people who have the value.
    pub values: Vec<(String, String, Vec<bool>)>,
    raters: usize,
}

/// One value of an attribute on panels.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ShareOnPanels {
    pub attribute: String,
    pub value: String,
    /// The panel's share, from panel to panel.
    pub share: Identity,
}

impl RaterLottery {
    /// The lottery of an audit file beside `raters`, by ids.
    ///
    /// # Errors
    /// [`AuditError`] where the file does not hang together.
    pub fn new(file: &AuditFile, raters: &[String]) -> Result<Self, AuditError> {
        let settled = file.before.iter().flat_map(|before| &before.people);
        let seated: Vec<&str> =
            settled.filter(|one| one.standing == Standing::Seated).map(|one| one.person.id.as_str()).collect();
        let drawn = file.people.len() as u32;
        let people: Vec<String> = file
            .people
            .iter()
            .map(|person| person.id.as_str())
            .chain(seated.iter().copied())
            .map(str::to_owned)
            .collect();
        let mut lottery = file.lottery()?;
        for panel in &mut lottery.panels {
            panel.members.extend((drawn..).take(seated.len()));
        }
        let chance = |id: &String| file.inclusion.get(id).copied().unwrap_or(0.0);
        let mut inclusion: Vec<f64> = people[..drawn as usize].iter().map(chance).collect();
        inclusion.extend(seated.iter().map(|_| 1.0));
        let places: HashMap<&str, u32> = raters.iter().map(String::as_str).zip(0..).collect();
        let rater_of = people.iter().map(|id| places.get(id.as_str()).copied()).collect();
        // The whole pool has the people first, then all who were settled, those who left too.
        let whole = file.whole()?;
        let known: HashMap<&str, usize> = whole.ids().iter().map(String::as_str).zip(0..).collect();
        let mut values = Vec::new();
        for (place, attribute) in whole.attributes().iter().enumerate() {
            for (number, value) in attribute.values.iter().enumerate() {
                let has = |id: &String| {
                    known.get(id.as_str()).is_some_and(|&person| usize::from(whole.values(person)[place]) == number)
                };
                values.push((attribute.name.clone(), value.clone(), people.iter().map(has).collect()));
            }
        }
        Ok(Self { people, rater_of, lottery, inclusion, values, raters: raters.len() })
    }

    /// Every rater's chance to be on the panel, in the order of the raters; 0 for those whom the lottery does not know.
    pub fn chances(&self) -> Vec<f64> {
        let mut chances = vec![0.0; self.raters];
        for (rater, chance) in self.rater_of.iter().zip(&self.inclusion) {
            if let Some(rater) = rater {
                chances[*rater as usize] = *chance;
            }
        }
        chances
    }

    /// Seats that go, in expectation, to people without preferences. Where there are any, Soft over the rest is not exactly
    /// the expectation of Hard, whose panels lose different numbers of members.
    pub fn seats_without_pairs(&self) -> f64 {
        self.rater_of.iter().zip(&self.inclusion).filter(|(rater, _)| rater.is_none()).map(|(_, chance)| chance).sum()
    }

    /// One number a rater as one a person; 0 for people without preferences.
    pub fn by_person(&self, of_rater: &[f64]) -> Vec<f64> {
        let own = |rater: &Option<u32>| rater.and_then(|rater| of_rater.get(rater as usize)).copied().unwrap_or(0.0);
        self.rater_of.iter().map(own).collect()
    }

    /// How the share of each value varies from panel to panel, in the order of the quotas.
    ///
    /// # Errors
    /// [`IdentityError`] where panels differ in size or their probabilities do not sum to 1.
    pub fn shares_on_panels(&self) -> Result<Vec<ShareOnPanels>, IdentityError> {
        let share = |(attribute, value, has): &(String, String, Vec<bool>)| {
            let losses: Vec<f64> = has.iter().map(|&has| f64::from(u8::from(has))).collect();
            let share = identity(&self.lottery, &losses)?;
            Ok(ShareOnPanels { attribute: attribute.clone(), value: value.clone(), share })
        };
        self.values.iter().map(share).collect()
    }
}

/// The panel that people of these ids form: the places of those who rated, and how many did not.
pub fn panel_of<'i>(ids: impl IntoIterator<Item = &'i str>, raters: &[String]) -> (Vec<u32>, usize) {
    let places: HashMap<&str, u32> = raters.iter().map(String::as_str).zip(0..).collect();
    let (mut panel, mut without) = (Vec::new(), 0);
    for id in ids {
        match places.get(id) {
            Some(&rater) => panel.push(rater),
            None => without += 1,
        }
    }
    (panel, without)
}

/// The people whom an audit file's last draw gave seats (from its numbered panels only where there was no other draw), with
/// those seated before; none where nothing was drawn.
pub fn last_draw(file: &AuditFile) -> Option<Vec<&str>> {
    let numbered = file.numbered.iter().flat_map(|numbered| &numbered.draws);
    let drawn = file.draws.last().or(numbered.last())?;
    let settled = file.before.iter().flat_map(|before| &before.people);
    let seated = settled.filter(|one| one.standing == Standing::Seated).map(|one| one.person.id.as_str());
    Some(drawn.members.iter().map(String::as_str).chain(seated).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::lottery::Panel;

    fn lottery() -> RaterLottery {
        let panel = |members: &[u32], probability| Panel { members: members.to_vec(), probability };
        let has = |people: [bool; 3]| people.to_vec();
        RaterLottery {
            people: ["a", "b", "c"].map(String::from).to_vec(),
            rater_of: vec![Some(1), None, Some(0)],
            lottery: Lottery { panels: vec![panel(&[0, 1], 0.75), panel(&[0, 2], 0.25)] },
            inclusion: vec![1.0, 0.75, 0.25],
            values: vec![("age".into(), "old".into(), has([true, true, false]))],
            raters: 3,
        }
    }

    #[test]
    fn chances_and_shares_are_those_of_the_people_behind() {
        let lottery = lottery();
        assert_eq!((lottery.chances(), lottery.seats_without_pairs()), (vec![0.25, 1.0, 0.0], 0.75));
        assert_eq!(lottery.by_person(&[5.0, 6.0, 7.0]), [6.0, 0.0, 5.0]);
        let shares = lottery.shares_on_panels().unwrap();
        // 1 with probability 3/4, 1/2 otherwise.
        let share = &shares[0].share;
        assert!((share.soft - 0.875).abs() < 1e-15 && (share.variance - 0.046_875).abs() < 1e-15);
        let raters = ["c", "a", "x"].map(String::from);
        assert_eq!(panel_of(["a", "b", "c"], &raters), (vec![1, 0], 1));
    }
}
