//! What the laboratories of EigenBench show.

use super::Help;

/// `What is collusion?`
pub const COLLUSION: Help =
    Help { id: "collusion", name: "collusion", text: include_str!("../../../assets/help/collusion.md") };

/// `What is a simulated group?`
pub const COLLUSION_SIMULATED: Help = Help {
    id: "collusion-simulated",
    name: "a simulated group",
    text: include_str!("../../../assets/help/collusion-simulated.md"),
};

/// `What is label recovery?`
pub const LABEL_RECOVERY: Help =
    Help { id: "label-recovery", name: "label recovery", text: include_str!("../../../assets/help/label-recovery.md") };

/// `What is the distance of two orders?`
pub const KENDALL: Help = Help {
    id: "kendall-distance",
    name: "the distance of two orders",
    text: include_str!("../../../assets/help/kendall-distance.md"),
};

/// All of them.
pub const ALL: [Help; 4] = [COLLUSION, COLLUSION_SIMULATED, LABEL_RECOVERY, KENDALL];
