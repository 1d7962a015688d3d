//! Quench: states run at zero temperature to the attractor they lead to (glauber.md section 6, basins B1).
//!
//! One systematic sweep updates the free sites in ascending order, each to its largest logit over the allowed tokens,
//! ties by lowest id. A sweep is a map of the space into itself, so every state ends in a fixed point or, where the
//! conditionals are incompatible, possibly in a cycle of sweeps.

use std::collections::HashMap;

use super::conditionals::{Conditionals, ConditionalsError, Precision, Row, ask};
use super::space::Space;
use crate::progress::Progress;

/// A winner that leads by less than this (nats) may be another one in other arithmetic; such updates are counted.
pub const NEAR_TIE: f64 = 1e-5;

/// How far and how a quench is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct QuenchSettings {
    /// Sweeps after which a state that has not come back to one already seen is left unresolved.
    pub max_sweeps: usize,
    /// Rows per call of the model. Part of the result in f32, where a row's last bits depend on its batch.
    pub batch_rows: usize,
    pub precision: Precision,
}

impl Default for QuenchSettings {
    fn default() -> Self {
        Self { max_sweeps: 200, batch_rows: 64, precision: Precision::F32 }
    }
}

/// Where quenched states end.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attractor {
    /// States after successive sweeps: one for a fixed point, several for a cycle, beginning with the smallest.
    pub cycle: Vec<Vec<u32>>,
    /// Number of quenched states (repeats counted) that end here.
    pub members: usize,
}

impl Attractor {
    /// Sweeps until the state repeats: 1 for a fixed point.
    pub fn period(&self) -> usize {
        self.cycle.len()
    }
}

/// The attractors of many states.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Quench {
    /// Most members first, of equals the smaller cycle.
    pub attractors: Vec<Attractor>,
    /// Attractor of each start; `None` where the cap on sweeps was hit.
    pub labels: Vec<Option<usize>>,
    /// Sweeps of each start until it stood on its attractor; for an unresolved start the sweeps known.
    pub sweeps: Vec<usize>,
    /// Number of starts left unresolved.
    pub unresolved: usize,
    /// Rows evaluated, repeats within a sweep left out.
    pub rows: u64,
    /// Updates with an exact tie, given to the lowest id.
    pub ties: u64,
    /// Updates won by less than [`NEAR_TIE`] nats but not by a tie.
    pub near_ties: u64,
}

/// Runs every state of `starts` at zero temperature.
///
/// Equal states are run once, and so are those that meet on the way. Errors: a start outside `space`, a batch or cap of
/// 0, whatever the model reports.
pub fn quench(
    model: &dyn Conditionals,
    space: &Space,
    starts: &[&[u32]],
    settings: &QuenchSettings,
    progress: &dyn Progress,
) -> Result<Quench, ConditionalsError> {
    if settings.batch_rows == 0 || settings.max_sweeps == 0 {
        return Err(ConditionalsError::Invalid(
            "a quench needs at least one row per batch and one sweep: raise both above 0".to_owned(),
        ));
    }
    if let Some(start) = starts.iter().find(|state| !space.holds(state)) {
        let text: Vec<String> = start.iter().map(|&token| model.text(token)).collect();
        return Err(ConditionalsError::Invalid(format!(
            "the state \"{}\" is outside the chain's space: quench states of the same length, template and vocabulary",
            text.join(" ")
        )));
    }
    let mut graph = SweepMap::default();
    let ids: Vec<usize> = starts.iter().map(|state| graph.id(state)).collect();
    let mut sweeper = Sweeper { model, space, settings, rows: 0, ties: 0, near_ties: 0 };
    progress.stage("quenching states");
    let distinct = graph.states.len() as u64;
    for _ in 0..settings.max_sweeps {
        let open: Vec<usize> = (0..graph.states.len()).filter(|&id| graph.next[id].is_none()).collect();
        if open.is_empty() {
            break;
        }
        // States meet on their way, so fewer and fewer are open: those gone count as done.
        progress.report(distinct.saturating_sub(open.len() as u64), distinct);
        let mut states: Vec<Vec<u32>> = open.iter().map(|&id| graph.states[id].clone()).collect();
        sweeper.sweep(&mut states, progress)?;
        for (id, after) in open.into_iter().zip(states) {
            graph.next[id] = Some(graph.id(&after));
        }
    }
    let (rows, ties, near_ties) = (sweeper.rows, sweeper.ties, sweeper.near_ties);
    Ok(graph.resolve(&ids, rows, ties, near_ties))
}

/// The map of one sweep on the states met so far.
#[derive(Default)]
struct SweepMap {
    states: Vec<Vec<u32>>,
    known: HashMap<Vec<u32>, usize>,
    next: Vec<Option<usize>>,
}

/// What following the map from a state came to.
#[derive(Clone, Copy)]
struct Fate {
    /// Smallest state id on the cycle; `None` where the map ends first.
    cycle: Option<usize>,
    sweeps: usize,
}

impl SweepMap {
    fn id(&mut self, state: &[u32]) -> usize {
        if let Some(&id) = self.known.get(state) {
            return id;
        }
        let id = self.states.len();
        self.states.push(state.to_vec());
        self.known.insert(state.to_vec(), id);
        self.next.push(None);
        id
    }

    /// Follows every state once: what lies ahead of a state already followed is known.
    fn fates(&self) -> Vec<Fate> {
        let mut fates: Vec<Option<Fate>> = vec![None; self.states.len()];
        let mut place: Vec<Option<usize>> = vec![None; self.states.len()];
        for start in 0..self.states.len() {
            let mut path: Vec<usize> = Vec::new();
            let mut here = Some(start);
            let mut fate = Fate { cycle: None, sweeps: 0 };
            while let Some(id) = here {
                if let Some(known) = fates[id] {
                    fate = known;
                    break;
                }
                if let Some(first) = place[id] {
                    let cycle = path.split_off(first);
                    let smallest = cycle.iter().copied().min_by(|&a, &b| self.states[a].cmp(&self.states[b]));
                    fate = Fate { cycle: smallest, sweeps: 0 };
                    cycle.into_iter().for_each(|member| fates[member] = Some(fate));
                    break;
                }
                place[id] = Some(path.len());
                path.push(id);
                here = self.next[id];
                if here.is_none() {
                    path.pop();
                    fates[id] = Some(fate);
                }
            }
            for id in path.into_iter().rev() {
                fate.sweeps += 1;
                fates[id] = Some(fate);
            }
        }
        fates.into_iter().map(|fate| fate.unwrap_or(Fate { cycle: None, sweeps: 0 })).collect()
    }

    fn cycle_from(&self, first: usize) -> Vec<Vec<u32>> {
        let mut cycle = vec![self.states[first].clone()];
        let mut here = self.next[first];
        while let Some(id) = here.filter(|&id| id != first) {
            cycle.push(self.states[id].clone());
            here = self.next[id];
        }
        cycle
    }

    fn resolve(&self, starts: &[usize], rows: u64, ties: u64, near_ties: u64) -> Quench {
        let fates = self.fates();
        let mut members: HashMap<usize, usize> = HashMap::new();
        let mut firsts: Vec<usize> = Vec::new();
        for first in starts.iter().filter_map(|&id| fates[id].cycle) {
            let count = members.entry(first).or_insert(0);
            if *count == 0 {
                firsts.push(first);
            }
            *count += 1;
        }
        firsts.sort_by(|a, b| members[b].cmp(&members[a]).then_with(|| self.states[*a].cmp(&self.states[*b])));
        let place: HashMap<usize, usize> = firsts.iter().enumerate().map(|(rank, &first)| (first, rank)).collect();
        let attractors =
            firsts.iter().map(|&first| Attractor { cycle: self.cycle_from(first), members: members[&first] }).collect();
        let labels: Vec<Option<usize>> = starts.iter().map(|&id| fates[id].cycle.map(|first| place[&first])).collect();
        Quench {
            attractors,
            unresolved: labels.iter().filter(|label| label.is_none()).count(),
            labels,
            sweeps: starts.iter().map(|&id| fates[id].sweeps).collect(),
            rows,
            ties,
            near_ties,
        }
    }
}

struct Sweeper<'a> {
    model: &'a dyn Conditionals,
    space: &'a Space,
    settings: &'a QuenchSettings,
    rows: u64,
    ties: u64,
    near_ties: u64,
}

impl Sweeper<'_> {
    /// Updates every free site of every state once, in ascending order of sites.
    fn sweep(&mut self, states: &mut [Vec<u32>], progress: &dyn Progress) -> Result<(), ConditionalsError> {
        for &site in self.space.free() {
            // States that agree at all other sites ask the same question: it travels once.
            let mut asked: HashMap<Vec<u32>, usize> = HashMap::with_capacity(states.len());
            let mut questions: Vec<Vec<u32>> = Vec::new();
            let mut question_of = Vec::with_capacity(states.len());
            for state in states.iter() {
                let mut context = state.clone();
                context[site] = self.space.allowed()[0];
                let fresh = questions.len();
                let question = *asked.entry(context).or_insert_with_key(|context| {
                    questions.push(context.clone());
                    fresh
                });
                question_of.push(question);
            }
            let mut winners = Vec::with_capacity(questions.len());
            for batch in questions.chunks(self.settings.batch_rows) {
                progress.checkpoint()?;
                let rows: Vec<Row<'_>> = batch.iter().map(|state| Row { state, position: site }).collect();
                let logits = ask(self.model, &rows, self.settings.precision)?;
                winners.extend((0..logits.rows()).map(|k| self.winner(logits.row(k))));
                self.rows += batch.len() as u64;
            }
            for (state, question) in states.iter_mut().zip(question_of) {
                state[site] = winners[question];
            }
        }
        Ok(())
    }

    /// The allowed token of largest logit, the lowest id of equals.
    fn winner(&mut self, logits: &[f64]) -> u32 {
        let (mut best, mut second) = ((self.space.allowed()[0], f64::NEG_INFINITY), f64::NEG_INFINITY);
        for &token in self.space.allowed() {
            let logit = logits[token as usize];
            if logit > best.1 {
                second = best.1;
                best = (token, logit);
            } else {
                second = second.max(logit);
            }
        }
        let lead = best.1 - second;
        self.ties += u64::from(lead == 0.0);
        self.near_ties += u64::from(lead > 0.0 && lead < NEAR_TIE);
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::toys;
    use crate::progress::Silent;

    fn all_states(n: usize, v: u32) -> Vec<Vec<u32>> {
        (0..u64::from(v).pow(n as u32))
            .map(|k| (0..n).rev().map(|site| (k / u64::from(v).pow(site as u32) % u64::from(v)) as u32).collect())
            .collect()
    }

    fn run(text: &str, starts: &[Vec<u32>], settings: &QuenchSettings) -> Quench {
        let toy = toys::parse(text).unwrap();
        let space = Space::whole(toy.as_ref(), toy.sites().0).unwrap();
        let starts: Vec<&[u32]> = starts.iter().map(Vec::as_slice).collect();
        quench(toy.as_ref(), &space, &starts, settings, &Silent).unwrap()
    }

    const EXACT: QuenchSettings = QuenchSettings { max_sweeps: 50, batch_rows: 7, precision: Precision::F64 };

    #[test]
    fn ising_runs_to_its_ground_states() {
        // With a tie the lower id wins, so on a ring every block of minus grows: all states but all-plus end at minus.
        let states = all_states(6, 2);
        let found = run("ising:n=6,beta=1", &states, &EXACT);
        assert_eq!(found.attractors.len(), 2);
        assert_eq!((found.attractors[0].cycle.as_slice(), found.attractors[0].period()), (&[vec![0u32; 6]][..], 1));
        assert_eq!(found.attractors[1].cycle, [vec![1; 6]]);
        let plus = |label: &Option<usize>| *label == Some(1);
        assert_eq!(found.labels.iter().filter(|l| plus(l)).count(), found.attractors[1].members);
        assert!(found.unresolved == 0 && found.ties > 0);
        // In a field the tie is broken the other way, and both ground states are still fixed.
        let field = run("ising:n=6,beta=1,field=0.5", &states, &EXACT);
        assert_eq!(field.attractors[0].cycle, [vec![1; 6]]);
        assert_eq!(field.attractors.iter().map(|a| a.members).sum::<usize>(), 64);
    }

    /// The sweep map by hand, one state at a time.
    fn plain(text: &str, start: &[u32], sweeps: usize) -> Vec<u32> {
        let toy = toys::parse(text).unwrap();
        let mut state = start.to_vec();
        for _ in 0..sweeps {
            for position in 0..state.len() {
                let row = ask(toy.as_ref(), &[Row { state: &state, position }], Precision::F64).unwrap();
                let largest = row.row(0).iter().copied().fold(f64::NEG_INFINITY, f64::max);
                state[position] = row.row(0).iter().position(|&l| l == largest).unwrap() as u32;
            }
        }
        state
    }

    #[test]
    fn batches_agree_with_one_state_at_a_time() {
        let text = "random-table:n=4,v=3,seed=5";
        let states = all_states(4, 3);
        let found = run(text, &states, &EXACT);
        for (start, (label, &sweeps)) in states.iter().zip(found.labels.iter().zip(&found.sweeps)) {
            let cycle = &found.attractors[label.unwrap()].cycle;
            assert!(cycle.contains(&plain(text, start, sweeps)));
            assert!(sweeps == 0 || !cycle.contains(&plain(text, start, sweeps - 1)), "no sweep too many");
        }
        assert_eq!(found, run(text, &states, &QuenchSettings { batch_rows: 1000, ..EXACT }));
        assert!(found.rows < 4 * 81, "states that met were run once: {} rows", found.rows);
    }

    #[test]
    fn an_incompatible_table_cycles() {
        // Site 0 copies site 1, site 1 flips site 0: (a, b) -> (b, 1 - b).
        let found = run("table-pair:p=.9;.1;.1;.9,q=.1;.9;.9;.1", &all_states(2, 2), &EXACT);
        assert_eq!(found.attractors.len(), 1);
        assert_eq!(found.attractors[0].cycle, [vec![0, 1], vec![1, 0]]);
        assert_eq!((found.attractors[0].period(), found.attractors[0].members), (2, 4));
        assert_eq!(found.sweeps, [1, 0, 0, 1]);
    }

    #[test]
    fn a_cap_leaves_states_unresolved() {
        let capped = QuenchSettings { max_sweeps: 1, ..EXACT };
        let found = run("table-pair:p=.9;.1;.1;.9,q=.1;.9;.9;.1", &[vec![0, 0]], &capped);
        assert_eq!((found.labels, found.unresolved, found.attractors.len()), (vec![None], 1, 0));
    }

    #[test]
    fn frozen_sites_stay_and_bad_questions_are_refused() {
        let toy = toys::parse("ising:n=4,beta=1").unwrap();
        let space = Space::new(toy.as_ref(), vec![1, 0, 0, 0], &[0], vec![0, 1]).unwrap();
        let found = quench(toy.as_ref(), &space, &[&[1, 0, 0, 0]], &EXACT, &Silent).unwrap();
        assert_eq!(found.attractors[0].cycle, [vec![1, 0, 0, 0]]);
        let outside = quench(toy.as_ref(), &space, &[&[0, 0, 0, 0]], &EXACT, &Silent).unwrap_err();
        assert!(outside.to_string().contains("outside the chain's space"), "{outside}");
        let nothing = QuenchSettings { batch_rows: 0, ..EXACT };
        assert!(quench(toy.as_ref(), &space, &[], &nothing, &Silent).is_err());
    }
}
