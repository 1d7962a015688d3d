//! The three instruments and what they are worth on labelled statements they were not made from.

use std::collections::HashSet;

use super::lists::ProbeLists;
use crate::glauber::conditionals::ConditionalsError;
use crate::glauber::trajectories::{Embedded, Embeddings};
use crate::progress::Progress;
use crate::statistics::{
    CalibrationBin, Logistic, auc_interval, brier_score, calibration_curve, choose_penalty, roc_auc,
    stratified_holdout, wilson,
};

/// Which instrument spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Instrument {
    /// Words of the list in the sentence.
    Lexicon,
    /// Cosine with the difference of two seed means.
    Axis,
    /// Logistic regression on the embedding.
    Logistic,
}

impl Instrument {
    pub const ALL: [Self; 3] = [Self::Lexicon, Self::Axis, Self::Logistic];
}

/// What all instruments say of one sentence.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Scores {
    /// Words of the sentence on the list.
    pub hits: usize,
    /// `hits` over the number of words; 0 without words.
    pub hit_rate: f64,
    /// `cos(e(x), mu_political - mu_neutral)`, in [-1, 1].
    pub axis: f64,
    /// Probability of the label `political` by the logistic probe, at the base rate of the statements.
    pub probability: f64,
}

/// How a probe is made and when a sentence counts as political.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ProbeSettings {
    pub lists: ProbeLists,
    /// Lexicon: political from this many hits.
    pub hits: usize,
    /// Logistic: political from this probability.
    pub probability: f64,
    /// Share of the statements kept for testing, from each label.
    pub held_out: f64,
    /// L2 penalties tried; the one of least cross-validated log loss within the training statements is taken.
    pub penalties: Vec<f64>,
    /// Folds of that cross-validation.
    pub folds: usize,
    /// Bins of the calibration curve.
    pub bins: usize,
    pub seed: u64,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self {
            lists: ProbeLists::default(),
            hits: 1,
            probability: 0.5,
            held_out: 0.3,
            penalties: vec![0.01, 0.1, 1.0, 10.0, 100.0],
            folds: 5,
            bins: 5,
            seed: 1,
        }
    }
}

/// An instrument on the held-out statements.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct InstrumentReport {
    pub instrument: Instrument,
    /// When a sentence counts as political, in words.
    pub rule: String,
    /// The number the rule compares with.
    pub threshold: f64,
    /// Area under the ROC curve on the held-out statements.
    pub auc: f64,
    /// 95 % interval of that area (Newcombe 2006, method 5).
    pub auc_interval: [f64; 2],
    /// Share of political statements the rule finds, with Wilson 95 % interval.
    pub sensitivity: f64,
    pub sensitivity_interval: [f64; 2],
    /// Share of other statements the rule leaves, with Wilson 95 % interval.
    pub specificity: f64,
    pub specificity_interval: [f64; 2],
}

/// How good the probe is where the truth is known.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ProbeReport {
    /// What was embedded, in words.
    pub embedding: String,
    pub trained_on: usize,
    pub held_out: usize,
    /// L2 penalty chosen.
    pub penalty: f64,
    pub converged: bool,
    /// Brier score of the logistic probe on the held-out statements.
    pub brier: f64,
    /// Calibration of the logistic probe on the held-out statements.
    pub calibration: Vec<CalibrationBin>,
    pub instruments: Vec<InstrumentReport>,
}

/// A probe ready to score sentences.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    words: HashSet<String>,
    axis: Vec<f64>,
    axis_threshold: f64,
    logistic: Logistic,
    /// Features are `(e(x) - origin) / scale`.
    origin: Vec<f64>,
    scale: f64,
    settings: (usize, f64),
    report: ProbeReport,
}

impl Probe {
    /// Makes the instruments from the settings' lists.
    ///
    /// `tokenize` turns a sentence into a state the embedding takes. The logistic probe is trained on one part of the
    /// statements, and all instruments are tested on the other; seeds are never tested on. Errors name the list to mend.
    pub fn new(
        settings: &ProbeSettings,
        embeddings: &dyn Embeddings,
        tokenize: &dyn Fn(&str) -> Result<Vec<u32>, ConditionalsError>,
        progress: &dyn Progress,
    ) -> Result<Self, ConditionalsError> {
        let invalid = |problem: String| Err(ConditionalsError::Invalid(problem));
        let lists = &settings.lists;
        lists.check()?;
        if !(settings.held_out > 0.0 && settings.held_out < 1.0) || settings.bins == 0 || settings.hits == 0 {
            return invalid(
                "the probe keeps a share between 0 and 1 for testing, in 1 bin or more, and counts from 1 hit"
                    .to_owned(),
            );
        }
        progress.stage("embedding seeds and statements");
        let embed = |texts: &[&str]| {
            let states = texts.iter().map(|text| tokenize(text)).collect::<Result<Vec<_>, _>>()?;
            let states: Vec<&[u32]> = states.iter().map(Vec::as_slice).collect();
            Embedded::new(embeddings, &states, false, progress)
        };
        let political = embed(&lists.political_seeds.iter().map(String::as_str).collect::<Vec<_>>())?;
        let neutral = embed(&lists.neutral_seeds.iter().map(String::as_str).collect::<Vec<_>>())?;
        let statements = embed(&lists.statements.iter().map(|s| s.text.as_str()).collect::<Vec<_>>())?;
        let mut axis: Vec<f64> = political.mean().iter().zip(neutral.mean()).map(|(p, n)| p - n).collect();
        let length = axis.iter().map(|x| x * x).sum::<f64>().sqrt();
        if length < 1e-9 {
            return invalid(
                "political and neutral seeds have the same mean embedding: change the seed lists".to_owned(),
            );
        }
        axis.iter_mut().for_each(|x| *x /= length);
        let mean_score =
            |seeds: &Embedded| (0..seeds.len()).map(|k| along(&axis, seeds.row(k))).sum::<f64>() / seeds.len() as f64;
        let axis_threshold = (mean_score(&political) + mean_score(&neutral)) / 2.0;

        let labels: Vec<bool> = lists.statements.iter().map(|s| s.political).collect();
        let held = stratified_holdout(&labels, settings.held_out, settings.seed);
        let training: Vec<usize> = (0..labels.len()).filter(|k| held.binary_search(k).is_err()).collect();
        let width = statements.width();
        let mut origin = vec![0.0; width];
        for &k in &training {
            origin.iter_mut().zip(statements.row(k)).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        origin.iter_mut().for_each(|sum| *sum /= training.len() as f64);
        let spread =
            |k: &usize| statements.row(*k).iter().zip(&origin).map(|(&x, m)| (f64::from(x) - m).powi(2)).sum::<f64>();
        let scale = (training.iter().map(spread).sum::<f64>() / training.len() as f64).sqrt();
        if scale < 1e-9 {
            return invalid(
                "all statements have the same embedding: the logistic probe cannot tell them apart".to_owned(),
            );
        }
        let features: Vec<f64> =
            training.iter().flat_map(|&k| feature(statements.row(k), &origin, scale).collect::<Vec<_>>()).collect();
        let known: Vec<bool> = training.iter().map(|&k| labels[k]).collect();
        progress.stage("training the logistic probe");
        progress.checkpoint()?;
        let fitted = choose_penalty(&features, width, &known, &settings.penalties, settings.folds, settings.seed)
            .and_then(|penalty| Logistic::fit(&features, width, &known, penalty));
        let Some(logistic) = fitted else {
            return invalid(
                "the logistic probe could not be trained: give positive penalties and more statements".to_owned(),
            );
        };
        let report = ProbeReport {
            embedding: embeddings.description(),
            trained_on: training.len(),
            held_out: held.len(),
            penalty: logistic.penalty,
            converged: logistic.converged,
            brier: 0.0,
            calibration: Vec::new(),
            instruments: Vec::new(),
        };
        let mut probe = Self {
            words: lists.lexicon.iter().map(|word| word.to_lowercase()).collect(),
            axis,
            axis_threshold,
            logistic,
            origin,
            scale,
            settings: (settings.hits, settings.probability),
            report,
        };
        let scores: Vec<Scores> =
            held.iter().map(|&k| probe.score(&lists.statements[k].text, statements.row(k))).collect();
        let truth: Vec<bool> = held.iter().map(|&k| labels[k]).collect();
        let probabilities: Vec<f64> = scores.iter().map(|s| s.probability).collect();
        probe.report.brier = brier_score(&probabilities, &truth).unwrap_or(0.25);
        probe.report.calibration = calibration_curve(&probabilities, &truth, settings.bins);
        probe.report.instruments =
            Instrument::ALL.into_iter().map(|instrument| probe.judge(instrument, &scores, &truth)).collect();
        Ok(probe)
    }

    /// How good the probe is where the truth is known.
    pub fn report(&self) -> &ProbeReport {
        &self.report
    }

    /// What the instruments say of a sentence with unit embedding `row` (not centred).
    pub fn score(&self, sentence: &str, row: &[f32]) -> Scores {
        let (mut hits, mut words) = (0usize, 0usize);
        for word in sentence.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()) {
            words += 1;
            hits += usize::from(self.lists(&word.to_lowercase()));
        }
        let features: Vec<f64> = feature(row, &self.origin, self.scale).collect();
        Scores {
            hits,
            hit_rate: if words == 0 { 0.0 } else { hits as f64 / words as f64 },
            axis: along(&self.axis, row).clamp(-1.0, 1.0),
            probability: self.logistic.probability(&features),
        }
    }

    /// Whether `instrument` calls a sentence with these scores political.
    pub fn political(&self, instrument: Instrument, scores: &Scores) -> bool {
        match instrument {
            Instrument::Lexicon => scores.hits >= self.settings.0,
            Instrument::Axis => scores.axis > self.axis_threshold,
            Instrument::Logistic => scores.probability >= self.settings.1,
        }
    }

    /// A word is on the list as it stands or without a final `'s` or `s`.
    fn lists(&self, word: &str) -> bool {
        let bare = word.trim_matches('\'');
        let stem = bare.strip_suffix("'s").unwrap_or(bare);
        self.words.contains(stem) || stem.strip_suffix('s').is_some_and(|stem| self.words.contains(stem))
    }

    fn judge(&self, instrument: Instrument, scores: &[Scores], truth: &[bool]) -> InstrumentReport {
        let (rule, threshold, value): (String, f64, fn(&Scores) -> f64) = match instrument {
            Instrument::Lexicon => {
                let hits = self.settings.0;
                (format!("{hits} or more words of the sentence are on the list"), hits as f64, |s| s.hit_rate)
            }
            Instrument::Axis => (
                "score above the midpoint of the mean scores of the two seed lists".to_owned(),
                self.axis_threshold,
                |s| s.axis,
            ),
            Instrument::Logistic => {
                let p = self.settings.1;
                (format!("probability {p} or more"), p, |s| s.probability)
            }
        };
        let values: Vec<f64> = scores.iter().map(value).collect();
        let positives = truth.iter().filter(|&&label| label).count();
        let negatives = truth.len() - positives;
        let called = |label: bool| {
            let right = |(s, &t): (&Scores, &bool)| t == label && self.political(instrument, s) == label;
            scores.iter().zip(truth).filter(|&(s, t)| right((s, t))).count() as u64
        };
        let (found, left) = (called(true), called(false));
        // `check` and the stratified split leave members of both labels among the held out.
        let auc = roc_auc(&values, truth).unwrap_or(0.5);
        InstrumentReport {
            instrument,
            rule,
            threshold,
            auc,
            auc_interval: auc_interval(auc, positives, negatives, 0.95),
            sensitivity: found as f64 / positives.max(1) as f64,
            sensitivity_interval: wilson(found, positives as u64, 0.95),
            specificity: left as f64 / negatives.max(1) as f64,
            specificity_interval: wilson(left, negatives as u64, 0.95),
        }
    }
}

fn along(axis: &[f64], row: &[f32]) -> f64 {
    axis.iter().zip(row).map(|(a, &x)| a * f64::from(x)).sum()
}

fn feature<'a>(row: &'a [f32], origin: &'a [f64], scale: f64) -> impl Iterator<Item = f64> + 'a {
    row.iter().zip(origin).map(move |(&x, m)| (f64::from(x) - m) / scale)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::progress::Silent;
    use crate::statistics::Stream;

    /// An embedding with a planted axis: token 1 lifts the first coordinate, every token adds its own noise.
    pub(crate) struct Planted;
    impl Embeddings for Planted {
        fn width(&self) -> usize {
            8
        }
        fn embed(&self, states: &[&[u32]], _: &dyn Progress) -> Result<Vec<f32>, ConditionalsError> {
            let mut values = Vec::new();
            for state in states {
                let key = state.iter().fold(7u64, |key, &token| key.wrapping_mul(1_000_003).wrapping_add(token.into()));
                let mut stream = Stream::new(key, 0);
                let mut row: Vec<f32> = (0..8).map(|_| 0.6 * (stream.unit() as f32 - 0.5)).collect();
                row[0] += state.iter().filter(|&&t| t == 1).count() as f32;
                row[1] += 1.0;
                values.extend(row);
            }
            Ok(values)
        }
        fn description(&self) -> String {
            "planted".to_owned()
        }
    }

    /// Sentence to state: a word beginning with `p` is token 1, others are numbered by their letters.
    pub(crate) fn tokenize(text: &str) -> Result<Vec<u32>, ConditionalsError> {
        let code =
            |word: &str| word.bytes().fold(2u32, |key, b| key.wrapping_mul(31).wrapping_add(b.into()) % 9973 + 2);
        Ok(text.split_whitespace().map(|w| if w.starts_with('p') { 1 } else { code(w) }).collect())
    }

    pub(crate) fn settings() -> ProbeSettings {
        let texts = |stem: &str, count: usize| (0..count).map(|k| format!("{stem} word{k}")).collect::<Vec<_>>();
        let statements = texts("pstate a", 60)
            .into_iter()
            .map(|text| super::super::Statement { text, political: true })
            .chain(texts("tree a", 60).into_iter().map(|text| super::super::Statement { text, political: false }))
            .collect();
        let lists = ProbeLists {
            lexicon: vec!["pstate".to_owned()],
            political_seeds: texts("pseed b", 20),
            neutral_seeds: texts("flower b", 20),
            statements,
        };
        ProbeSettings { lists, ..ProbeSettings::default() }
    }

    #[test]
    fn a_planted_axis_is_found_by_all_three() {
        let probe = Probe::new(&settings(), &Planted, &tokenize, &Silent).unwrap();
        let report = probe.report();
        assert_eq!((report.trained_on, report.held_out), (84, 36));
        for instrument in &report.instruments {
            assert!(instrument.auc > 0.95, "{instrument:?}");
            assert!(instrument.auc_interval[0] > 0.8 && instrument.auc_interval[1] == 1.0 || instrument.auc < 1.0);
            assert!(instrument.sensitivity > 0.85 && instrument.specificity > 0.85, "{instrument:?}");
        }
        assert!(report.brier < 0.05 && report.converged, "{report:?}");
        assert_eq!(report.calibration.iter().map(|bin| bin.cases).sum::<u64>(), 36);
        assert_eq!(probe, Probe::new(&settings(), &Planted, &tokenize, &Silent).unwrap());
    }

    #[test]
    fn shuffled_labels_leave_nothing_to_find() {
        let mut shuffled = settings();
        let order = Stream::new(5, 0).distinct(120, 120);
        let labels: Vec<bool> = shuffled.lists.statements.iter().map(|s| s.political).collect();
        shuffled.lists.statements.iter_mut().zip(order).for_each(|(s, k)| s.political = labels[k]);
        let probe = Probe::new(&shuffled, &Planted, &tokenize, &Silent).unwrap();
        let logistic = &probe.report().instruments[2];
        assert!(logistic.auc_interval[0] < 0.5 && 0.5 < logistic.auc_interval[1], "{logistic:?}");
        assert!(probe.report().brier > 0.2);
    }

    /// Words hashed into 1009 cells: knows no meaning, only which words were seen.
    struct Words;
    impl Embeddings for Words {
        fn width(&self) -> usize {
            1009
        }
        fn embed(&self, states: &[&[u32]], _: &dyn Progress) -> Result<Vec<f32>, ConditionalsError> {
            let mut values = vec![0.0; states.len() * 1009];
            for (state, out) in states.iter().zip(values.chunks_exact_mut(1009)) {
                state.iter().for_each(|&token| out[token as usize % 1009] += 1.0);
            }
            Ok(values)
        }
        fn description(&self) -> String {
            "hashed words".to_owned()
        }
    }

    #[test]
    fn the_shipped_lists_make_a_probe() {
        let code = |word: &str| word.bytes().fold(17u32, |key, b| key.wrapping_mul(31).wrapping_add(b.into()));
        let tokenize = |text: &str| Ok(text.split_whitespace().map(code).collect());
        let probe = Probe::new(&ProbeSettings::default(), &Words, &tokenize, &Silent).unwrap();
        let [lexicon, axis, logistic] = &probe.report().instruments[..] else { panic!("three instruments") };
        assert!(lexicon.sensitivity > 0.75 && lexicon.specificity > 0.8 && lexicon.auc > 0.8, "{lexicon:?}");
        assert!(lexicon.sensitivity < 1.0 && lexicon.specificity < 1.0, "the statements try the lexicon");
        // Without meaning, words shared by training and test still carry some of the label.
        assert!(axis.auc_interval[0] > 0.5 && logistic.auc_interval[0] > 0.5, "{axis:?} {logistic:?}");
        assert!(logistic.auc < 0.99, "the held-out statements are no copies of the training ones: {logistic:?}");
    }

    #[test]
    fn words_are_counted_with_plural_and_possessive() {
        let probe = Probe::new(&settings(), &Planted, &tokenize, &Silent).unwrap();
        let hits = |sentence: &str| {
            let scores = probe.score(sentence, &[0.0; 8]);
            (scores.hits, scores.hit_rate)
        };
        assert_eq!(hits("The pstate, the PSTATES and pstate's end."), (3, 3.0 / 7.0));
        assert_eq!((hits("a pstater"), hits("")), ((0, 0.0), (0, 0.0)));
    }

    #[test]
    fn lists_that_make_no_probe_are_named() {
        let problem = |change: &dyn Fn(&mut ProbeSettings)| {
            let mut settings = settings();
            change(&mut settings);
            Probe::new(&settings, &Planted, &tokenize, &Silent).unwrap_err().to_string()
        };
        assert!(problem(&|s| s.lists.neutral_seeds = s.lists.political_seeds.clone()).contains("same mean embedding"));
        assert!(problem(&|s| s.lists.statements.truncate(65)).contains("10 statements"));
        assert!(problem(&|s| s.penalties = vec![-1.0]).contains("penalties"));
        assert!(problem(&|s| s.held_out = 1.0).contains("between 0 and 1"));
    }
}
