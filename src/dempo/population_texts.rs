//! What the made-up raters are asked, and what they may be answered. All texts are this project's own.

/// Subjects of the questions, three words at most.
pub(super) const TOPICS: [&str; 36] = [
    "night buses",
    "a public library",
    "free school meals",
    "bike lanes",
    "community gardens",
    "solar roofs",
    "flood walls",
    "car-free streets",
    "youth clubs",
    "free museum days",
    "street trees",
    "repair workshops",
    "public toilets",
    "housing grants",
    "a harbour park",
    "open town data",
    "participatory budgets",
    "citizen assemblies",
    "quiet hours",
    "recycling fees",
    "heat shelters",
    "language classes",
    "tool lending",
    "rent advice",
    "evening clinics",
    "home care visits",
    "wind turbines",
    "rain gardens",
    "market halls",
    "school streets",
    "drinking fountains",
    "safe crossings",
    "ferry lines",
    "village broadband",
    "sports fields",
    "music schools",
];

/// The last topics are asked of nobody; they are for probing what was learned.
pub(super) const KEPT_BACK: usize = 6;

/// Ways to ask, with `{}` for the topic.
pub(super) const QUESTIONS: [&str; 3] =
    ["What should our town do about {}?", "How should we handle {}?", "What is the best plan for {}?"];

/// One way in which replies differ: its name, and its two sides with how each may be put. Side 0 is "minus", 1 "plus".
pub(super) struct Quality {
    pub(super) name: &'static str,
    pub(super) sides: [(&'static str, &'static [&'static str]); 2],
}

/// How many ways replies differ in.
pub(super) const QUALITIES: usize = 4;

/// The ways, in the order in which a reply puts them.
pub(super) const REPLIES: [Quality; QUALITIES] = [
    Quality {
        name: "pace",
        sides: [
            (
                "cautious",
                &["Try {} on a small scale first", "Test {} for one season first", "Start {} slowly and check"],
            ),
            ("bold", &["Launch {} everywhere this year", "Commit to {} now, in full", "Push {} ahead without delay"]),
        ],
    },
    Quality {
        name: "seat",
        sides: [
            ("local", &["let the neighbourhoods decide", "let local residents run it", "leave it to each district"]),
            (
                "central",
                &["let the national government decide", "let one central office decide", "leave it to the ministry"],
            ),
        ],
    },
    Quality {
        name: "openness",
        sides: [
            ("closed", &["and keep the results internal", "and report to nobody"]),
            ("open", &["and publish the results", "and report openly"]),
        ],
    },
    Quality {
        name: "length",
        sides: [
            ("short", &[""]),
            (
                "long",
                &[
                    " This helps people learn over time.",
                    " Towns elsewhere have found this useful.",
                    " Neighbours will notice the difference soon.",
                ],
            ),
        ],
    },
];

/// Log-odds with which people prefer the "plus" side to the "minus" one, quality by quality.
pub(super) type LogOdds = [f64; QUALITIES];

/// A value of an attribute: its share of the population and of the volunteers in percent, and what it adds to the log-odds.
pub(super) type Group = (&'static str, u32, u32, LogOdds);

/// What everybody likes alike: open reports. It is a control, which no weighting of raters changes.
pub(super) const EVERYBODY: LogOdds = [0.0, 0.0, 1.2, 0.0];

/// Attributes of people. The volunteers are older, more urban and longer at school than the population, so that for each
/// quality but the control most volunteers want the other side than most people.
pub(super) const ATTRIBUTES: [(&str, [Group; 3]); 3] = [
    (
        "age",
        [
            ("18 to 34", 30, 10, [3.0, 0.0, 0.0, 0.0]),
            ("35 to 59", 40, 28, [1.2, 0.0, 0.0, 0.0]),
            ("60 and over", 30, 62, [-1.8, 0.0, 0.0, 0.0]),
        ],
    ),
    (
        "region",
        [
            ("city", 35, 62, [0.0, 1.6, 0.0, 0.0]),
            ("small town", 35, 25, [0.0, -1.2, 0.0, 0.0]),
            ("countryside", 30, 13, [0.0, -2.4, 0.0, 0.0]),
        ],
    ),
    (
        "schooling",
        [
            ("compulsory", 25, 6, [0.0, 0.0, 0.0, -2.6]),
            ("vocational", 45, 22, [0.0, 0.0, 0.0, -1.6]),
            ("degree", 30, 72, [0.0, 0.0, 0.0, 1.6]),
        ],
    ),
];
