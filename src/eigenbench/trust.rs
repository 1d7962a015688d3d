//! From scores to trust, from trust to a leaderboard (eigenbench.md, section 5; EigenTrust: Kamvar and others 2003).

use super::btd::Btd;

/// The trust matrix, `[judges, models]` by rows: the chance that a judge names a model when it picks the best of all, ties split.
pub fn trust_matrix(model: &Btd) -> Vec<f64> {
    let (judges, n) = (model.judges(), model.models());
    let scores = model.scores();
    let mut trust = Vec::with_capacity(judges * n);
    for judge in 0..judges {
        let row = &scores[judge * n..][..n];
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let roots: Vec<f64> = row.iter().map(|score| (0.5 * (score - largest)).exp()).collect();
        let all: f64 = roots.iter().sum();
        let half_ties = 0.5 * model.log_ties[judge].exp();
        let sizes: Vec<f64> = roots.iter().map(|&root| root * root + half_ties * root * (all - root)).collect();
        let total: f64 = sizes.iter().sum();
        trust.extend(sizes.iter().map(|size| size / total));
    }
    trust
}

/// A leaderboard with how the power iteration would have fared.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct EigenTrust {
    /// Trust in each model; sums to 1.
    pub trust: Vec<f64>,
    /// Closed classes of the matrix: above 1 there is no one leaderboard without damping.
    pub closed_classes: usize,
    /// Whether the power iteration from equal trust would go round for ever.
    pub periodic: bool,
    /// Steps of the power iteration from equal trust to an L1 change below 1e-6 (the authors' rule); `None` beyond 1,000.
    pub power_steps: Option<u32>,
}

/// Why there is no leaderboard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// More than one group of models trusts nobody outside.
    #[error("{} groups of models trust nobody outside, so that there is no one leaderboard: use damping", .0.len())]
    ClosedClasses(Vec<Vec<usize>>),
}

/// The stationary trust of a row-stochastic matrix with teleportation: `t = (1 - damping) t T + damping p`, `p` being
/// `trusted` (equal where it is `None`). By elimination without subtraction (Grassmann, Taksar and Heyman 1985).
///
/// # Errors
/// [`TrustError::ClosedClasses`].
pub fn eigentrust(matrix: &[f64], damping: f64, trusted: Option<&[f64]>) -> Result<EigenTrust, TrustError> {
    let n = matrix.len().isqrt();
    let equal = vec![1.0 / n as f64; n];
    let trusted = trusted.unwrap_or(&equal);
    let mut mixed: Vec<f64> = Vec::with_capacity(n * n);
    for row in matrix.chunks_exact(n) {
        mixed.extend(row.iter().zip(trusted).map(|(own, p)| (1.0 - damping) * own + damping * p));
    }
    let closed = closed_classes(&mixed, n);
    if closed.len() > 1 {
        return Err(TrustError::ClosedClasses(closed));
    }
    let class = closed.into_iter().next().unwrap_or_default();
    let mut trust = vec![0.0; n];
    for (&model, share) in class.iter().zip(stationary(&mixed, n, &class)) {
        trust[model] = share;
    }
    let periodic = period(&mixed, n, &class) > 1;
    Ok(EigenTrust { trust, closed_classes: 1, periodic, power_steps: power_steps(&mixed, n) })
}

/// Whom trust goes back to at every step (p), beside the trust that judges place.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PreTrust {
    /// All models alike.
    #[default]
    Equal,
    /// These models alike, by their places.
    Models(Vec<usize>),
    /// As the judges outside the population do on average (the paper's figure 7); all models alike where there are none.
    Outside,
}

/// How a trust matrix becomes a leaderboard.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Settling {
    /// Share of trust that goes back at every step (alpha).
    pub damping: f64,
    pub pre_trust: PreTrust,
}

impl Settling {
    /// The law that trust goes back to, for a matrix `[judges, models]`.
    fn law(&self, matrix: &[f64], models: usize) -> Option<Vec<f64>> {
        match &self.pre_trust {
            PreTrust::Models(chosen) if !chosen.is_empty() => {
                let share = 1.0 / chosen.len() as f64;
                Some((0..models).map(|model| if chosen.contains(&model) { share } else { 0.0 }).collect())
            }
            PreTrust::Outside if matrix.len() > models * models => {
                let rows = matrix[models * models..].chunks_exact(models);
                let share = 1.0 / rows.len() as f64;
                let mut law = vec![0.0; models];
                rows.for_each(|row| law.iter_mut().zip(row).for_each(|(sum, own)| *sum += share * own));
                Some(law)
            }
            _ => None,
        }
    }

    /// The leaderboard of a matrix `[judges, models]`; judges outside the population count where trust goes back to them.
    ///
    /// # Errors
    /// [`TrustError::ClosedClasses`].
    pub fn settle(&self, matrix: &[f64], models: usize) -> Result<EigenTrust, TrustError> {
        let law = self.law(matrix, models);
        eigentrust(&matrix[..models * models], self.damping, law.as_deref())
    }

    /// The trust that settles where the model at `silent` is judged and does not judge: the others' rows weigh by their own trust,
    /// `t = (1 - damping) sum_(i != silent) t_i T_i / (1 - t_silent) + damping p`. A uniform row in its place would pull all
    /// models together, whatever it said before. `None` where the iteration does not settle.
    pub fn settle_without(&self, matrix: &[f64], models: usize, silent: usize) -> Option<Vec<f64>> {
        const STEPS: usize = 100_000;
        const SETTLED: f64 = 1e-13;
        let equal = 1.0 / models as f64;
        let law = self.law(matrix, models).unwrap_or_else(|| vec![equal; models]);
        let mut trust = vec![equal; models];
        for _ in 0..STEPS {
            let heard: f64 = (0..models).filter(|&judge| judge != silent).map(|judge| trust[judge]).sum();
            if heard <= 0.0 {
                return (self.damping >= 1.0).then_some(law);
            }
            let mut next: Vec<f64> = law.iter().map(|share| self.damping * share).collect();
            for judge in (0..models).filter(|&judge| judge != silent) {
                let weight = (1.0 - self.damping) * trust[judge] / heard;
                next.iter_mut().zip(&matrix[judge * models..]).for_each(|(sum, own)| *sum += weight * own);
            }
            let change: f64 = next.iter().zip(&trust).map(|(a, b)| (a - b).abs()).sum();
            trust = next;
            if change < SETTLED {
                return Some(trust);
            }
        }
        None
    }
}

/// `1500 + 400 log10(n t)`.
pub fn elo(trust: &[f64]) -> Vec<f64> {
    trust.iter().map(|t| 1500.0 + 400.0 * (trust.len() as f64 * t).log10()).collect()
}

/// Elo shifted so that the models at `anchors` have the mean 1500: since trust sums to 1, a model that joins moves everybody,
/// and leaderboards of two populations can be compared only through models that both have. Without anchors this is [`elo`].
pub fn anchored_elo(trust: &[f64], anchors: &[usize]) -> Vec<f64> {
    let mut ratings = elo(trust);
    if !anchors.is_empty() {
        let mean = anchors.iter().map(|&anchor| ratings[anchor]).sum::<f64>() / anchors.len() as f64;
        ratings.iter_mut().for_each(|rating| *rating += 1500.0 - mean);
    }
    ratings
}

/// The stationary law of one closed class.
fn stationary(matrix: &[f64], n: usize, class: &[usize]) -> Vec<f64> {
    let size = class.len();
    let mut rows: Vec<f64> = class.iter().flat_map(|&i| class.iter().map(move |&j| matrix[i * n + j])).collect();
    for last in (1..size).rev() {
        let leaves: f64 = rows[last * size..][..last].iter().sum();
        for i in 0..last {
            rows[i * size + last] /= leaves;
        }
        for i in 0..last {
            for j in 0..last {
                rows[i * size + j] += rows[i * size + last] * rows[last * size + j];
            }
        }
    }
    let mut law = vec![1.0; size];
    for j in 1..size {
        law[j] = (0..j).map(|i| law[i] * rows[i * size + j]).sum();
    }
    let total: f64 = law.iter().sum();
    law.iter().map(|share| share / total).collect()
}

fn reach(matrix: &[f64], n: usize, from: usize) -> Vec<bool> {
    let mut reached = vec![false; n];
    let mut open = vec![from];
    reached[from] = true;
    while let Some(i) = open.pop() {
        for j in 0..n {
            if matrix[i * n + j] > 0.0 && !reached[j] {
                reached[j] = true;
                open.push(j);
            }
        }
    }
    reached
}

/// Sets of models that trust lead to but never out of.
fn closed_classes(matrix: &[f64], n: usize) -> Vec<Vec<usize>> {
    let reaches: Vec<Vec<bool>> = (0..n).map(|i| reach(matrix, n, i)).collect();
    let mut classes: Vec<Vec<usize>> = Vec::new();
    for (i, from) in reaches.iter().enumerate() {
        let closed = (0..n).all(|j| !from[j] || reaches[j][i]);
        if closed && !classes.iter().any(|class| class.contains(&i)) {
            classes.push((0..n).filter(|&j| from[j]).collect());
        }
    }
    classes
}

/// The greatest common divisor of the lengths of all ways back.
fn period(matrix: &[f64], n: usize, class: &[usize]) -> u64 {
    let Some(&first) = class.first() else { return 1 };
    let mut level = vec![None; n];
    level[first] = Some(0u64);
    let mut open = std::collections::VecDeque::from([first]);
    let mut divisor = 0;
    while let Some(i) = open.pop_front() {
        for &j in class.iter().filter(|&&j| matrix[i * n + j] > 0.0) {
            let here = level[i].unwrap_or_default() + 1;
            match level[j] {
                None => {
                    level[j] = Some(here);
                    open.push_back(j);
                }
                Some(there) => divisor = gcd(divisor, here.abs_diff(there)),
            }
        }
    }
    divisor.max(1)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn power_steps(matrix: &[f64], n: usize) -> Option<u32> {
    let mut trust = vec![1.0 / n as f64; n];
    for step in 1..=1000 {
        let next: Vec<f64> = (0..n).map(|j| (0..n).map(|i| trust[i] * matrix[i * n + j]).sum()).collect();
        let change: f64 = next.iter().zip(&trust).map(|(a, b)| (a - b).abs()).sum();
        trust = next;
        if change < 1e-6 {
            return Some(step);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: &[f64], known: &[f64], within: f64) {
        assert!(found.iter().zip(known).all(|(a, b)| (a - b).abs() < within), "{found:?} {known:?}");
    }

    /// eigenbench.md, section 14, check 1.
    #[test]
    fn fixed_parameters() {
        let all: Vec<f64> = (0..15).map(|k| -0.3 + 0.7 * f64::from(k) / 14.0).collect();
        let model = Btd {
            dimension: 2,
            lenses: all[..6].to_vec(),
            dispositions: all[6..12].to_vec(),
            log_ties: all[12..].to_vec(),
        };
        let found = eigentrust(&trust_matrix(&model), 0.0, None).unwrap();
        near(&found.trust, &[0.33998720558859563, 0.3332748295185366, 0.3267379648928681], 1e-10);
    }

    /// Checks 3 to 5.
    #[test]
    fn stationary_laws_that_are_known() {
        let found = eigentrust(&[0.7, 0.3, 0.4, 0.6], 0.0, None).unwrap();
        near(&found.trust, &[4.0 / 7.0, 3.0 / 7.0], 1e-14);
        near(&elo(&found.trust), &[1523.1967787910746, 1473.2212841477547], 1e-8);
        let found = eigentrust(&[0.7, 0.3, 0.4, 0.6], 0.15, None).unwrap();
        near(&found.trust, &[83.0 / 149.0, 66.0 / 149.0], 1e-14);
        let found = eigentrust(&[0.7, 0.3, 0.4, 0.6], 1.0, None).unwrap();
        near(&elo(&found.trust), &[1500.0, 1500.0], 1e-9);
        let found = eigentrust(&[0.5, 0.3, 0.2, 0.2, 0.5, 0.3, 0.3, 0.3, 0.4], 0.0, None).unwrap();
        near(&found.trust, &[21.0 / 64.0, 24.0 / 64.0, 19.0 / 64.0], 1e-14);
        assert!(!found.periodic && found.power_steps.is_some());
        let found = eigentrust(&[0.0, 1.0, 0.0, 0.5, 0.0, 0.5, 0.0, 1.0, 0.0], 0.0, None).unwrap();
        near(&found.trust, &[0.25, 0.5, 0.25], 1e-14);
        assert!(found.periodic && found.power_steps.is_none());
    }

    #[test]
    fn trust_goes_back_to_whom_one_says() {
        // Two models, and a third judge who is none of them.
        let matrix = [0.7, 0.3, 0.4, 0.6, 0.1, 0.9];
        let settle = |damping, pre_trust| Settling { damping, pre_trust }.settle(&matrix, 2).unwrap().trust;
        near(&settle(0.0, PreTrust::Outside), &[4.0 / 7.0, 3.0 / 7.0], 1e-14);
        near(&settle(1.0, PreTrust::Outside), &[0.1, 0.9], 1e-14);
        near(&settle(1.0, PreTrust::Models(vec![1])), &[0.0, 1.0], 1e-14);
        near(&settle(0.15, PreTrust::Equal), &[83.0 / 149.0, 66.0 / 149.0], 1e-14);
        near(
            &Settling { damping: 1.0, pre_trust: PreTrust::Outside }.settle(&matrix[..4], 2).unwrap().trust,
            &[0.5; 2],
            0.1,
        );
    }

    #[test]
    fn who_does_not_judge_is_judged_by_the_others() {
        // Without the third row, the others' weights follow w = w Q / |w Q| with Q the first two rows and columns, here in
        // proportion 1 to 1 by symmetry; trust is the mean of their rows.
        let matrix = [0.5, 0.3, 0.2, 0.3, 0.5, 0.2, 0.01, 0.01, 0.98];
        near(&Settling::default().settle_without(&matrix, 3, 2).unwrap(), &[0.4, 0.4, 0.2], 1e-12);
        let damped = Settling { damping: 1.0, pre_trust: PreTrust::Models(vec![1]) };
        near(&damped.settle_without(&matrix, 3, 2).unwrap(), &[0.0, 1.0, 0.0], 1e-14);
        // Where all agree, nobody's silence changes anything.
        let agreed = [0.6, 0.3, 0.1].repeat(3);
        for silent in 0..3 {
            near(&Settling::default().settle_without(&agreed, 3, silent).unwrap(), &[0.6, 0.3, 0.1], 1e-12);
        }
    }

    #[test]
    fn anchors_keep_their_mean_when_a_model_joins() {
        let before = anchored_elo(&[0.5, 0.3, 0.2], &[0, 1]);
        let after = anchored_elo(&[0.25, 0.15, 0.1, 0.5], &[0, 1]);
        near(&after[..3], &before, 1e-9);
        near(&[(before[0] + before[1]) / 2.0], &[1500.0], 1e-9);
        near(&anchored_elo(&[0.5, 0.5], &[]), &elo(&[0.5, 0.5]), 1e-12);
    }

    #[test]
    fn two_closed_classes_have_no_one_leaderboard() {
        let apart = [0.5, 0.5, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.3, 0.7, 0.0, 0.0, 0.6, 0.4];
        assert_eq!(eigentrust(&apart, 0.0, None), Err(TrustError::ClosedClasses(vec![vec![0, 1], vec![2, 3]])));
        assert!(eigentrust(&apart, 0.1, None).is_ok());
    }

    /// Check 14: no overflow.
    #[test]
    fn extreme_scores_give_rows_that_sum_to_one() {
        let model =
            Btd { dimension: 1, lenses: vec![1.0, -1.0], dispositions: vec![800.0, -800.0], log_ties: vec![0.0, 3.0] };
        for row in trust_matrix(&model).chunks_exact(2) {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12 && row.iter().all(|t| t.is_finite()));
        }
    }

    /// Check 16: four honest judges and a colluder that gives itself 0.9.
    #[test]
    fn collusion_in_closed_form() {
        let mut matrix = vec![0.2; 25];
        matrix[20..].copy_from_slice(&[0.025, 0.025, 0.025, 0.025, 0.9]);
        let found = eigentrust(&matrix, 0.0, None).unwrap();
        near(&[found.trust[4]], &[2.0 / 3.0], 1e-12);
        near(&elo(&found.trust)[3..], &[1347.92, 1709.15], 0.01);
    }
}
