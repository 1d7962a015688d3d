//! Margins sampled in Hamming shells around an anchor.

use super::super::conditionals::{Conditionals, ConditionalsError, Precision, Row, ask};
use super::super::space::Space;
use super::super::temperature::Temperature;
use super::escape::{Escape, deviation_bound, predict};
use crate::progress::Progress;
use crate::statistics::{Stream, quantile, sorted};

/// Rows that travel in one call.
const BATCH_ROWS: usize = 64;

/// Where the tokens at deviating sites come from; never the anchor's.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShellReplacements {
    /// The anchor's conditional at each site at this temperature; where it has no mass left, the largest other logit.
    Conditional { temperature: Temperature },
    /// Uniform over the allowed tokens.
    Uniform,
}

/// What is sampled around an anchor.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MarginSpec {
    /// Shells 1 to `radius`.
    pub radius: usize,
    /// States sampled in each.
    pub samples: usize,
    pub rule: ShellReplacements,
    /// Tokens that the greedy adversary tries at each site that does not deviate yet, those of the largest logits; 0
    /// leaves it out. A shell costs it about `n (n - d) candidates` rows.
    pub candidates: usize,
    /// Temperatures at which the deviation probability is recorded.
    pub temperatures: Vec<Temperature>,
    pub precision: Precision,
    pub seed: u64,
}

/// Margins in one shell.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Shell {
    /// Hamming distance from the anchor; 0 is the anchor itself.
    pub distance: usize,
    /// States sampled, beside the adversary's.
    pub samples: usize,
    /// Smallest margin seen, the adversary's included, nats: an UPPER bound on the true minimum over the shell.
    pub min_upper: f64,
    /// A state that has it, a whole sequence, and the site, a position in it.
    pub min_state: Vec<u32>,
    pub min_site: usize,
    /// Quantiles 0, 5, 25, 50, 75, 95 and 100 % over the sampled states of the smallest margin of each.
    pub quantiles: [f64; 7],
    /// Smallest margin of the greedy adversary's state, and the state.
    pub greedy: Option<(f64, Vec<u32>)>,
    /// Largest `1 - p_i(anchor_i | x)` seen at each temperature of the spec: a LOWER bound on the true maximum.
    pub eta_lower: Vec<f64>,
    /// Forward rows asked.
    pub rows: u64,
}

/// Margins around one anchor.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MarginProfile {
    /// A whole sequence.
    pub anchor: Vec<u32>,
    /// Free sites and allowed tokens of the space.
    pub sites: usize,
    pub vocabulary: usize,
    pub temperatures: Vec<Temperature>,
    /// Whether no margin at the anchor itself is negative: a fixed point of argmax dynamics (a margin of 0 is a tie).
    pub fixed_point: bool,
    /// Shells 0 to the radius.
    pub shells: Vec<Shell>,
    /// First distance at which a margin of at most 0 was seen; `None` where none was. The true one is at most this.
    pub radius_hat_upper: Option<usize>,
}

impl MarginProfile {
    /// Smallest margin seen up to `distance`, nats: an upper bound on the uniform margin of that ball. `None` beyond the
    /// shells sampled.
    pub fn uniform_margin_upper(&self, distance: usize) -> Option<f64> {
        Some(self.shells.get(..=distance)?.iter().map(|shell| shell.min_upper).fold(f64::INFINITY, f64::min))
    }

    /// Largest deviation probability seen up to `distance`, one for each temperature: a lower bound. `None` beyond the
    /// shells sampled.
    pub fn eta_lower(&self, distance: usize) -> Option<Vec<f64>> {
        let shells = self.shells.get(..=distance)?;
        let most = |t: usize| shells.iter().map(|shell| shell.eta_lower[t]).fold(0.0, f64::max);
        Some((0..self.temperatures.len()).map(most).collect())
    }

    /// Escape from the ball of `radius` at each temperature, predicted by the margin and, more sharply, by the deviation
    /// probabilities seen. Both rest on a sample, so neither is a guaranteed lower bound.
    pub fn predictions(&self, radius: usize) -> Result<[Vec<Escape>; 2], ConditionalsError> {
        let (Some(margin), Some(etas)) = (self.uniform_margin_upper(radius), self.eta_lower(radius)) else {
            return Err(ConditionalsError::Invalid(format!(
                "shells up to {} were sampled: choose a radius up to that, not {radius}",
                self.shells.len().saturating_sub(1)
            )));
        };
        let by_margin =
            predict(self.sites, radius, &self.temperatures, |tau| deviation_bound(margin, self.vocabulary, tau))?;
        let seen = |tau: Temperature| self.temperatures.iter().position(|&t| t == tau).map_or(1.0, |k| etas[k]);
        Ok([by_margin, predict(self.sites, radius, &self.temperatures, seen)?])
    }
}

fn check(space: &Space, anchor: &[u32], state: &[u32]) -> Result<(), ConditionalsError> {
    if space.allowed().len() < 2 {
        return Err(ConditionalsError::Invalid("a margin needs at least two allowed tokens".to_owned()));
    }
    if !space.holds(anchor) || !space.holds(state) {
        return Err(ConditionalsError::Invalid(
            "an anchor and the states around it must have the template's length and frozen tokens, and allowed ones \
             elsewhere"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Asks every free site of every state, at most 64 rows at a time, and shows `see` each state's number, the free site's
/// number and the row.
fn each_row(
    model: &dyn Conditionals,
    space: &Space,
    states: &[Vec<u32>],
    precision: Precision,
    progress: &dyn Progress,
    mut see: impl FnMut(usize, usize, &[f64]),
) -> Result<u64, ConditionalsError> {
    let questions: Vec<(usize, usize)> =
        (0..states.len()).flat_map(|state| (0..space.free().len()).map(move |site| (state, site))).collect();
    let mut done = 0;
    for batch in questions.chunks(BATCH_ROWS) {
        progress.checkpoint()?;
        let row = |&(state, site): &(usize, usize)| Row { state: &states[state], position: space.free()[site] };
        let answers = ask(model, &batch.iter().map(row).collect::<Vec<Row<'_>>>(), precision)?;
        batch.iter().enumerate().for_each(|(k, &(state, site))| see(state, site, answers.row(k)));
        done += batch.len() as u64;
        progress.report(done, questions.len() as u64);
    }
    Ok(done)
}

/// The logit of `own` less the largest other allowed one, nats.
fn margin(logits: &[f64], allowed: &[u32], own: u32) -> f64 {
    let others = allowed.iter().filter(|&&token| token != own).map(|&token| logits[token as usize]);
    logits[own as usize] - others.fold(f64::NEG_INFINITY, f64::max)
}

/// Margins of the anchor's tokens at each free site of `state`, nats, free sites in order.
pub fn margins(
    model: &dyn Conditionals,
    space: &Space,
    anchor: &[u32],
    state: &[u32],
    precision: Precision,
    progress: &dyn Progress,
) -> Result<Vec<f64>, ConditionalsError> {
    check(space, anchor, state)?;
    let mut margins = Vec::with_capacity(space.free().len());
    each_row(model, space, &[state.to_vec()], precision, progress, |_, site, logits| {
        margins.push(margin(logits, space.allowed(), anchor[space.free()[site]]));
    })?;
    Ok(margins)
}

/// The smallest margin of each state, with its site among the free ones.
struct Smallest {
    of: Vec<(f64, usize)>,
    eta: Vec<f64>,
    rows: u64,
}

fn smallest(
    model: &dyn Conditionals,
    space: &Space,
    anchor: &[u32],
    states: &[Vec<u32>],
    spec: &MarginSpec,
    progress: &dyn Progress,
) -> Result<Smallest, ConditionalsError> {
    let (mut of, mut eta) = (vec![(f64::INFINITY, 0); states.len()], vec![0.0f64; spec.temperatures.len()]);
    let mut law = Vec::new();
    let rows = each_row(model, space, states, spec.precision, progress, |state, site, logits| {
        let own = anchor[space.free()[site]];
        let m = margin(logits, space.allowed(), own);
        if m < of[state].0 {
            of[state] = (m, site);
        }
        for (temperature, most) in spec.temperatures.iter().zip(&mut eta) {
            temperature.law(logits, space.allowed(), &mut law);
            // The others' sum keeps small probabilities that 1 - p would lose.
            let others = space.allowed().iter().zip(&law).filter(|(token, _)| **token != own);
            *most = most.max(others.map(|(_, p)| p).sum::<f64>().min(1.0));
        }
    })?;
    Ok(Smallest { of, eta, rows })
}

/// Samples the shell at `distance`, 0 to the number of free sites. `greedy_before` is the adversary's state in the shell
/// before (the anchor for distance 1); the draws depend on the spec's seed and the distance alone.
pub fn shell(
    model: &dyn Conditionals,
    space: &Space,
    anchor: &[u32],
    spec: &MarginSpec,
    distance: usize,
    greedy_before: &[u32],
    progress: &dyn Progress,
) -> Result<Shell, ConditionalsError> {
    check(space, anchor, greedy_before)?;
    let n = space.free().len();
    if distance > n || spec.samples == 0 {
        return Err(ConditionalsError::Invalid(format!(
            "{} states at distance {distance} of {n} free sites: choose at least one state and a distance up to {n}",
            spec.samples
        )));
    }
    progress.stage(&format!("margins at distance {distance}"));
    let (states, mut rows) = if distance == 0 {
        (vec![anchor.to_vec()], 0)
    } else {
        sample(model, space, anchor, spec, distance, progress)?
    };
    let mut found = smallest(model, space, anchor, &states, spec, progress)?;
    rows += found.rows;
    let values: Vec<f64> = sorted(&found.of.iter().map(|(m, _)| *m).collect::<Vec<f64>>());
    let lowest = (0..states.len()).fold(0, |best, k| if found.of[k].0 < found.of[best].0 { k } else { best });
    let (mut min, mut min_state) = (found.of[lowest], states[lowest].clone());
    let mut greedy = None;
    if spec.candidates > 0 && distance > 0 && space.hamming(anchor, greedy_before) + 1 == distance {
        let (state, tried) = adversary(model, space, anchor, spec, greedy_before, progress)?;
        rows += tried.rows;
        let (m, site) = tried.of[0];
        // Its deviation probabilities count too.
        let own = smallest(model, space, anchor, std::slice::from_ref(&state), spec, progress)?;
        rows += own.rows;
        found.eta.iter_mut().zip(own.eta).for_each(|(most, eta)| *most = most.max(eta));
        if m < min.0 {
            (min, min_state) = ((m, site), state.clone());
        }
        greedy = Some((m, state));
    }
    Ok(Shell {
        distance,
        samples: states.len(),
        min_upper: min.0,
        min_state,
        min_site: space.free()[min.1],
        quantiles: [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0].map(|p| quantile(&values, p)),
        greedy,
        eta_lower: found.eta,
        rows,
    })
}

/// States at `distance`: a random set of sites, each with a replacement; and the rows asked for them.
fn sample(
    model: &dyn Conditionals,
    space: &Space,
    anchor: &[u32],
    spec: &MarginSpec,
    distance: usize,
    progress: &dyn Progress,
) -> Result<(Vec<Vec<u32>>, u64), ConditionalsError> {
    let (free, allowed) = (space.free(), space.allowed());
    // Weights of the replacements at each free site, over the allowed tokens.
    let (mut weights, mut rows) = (Vec::new(), 0);
    if let ShellReplacements::Conditional { temperature } = spec.rule {
        rows = each_row(model, space, &[anchor.to_vec()], spec.precision, progress, |_, site, logits| {
            let mut law = Vec::new();
            temperature.law(logits, allowed, &mut law);
            let own = anchor[free[site]];
            law.iter_mut().zip(allowed).filter(|(_, token)| **token == own).for_each(|(p, _)| *p = 0.0);
            if law.iter().all(|&p| p == 0.0) {
                let at = |place: usize| logits[allowed[place] as usize];
                let others = (0..allowed.len()).filter(|&place| allowed[place] != own);
                let best = others.reduce(|best, place| if at(place) > at(best) { place } else { best });
                best.into_iter().for_each(|place| law[place] = 1.0);
            }
            weights.push(law);
        })?;
    }
    let mut stream = Stream::new(spec.seed, distance as u64);
    let mut states = Vec::with_capacity(spec.samples);
    for _ in 0..spec.samples {
        let mut state = anchor.to_vec();
        for site in stream.distinct(distance, free.len()) {
            let own = anchor[free[site]];
            state[free[site]] = match weights.get(site) {
                Some(weights) => allowed[stream.weighted(weights)],
                None => {
                    let place = stream.below(allowed.len() as u64 - 1) as usize;
                    // The allowed tokens without the anchor's.
                    allowed[place + usize::from(allowed[place] >= own)]
                }
            };
        }
        states.push(state);
    }
    Ok((states, rows))
}

/// The state one step further from `before` whose smallest margin is smallest, over the likeliest replacements at each
/// site that still holds the anchor's token; of equals the first. With it its margin alone, and the rows asked.
fn adversary(
    model: &dyn Conditionals,
    space: &Space,
    anchor: &[u32],
    spec: &MarginSpec,
    before: &[u32],
    progress: &dyn Progress,
) -> Result<(Vec<u32>, Smallest), ConditionalsError> {
    let (free, allowed) = (space.free(), space.allowed());
    let mut candidates = Vec::new();
    let rows = each_row(model, space, &[before.to_vec()], spec.precision, progress, |_, site, logits| {
        let (position, own) = (free[site], anchor[free[site]]);
        if before[position] == own {
            let mut others: Vec<u32> = allowed.iter().copied().filter(|&token| token != own).collect();
            others.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b)));
            for &token in others.iter().take(spec.candidates) {
                let mut state = before.to_vec();
                state[position] = token;
                candidates.push(state);
            }
        }
    })?;
    let quiet = MarginSpec { temperatures: Vec::new(), ..spec.clone() };
    let mut found = smallest(model, space, anchor, &candidates, &quiet, progress)?;
    found.rows += rows;
    let best = (0..candidates.len()).reduce(|best, k| if found.of[k].0 < found.of[best].0 { k } else { best });
    let Some(best) = best else {
        return Err(ConditionalsError::Invalid(
            "no site is left that could deviate: choose a smaller radius".to_owned(),
        ));
    };
    found.of = vec![found.of[best]];
    Ok((candidates.swap_remove(best), found))
}

/// [`shell`] for distances 0 to the spec's radius.
pub fn profile(
    model: &dyn Conditionals,
    space: &Space,
    anchor: &[u32],
    spec: &MarginSpec,
    progress: &dyn Progress,
) -> Result<MarginProfile, ConditionalsError> {
    check(space, anchor, anchor)?;
    let n = space.free().len();
    if spec.radius > n {
        return Err(ConditionalsError::Invalid(format!(
            "a radius of {} at {n} free sites: choose at most {n}",
            spec.radius
        )));
    }
    let (mut shells, mut before): (Vec<Shell>, Vec<u32>) = (Vec::new(), anchor.to_vec());
    for distance in 0..=spec.radius {
        let shell = shell(model, space, anchor, spec, distance, &before, progress)?;
        if let Some((_, state)) = &shell.greedy {
            before.clone_from(state);
        }
        shells.push(shell);
    }
    Ok(MarginProfile {
        anchor: anchor.to_vec(),
        sites: n,
        vocabulary: space.allowed().len(),
        temperatures: spec.temperatures.clone(),
        fixed_point: shells[0].min_upper >= 0.0,
        radius_hat_upper: shells.iter().find(|shell| shell.min_upper <= 0.0).map(|shell| shell.distance),
        shells,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::toys;
    use crate::progress::Silent;

    fn spec(radius: usize) -> MarginSpec {
        MarginSpec {
            radius,
            samples: 40,
            rule: ShellReplacements::Uniform,
            candidates: 2,
            temperatures: [0.5, 1.0].map(|tau| Temperature::new(tau).unwrap()).to_vec(),
            precision: Precision::F64,
            seed: 5,
        }
    }

    fn found(text: &str, anchor: &[u32], spec: &MarginSpec) -> MarginProfile {
        let model = toys::parse(text).unwrap();
        let space = Space::whole(model.as_ref(), anchor.len()).unwrap();
        profile(model.as_ref(), &space, anchor, spec, &Silent).unwrap()
    }

    /// Curie-Weiss, all plus: with d sites turned the margins are 2 beta S / n, smallest where S = n - 1 - 2 d.
    #[test]
    fn margins_of_curie_weiss_by_hand() {
        let (n, beta) = (9, 1.5);
        for rule in [ShellReplacements::Uniform, ShellReplacements::Conditional { temperature: Temperature::ZERO }] {
            let profile =
                found(&format!("curie-weiss:n={n},beta={beta}"), &vec![1; n], &MarginSpec { rule, ..spec(6) });
            for shell in &profile.shells {
                // A deviating site sees one plus more.
                let sum = (n - 1) as f64 - 2.0 * shell.distance as f64;
                let known = 2.0 * beta * sum / n as f64;
                assert!((shell.min_upper - known).abs() < 1e-14, "{shell:?}");
                assert_eq!((shell.quantiles[0], shell.quantiles[6]), (shell.min_upper, shell.min_upper));
                for (eta, tau) in shell.eta_lower.iter().zip([0.5, 1.0]) {
                    assert!((eta - 1.0 / (1.0 + (known / tau).exp())).abs() < 1e-14);
                }
                assert_eq!(shell.greedy.is_some(), shell.distance > 0);
            }
            assert_eq!((profile.fixed_point, profile.radius_hat_upper), (true, Some(4)));
            assert!((profile.uniform_margin_upper(3).unwrap() - 2.0 * beta * 2.0 / n as f64).abs() < 1e-14);
            assert_eq!(profile.uniform_margin_upper(7), None);
            // Two tokens: the bound by the margin is attained, so both predictions agree.
            let [by_margin, by_eta] = profile.predictions(3).unwrap();
            for (x, y) in by_margin.iter().zip(&by_eta) {
                assert!((x.log_steps.unwrap() - y.log_steps.unwrap()).abs() < 1e-12);
            }
            assert!(profile.predictions(8).unwrap_err().to_string().contains("up to 6"));
        }
    }

    /// Against the true minimum over each whole shell of a small random table.
    #[test]
    fn sampled_minima_are_upper_bounds_and_the_adversary_helps() {
        let model = toys::parse("random-table:n=4,v=4,seed=11").unwrap();
        let space = Space::whole(model.as_ref(), 4).unwrap();
        let anchor = [2, 0, 3, 1];
        let sampled = profile(model.as_ref(), &space, &anchor, &MarginSpec { samples: 6, ..spec(4) }, &Silent).unwrap();
        let (mut truth, mut true_eta) = ([f64::INFINITY; 5], [0.0f64; 5]);
        for k in 0..256u32 {
            let state = [k / 64, k / 16 % 4, k / 4 % 4, k % 4];
            let d = space.hamming(&anchor, &state);
            let all = margins(model.as_ref(), &space, &anchor, &state, Precision::F64, &Silent).unwrap();
            truth[d] = all.iter().copied().fold(truth[d], f64::min);
            for (site, _) in all.iter().enumerate() {
                let logits = model.logits(&[Row { state: &state, position: site }], Precision::F64).unwrap();
                let weights: Vec<f64> = logits.row(0).iter().map(|l| l.exp()).collect();
                let own = weights[anchor[site] as usize] / weights.iter().sum::<f64>();
                true_eta[d] = true_eta[d].max(1.0 - own);
            }
        }
        for shell in &sampled.shells {
            assert!(shell.min_upper >= truth[shell.distance] && shell.eta_lower[1] <= true_eta[shell.distance] + 1e-15);
            assert_eq!(space.hamming(&anchor, &shell.min_state), shell.distance);
            let again = margins(model.as_ref(), &space, &anchor, &shell.min_state, Precision::F64, &Silent).unwrap();
            assert_eq!(again[shell.min_site], shell.min_upper, "the state shows its margin");
            if let Some((m, state)) = &shell.greedy {
                assert!(*m >= shell.min_upper && space.hamming(&anchor, state) == shell.distance);
            }
        }
        // At distance 1 an adversary who tries every token finds the truth.
        let sharp =
            found("random-table:n=4,v=4,seed=11", &anchor, &MarginSpec { samples: 1, candidates: 3, ..spec(1) });
        assert_eq!(sharp.shells[1].min_upper, truth[1]);
        assert!(sampled.shells[0].min_upper == truth[0] && sampled.shells[0].samples == 1);
        assert_eq!(sampled.fixed_point, truth[0] >= 0.0);
    }

    #[test]
    fn a_shell_depends_on_nothing_but_its_distance() {
        let model = toys::parse("random-table:n=4,v=4,seed=2").unwrap();
        let space = Space::new(model.as_ref(), vec![0, 3, 1, 2], &[1], vec![0, 1, 2]).unwrap();
        let anchor = [0, 3, 1, 2];
        let spec =
            MarginSpec { rule: ShellReplacements::Conditional { temperature: Temperature::INFINITE }, ..spec(3) };
        let whole = profile(model.as_ref(), &space, &anchor, &spec, &Silent).unwrap();
        let before = &whole.shells[1].greedy.as_ref().unwrap().1;
        let alone = shell(model.as_ref(), &space, &anchor, &spec, 2, before, &Silent).unwrap();
        assert_eq!(alone, whole.shells[2]);
        assert_eq!(alone.samples, 40);
        let json = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<MarginProfile>(&json).unwrap(), whole);
        let problem = |anchor: &[u32], spec: &MarginSpec| {
            profile(model.as_ref(), &space, anchor, spec, &Silent).unwrap_err().to_string()
        };
        assert!(problem(&[0, 0, 1, 2], &spec).contains("frozen"));
        assert!(problem(&anchor, &MarginSpec { radius: 4, ..spec.clone() }).contains("at most 3"));
        assert!(problem(&anchor, &MarginSpec { samples: 0, ..spec.clone() }).contains("at least one state"));
        let narrow = Space::new(model.as_ref(), vec![0; 4], &[], vec![0]).unwrap();
        let refused = margins(model.as_ref(), &narrow, &[0; 4], &[0; 4], Precision::F64, &Silent);
        assert!(refused.unwrap_err().to_string().contains("two allowed"));
    }
}
