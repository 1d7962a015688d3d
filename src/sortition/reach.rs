//! Who can be chosen at all: people of whom no panel that meets the quotas has one, and which rules keep them out.

use super::branching::{Plan, whole};
use super::census::{Bound, Census, Rule, list};
use super::conflict::{Ground, Kept};
use super::feasibility::Witness;
use super::quotas::Quotas;
use crate::progress::{Cancelled, Progress};

/// Branches that each search for a panel may take.
const BRANCHES: u64 = 5_000;
/// Groups of people whose rules are looked for one by one; the others share a sentence without rules.
const REASONS: usize = 40;

/// People whom the same rules keep out of every panel.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct UnreachableGroup {
    /// Their places in the pool, ascending.
    pub people: Vec<u32>,
    /// Rules that no panel with one of them meets; empty where they were not looked for.
    pub rules: Vec<Rule>,
    /// Whether fractions of people could meet them.
    pub only_whole: bool,
    /// All of it for people.
    pub sentence: String,
}

/// The people that no panel can have.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unreachable {
    /// By reason.
    pub groups: Vec<UnreachableGroup>,
    /// People of whom it is not known, by place in the pool.
    pub undecided: Vec<u32>,
}

impl Unreachable {
    /// Everybody out of reach, by place in the pool, ascending.
    pub fn people(&self) -> Vec<u32> {
        let mut people: Vec<u32> = self.groups.iter().flat_map(|group| group.people.iter().copied()).collect();
        people.sort_unstable();
        people
    }
}

struct Search<'a> {
    census: &'a Census,
    quotas: &'a Quotas,
    limits: Vec<(u32, u32)>,
    seen: Vec<bool>,
    /// The household of a type that lives in one.
    homes: Vec<Option<usize>>,
}

impl<'a> Search<'a> {
    fn new(census: &'a Census, quotas: &'a Quotas) -> Self {
        let mut homes = vec![None; census.types()];
        for (home, types) in census.households().enumerate() {
            types.iter().for_each(|&t| homes[t as usize] = Some(home));
        }
        Self { census, quotas, limits: census.limits(quotas), seen: vec![false; census.types()], homes }
    }

    fn open(&self) -> Vec<usize> {
        (0..self.seen.len()).filter(|&t| !self.seen[t]).collect()
    }

    /// Takes in a panel, and every panel that it becomes when one member after another makes room for somebody new;
    /// whether there was anybody new.
    fn take(&mut self, panel: &Witness) -> bool {
        if !self.census.admits(self.quotas, panel) {
            return false;
        }
        let before = self.open().len();
        let mut sums = vec![0; self.limits.len()];
        let mut taken = vec![false; self.census.households().len()];
        let mut seats = Vec::with_capacity(self.quotas.size as usize);
        for &(t, count) in panel {
            let t = t as usize;
            self.seen[t] = true;
            self.census.rows_of(t).for_each(|row| sums[row] += count);
            self.homes[t].into_iter().for_each(|home| taken[home] = true);
            seats.extend(std::iter::repeat_n(t, count as usize));
        }
        let mut next = 0;
        loop {
            let open = self.open();
            let left = open.len();
            for t in open {
                let fits = |out: usize| {
                    let home = self.homes[t].is_none_or(|home| !taken[home] || self.homes[out] == Some(home));
                    home && self.census.rows_of(t).zip(self.census.rows_of(out)).all(|(new, old)| {
                        new == old || (sums[new] < self.limits[new].1 && sums[old] > self.limits[old].0)
                    })
                };
                // Another seat first each time, so that everybody makes room sooner or later.
                let order = (0..seats.len()).map(|place| (place + next) % seats.len());
                let Some(seat) = order.into_iter().find(|&seat| fits(seats[seat])) else { continue };
                let out = std::mem::replace(&mut seats[seat], t);
                self.census.rows_of(out).for_each(|row| sums[row] -= 1);
                self.census.rows_of(t).for_each(|row| sums[row] += 1);
                self.homes[out].into_iter().for_each(|home| taken[home] = false);
                self.homes[t].into_iter().for_each(|home| taken[home] = true);
                self.seen[t] = true;
                next = seat + 1;
            }
            if self.open().len() == left {
                return self.open().len() < before;
            }
        }
    }

    /// Whether any panel has somebody of these types, the more the better: takes it in; `None` where that is not known.
    fn any(&mut self, types: &[usize], progress: &dyn Progress) -> Result<Option<bool>, Cancelled> {
        let mut simplex = self.census.simplex(&self.limits, self.quotas.size, true, 1);
        let row = self.limits.len() + 1;
        simplex.count_in(types, row);
        simplex.set_limits(row, 1.0, f64::from(self.quotas.size));
        types.iter().for_each(|&t| simplex.set_cost(t, -1.0));
        let answer = whole(&mut simplex, Plan::any(BRANCHES), progress)?;
        Ok(match answer.best {
            Some(counts) => self.take(&occurring(&counts)).then_some(true),
            None => answer.complete.then_some(false),
        })
    }
}

fn occurring(counts: &[i64]) -> Witness {
    let pairs = counts.iter().enumerate().map(|(t, &count)| (t as u32, count as u32));
    pairs.filter(|&(_, count)| count > 0).collect()
}

/// Who cannot be chosen under quotas that the census fits and that `known` panels meet.
pub fn unreachable(
    census: &Census,
    quotas: &Quotas,
    known: &[Witness],
    progress: &dyn Progress,
) -> Result<Unreachable, Cancelled> {
    progress.stage("looking for people that no panel can have");
    let mut search = Search::new(census, quotas);
    for panel in known {
        search.take(panel);
    }
    let (mut barred, mut undecided) = (Vec::new(), Vec::new());
    loop {
        let open = search.open();
        if open.is_empty() {
            break;
        }
        progress.report((census.types() - open.len()) as u64, census.types() as u64);
        match search.any(&open, progress)? {
            Some(true) => {}
            Some(false) => {
                barred = open;
                break;
            }
            None => {
                for t in open {
                    match search.seen[t] {
                        true => {}
                        false => match search.any(&[t], progress)? {
                            Some(true) => {}
                            Some(false) => barred.push(t),
                            None => undecided.push(t),
                        },
                    }
                }
                undecided.retain(|&t| !search.seen[t]);
                break;
            }
        }
    }
    let groups = reasons(census, quotas, &barred, progress)?;
    Ok(Unreachable { groups, undecided: members(census, &undecided) })
}

fn members(census: &Census, types: &[usize]) -> Vec<u32> {
    let mut people: Vec<u32> = types.iter().flat_map(|&t| census.skeleton().types[t].members.clone()).collect();
    people.sort_unstable();
    people
}

/// Groups of unreachable types by the rules that keep them out.
fn reasons(
    census: &Census,
    quotas: &Quotas,
    barred: &[usize],
    progress: &dyn Progress,
) -> Result<Vec<UnreachableGroup>, Cancelled> {
    let limits = census.limits(quotas);
    let mut groups: Vec<(Vec<Rule>, bool, Vec<usize>)> = Vec::new();
    let mut put = |rules: Vec<Rule>, only_whole: bool, t: usize| match groups
        .iter_mut()
        .find(|group| group.0 == rules && group.1 == only_whole)
    {
        Some(group) => group.2.push(t),
        None => groups.push((rules, only_whole, vec![t])),
    };
    let mut found: Vec<(Kept, bool)> = Vec::new();
    for (done, &t) in barred.iter().enumerate() {
        progress.report(done as u64, barred.len() as u64);
        if let Some(row) = census.rows_of(t).find(|&row| limits[row].1 == 0) {
            put(vec![census.rule(row, Bound::Max)], false, t);
            continue;
        }
        let ground = Ground { needed: vec![t], ..Ground::new(census, quotas) };
        let mut of = None;
        for (kept, only_whole) in &found {
            if ground.barred_by(kept, *only_whole, progress)? {
                of = Some((kept.clone(), *only_whole));
                break;
            }
        }
        if of.is_none() && found.len() < REASONS {
            for only_whole in [false, true] {
                if let Some((kept, ..)) = ground.irreducible(only_whole, progress)? {
                    found.push((kept.clone(), only_whole));
                    of = Some((kept, only_whole));
                    break;
                }
            }
        }
        match of {
            Some((kept, only_whole)) => put(kept.rules(census), only_whole, t),
            None => put(Vec::new(), false, t),
        }
    }
    let group = |(rules, only_whole, types): (Vec<Rule>, bool, Vec<usize>)| {
        let people = members(census, &types);
        let sentence = sentence(quotas, people.len(), &rules, only_whole);
        UnreachableGroup { people, rules, only_whole, sentence }
    };
    Ok(groups.into_iter().map(group).collect())
}

fn sentence(quotas: &Quotas, people: usize, rules: &[Rule], only_whole: bool) -> String {
    let words: Vec<String> = rules.iter().map(|rule| rule.words(quotas)).collect();
    let who = if people == 1 { "1 person".to_owned() } else { format!("{people} people") };
    match (rules, only_whole) {
        ([], _) => format!("{who} can never be chosen: no panel that meets the quotas has a place for them."),
        ([one], _) => format!("{who} can never be chosen, because of {}.", one.words(quotas)),
        (_, false) => {
            format!("{who} can never be chosen: a panel with one of them cannot meet {} together.", list(&words))
        }
        (_, true) => format!(
            "{who} can never be chosen: a panel of whole people with one of them cannot meet {} together, although \
             averages could.",
            list(&words)
        ),
    }
}
