//! Which quotas cannot be met together: a set of rules of which none can be left out, and why (Farkas' lemma: whole
//! multiples of the rules that ask for more than everybody in the pool together can give).

use super::branching::{Plan, whole};
use super::census::{Bound, Census, Rule, list};
use super::quotas::Quotas;
use super::simplex::{Simplex, Status};
use crate::progress::{Cancelled, Progress};

/// Branches that each question whether whole panels exist may take here.
const BRANCHES: u64 = 2_000;

/// Multiples of rules that nobody can meet: a proof that a few additions check.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Certificate {
    /// Rules with how many times each is taken. `Size` with a positive number stands for the seats that must be filled,
    /// with a negative one for the seats that there are at most.
    pub terms: Vec<(Rule, i64)>,
    /// Households, by their place among those of the census, with how many times each is taken.
    pub households: Vec<(u32, i64)>,
    /// What the lower ends ask for, people counted once for each rule that counts them.
    pub asked: i64,
    /// The most that the upper ends leave room for and people whom they do not count can add.
    pub possible: i64,
}

/// Rules that cannot be met together.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Conflict {
    /// The rules.
    pub rules: Vec<Rule>,
    /// Whether it is known that none of them can be left out: without any one of them the others can be met (on average
    /// over fractions of people where even those cannot meet all of them, by whole people otherwise).
    pub irreducible: bool,
    /// Whether fractions of people could meet the rules and only whole people cannot.
    pub only_whole: bool,
    /// The proof, where fractions of people cannot meet the rules either.
    pub certificate: Option<Certificate>,
    /// All of it for people.
    pub sentence: String,
}

/// Which rules are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    min: Vec<bool>,
    max: Vec<bool>,
    size: bool,
    households: bool,
}

#[derive(Clone, Copy)]
enum Item {
    Min(usize),
    Max(usize),
    Size,
}

/// What a panel is asked for, some of which may be dropped.
pub(super) struct Ground<'a> {
    pub census: &'a Census,
    pub limits: Vec<(u32, u32)>,
    pub size: u32,
    /// Types of which the panel must have somebody.
    pub needed: Vec<usize>,
}

impl Kept {
    fn items(&self) -> Vec<Item> {
        let min = (0..self.min.len()).filter(|&row| self.min[row]).map(Item::Min);
        let max = (0..self.max.len()).filter(|&row| self.max[row]).map(Item::Max);
        min.chain(max).chain(self.size.then_some(Item::Size)).collect()
    }

    fn set(&mut self, item: Item, kept: bool) {
        match item {
            Item::Min(row) => self.min[row] = kept,
            Item::Max(row) => self.max[row] = kept,
            Item::Size => self.size = kept,
        }
    }

    fn len(&self) -> usize {
        self.items().len() + usize::from(self.households)
    }

    pub(super) fn rules(&self, census: &Census) -> Vec<Rule> {
        let rule = |item| match item {
            Item::Min(row) => census.rule(row, Bound::Min),
            Item::Max(row) => census.rule(row, Bound::Max),
            Item::Size => Rule::Size,
        };
        self.items().into_iter().map(rule).chain(self.households.then_some(Rule::Households)).collect()
    }
}

impl<'a> Ground<'a> {
    pub(super) fn new(census: &'a Census, quotas: &Quotas) -> Self {
        Self { census, limits: census.limits(quotas), size: quotas.size, needed: Vec::new() }
    }

    /// Every rule that says anything.
    fn everything(&self) -> Kept {
        let min = self.limits.iter().map(|&(min, _)| min > 0).collect();
        let row = |(row, &(_, max)): (usize, &(u32, u32))| max < self.census.people_in(row);
        let max = self.limits.iter().enumerate().map(row).collect();
        Kept { min, max, size: true, households: self.census.households().len() > 0 }
    }

    fn simplex(&self, kept: &Kept) -> Simplex {
        let mut simplex = self.census.simplex(&self.limits, self.size, kept.households, 0);
        for &t in &self.needed {
            let (_, upper) = simplex.bounds(t);
            simplex.set_bounds(t, 1.0, upper);
        }
        self.apply(&mut simplex, kept);
        simplex
    }

    fn apply(&self, simplex: &mut Simplex, kept: &Kept) {
        for (row, &(min, max)) in self.limits.iter().enumerate() {
            let people = self.census.people_in(row);
            let lower = if kept.min[row] { min } else { 0 };
            let upper = if kept.max[row] { max } else { people.max(lower) };
            simplex.set_limits(row, f64::from(lower), f64::from(upper));
        }
        let size = f64::from(self.size);
        let (lower, upper) = if kept.size { (size, size) } else { (0.0, (self.census.people() as f64).max(size)) };
        simplex.set_limits(self.limits.len(), lower, upper);
    }

    /// Whether it is proved that nothing meets the kept rules; `None` where that is not known.
    fn impossible(
        &self,
        simplex: &mut Simplex,
        kept: &Kept,
        only_whole: bool,
        progress: &dyn Progress,
    ) -> Result<Option<bool>, Cancelled> {
        self.apply(simplex, kept);
        if only_whole {
            let answer = whole(simplex, Plan::any(BRANCHES), progress)?;
            return Ok(match answer.best {
                Some(_) => Some(false),
                None => answer.complete.then_some(true),
            });
        }
        Ok(match simplex.solve(progress)? {
            Status::Solved => Some(false),
            Status::Infeasible => simplex.proof().is_some().then_some(true),
            Status::Stalled => None,
        })
    }

    /// A set of rules that cannot be met, of which none can be left out as far as `true` says, and the program of it;
    /// `None` where nothing is proved to be impossible.
    pub(super) fn irreducible(
        &self,
        only_whole: bool,
        progress: &dyn Progress,
    ) -> Result<Option<(Kept, bool, Simplex)>, Cancelled> {
        let mut kept = self.everything();
        let mut simplex = self.simplex(&kept);
        if self.impossible(&mut simplex, &kept, only_whole, progress)? != Some(true) {
            return Ok(None);
        }
        let mut sure = true;
        if kept.households {
            kept.households = false;
            let mut without = self.simplex(&kept);
            match self.impossible(&mut without, &kept, only_whole, progress)? {
                Some(true) => simplex = without,
                answer => {
                    kept.households = true;
                    sure &= answer.is_some();
                    let _: Option<bool> = self.impossible(&mut simplex, &kept, only_whole, progress)?;
                }
            }
        }
        if !only_whole {
            self.only_proof(&simplex, &mut kept);
        }
        let (first, first_sure) = self.filtered(&mut simplex, kept.clone(), kept.items(), only_whole, progress)?;
        let (mut best, mut best_sure) = (first, first_sure);
        if !only_whole {
            let backwards = kept.items().into_iter().rev().collect();
            let (second, second_sure) = self.filtered(&mut simplex, kept, backwards, only_whole, progress)?;
            if second.len() < best.len() {
                (best, best_sure) = (second, second_sure);
            }
        }
        let _: Option<bool> = self.impossible(&mut simplex, &best, only_whole, progress)?;
        Ok(Some((best, sure && best_sure, simplex)))
    }

    /// Whether it is proved that the kept rules alone cannot be met.
    pub(super) fn barred_by(&self, kept: &Kept, only_whole: bool, progress: &dyn Progress) -> Result<bool, Cancelled> {
        Ok(self.impossible(&mut self.simplex(kept), kept, only_whole, progress)? == Some(true))
    }

    /// Keeps what a proof uses.
    fn only_proof(&self, simplex: &Simplex, kept: &mut Kept) {
        let Some(weights) = simplex.proof() else { return };
        for (row, weight) in weights[..self.limits.len()].iter().enumerate() {
            kept.min[row] &= *weight < 0;
            kept.max[row] &= *weight > 0;
        }
        kept.size &= weights[self.limits.len()] != 0;
    }

    /// Leaves out every rule without which the others still cannot be met, in the given order.
    fn filtered(
        &self,
        simplex: &mut Simplex,
        mut kept: Kept,
        order: Vec<Item>,
        only_whole: bool,
        progress: &dyn Progress,
    ) -> Result<(Kept, bool), Cancelled> {
        let mut sure = true;
        for (done, &item) in order.iter().enumerate() {
            progress.report(done as u64, order.len() as u64);
            kept.set(item, false);
            match self.impossible(simplex, &kept, only_whole, progress)? {
                Some(true) => {}
                answer => {
                    kept.set(item, true);
                    sure &= answer.is_some();
                }
            }
        }
        Ok((kept, sure))
    }

    /// The proof that a program of the kept rules which ended infeasible carries.
    fn certificate(&self, simplex: &Simplex, kept: &Kept) -> Option<Certificate> {
        let weights = simplex.proof()?;
        let rows = self.limits.len();
        let mut terms = Vec::new();
        for (row, &weight) in weights[..rows].iter().enumerate().filter(|(_, weight)| **weight != 0) {
            // Ends that ask for nothing (at least 0, at most everybody) only weaken a proof.
            match weight < 0 {
                true if kept.min[row] => terms.push((self.census.rule(row, Bound::Min), -weight)),
                false if kept.max[row] => terms.push((self.census.rule(row, Bound::Max), weight)),
                _ => {}
            }
        }
        if kept.size && weights[rows] != 0 {
            terms.push((Rule::Size, -weights[rows]));
        }
        let households = simplex.joined().map(|(row, waiting)| (waiting as u32, weights[row]));
        let households = households.filter(|(_, weight)| *weight > 0).collect();
        let mut certificate = Certificate { terms, households, asked: 0, possible: 0 };
        let (asked, possible) = certificate.sums(self.census, &self.limits, self.size)?;
        (certificate.asked, certificate.possible) = (asked, possible);
        (asked > possible).then_some(certificate)
    }
}

impl Certificate {
    /// What is asked for and what is possible, by addition.
    fn sums(&self, census: &Census, limits: &[(u32, u32)], size: u32) -> Option<(i64, i64)> {
        let mut nets = vec![0i64; census.types()];
        let mut rows = vec![0i64; limits.len()];
        let (mut asked, mut possible, mut each) = (0, 0, 0);
        for (rule, times) in &self.terms {
            match rule {
                Rule::Size if *times > 0 => (asked, each) = (asked + times * i64::from(size), each + times),
                Rule::Size => (possible, each) = (possible - times * i64::from(size), each + times),
                Rule::Households => return None,
                Rule::Quota { attribute, value, bound } if *times > 0 => {
                    let row = census.row(attribute, value)?;
                    match bound {
                        Bound::Min => {
                            (asked, rows[row]) = (asked + times * i64::from(limits[row].0), rows[row] + times)
                        }
                        Bound::Max => {
                            (possible, rows[row]) = (possible + times * i64::from(limits[row].1), rows[row] - times);
                        }
                    }
                }
                Rule::Quota { .. } => return None,
            }
        }
        for (t, net) in nets.iter_mut().enumerate() {
            *net = each + census.rows_of(t).map(|row| rows[row]).sum::<i64>();
        }
        let all: Vec<&[u32]> = census.households().collect();
        for &(household, times) in &self.households {
            if times <= 0 {
                return None;
            }
            possible += times;
            all.get(household as usize)?.iter().for_each(|&t| nets[t as usize] -= times);
        }
        let kinds = census.skeleton().types.iter();
        possible += nets.iter().zip(kinds).map(|(&net, kind)| net.max(0) * i64::from(kind.size())).sum::<i64>();
        Some((asked, possible))
    }

    /// Whether it proves that no panel meets these quotas, which the census fits: additions and one comparison.
    pub fn proves(&self, census: &Census, quotas: &Quotas) -> bool {
        let sums = self.sums(census, &census.limits(quotas), quotas.size);
        sums.is_some_and(|(asked, possible)| asked > possible)
    }

    fn sentence(&self, quotas: &Quotas) -> String {
        let words = |asking: bool| {
            let of = |(rule, times): &(Rule, i64)| {
                let asks = match rule {
                    Rule::Quota { bound, .. } => *bound == Bound::Min,
                    _ => *times > 0,
                };
                let times = times.abs();
                let often = if times == 1 { String::new() } else { format!(" (counted {times} times)") };
                (asks == asking).then(|| rule.words(quotas) + &often)
            };
            self.terms.iter().filter_map(of).collect::<Vec<String>>()
        };
        let (asking, mut allowing) = (words(true), words(false));
        if !self.households.is_empty() {
            allowing.push(format!("one person a household ({} of them)", self.households.len()));
        }
        let (asked, possible) = (self.asked, self.possible);
        let once = if asking.len() > 1 { ", counting people once for each" } else { "" };
        let verb = if asking.len() > 1 { "together ask" } else { "asks" };
        let asking = list(&asking);
        match allowing.is_empty() {
            true => {
                format!("{asking} {verb} for {asked}{once}; the people of the pool can make it {possible} at most.")
            }
            false => format!(
                "{asking} {verb} for {asked}{once}; with {} the people of the pool can make it {possible} at most.",
                list(&allowing)
            ),
        }
    }
}

/// A set of rules that cannot be met together, of which none can be left out: first as if people could be divided, then
/// for whole people. `None` where panels exist, or where no proof was found that there are none.
pub fn conflict(census: &Census, quotas: &Quotas, progress: &dyn Progress) -> Result<Option<Conflict>, Cancelled> {
    progress.stage("looking for rules that cannot hold together");
    match of_fractions(census, quotas, progress)? {
        Some(found) => Ok(Some(found)),
        None => of_whole_people(census, quotas, progress),
    }
}

/// A conflict that stands even if people could be divided.
pub(super) fn of_fractions(
    census: &Census,
    quotas: &Quotas,
    progress: &dyn Progress,
) -> Result<Option<Conflict>, Cancelled> {
    let ground = Ground::new(census, quotas);
    let Some((kept, irreducible, simplex)) = ground.irreducible(false, progress)? else { return Ok(None) };
    let rules = kept.rules(census);
    let certificate = ground.certificate(&simplex, &kept);
    let sentence = match &certificate {
        Some(certificate) => certificate.sentence(quotas),
        None => together(&rules, quotas),
    };
    Ok(Some(Conflict { rules, irreducible, only_whole: false, certificate, sentence }))
}

fn of_whole_people(census: &Census, quotas: &Quotas, progress: &dyn Progress) -> Result<Option<Conflict>, Cancelled> {
    let ground = Ground::new(census, quotas);
    let Some((kept, irreducible, _)) = ground.irreducible(true, progress)? else { return Ok(None) };
    let rules = kept.rules(census);
    let sentence = format!(
        "{} They could be met on average, by halves of people, but not by any panel of whole people.",
        together(&rules, quotas)
    );
    Ok(Some(Conflict { rules, irreducible, only_whole: true, certificate: None, sentence }))
}

fn together(rules: &[Rule], quotas: &Quotas) -> String {
    let words: Vec<String> = rules.iter().map(|rule| rule.words(quotas)).collect();
    format!("With the people of the pool, these cannot hold together: {}.", list(&words))
}
