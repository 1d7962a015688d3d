//! What each statistic is: the texts behind every "?".

pub mod eigenbench;
pub mod eigenbench_labs;
pub mod eigenbench_people;
pub mod judging;

use super::widgets::stat::first_sentence;

/// One explanation: a plain sentence, the formula, the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Help {
    /// Stem of the file under assets/help.
    pub id: &'static str,
    /// Completes "What is …?".
    pub name: &'static str,
    /// Paragraphs; lines indented by four spaces are formulas.
    pub text: &'static str,
}

impl Help {
    /// The plain sentence, for tooltips. The text may break lines within it.
    pub fn first_sentence(&self) -> String {
        first_sentence(self.text).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// `What is Rectangle test?`
pub const RECTANGLE_TEST: Help =
    Help { id: "rectangle-test", name: "Rectangle test", text: include_str!("../../assets/help/rectangle-test.md") };
/// `What is R?`
pub const R: Help = Help { id: "r", name: "R", text: include_str!("../../assets/help/r.md") };
/// `What is the log odds ratio?`
pub const LOG_ODDS_RATIO: Help = Help {
    id: "log-odds-ratio",
    name: "the log odds ratio",
    text: include_str!("../../assets/help/log-odds-ratio.md"),
};
/// `What is the rectangle field?`
pub const RECTANGLE_FIELD: Help = Help {
    id: "rectangle-field",
    name: "the rectangle field",
    text: include_str!("../../assets/help/rectangle-field.md"),
};
/// `What is the log-distance bound?`
pub const LOG_DISTANCE_BOUND: Help = Help {
    id: "log-distance-bound",
    name: "the log-distance bound",
    text: include_str!("../../assets/help/log-distance-bound.md"),
};
/// `What is the error bound?`
pub const ERROR_BOUND: Help =
    Help { id: "error-bound", name: "the error bound", text: include_str!("../../assets/help/error-bound.md") };
/// `What is certificate C1?`
pub const CERTIFICATE_C1: Help =
    Help { id: "certificate-c1", name: "certificate C1", text: include_str!("../../assets/help/certificate-c1.md") };
/// `What is certificate C2?`
pub const CERTIFICATE_C2: Help =
    Help { id: "certificate-c2", name: "certificate C2", text: include_str!("../../assets/help/certificate-c2.md") };
/// `What is the temperature law?`
pub const TEMPERATURE_LAW: Help = Help {
    id: "temperature-law",
    name: "the temperature law",
    text: include_str!("../../assets/help/temperature-law.md"),
};
/// `What is prevalence?`
pub const PREVALENCE: Help =
    Help { id: "prevalence", name: "prevalence", text: include_str!("../../assets/help/prevalence.md") };
/// `What is the Wilson interval?`
pub const WILSON_INTERVAL: Help = Help {
    id: "wilson-interval",
    name: "the Wilson interval",
    text: include_str!("../../assets/help/wilson-interval.md"),
};
/// `What is the cluster bootstrap?`
pub const CLUSTER_BOOTSTRAP: Help = Help {
    id: "cluster-bootstrap",
    name: "the cluster bootstrap",
    text: include_str!("../../assets/help/cluster-bootstrap.md"),
};
/// `What is sign disagreement?`
pub const SIGN_DISAGREEMENT: Help = Help {
    id: "sign-disagreement",
    name: "sign disagreement",
    text: include_str!("../../assets/help/sign-disagreement.md"),
};
/// `What is the asymmetry index?`
pub const ASYMMETRY_INDEX: Help = Help {
    id: "asymmetry-index",
    name: "the asymmetry index",
    text: include_str!("../../assets/help/asymmetry-index.md"),
};
/// `What is the Spearman correlation?`
pub const SPEARMAN: Help =
    Help { id: "spearman", name: "the Spearman correlation", text: include_str!("../../assets/help/spearman.md") };
/// `What is the Ising control?`
pub const CONTROL_ISING: Help =
    Help { id: "control-ising", name: "the Ising control", text: include_str!("../../assets/help/control-ising.md") };
/// `What is the random-weights control?`
pub const CONTROL_RANDOM_INIT: Help = Help {
    id: "control-random-init",
    name: "the random-weights control",
    text: include_str!("../../assets/help/control-random-init.md"),
};
/// `What is the permuted control?`
pub const CONTROL_PERMUTED: Help = Help {
    id: "control-permuted",
    name: "the permuted control",
    text: include_str!("../../assets/help/control-permuted.md"),
};

/// `What is a chance?`
pub const CHANCE: Help = Help { id: "chance", name: "a chance", text: include_str!("../../assets/help/chance.md") };
/// `What is the Gini coefficient?`
pub const GINI: Help =
    Help { id: "gini", name: "the Gini coefficient", text: include_str!("../../assets/help/gini.md") };
/// `What is the geometric mean?`
pub const GEOMETRIC_MEAN: Help = Help {
    id: "geometric-mean",
    name: "the geometric mean",
    text: include_str!("../../assets/help/geometric-mean.md"),
};
/// `What is under half of k/n?`
pub const UNDER_HALF: Help =
    Help { id: "under-half", name: "under half of k/n", text: include_str!("../../assets/help/under-half.md") };
/// `What is effective people?`
pub const EFFECTIVE_PEOPLE: Help = Help {
    id: "effective-people",
    name: "effective people",
    text: include_str!("../../assets/help/effective-people.md"),
};
/// `What is a public lottery of numbered panels?`
pub const PUBLIC_LOTTERY: Help = Help {
    id: "public-lottery",
    name: "a public lottery of numbered panels",
    text: include_str!("../../assets/help/public-lottery.md"),
};

/// `What is a quota?`
pub const QUOTA: Help = Help { id: "quota", name: "a quota", text: include_str!("../../assets/help/quota.md") };
/// `What is a public draw?`
pub const PUBLIC_DRAW: Help =
    Help { id: "public-draw", name: "a public draw", text: include_str!("../../assets/help/public-draw.md") };
/// `What is an audit file?`
pub const AUDIT_FILE: Help =
    Help { id: "audit-file", name: "an audit file", text: include_str!("../../assets/help/audit-file.md") };
/// `What is a coupling?`
pub const COUPLING: Help =
    Help { id: "coupling", name: "a coupling", text: include_str!("../../assets/help/coupling.md") };
/// `What is a scan?`
pub const SCAN: Help = Help { id: "scan", name: "a scan", text: include_str!("../../assets/help/scan.md") };
/// `What is a start?`
pub const START: Help = Help { id: "start", name: "a start", text: include_str!("../../assets/help/start.md") };
/// `What is the chain's vocabulary?`
pub const CHAIN_VOCABULARY: Help = Help {
    id: "chain-vocabulary",
    name: "the chain's vocabulary",
    text: include_str!("../../assets/help/chain-vocabulary.md"),
};
/// `What is the order parameter?`
pub const ORDER_PARAMETER: Help = Help {
    id: "order-parameter",
    name: "the order parameter",
    text: include_str!("../../assets/help/order-parameter.md"),
};
/// `What is the coupling time?`
pub const T_COUPLE: Help =
    Help { id: "t-couple", name: "the coupling time", text: include_str!("../../assets/help/t-couple.md") };
/// `What is the survival curve?`
pub const SURVIVAL: Help =
    Help { id: "survival", name: "the survival curve", text: include_str!("../../assets/help/survival.md") };
/// `What is the Hamming distance?`
pub const HAMMING: Help =
    Help { id: "hamming", name: "the Hamming distance", text: include_str!("../../assets/help/hamming.md") };
/// `What is the drift curve?`
pub const DRIFT: Help = Help { id: "drift", name: "the drift curve", text: include_str!("../../assets/help/drift.md") };
/// `What is kappa?`
pub const KAPPA: Help = Help { id: "kappa", name: "kappa", text: include_str!("../../assets/help/kappa.md") };
/// `What is near-ties?`
pub const NEAR_TIES: Help =
    Help { id: "near-ties", name: "near-ties", text: include_str!("../../assets/help/near-ties.md") };
/// `What is the phase diagram?`
pub const PHASE_DIAGRAM: Help =
    Help { id: "phase-diagram", name: "the phase diagram", text: include_str!("../../assets/help/phase-diagram.md") };
/// `What is alpha?`
pub const ALPHA: Help = Help { id: "alpha", name: "alpha", text: include_str!("../../assets/help/alpha.md") };
/// `What is the threshold tau_D?`
pub const TAU_D: Help =
    Help { id: "tau-d", name: "the threshold tau_D", text: include_str!("../../assets/help/tau-d.md") };
/// `What is the mixing bound?`
pub const MIXING_BOUND: Help =
    Help { id: "mixing-bound", name: "the mixing bound", text: include_str!("../../assets/help/mixing-bound.md") };
/// `What is the margin?`
pub const MARGIN: Help = Help { id: "margin", name: "the margin", text: include_str!("../../assets/help/margin.md") };
/// `What is the escape prediction?`
pub const ESCAPE: Help =
    Help { id: "escape", name: "the escape prediction", text: include_str!("../../assets/help/escape.md") };
/// `What is the escape time?`
pub const ESCAPE_TIME: Help =
    Help { id: "escape-time", name: "the escape time", text: include_str!("../../assets/help/escape-time.md") };
/// `What is an Arrhenius plot?`
pub const ARRHENIUS: Help =
    Help { id: "arrhenius", name: "an Arrhenius plot", text: include_str!("../../assets/help/arrhenius.md") };
/// `What is Metropolis-Hastings?`
pub const METROPOLIS: Help =
    Help { id: "metropolis", name: "Metropolis-Hastings", text: include_str!("../../assets/help/metropolis.md") };
/// `What is growth laws?`
pub const GROWTH_LAWS: Help =
    Help { id: "growth-laws", name: "growth laws", text: include_str!("../../assets/help/growth-laws.md") };
/// `What is the Akaike weight?`
pub const AKAIKE: Help =
    Help { id: "akaike-weight", name: "the Akaike weight", text: include_str!("../../assets/help/akaike-weight.md") };
/// `What is a critical temperature?`
pub const CRITICAL: Help = Help {
    id: "critical-temperature",
    name: "a critical temperature",
    text: include_str!("../../assets/help/critical-temperature.md"),
};
/// `What is the finite-size test?`
pub const FINITE_SIZE: Help =
    Help { id: "finite-size", name: "the finite-size test", text: include_str!("../../assets/help/finite-size.md") };
/// `What is the lag bound?`
pub const LAG_BOUND: Help =
    Help { id: "lag-bound", name: "the lag bound", text: include_str!("../../assets/help/lag-bound.md") };
/// `What is the mixing time?`
pub const MIXING_TIME: Help =
    Help { id: "mixing-time", name: "the mixing time", text: include_str!("../../assets/help/mixing-time.md") };
/// `What is a perfect sample?`
pub const PERFECT_SAMPLES: Help = Help {
    id: "perfect-samples",
    name: "a perfect sample",
    text: include_str!("../../assets/help/perfect-samples.md"),
};
/// `What is the spectral gap?`
pub const SPECTRAL_GAP: Help =
    Help { id: "spectral-gap", name: "the spectral gap", text: include_str!("../../assets/help/spectral-gap.md") };
/// `What is entropy production?`
pub const ENTROPY_PRODUCTION: Help = Help {
    id: "entropy-production",
    name: "entropy production",
    text: include_str!("../../assets/help/entropy-production.md"),
};
/// `What is scan dependence?`
pub const SCAN_DEPENDENCE: Help =
    Help { id: "scan-dependence", name: "scan dependence", text: include_str!("../../assets/help/scan-dependence.md") };
/// `What is a basin?`
pub const BASIN: Help = Help { id: "basin", name: "a basin", text: include_str!("../../assets/help/basin.md") };
/// `What is a trajectory?`
pub const TRAJECTORY: Help =
    Help { id: "trajectory", name: "a trajectory", text: include_str!("../../assets/help/trajectory.md") };
/// `What is the Hamming distance to the start?`
pub const HAMMING_TO_START: Help = Help {
    id: "hamming-to-start",
    name: "the Hamming distance to the start",
    text: include_str!("../../assets/help/hamming-to-start.md"),
};
/// `What is the cosine to the start?`
pub const COSINE_TO_START: Help = Help {
    id: "cosine-to-start",
    name: "the cosine to the start",
    text: include_str!("../../assets/help/cosine-to-start.md"),
};
/// `What is the edit rate?`
pub const EDIT_RATE: Help =
    Help { id: "edit-rate", name: "the edit rate", text: include_str!("../../assets/help/edit-rate.md") };
/// `What is the share of distinct tokens?`
pub const DISTINCT_TOKENS: Help = Help {
    id: "distinct-tokens",
    name: "the share of distinct tokens",
    text: include_str!("../../assets/help/distinct-tokens.md"),
};
/// `What is the pseudo-log-likelihood?`
pub const PSEUDO_LOG_LIKELIHOOD: Help = Help {
    id: "pseudo-log-likelihood",
    name: "the pseudo-log-likelihood",
    text: include_str!("../../assets/help/pseudo-log-likelihood.md"),
};
/// `What is an attractor?`
pub const ATTRACTORS: Help =
    Help { id: "attractors", name: "an attractor", text: include_str!("../../assets/help/attractors.md") };
/// `What is a cluster?`
pub const CLUSTERS: Help =
    Help { id: "clusters", name: "a cluster", text: include_str!("../../assets/help/clusters.md") };
/// `What is a metastable set?`
pub const METASTABLE_SETS: Help = Help {
    id: "metastable-sets",
    name: "a metastable set",
    text: include_str!("../../assets/help/metastable-sets.md"),
};
/// `What is a stay?`
pub const DWELL_TIME: Help =
    Help { id: "dwell-time", name: "a stay", text: include_str!("../../assets/help/dwell-time.md") };
/// `What is the Kaplan-Meier curve?`
pub const KAPLAN_MEIER: Help = Help {
    id: "kaplan-meier",
    name: "the Kaplan-Meier curve",
    text: include_str!("../../assets/help/kaplan-meier.md"),
};
/// `What is a recurrent basin?`
pub const RECURRENT_BASIN: Help = Help {
    id: "recurrent-basin",
    name: "a recurrent basin",
    text: include_str!("../../assets/help/recurrent-basin.md"),
};
/// `What is an implied timescale?`
pub const IMPLIED_TIMESCALES: Help = Help {
    id: "implied-timescales",
    name: "an implied timescale",
    text: include_str!("../../assets/help/implied-timescales.md"),
};
/// `What is the Chapman-Kolmogorov test?`
pub const CHAPMAN_KOLMOGOROV: Help = Help {
    id: "chapman-kolmogorov",
    name: "the Chapman-Kolmogorov test",
    text: include_str!("../../assets/help/chapman-kolmogorov.md"),
};
/// `What is a recurrence plot?`
pub const RECURRENCE_PLOT: Help = Help {
    id: "recurrence-plot",
    name: "a recurrence plot",
    text: include_str!("../../assets/help/recurrence-plot.md"),
};
/// `What is R-hat?`
pub const R_HAT: Help = Help { id: "r-hat", name: "R-hat", text: include_str!("../../assets/help/r-hat.md") };
/// `What is the effective sample size?`
pub const EFFECTIVE_SAMPLE_SIZE: Help = Help {
    id: "effective-sample-size",
    name: "the effective sample size",
    text: include_str!("../../assets/help/effective-sample-size.md"),
};
/// `What is the autocorrelation time?`
pub const AUTOCORRELATION_TIME: Help = Help {
    id: "autocorrelation-time",
    name: "the autocorrelation time",
    text: include_str!("../../assets/help/autocorrelation-time.md"),
};
/// `What is the separation bound?`
pub const SEPARATION: Help =
    Help { id: "separation", name: "the separation bound", text: include_str!("../../assets/help/separation.md") };
/// `What is the political probe?`
pub const POLITICAL_PROBE: Help = Help {
    id: "political-probe",
    name: "the political probe",
    text: include_str!("../../assets/help/political-probe.md"),
};
/// `What is a baseline?`
pub const PROBE_BASELINES: Help =
    Help { id: "probe-baselines", name: "a baseline", text: include_str!("../../assets/help/probe-baselines.md") };
/// `What is the AUC?`
pub const PROBE_QUALITY: Help =
    Help { id: "probe-quality", name: "the AUC", text: include_str!("../../assets/help/probe-quality.md") };
/// `What is the Brier score?`
pub const BRIER_SCORE: Help =
    Help { id: "brier-score", name: "the Brier score", text: include_str!("../../assets/help/brier-score.md") };

/// `What is the preference training?`
pub const DPO: Help =
    Help { id: "dpo", name: "the preference training", text: include_str!("../../assets/help/dpo.md") };
/// `What is a scheme?`
pub const RATER_SCHEME: Help =
    Help { id: "rater-scheme", name: "a scheme", text: include_str!("../../assets/help/rater-scheme.md") };
/// `What is the closed form?`
pub const CLOSED_FORM: Help =
    Help { id: "closed-form", name: "the closed form", text: include_str!("../../assets/help/closed-form.md") };
/// `What is the implicit reward?`
pub const IMPLICIT_REWARD: Help = Help {
    id: "implicit-reward",
    name: "the implicit reward",
    text: include_str!("../../assets/help/implicit-reward.md"),
};
/// `What is accuracy by group?`
pub const GROUP_ACCURACY: Help =
    Help { id: "group-accuracy", name: "accuracy by group", text: include_str!("../../assets/help/group-accuracy.md") };
/// `What is a held-out rater?`
pub const HELD_OUT_RATERS: Help = Help {
    id: "held-out-raters",
    name: "a held-out rater",
    text: include_str!("../../assets/help/held-out-raters.md"),
};
/// `What is the gradient cosine?`
pub const GRADIENT_COSINE: Help = Help {
    id: "gradient-cosine",
    name: "the gradient cosine",
    text: include_str!("../../assets/help/gradient-cosine.md"),
};
/// `What is the update size?`
pub const UPDATE_SIZE: Help =
    Help { id: "update-size", name: "the update size", text: include_str!("../../assets/help/update-size.md") };
/// `What is a transform of weights?`
pub const SOFT_TRANSFORM: Help = Help {
    id: "soft-transform",
    name: "a transform of weights",
    text: include_str!("../../assets/help/soft-transform.md"),
};
/// `What is sensitivity to the panel's size?`
pub const PANEL_SIZE: Help = Help {
    id: "panel-size",
    name: "sensitivity to the panel's size",
    text: include_str!("../../assets/help/panel-size.md"),
};
/// All explanations but those of [`judging`] and [`eigenbench`].
const OTHERS: [Help; 91] = [
    RECTANGLE_TEST,
    R,
    LOG_ODDS_RATIO,
    RECTANGLE_FIELD,
    LOG_DISTANCE_BOUND,
    ERROR_BOUND,
    CERTIFICATE_C1,
    CERTIFICATE_C2,
    TEMPERATURE_LAW,
    PREVALENCE,
    WILSON_INTERVAL,
    CLUSTER_BOOTSTRAP,
    SIGN_DISAGREEMENT,
    ASYMMETRY_INDEX,
    SPEARMAN,
    CONTROL_ISING,
    CONTROL_RANDOM_INIT,
    CONTROL_PERMUTED,
    CHANCE,
    GINI,
    GEOMETRIC_MEAN,
    UNDER_HALF,
    EFFECTIVE_PEOPLE,
    PUBLIC_LOTTERY,
    QUOTA,
    PUBLIC_DRAW,
    AUDIT_FILE,
    COUPLING,
    SCAN,
    START,
    CHAIN_VOCABULARY,
    ORDER_PARAMETER,
    T_COUPLE,
    SURVIVAL,
    HAMMING,
    DRIFT,
    KAPPA,
    NEAR_TIES,
    PHASE_DIAGRAM,
    ALPHA,
    TAU_D,
    MIXING_BOUND,
    MARGIN,
    ESCAPE,
    ESCAPE_TIME,
    ARRHENIUS,
    METROPOLIS,
    GROWTH_LAWS,
    AKAIKE,
    CRITICAL,
    FINITE_SIZE,
    LAG_BOUND,
    MIXING_TIME,
    PERFECT_SAMPLES,
    SPECTRAL_GAP,
    ENTROPY_PRODUCTION,
    SCAN_DEPENDENCE,
    BASIN,
    TRAJECTORY,
    HAMMING_TO_START,
    COSINE_TO_START,
    EDIT_RATE,
    DISTINCT_TOKENS,
    PSEUDO_LOG_LIKELIHOOD,
    ATTRACTORS,
    CLUSTERS,
    METASTABLE_SETS,
    DWELL_TIME,
    KAPLAN_MEIER,
    RECURRENT_BASIN,
    IMPLIED_TIMESCALES,
    CHAPMAN_KOLMOGOROV,
    RECURRENCE_PLOT,
    R_HAT,
    EFFECTIVE_SAMPLE_SIZE,
    AUTOCORRELATION_TIME,
    SEPARATION,
    POLITICAL_PROBE,
    PROBE_BASELINES,
    PROBE_QUALITY,
    BRIER_SCORE,
    DPO,
    RATER_SCHEME,
    CLOSED_FORM,
    IMPLICIT_REWARD,
    GROUP_ACCURACY,
    HELD_OUT_RATERS,
    GRADIENT_COSINE,
    UPDATE_SIZE,
    SOFT_TRANSFORM,
    PANEL_SIZE,
];

/// All explanations.
pub fn all() -> impl Iterator<Item = Help> {
    OTHERS
        .into_iter()
        .chain(judging::ALL)
        .chain(eigenbench::ALL)
        .chain(eigenbench_labs::ALL)
        .chain(eigenbench_people::ALL)
}

/// The explanation with this id.
pub fn find(id: &str) -> Option<Help> {
    all().find(|help| help.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_a_plain_sentence_a_formula_and_a_source() {
        for help in all() {
            let first = help.first_sentence();
            assert!(first.ends_with('.') && (30..260).contains(&first.len()), "{}: {first}", help.id);
            assert!(!first.contains('='), "{}: the first sentence is words", help.id);
            assert!(help.text.contains("\n\n    "), "{}: no formula", help.id);
            assert!(
                help.text.trim_end().lines().last().is_some_and(|line| line.starts_with("Source: ")),
                "{}",
                help.id
            );
            assert_eq!(find(help.id), Some(help), "ids are unique");
        }
    }
}
