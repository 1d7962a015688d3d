//! Stationary laws: GTH where a dense matrix fits, an accelerated power iteration elsewhere (glauber.md 5.4).

use super::super::conditionals::ConditionalsError;
use super::arnoldi;
use super::chain::ExactChain;
use crate::progress::Progress;

/// Most states for which dense matrices are formed.
pub const MOST_DENSE: usize = 2048;

/// Residual that an iteration must reach, in total variation.
pub const RESIDUAL: f64 = 1e-12;

/// How a stationary law was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// State elimination without subtraction (Grassmann, Taksar and Heyman 1985): entrywise accurate however slow the chain.
    Gth,
    /// Power iteration, accelerated by the refined Arnoldi method where it is slow, to a residual of at most 1e-12.
    ///
    /// A residual bounds one step's change, not the error, which may be larger by about the relaxation time.
    PowerIteration,
}

/// A stationary law.
#[derive(Clone, Debug, PartialEq)]
pub struct Stationary {
    /// `[states]`.
    pub law: Vec<f64>,
    /// Total variation between the law and what one step (one sweep) makes of it.
    pub residual: f64,
    pub method: Method,
}

/// Half the l1 distance of two laws.
pub(super) fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0
}

/// The closed classes of a graph over `0..size`, each ascending, in the order of their first member.
///
/// `forward` and `backward` list a state's successors and predecessors. Kosaraju's algorithm.
pub(super) fn closed_classes(
    size: usize,
    forward: impl Fn(usize) -> Vec<usize>,
    backward: impl Fn(usize) -> Vec<usize>,
) -> Vec<Vec<usize>> {
    let (mut seen, mut finished) = (vec![false; size], Vec::with_capacity(size));
    for root in 0..size {
        if seen[root] {
            continue;
        }
        seen[root] = true;
        let mut path = vec![(root, forward(root))];
        while let Some((state, ahead)) = path.last_mut() {
            match ahead.pop() {
                Some(next) if !seen[next] => {
                    seen[next] = true;
                    path.push((next, forward(next)));
                }
                Some(_) => {}
                None => {
                    finished.push(*state);
                    path.pop();
                }
            }
        }
    }
    const NONE: usize = usize::MAX;
    let (mut class, mut classes) = (vec![NONE; size], Vec::<Vec<usize>>::new());
    for &root in finished.iter().rev().filter(|_| size > 0) {
        if class[root] != NONE {
            continue;
        }
        let number = classes.len();
        class[root] = number;
        let (mut members, mut at) = (vec![root], 0);
        while at < members.len() {
            for next in backward(members[at]) {
                if class[next] == NONE {
                    class[next] = number;
                    members.push(next);
                }
            }
            at += 1;
        }
        members.sort_unstable();
        classes.push(members);
    }
    let closed = |members: &Vec<usize>| {
        let own = class[members[0]];
        members.iter().all(|&state| forward(state).into_iter().all(|next| class[next] == own))
    };
    let mut closed: Vec<Vec<usize>> = classes.iter().filter(|&members| closed(members)).cloned().collect();
    closed.sort_by_key(|members| members[0]);
    closed
}

/// The closed classes of the random scan: one for every positive temperature whose probabilities f64 can hold.
pub(super) fn random_scan_classes(chain: &ExactChain) -> Vec<Vec<usize>> {
    let sites = chain.sites();
    if (0..sites).all(|site| chain.held(site).iter().all(|&p| p > 0.0)) {
        return vec![(0..chain.states()).collect()];
    }
    let neighbours = |state: usize, forward: bool| {
        let reached = |site: usize| {
            let p = chain.held(site);
            chain.line(state, site).filter(move |&other| p[if forward { other } else { state }] > 0.0)
        };
        (0..sites).flat_map(reached).collect()
    };
    closed_classes(chain.states(), |x| neighbours(x, true), |x| neighbours(x, false))
}

/// Stationary law of the random scan; `None` where several closed classes leave it open.
pub(super) fn random_scan(
    chain: &ExactChain,
    progress: &dyn Progress,
) -> Result<Option<Stationary>, ConditionalsError> {
    let classes = random_scan_classes(chain);
    let [class] = classes.as_slice() else { return Ok(None) };
    let mut step = |law: &[f64], after: &mut [f64]| chain.step(law, after);
    if class.len() > MOST_DENSE {
        return iterate(chain.states(), &mut step, progress).map(Some);
    }
    let place = |state: usize| class.binary_search(&state).ok();
    let mut kernel = vec![0.0; class.len() * class.len()];
    for site in 0..chain.sites() {
        let p = chain.held(site);
        for (row, &x) in class.iter().enumerate() {
            for y in chain.line(x, site) {
                if let Some(column) = place(y) {
                    kernel[row * class.len() + column] += p[y] / chain.sites() as f64;
                }
            }
        }
    }
    direct(chain.states(), class, kernel, &mut step, progress)
}

/// Stationary law of the systematic scan over `order`, after its last update; `None` where it is not unique.
pub(super) fn systematic_scan(
    chain: &ExactChain,
    order: &[usize],
    progress: &dyn Progress,
) -> Result<Option<Stationary>, ConditionalsError> {
    let states = chain.states();
    let mut step = |law: &[f64], after: &mut [f64]| {
        let swept = order.iter().fold(law.to_vec(), |law, &site| chain.update(&law, site));
        after.copy_from_slice(&swept);
    };
    if states > MOST_DENSE {
        // Positive conditionals join all states in one sweep; without them the graph of sweeps is too large to search.
        let positive = (0..chain.sites()).all(|site| chain.held(site).iter().all(|&p| p > 0.0));
        return if positive { iterate(states, &mut step, progress).map(Some) } else { Ok(None) };
    }
    let mut kernel = vec![0.0; states * states];
    for (x, row) in kernel.chunks_exact_mut(states).enumerate() {
        progress.checkpoint()?;
        let mut law = vec![0.0; states];
        law[x] = 1.0;
        step(&law, row);
    }
    let classes = {
        let forward = |x: usize| (0..states).filter(|&y| kernel[x * states + y] > 0.0).collect();
        let backward = |y: usize| (0..states).filter(|&x| kernel[x * states + y] > 0.0).collect();
        closed_classes(states, forward, backward)
    };
    let [class] = classes.as_slice() else { return Ok(None) };
    let within = class.iter().flat_map(|&x| class.iter().map(move |&y| (x, y)));
    let kernel = within.map(|(x, y)| kernel[x * states + y]).collect();
    direct(states, class, kernel, &mut step, progress)
}

/// Largest number of state visits in one sweep of the permutation scan that is still computed.
const MOST_PERMUTATION_WORK: usize = 400_000_000;
/// Most laws of a layer that are held at once, in numbers.
const MOST_PERMUTATION_MEMORY: usize = 40_000_000;

/// Stationary law of the scan that draws a new random order for each sweep, seen after the sweep.
///
/// The mean over all n! orders comes from the 2^n sets of sites already updated: the law after the set S is the mean over
/// its last site. `None` where it is not unique, or where 2^n sets of q^n numbers are too many.
pub(super) fn permutation_scan(
    chain: &ExactChain,
    progress: &dyn Progress,
) -> Result<Option<Stationary>, ConditionalsError> {
    let (n, states) = (chain.sites(), chain.states());
    let layer = (0..n / 2).fold(1usize, |layer, k| layer.saturating_mul(n - k) / (k + 1));
    let work =
        1usize.checked_shl(n as u32 - 1).and_then(|sets| sets.checked_mul(n)).and_then(|w| w.checked_mul(states));
    let fits = work.is_some_and(|work| work <= MOST_PERMUTATION_WORK) && 2 * layer * states <= MOST_PERMUTATION_MEMORY;
    if !fits || !(0..n).all(|site| chain.held(site).iter().all(|&p| p > 0.0)) {
        return Ok(None);
    }
    let mut step = |law: &[f64], after: &mut [f64]| {
        // Laws after each set of the present size, sets ascending as bit patterns.
        let mut layer = vec![(0u64, law.to_vec())];
        for size in 1..=n {
            let mut next = std::collections::BTreeMap::<u64, Vec<f64>>::new();
            for (set, law) in &layer {
                for site in (0..n).filter(|site| set >> site & 1 == 0) {
                    let sum = next.entry(set | 1 << site).or_insert_with(|| vec![0.0; states]);
                    chain.update_into(law, site, 1.0 / size as f64, sum);
                }
            }
            layer = next.into_iter().collect();
        }
        after.copy_from_slice(&layer[0].1);
    };
    iterate(states, &mut step, progress).map(Some)
}

/// GTH on the closed class `class` with its kernel `[class, class]`; other states carry no mass.
fn direct(
    states: usize,
    class: &[usize],
    mut kernel: Vec<f64>,
    step: &mut dyn FnMut(&[f64], &mut [f64]),
    progress: &dyn Progress,
) -> Result<Option<Stationary>, ConditionalsError> {
    let Some(on_class) = gth(&mut kernel, class.len(), progress)? else { return Ok(None) };
    let mut law = vec![0.0; states];
    for (&state, p) in class.iter().zip(on_class) {
        law[state] = p;
    }
    let mut after = vec![0.0; states];
    step(&law, &mut after);
    Ok(Some(Stationary { residual: total_variation(&law, &after), law, method: Method::Gth }))
}

/// Grassmann-Taksar-Heyman elimination of an irreducible kernel `[size, size]`, which is overwritten.
///
/// `None` where a probability between parts of the chain is below what f64 holds: then the law is open in f64.
fn gth(kernel: &mut [f64], size: usize, progress: &dyn Progress) -> Result<Option<Vec<f64>>, ConditionalsError> {
    for last in (1..size).rev() {
        if last % 64 == 0 {
            progress.checkpoint()?;
        }
        let (upper, rest) = kernel.split_at_mut(last * size);
        let out = &rest[..last];
        let leaving: f64 = out.iter().sum();
        if leaving <= 0.0 {
            return Ok(None);
        }
        for row in upper.chunks_exact_mut(size) {
            let into = row[last] / leaving;
            row[last] = into;
            if into > 0.0 {
                row[..last].iter_mut().zip(out).for_each(|(entry, &p)| *entry += into * p);
            }
        }
    }
    let mut law = vec![0.0; size];
    law[0] = 1.0;
    for state in 1..size {
        law[state] = (0..state).map(|before| law[before] * kernel[before * size + state]).sum();
    }
    let total: f64 = law.iter().sum();
    if !total.is_finite() {
        return Ok(None);
    }
    law.iter_mut().for_each(|p| *p /= total);
    Ok(Some(law))
}

/// Steps of plain power iteration between two accelerations.
const PLAIN_STEPS: usize = 48;
/// Accelerations tried before giving up.
const MOST_CYCLES: usize = 120;

/// Power iteration from the uniform law to [`RESIDUAL`], accelerated by the refined Arnoldi method.
pub(super) fn iterate(
    states: usize,
    step: &mut dyn FnMut(&[f64], &mut [f64]),
    progress: &dyn Progress,
) -> Result<Stationary, ConditionalsError> {
    let (mut law, mut after) = (vec![1.0 / states as f64; states], vec![0.0; states]);
    let mut residual = f64::INFINITY;
    for cycle in 0..MOST_CYCLES {
        for _ in 0..PLAIN_STEPS {
            progress.checkpoint()?;
            step(&law, &mut after);
            normalise(&mut after);
            residual = total_variation(&law, &after);
            std::mem::swap(&mut law, &mut after);
            if residual <= RESIDUAL / 4.0 {
                // The residual of the law that is returned, not of the one before it.
                step(&law, &mut after);
                residual = total_variation(&law, &after);
                return Ok(Stationary { law, residual, method: Method::PowerIteration });
            }
        }
        progress.report(cycle as u64, MOST_CYCLES as u64);
        let mut better = arnoldi::fixed_vector(&law, step, progress)?;
        if better.iter().sum::<f64>() < 0.0 {
            better.iter_mut().for_each(|p| *p = -*p);
        }
        better.iter_mut().for_each(|p| *p = p.max(0.0));
        normalise(&mut better);
        step(&better, &mut after);
        if total_variation(&better, &after) < residual {
            law = better;
        }
    }
    Err(ConditionalsError::Invalid(format!(
        "the stationary law of {states} states was found only to a residual of {residual:.1e}: raise the temperature, or \
         choose fewer tokens or sites so that at most {MOST_DENSE} states remain, where it is found by elimination"
    )))
}

fn normalise(law: &mut [f64]) {
    let total: f64 = law.iter().sum();
    law.iter_mut().for_each(|p| *p /= total);
}
