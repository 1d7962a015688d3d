//! How well scores tell two classes apart and whether probabilities mean what they say.

use super::correlation::ranks;
use super::intervals::{normal_quantile, wilson};
use super::random::Stream;

/// Area under the ROC curve: the chance that a positive scores above a negative, ties counting half.
///
/// `None` without a member of both classes. (Mann-Whitney U over the number of pairs.)
pub fn roc_auc(scores: &[f64], labels: &[bool]) -> Option<f64> {
    let n = scores.len().min(labels.len());
    let positives = labels[..n].iter().filter(|&&label| label).count();
    if positives == 0 || positives == n {
        return None;
    }
    let sum: f64 = ranks(&scores[..n]).iter().zip(labels).filter(|&(_, &label)| label).map(|(rank, _)| rank).sum();
    let (p, q) = (positives as f64, (n - positives) as f64);
    Some((sum - p * (p + 1.0) / 2.0) / (p * q))
}

/// Interval of an AUC from `positives` and `negatives` independent cases at confidence `level`.
///
/// The AUCs theta with |auc - theta| <= z sd(theta), sd that of Hanley and McNeil 1982 with Newcombe's (2006, method 5)
/// common sample size: unlike a Wald interval it has a width at AUC 1 and stays within [0, 1].
pub fn auc_interval(auc: f64, positives: usize, negatives: usize, level: f64) -> [f64; 2] {
    if positives == 0 || negatives == 0 {
        return [0.0, 1.0];
    }
    let z = normal_quantile(0.5 + level / 2.0);
    let (p, q) = (positives as f64, negatives as f64);
    let star = (p + q) / 2.0 - 1.0;
    let inside = |theta: f64| {
        let spread = theta * (1.0 - theta) / (p * q)
            * (1.0 + star * (1.0 - theta) / (2.0 - theta) + star * theta / (1.0 + theta));
        (auc - theta).abs() <= z * spread.sqrt()
    };
    // Bisection between the estimate, which is inside, and an end.
    let edge = |end: f64| {
        if inside(end) {
            return end;
        }
        let (mut within, mut beyond) = (auc, end);
        for _ in 0..60 {
            let middle = (within + beyond) / 2.0;
            if inside(middle) { within = middle } else { beyond = middle }
        }
        within
    };
    [edge(0.0), edge(1.0)]
}

/// Mean squared difference of probability and outcome (Brier 1950); 0.25 for a constant one half. `None` without cases.
pub fn brier_score(probabilities: &[f64], labels: &[bool]) -> Option<f64> {
    let n = probabilities.len().min(labels.len());
    let error = |(p, &label): (&f64, &bool)| (p - f64::from(u8::from(label))).powi(2);
    (n > 0).then(|| probabilities.iter().zip(labels).map(error).sum::<f64>() / n as f64)
}

/// One bin of a calibration curve.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CalibrationBin {
    /// The bin is `lower <= p < upper`; the last holds its upper end too.
    pub lower: f64,
    pub upper: f64,
    pub cases: u64,
    pub positives: u64,
    /// Mean of the predicted probabilities; `None` in an empty bin.
    pub mean_predicted: Option<f64>,
    /// Share of positives; `None` in an empty bin.
    pub observed: Option<f64>,
    /// Wilson 95 % interval of that share; [0, 1] in an empty bin.
    pub interval: [f64; 2],
}

/// Calibration in `bins` bins of equal width.
pub fn calibration_curve(probabilities: &[f64], labels: &[bool], bins: usize) -> Vec<CalibrationBin> {
    let width = 1.0 / bins as f64;
    (0..bins)
        .map(|bin| {
            let here = |p: f64| ((p / width) as usize).min(bins - 1) == bin;
            let (mut cases, mut positives, mut sum) = (0u64, 0u64, 0.0);
            for (&p, &label) in probabilities.iter().zip(labels).filter(|&(&p, _)| here(p)) {
                cases += 1;
                positives += u64::from(label);
                sum += p;
            }
            let mean = |total: f64| (cases > 0).then(|| total / cases as f64);
            CalibrationBin {
                lower: bin as f64 * width,
                upper: if bin + 1 == bins { 1.0 } else { (bin + 1) as f64 * width },
                cases,
                positives,
                mean_predicted: mean(sum),
                observed: mean(positives as f64),
                interval: wilson(positives, cases, 0.95),
            }
        })
        .collect()
}

/// Indices held out for testing: `share` of each class, rounded, drawn from `seed`; ascending.
///
/// Where a class has two members or more, at least one stays on each side.
pub fn stratified_holdout(labels: &[bool], share: f64, seed: u64) -> Vec<usize> {
    let mut held = Vec::new();
    for (number, class) in [false, true].into_iter().enumerate() {
        let members: Vec<usize> = (0..labels.len()).filter(|&k| labels[k] == class).collect();
        let wanted = (members.len() as f64 * share).round() as usize;
        let wanted = if members.len() < 2 { 0 } else { wanted.clamp(1, members.len() - 1) };
        let drawn = Stream::new(seed, number as u64).distinct(wanted, members.len());
        held.extend(drawn.into_iter().map(|k| members[k]));
    }
    held.sort_unstable();
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_areas() {
        let labels = [false, false, true, true];
        // The textbook case: pairs won 3 of 4.
        assert_eq!(roc_auc(&[0.1, 0.4, 0.35, 0.8], &labels), Some(0.75));
        assert_eq!(roc_auc(&[0.1, 0.2, 0.3, 0.4], &labels), Some(1.0));
        assert_eq!(roc_auc(&[0.4, 0.3, 0.2, 0.1], &labels), Some(0.0));
        assert_eq!(roc_auc(&[0.5; 4], &labels), Some(0.5));
        assert_eq!(roc_auc(&[0.1, 0.3, 0.3, 0.4], &labels), Some(0.875), "a tie is half a win");
        assert_eq!(roc_auc(&[0.1, 0.2], &[true, true]), None);
    }

    #[test]
    fn intervals_of_areas() {
        let [lower, upper] = auc_interval(0.9, 50, 50, 0.95);
        assert!(lower > 0.80 && lower < 0.85 && upper > 0.93 && upper < 0.96, "{lower} {upper}");
        let [lower, upper] = auc_interval(1.0, 45, 45, 0.95);
        assert!(upper == 1.0 && lower > 0.9 && lower < 0.99, "a perfect sample is not certainty: {lower}");
        let [lower, upper] = auc_interval(0.5, 10, 10, 0.95);
        assert!((lower + upper - 1.0).abs() < 1e-9 && lower < 0.3);
        assert!(auc_interval(0.5, 100, 100, 0.95)[0] > lower);
        assert_eq!(auc_interval(0.5, 0, 10, 0.95), [0.0, 1.0]);
    }

    #[test]
    fn the_interval_covers_as_often_as_it_says() {
        // Scores: positives uniform on [0, 1] plus 0.5, negatives uniform on [0, 1]; AUC = 1 - 0.5^2 / 2 = 0.875.
        let mut stream = Stream::new(17, 0);
        let (mut covered, trials) = (0u32, 1000);
        for _ in 0..trials {
            let labels: Vec<bool> = (0..60).map(|k| k < 30).collect();
            let scores: Vec<f64> = labels.iter().map(|&l| stream.unit() + if l { 0.5 } else { 0.0 }).collect();
            let auc = roc_auc(&scores, &labels).unwrap();
            let [lower, upper] = auc_interval(auc, 30, 30, 0.95);
            covered += u32::from(lower <= 0.875 && 0.875 <= upper);
        }
        // The formula's variance is that of exponential scores, a little too wide for uniform ones.
        assert!((930..=1000).contains(&covered), "{covered} of {trials}");
    }

    #[test]
    fn brier_scores_and_calibration() {
        let labels = [true, false, true, true];
        assert_eq!(brier_score(&[1.0, 0.0, 1.0, 1.0], &labels), Some(0.0));
        assert_eq!(brier_score(&[0.5; 4], &labels), Some(0.25));
        assert_eq!(brier_score(&[], &[]), None);
        let curve = calibration_curve(&[0.05, 0.95, 1.0, 0.9], &labels, 5);
        assert_eq!(curve.len(), 5);
        assert_eq!((curve[0].cases, curve[0].positives, curve[0].observed), (1, 1, Some(1.0)));
        assert_eq!((curve[4].cases, curve[4].positives), (3, 2));
        assert!((curve[4].mean_predicted.unwrap() - 0.95).abs() < 1e-12);
        assert_eq!(curve[4].interval, wilson(2, 3, 0.95));
        assert_eq!((curve[2].observed, curve[2].interval), (None, [0.0, 1.0]));
        assert_eq!((curve[0].lower, curve[4].upper), (0.0, 1.0));
    }

    #[test]
    fn the_held_out_keep_the_classes_apart() {
        let labels: Vec<bool> = (0..100).map(|k| k % 5 == 0).collect();
        let held = stratified_holdout(&labels, 0.3, 8);
        assert_eq!((held.len(), held.iter().filter(|&&k| labels[k]).count()), (30, 6));
        assert!(held.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(held, stratified_holdout(&labels, 0.3, 8));
        assert_ne!(held, stratified_holdout(&labels, 0.3, 9));
        assert_eq!(stratified_holdout(&[true, true, false], 0.99, 0).len(), 1, "a lonely member stays in training");
    }
}
