//! What each statistic of models' judgements of one another is.

use super::Help;

/// `What is EigenBench?`
pub const EIGENBENCH: Help =
    Help { id: "eigenbench", name: "EigenBench", text: include_str!("../../../assets/help/eigenbench.md") };

/// `What is Elo of trust?`
pub const TRUST_ELO: Help =
    Help { id: "trust-elo", name: "Elo of trust", text: include_str!("../../../assets/help/trust-elo.md") };

/// `What is the chance of being above?`
pub const ABOVE: Help = Help {
    id: "chance-above",
    name: "the chance of being above",
    text: include_str!("../../../assets/help/chance-above.md"),
};

/// `What is EigenTrust?`
pub const EIGENTRUST: Help =
    Help { id: "eigentrust", name: "EigenTrust", text: include_str!("../../../assets/help/eigentrust.md") };

/// `What is the lens map?`
pub const LENS_MAP: Help =
    Help { id: "lens-map", name: "the lens map", text: include_str!("../../../assets/help/lens-map.md") };

/// `What is the trust matrix?`
pub const TRUST_MATRIX: Help =
    Help { id: "trust-matrix", name: "the trust matrix", text: include_str!("../../../assets/help/trust-matrix.md") };

/// `What is the share won?`
pub const WIN_MATRIX: Help =
    Help { id: "win-matrix", name: "the share won", text: include_str!("../../../assets/help/win-matrix.md") };

/// `What is coverage?`
pub const COVERAGE: Help = Help {
    id: "judgement-coverage",
    name: "coverage",
    text: include_str!("../../../assets/help/judgement-coverage.md"),
};

/// `What is the distance of trust?`
pub const TRUST_DISTANCE: Help = Help {
    id: "trust-distance",
    name: "the distance of trust",
    text: include_str!("../../../assets/help/trust-distance.md"),
};

/// `What is a judge's report?`
pub const ORDER_BIAS: Help =
    Help { id: "order-bias", name: "a judge's report", text: include_str!("../../../assets/help/order-bias.md") };

/// `What is Elo by criterion?`
pub const BY_CRITERION: Help = Help {
    id: "elo-by-criterion",
    name: "Elo by criterion",
    text: include_str!("../../../assets/help/elo-by-criterion.md"),
};

/// `What is the criterion-conditioned fit?`
pub const CONDITIONED: Help = Help {
    id: "criterion-conditioned",
    name: "the criterion-conditioned fit",
    text: include_str!("../../../assets/help/criterion-conditioned.md"),
};

/// `What is the split of variance?`
pub const VARIANCE_SPLIT: Help = Help {
    id: "variance-split",
    name: "the split of variance",
    text: include_str!("../../../assets/help/variance-split.md"),
};

/// `What is the held-out loss?`
pub const HELD_OUT: Help = Help {
    id: "held-out-loss",
    name: "the held-out loss",
    text: include_str!("../../../assets/help/held-out-loss.md"),
};

/// `What is calibration?`
pub const CALIBRATION: Help =
    Help { id: "btd-calibration", name: "calibration", text: include_str!("../../../assets/help/btd-calibration.md") };

/// `What is a residual?`
pub const RESIDUAL: Help =
    Help { id: "btd-residual", name: "a residual", text: include_str!("../../../assets/help/btd-residual.md") };

/// `What is a variant of the leaderboard?`
pub const SENSITIVITY: Help = Help {
    id: "board-sensitivity",
    name: "a variant of the leaderboard",
    text: include_str!("../../../assets/help/board-sensitivity.md"),
};

/// `What is a judge's lens?`
pub const JUDGE_LENS: Help =
    Help { id: "judge-lens", name: "a judge's lens", text: include_str!("../../../assets/help/judge-lens.md") };

/// `What is the effect of length?`
pub const LENGTH_EFFECT: Help = Help {
    id: "length-effect",
    name: "the effect of length",
    text: include_str!("../../../assets/help/length-effect.md"),
};

/// `What is leaving one out?`
pub const LEFT_OUT: Help =
    Help { id: "leave-one-out", name: "leaving one out", text: include_str!("../../../assets/help/leave-one-out.md") };

/// `What is the stopping rule?`
pub const STOPPING_RULE: Help = Help {
    id: "stopping-rule",
    name: "the stopping rule",
    text: include_str!("../../../assets/help/stopping-rule.md"),
};

/// All of them.
pub const ALL: [Help; 21] = [
    EIGENBENCH,
    TRUST_ELO,
    ABOVE,
    EIGENTRUST,
    LENS_MAP,
    TRUST_MATRIX,
    WIN_MATRIX,
    COVERAGE,
    TRUST_DISTANCE,
    ORDER_BIAS,
    BY_CRITERION,
    CONDITIONED,
    VARIANCE_SPLIT,
    HELD_OUT,
    CALIBRATION,
    RESIDUAL,
    SENSITIVITY,
    JUDGE_LENS,
    LENGTH_EFFECT,
    LEFT_OUT,
    STOPPING_RULE,
];
