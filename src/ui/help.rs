//! What each statistic is: the texts behind every "?".

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

/// All explanations.
pub const ALL: [Help; 18] = [
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
];

/// The explanation with this id.
pub fn find(id: &str) -> Option<Help> {
    ALL.into_iter().find(|help| help.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_a_plain_sentence_a_formula_and_a_source() {
        for help in ALL {
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
