//! What is settled before a lottery: who keeps a seat, who is not drawn (again), and the quotas of the whole panel. The
//! lottery is then held over the others, for the seats that are left.

use std::sync::Arc;

use super::pool::Pool;
use super::quotas::Quotas;
use super::replacement::{ReplacementError, remainder};

/// Where somebody stands who is not drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// On the panel already.
    Seated,
    /// Not to be drawn: left the panel, or declined.
    Left,
    /// Lives with somebody who is seated, where only one of a household may sit.
    LivesWithSeated,
}

impl Standing {
    /// The word that files and tables have for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Seated => "seated",
            Self::Left => "left",
            Self::LivesWithSeated => "lives-with-seated",
        }
    }
}

/// Why somebody is not drawn from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Settled {
    pub standing: Standing,
    /// In the organiser's words, in one line; may be empty.
    pub why: String,
}

/// The draw whose panel is completed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Follows {
    /// Hash of the list that was drawn from.
    pub list_sha256: String,
    /// Hash of the panel that was drawn.
    pub panel_sha256: String,
    /// Its members' ids.
    pub members: Vec<String>,
}

/// What was settled before a lottery.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Before {
    /// The quotas of the whole panel.
    pub quotas: Quotas,
    /// Those who are not drawn from, with the attributes of the pool that is.
    pub pool: Pool,
    /// One entry a person of `pool`, in its order.
    pub settled: Vec<Settled>,
    /// Where the lottery replaces members of a panel that was drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<Follows>,
}

/// Somebody whose place is settled: place in the whole pool, and why.
pub type Named = (u32, String);

/// What is left of a pool once seats are settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    /// Those who may be drawn.
    pub pool: Arc<Pool>,
    /// The seats left, and the bounds on them.
    pub quotas: Quotas,
    pub before: Arc<Before>,
}

/// Why what was settled and what is drawn from do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BeforeError {
    #[error(transparent)]
    Seats(#[from] ReplacementError),
    /// The two parts make no pool.
    #[error("those who are settled and those who are drawn from make no pool: {0}")]
    Parts(String),
    /// The quotas are not what the seated leave.
    #[error("the quotas are not those of the whole panel less the {seated} who are seated")]
    Quotas { seated: usize },
    /// Somebody is drawn from who must not be, or the other way round.
    #[error("'{0}' lives with somebody who is seated and would be drawn from, or is kept out without a reason")]
    People(String),
    /// The panel that is completed is not the one that is named.
    #[error("the panel that this lottery completes has another hash, or '{0}' of it is neither seated nor gone")]
    Follows(String),
}

/// Settles the seats of `seated` and takes `gone` out; both name places in `pool`.
pub fn settle(
    pool: &Pool,
    quotas: &Quotas,
    seated: &[Named],
    gone: &[Named],
    one_per_household: bool,
    follows: Option<Follows>,
) -> Result<Left, ReplacementError> {
    let places = |named: &[Named]| named.iter().map(|(person, _)| *person).collect::<Vec<u32>>();
    let rest = remainder(pool, quotas, &places(seated), &places(gone), one_per_household)?;
    let mut standing: Vec<Option<Settled>> =
        vec![Some(Settled { standing: Standing::LivesWithSeated, why: String::new() }); pool.len()];
    for &person in &rest.people {
        standing[person as usize] = None;
    }
    for (named, as_what) in [(seated, Standing::Seated), (gone, Standing::Left)] {
        for (person, why) in named {
            let why = super::draw::line_of(why);
            standing[*person as usize] = Some(Settled { standing: as_what, why });
        }
    }
    let out = pool.filtered(|person| standing[person].is_some());
    let settled = standing.into_iter().flatten().collect();
    let before = Before { quotas: quotas.clone(), pool: out, settled, follows };
    Ok(Left { pool: Arc::new(rest.pool), quotas: rest.quotas, before: Arc::new(before) })
}

impl Before {
    /// Ids of those who stand so, in the order of the pool.
    pub fn ids(&self, standing: Standing) -> impl Iterator<Item = &str> {
        let all = self.pool.ids().iter().zip(&self.settled);
        all.filter(move |(_, settled)| settled.standing == standing).map(|(id, _)| id.as_str())
    }

    /// Everybody, with those who are seated and those who left as places in them: to settle more seats.
    pub fn whole(&self, pool: &Pool) -> Result<(Pool, Vec<Named>, Vec<Named>), BeforeError> {
        let whole = pool.joined(&self.pool).map_err(|error| BeforeError::Parts(error.to_string()))?;
        let named = |wanted: Standing| {
            let place = |(k, settled): (usize, &Settled)| ((pool.len() + k) as u32, settled.why.clone());
            self.settled.iter().enumerate().filter(|(_, settled)| settled.standing == wanted).map(place).collect()
        };
        Ok((whole, named(Standing::Seated), named(Standing::Left)))
    }

    /// Whether drawing from `pool` under `quotas` is what these seats leave: settles them again from scratch.
    pub fn check(&self, pool: &Pool, quotas: &Quotas, one_per_household: bool) -> Result<(), BeforeError> {
        if self.settled.len() != self.pool.len() {
            let (people, reasons) = (self.pool.len(), self.settled.len());
            return Err(BeforeError::Parts(format!("{reasons} reasons for {people} people")));
        }
        let (whole, seated, gone) = self.whole(pool)?;
        let again = settle(&whole, &self.quotas, &seated, &gone, one_per_household, self.follows.clone())?;
        if again.quotas != *quotas {
            return Err(BeforeError::Quotas { seated: seated.len() });
        }
        if again.pool.ids() != pool.ids() {
            let differs = again.pool.ids().iter().zip(pool.ids()).find(|(now, then)| now != then);
            let longer = if again.pool.len() > pool.len() { again.pool.ids().last() } else { pool.ids().last() };
            let id = differs.map(|(_, then)| then).or(longer).cloned().unwrap_or_default();
            return Err(BeforeError::People(id));
        }
        if let Some(follows) = &self.follows {
            let known: std::collections::HashSet<&str> =
                self.ids(Standing::Seated).chain(self.ids(Standing::Left)).collect();
            if let Some(stranger) = follows.members.iter().find(|id| !known.contains(id.as_str())) {
                return Err(BeforeError::Follows(stranger.clone()));
            }
            if super::draw::panel_hash(follows.members.iter().map(String::as_str)) != follows.panel_sha256 {
                return Err(BeforeError::Follows(follows.members.first().cloned().unwrap_or_default()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::sampled::instances::housed;
    use super::*;

    #[test]
    fn settled_seats_fit_and_a_forgery_does_not() {
        let (pool, quotas) = housed();
        let left = settle(&pool, &quotas, &[(0, " a  witness ".into())], &[(5, "ill".into())], true, None).unwrap();
        // p0 lives with p4 and p8.
        let standings: Vec<Standing> = left.before.settled.iter().map(|settled| settled.standing).collect();
        assert_eq!(left.before.pool.ids(), ["p0", "p4", "p5", "p8"]);
        assert_eq!(standings, [Standing::Seated, Standing::LivesWithSeated, Standing::Left, Standing::LivesWithSeated]);
        assert_eq!(left.before.settled[0].why, "a witness");
        assert_eq!(left.before.check(&left.pool, &left.quotas, true), Ok(()));
        // One seat more for women than is left.
        let mut forged = left.quotas.clone();
        forged.attributes[0].values[0].min = 0;
        assert_eq!(left.before.check(&left.pool, &forged, true), Err(BeforeError::Quotas { seated: 1 }));
        // Somebody is kept out without a reason; without the rule the housemates are, too.
        let fewer = left.pool.filtered(|person| person > 0);
        assert!(left.before.check(&fewer, &left.quotas, true).is_ok(), "who never came is not known");
        let mut forged = Before::clone(&left.before);
        forged.settled[1].standing = Standing::Seated;
        assert!(forged.check(&left.pool, &left.quotas, true).is_err());
        assert!(matches!(left.before.check(&left.pool, &left.quotas, false), Err(BeforeError::People(_))));
        // Drawn twice over.
        let again = left.before.whole(&left.pool).unwrap();
        assert_eq!((again.0.len(), again.1.len(), again.2.len()), (11, 1, 1));
    }

    #[test]
    fn a_replacement_names_the_panel_that_it_completes() {
        let (pool, quotas) = housed();
        let members = ["p0", "p1", "p3", "p7"].map(str::to_owned).to_vec();
        let hash = super::super::draw::panel_hash(members.iter().map(String::as_str));
        let follows = Follows { list_sha256: "l".into(), panel_sha256: hash, members };
        let stay = [0, 1, 3].map(|person| (person, String::new()));
        let left = settle(&pool, &quotas, &stay, &[(7, "moved".into())], false, Some(follows)).unwrap();
        assert_eq!(left.before.check(&left.pool, &left.quotas, false), Ok(()));
        let mut forged = Before::clone(&left.before);
        forged.follows.as_mut().unwrap().members[3] = "p8".into();
        assert_eq!(forged.check(&left.pool, &left.quotas, false), Err(BeforeError::Follows("p8".into())));
        forged.follows.as_mut().unwrap().members.pop();
        assert!(matches!(forged.check(&left.pool, &left.quotas, false), Err(BeforeError::Follows(_))));
    }
}
