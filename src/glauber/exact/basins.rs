//! Zero-temperature basins and the bottleneck ratio of a set of states (glauber.md 4, 5.4, 6).

use super::chain::ExactChain;

/// Most basins that a result lists; the rest are counted.
pub const MOST_BASINS: usize = 64;

/// States that the argmax dynamics carry to one attractor.
///
/// The dynamics is the systematic sweep over the free sites in order, each set to its argmax, ties to the lowest id.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Basin {
    /// The attractor's states as whole sequences, in the order visited after each sweep from the lowest-numbered.
    pub attractor: Vec<Vec<u32>>,
    /// Whether no update moves it. Otherwise the sweeps cycle, which only incompatible conditionals allow.
    pub fixed_point: bool,
    /// Number of states carried there.
    pub states: u64,
    /// Their stationary mass; `None` without a unique stationary law.
    pub mass: Option<f64>,
    /// Bottleneck of the basin; `None` without a unique stationary law, or where the basin or its complement is empty.
    pub bottleneck: Option<Bottleneck>,
}

/// How hard a set S is to leave, for S or its complement, whichever has at most half the stationary mass.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Bottleneck {
    /// Stationary mass of the side taken.
    pub mass: f64,
    /// `Phi(S) = sum over x in S, y not in S of pi_x P_xy / pi(S)`.
    pub phi: f64,
    /// `1 / (4 Phi)`, a lower bound on the mixing time in steps (LPW theorem 7.4, reversible or not); `None` where S is
    /// never left.
    pub mixing_lower: Option<f64>,
}

/// Which attractor each state is carried to, and the attractors' states.
pub(super) struct Quench {
    /// `[states]`: number of the attractor.
    pub(super) basin: Vec<usize>,
    /// Attractors in the order of their lowest state; each as visited sweep by sweep from that state.
    pub(super) attractors: Vec<Vec<usize>>,
}

/// Follows sweeps of argmax dynamics from every state to the fixed point or cycle they end in.
pub(super) fn quench(chain: &ExactChain) -> Quench {
    let states = chain.states();
    let argmax = |state: usize, site: usize| {
        let logits = chain.logits(site);
        let mut line = chain.line(state, site);
        let first = line.next().unwrap_or(state);
        line.fold(first, |best, other| if logits[other] > logits[best] { other } else { best })
    };
    let sweep: Vec<usize> = (0..states).map(|x| (0..chain.sites()).fold(x, argmax)).collect();
    const UNKNOWN: usize = usize::MAX;
    let (mut basin, mut attractors) = (vec![UNKNOWN; states], Vec::<Vec<usize>>::new());
    let mut visited = vec![UNKNOWN; states];
    for start in 0..states {
        let (mut path, mut at) = (Vec::new(), start);
        while basin[at] == UNKNOWN && visited[at] != start {
            visited[at] = start;
            path.push(at);
            at = sweep[at];
        }
        if basin[at] == UNKNOWN {
            let mut cycle = vec![at];
            while sweep[cycle[cycle.len() - 1]] != at {
                cycle.push(sweep[cycle[cycle.len() - 1]]);
            }
            let lowest = (0..cycle.len()).min_by_key(|&k| cycle[k]).unwrap_or(0);
            cycle.rotate_left(lowest);
            basin[at] = attractors.len();
            attractors.push(cycle);
        }
        let number = basin[at];
        path.into_iter().for_each(|state| basin[state] = number);
    }
    let mut order: Vec<usize> = (0..attractors.len()).collect();
    order.sort_by_key(|&k| attractors[k][0]);
    let mut rank = vec![0; order.len()];
    order.iter().enumerate().for_each(|(place, &k)| rank[k] = place);
    basin.iter_mut().for_each(|number| *number = rank[*number]);
    Quench { basin, attractors: order.into_iter().map(|k| std::mem::take(&mut attractors[k])).collect() }
}

/// Flow of the stationary random scan out of each of `count` disjoint sets given by `label`, per step.
fn flows(chain: &ExactChain, law: &[f64], label: &[usize], count: usize) -> Vec<f64> {
    let mut flows = vec![0.0; count];
    for site in 0..chain.sites() {
        let p = chain.held(site);
        for (x, &mass) in law.iter().enumerate() {
            let leaving: f64 = chain.line(x, site).filter(|&y| label[y] != label[x]).map(|y| p[y]).sum();
            flows[label[x]] += mass * leaving / chain.sites() as f64;
        }
    }
    flows
}

/// Phi from the smaller of the masses of a set and its complement, and the flow out of the set. In stationarity as much
/// flows out of a set as into it, so the complement has the same flow.
fn ratio(mass: f64, flow: f64) -> Option<Bottleneck> {
    let mixing_lower = Some(mass / flow / 4.0).filter(|bound| bound.is_finite());
    (mass > 0.0).then(|| Bottleneck { mass, phi: flow / mass, mixing_lower })
}

impl ExactChain {
    /// Bottleneck ratio of the states for which `inside` holds (numbers below [`ExactChain::states`]), in the stationary
    /// law `law` of the random scan; `None` where the set or its complement has no mass.
    pub fn bottleneck(&self, law: &[f64], inside: impl Fn(usize) -> bool) -> Option<Bottleneck> {
        let label: Vec<usize> = (0..self.states()).map(|state| usize::from(inside(state))).collect();
        let of = |set: usize| label.iter().zip(law).filter(|(l, _)| **l == set).map(|(_, p)| p).sum::<f64>();
        // The complement's mass is summed, not subtracted from 1, since it may be tiny.
        ratio(of(0).min(of(1)), flows(self, law, &label, 2)[1])
    }
}

/// The basins of the argmax dynamics by falling number of states, at most [`MOST_BASINS`], and how many there are.
pub(super) fn basins(chain: &ExactChain, quench: &Quench, law: Option<&[f64]>) -> (Vec<Basin>, u64) {
    let count = quench.attractors.len();
    let (mut states, mut masses) = (vec![0u64; count], vec![0.0; count]);
    for (state, &number) in quench.basin.iter().enumerate() {
        states[number] += 1;
        masses[number] += law.map_or(0.0, |law| law[state]);
    }
    let flows = law.map(|law| flows(chain, law, &quench.basin, count));
    let rest = |number: usize| (0..count).filter(|&other| other != number).map(|other| masses[other]).sum::<f64>();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&number| (u64::MAX - states[number], number));
    let listed = order.into_iter().take(MOST_BASINS).map(|number| {
        let attractor = &quench.attractors[number];
        Basin {
            attractor: attractor.iter().map(|&state| chain.tokens(state)).collect(),
            fixed_point: attractor.len() == 1,
            states: states[number],
            mass: law.map(|_| masses[number]),
            bottleneck: flows.as_ref().and_then(|flows| ratio(masses[number].min(rest(number)), flows[number])),
        }
    });
    (listed.collect(), count as u64)
}
