//! What each statistic of judges' verdicts is.

use super::Help;

/// `What is judging by a constitution?`
pub const JUDGING: Help =
    Help { id: "judging", name: "judging by a constitution", text: include_str!("../../../assets/help/judging.md") };

/// `What is the interval of a score?`
pub const JUDGING_INTERVALS: Help = Help {
    id: "judging-intervals",
    name: "the interval of a score",
    text: include_str!("../../../assets/help/judging-intervals.md"),
};

/// `What is a model's score?`
pub const MODEL_SCORE: Help =
    Help { id: "model-score", name: "a model's score", text: include_str!("../../../assets/help/model-score.md") };

/// `What is a rank's probability?`
pub const RANK_PROBABILITY: Help = Help {
    id: "rank-probability",
    name: "a rank's probability",
    text: include_str!("../../../assets/help/rank-probability.md"),
};

/// `What is a pair's effect?`
pub const PAIR_EFFECT: Help =
    Help { id: "pair-effect", name: "a pair's effect", text: include_str!("../../../assets/help/pair-effect.md") };

/// `What is the Mallows table?`
pub const MALLOWS_PAIRS: Help = Help {
    id: "mallows-pairs",
    name: "the Mallows table",
    text: include_str!("../../../assets/help/mallows-pairs.md"),
};

/// `What is a question's margin?`
pub const QUESTION_MARGIN: Help = Help {
    id: "question-margin",
    name: "a question's margin",
    text: include_str!("../../../assets/help/question-margin.md"),
};

/// `What is a win share?`
pub const WIN_SHARE: Help =
    Help { id: "win-share", name: "a win share", text: include_str!("../../../assets/help/win-share.md") };

/// `What is a clause's difficulty?`
pub const CLAUSE_DIFFICULTY: Help = Help {
    id: "clause-difficulty",
    name: "a clause's difficulty",
    text: include_str!("../../../assets/help/clause-difficulty.md"),
};

/// `What is a model's consistency?`
pub const MODEL_CONSISTENCY: Help = Help {
    id: "model-consistency",
    name: "a model's consistency",
    text: include_str!("../../../assets/help/model-consistency.md"),
};

/// `What is the agreement of judges?`
pub const JUDGE_AGREEMENT: Help = Help {
    id: "judge-agreement",
    name: "the agreement of judges",
    text: include_str!("../../../assets/help/judge-agreement.md"),
};

/// `What is position bias?`
pub const POSITION_BIAS: Help =
    Help { id: "position-bias", name: "position bias", text: include_str!("../../../assets/help/position-bias.md") };

/// `What is length bias?`
pub const LENGTH_BIAS: Help =
    Help { id: "length-bias", name: "length bias", text: include_str!("../../../assets/help/length-bias.md") };

/// `What is independence of irrelevant alternatives?`
pub const IRRELEVANT_ALTERNATIVES: Help = Help {
    id: "irrelevant-alternatives",
    name: "independence of irrelevant alternatives",
    text: include_str!("../../../assets/help/irrelevant-alternatives.md"),
};

/// `What is stochastic transitivity?`
pub const STOCHASTIC_TRANSITIVITY: Help = Help {
    id: "stochastic-transitivity",
    name: "stochastic transitivity",
    text: include_str!("../../../assets/help/stochastic-transitivity.md"),
};

/// `What is the held-out likelihood?`
pub const HELD_OUT_RANKINGS: Help = Help {
    id: "held-out-rankings",
    name: "the held-out likelihood",
    text: include_str!("../../../assets/help/held-out-rankings.md"),
};

/// `What is the distribution of ranks?`
pub const RANK_DISTRIBUTION: Help = Help {
    id: "rank-distribution",
    name: "the distribution of ranks",
    text: include_str!("../../../assets/help/rank-distribution.md"),
};

/// `What is the course of win shares?`
pub const SHARE_TRAJECTORY: Help = Help {
    id: "share-trajectory",
    name: "the course of win shares",
    text: include_str!("../../../assets/help/share-trajectory.md"),
};

/// All of them.
pub const ALL: [Help; 18] = [
    JUDGING,
    JUDGING_INTERVALS,
    MODEL_SCORE,
    RANK_PROBABILITY,
    PAIR_EFFECT,
    MALLOWS_PAIRS,
    QUESTION_MARGIN,
    WIN_SHARE,
    CLAUSE_DIFFICULTY,
    MODEL_CONSISTENCY,
    JUDGE_AGREEMENT,
    POSITION_BIAS,
    LENGTH_BIAS,
    IRRELEVANT_ALTERNATIVES,
    STOCHASTIC_TRANSITIVITY,
    HELD_OUT_RANKINGS,
    RANK_DISTRIBUTION,
    SHARE_TRAJECTORY,
];
