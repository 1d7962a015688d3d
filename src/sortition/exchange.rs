//! A panel at the table: one type of people after another gets a seat, others move so that every quota stays met.

use std::collections::HashMap;

use super::census::Census;
use super::feasibility::Witness;

/// What exchanges need of a census, looked up once.
pub(super) struct Kinds<'a> {
    census: &'a Census,
    /// The quota rows of each type, one an attribute.
    rows: Vec<Vec<usize>>,
    /// The household of a type that lives in one.
    homes: Vec<Option<usize>>,
    /// Types that live with nobody, by their values as one number.
    alone: HashMap<u128, usize>,
    /// What a step of each attribute's value is worth in that number; empty where it would not fit.
    steps: Vec<u128>,
}

impl<'a> Kinds<'a> {
    pub(super) fn new(census: &'a Census) -> Self {
        let mut homes = vec![None; census.types()];
        for (home, types) in census.households().enumerate() {
            types.iter().for_each(|&t| homes[t as usize] = Some(home));
        }
        let rows: Vec<Vec<usize>> = (0..census.types()).map(|t| census.rows_of(t).collect()).collect();
        let attributes = rows.first().map_or(0, Vec::len);
        let mut steps = Vec::with_capacity(attributes);
        let mut step = Some(1_u128);
        for _ in 0..attributes {
            steps.extend(step);
            step = step.and_then(|step| step.checked_mul(census.rows() as u128 + 1));
        }
        if step.is_none() {
            steps.clear();
        }
        let mut kinds = Self { census, rows, homes, alone: HashMap::new(), steps };
        if !kinds.steps.is_empty() {
            let lonely = (0..census.types()).filter(|&t| kinds.homes[t].is_none());
            kinds.alone = lonely.map(|t| (kinds.number(t), t)).collect();
        }
        kinds
    }

    fn number(&self, t: usize) -> u128 {
        self.rows[t].iter().zip(&self.steps).map(|(&row, step)| row as u128 * step).sum()
    }

    /// The type that differs from `t` in attribute `place` alone, where it has the value of quota row `row`.
    fn but_for(&self, t: usize, place: usize, row: usize) -> Option<usize> {
        let step = *self.steps.get(place)?;
        let number = self.number(t) - self.rows[t][place] as u128 * step + row as u128 * step;
        self.alone.get(&number).copied()
    }

    fn size(&self, t: usize) -> u32 {
        self.census.skeleton().types[t].size()
    }
}

/// A panel, seat by seat, that meets every quota.
pub(super) struct Table<'a> {
    kinds: &'a Kinds<'a>,
    limits: &'a [(u32, u32)],
    seats: Vec<usize>,
    /// Members of each quota row.
    sums: Vec<u32>,
    /// Members of each type.
    counts: HashMap<usize, u32>,
    taken: Vec<bool>,
    /// The seat that makes room first, another one each time.
    next: usize,
}

impl<'a> Table<'a> {
    /// Seats a panel that meets the quotas.
    pub(super) fn new(kinds: &'a Kinds<'a>, limits: &'a [(u32, u32)], panel: &Witness) -> Self {
        let seats: Vec<usize> =
            panel.iter().flat_map(|&(t, count)| std::iter::repeat_n(t as usize, count as usize)).collect();
        let mut table = Self {
            kinds,
            limits,
            sums: vec![0; limits.len()],
            counts: HashMap::new(),
            taken: vec![false; kinds.census.households().len()],
            next: 0,
            seats: Vec::new(),
        };
        seats.iter().for_each(|&t| table.enter(t));
        table.seats = seats;
        table
    }

    fn enter(&mut self, t: usize) {
        self.kinds.rows[t].iter().for_each(|&row| self.sums[row] += 1);
        *self.counts.entry(t).or_default() += 1;
        self.kinds.homes[t].into_iter().for_each(|home| self.taken[home] = true);
    }

    fn leave(&mut self, t: usize) {
        self.kinds.rows[t].iter().for_each(|&row| self.sums[row] -= 1);
        *self.counts.entry(t).or_default() -= 1;
        self.kinds.homes[t].into_iter().for_each(|home| self.taken[home] = false);
    }

    fn put(&mut self, seat: usize, t: usize) -> usize {
        let out = std::mem::replace(&mut self.seats[seat], t);
        self.leave(out);
        self.enter(t);
        out
    }

    /// Gives somebody of `t` a seat; who came in with them, or nothing where no exchange was found. Every quota is met
    /// before and after.
    pub(super) fn seat(&mut self, t: usize) -> Option<Vec<usize>> {
        let count = self.seats.len();
        let order = |next: usize| (0..count).map(move |place| (place + next) % count.max(1));
        // First without anybody else having to move.
        for seat in order(self.next) {
            if self.makes_room(seat, t) && self.broken(seat, t).is_empty() {
                self.put(seat, t);
                self.next = seat + 1;
                return Some(vec![t]);
            }
        }
        for seat in order(self.next) {
            if !self.makes_room(seat, t) {
                continue;
            }
            if let Some(came) = self.mended(seat, t) {
                self.next = seat + 1;
                return Some(came);
            }
        }
        None
    }

    /// Whether a household rule lets `t` take this seat.
    fn makes_room(&self, seat: usize, t: usize) -> bool {
        let homes = &self.kinds.homes;
        homes[t].is_none_or(|home| !self.taken[home] || homes[self.seats[seat]] == Some(home))
    }

    /// Attributes of which `t` on this seat breaks a quota.
    fn broken(&self, seat: usize, t: usize) -> Vec<usize> {
        let pairs = self.kinds.rows[t].iter().zip(&self.kinds.rows[self.seats[seat]]).enumerate();
        let breaks = |&(_, (&new, &old)): &(usize, (&usize, &usize))| {
            new != old && (self.sums[new] >= self.limits[new].1 || self.sums[old] <= self.limits[old].0)
        };
        pairs.filter(breaks).map(|(place, _)| place).collect()
    }

    /// Puts `t` on the seat and mends each quota that this breaks: somebody who has the value of which there is now one too
    /// many makes room for somebody who differs in nothing but in having the one of which there is now one too few.
    fn mended(&mut self, seat: usize, t: usize) -> Option<Vec<usize>> {
        let broken = self.broken(seat, t);
        let mut moves = vec![(seat, self.put(seat, t))];
        for place in broken {
            let (many, few) = (self.kinds.rows[t][place], self.kinds.rows[moves[0].1][place]);
            let swap = (0..self.seats.len()).find_map(|other| {
                let out = self.seats[other];
                if other == seat || self.kinds.rows[out][place] != many {
                    return None;
                }
                let enters = self.kinds.but_for(out, place, few)?;
                let room = self.counts.get(&enters).copied().unwrap_or(0) < self.kinds.size(enters);
                room.then_some((other, enters))
            });
            let Some((other, enters)) = swap else {
                for (seat, before) in moves.into_iter().rev() {
                    self.put(seat, before);
                }
                return None;
            };
            moves.push((other, self.put(other, enters)));
        }
        Some(moves.iter().map(|&(seat, _)| self.seats[seat]).collect())
    }

    /// The panel as it sits.
    #[cfg(test)]
    pub(super) fn panel(&self) -> Witness {
        let mut counts: Vec<(u32, u32)> =
            self.counts.iter().filter(|(_, count)| **count > 0).map(|(&t, &count)| (t as u32, count)).collect();
        counts.sort_unstable();
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::super::sampled::instances::instance;
    use super::*;

    #[test]
    fn every_exchange_keeps_every_quota() {
        // Bounds without any play: nobody can take a seat alone.
        let bounds = [("gender", "F", 2, 2), ("gender", "M", 2, 2), ("age", "Y", 2, 2), ("age", "O", 2, 2)];
        let people: [(&[&str], usize); 4] = [(&["F", "Y"], 2), (&["M", "O"], 2), (&["F", "O"], 2), (&["M", "Y"], 2)];
        let (pool, quotas) = instance(4, &bounds, &people);
        let census = Census::new(&pool, &quotas, false).unwrap();
        let (kinds, limits) = (Kinds::new(&census), census.limits(&quotas));
        let of = |gender: &str, age: &str| {
            let row = [census.row("gender", gender).unwrap(), census.row("age", age).unwrap()];
            (0..census.types()).find(|&t| census.rows_of(t).eq(row)).unwrap() as u32
        };
        let mut start = vec![(of("F", "Y"), 2), (of("M", "O"), 2)];
        start.sort_unstable();
        let mut table = Table::new(&kinds, &limits, &start);
        let came = table.seat(of("F", "O") as usize).expect("with a young man in exchange");
        assert_eq!(came, [of("F", "O") as usize, of("M", "Y") as usize]);
        assert!(census.admits(&quotas, &table.panel()), "{:?}", table.panel());
        // Without young men there is nobody to move in exchange: everything stays as it was.
        let (pool, quotas) = instance(4, &bounds, &people[..3]);
        let census = Census::new(&pool, &quotas, false).unwrap();
        let (kinds, limits) = (Kinds::new(&census), census.limits(&quotas));
        let seated = |values: [usize; 2]| (0..census.types()).find(|&t| census.rows_of(t).eq(values)).unwrap();
        let mut start = vec![(seated([0, 2]) as u32, 2), (seated([1, 3]) as u32, 2)];
        start.sort_unstable();
        let mut table = Table::new(&kinds, &limits, &start);
        assert_eq!(table.seat(seated([0, 3])), None);
        assert_eq!(table.panel(), start);
    }
}
