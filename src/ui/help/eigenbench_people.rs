//! What people beside the models are.

use super::Help;

/// `What is the human panel?`
pub const HUMAN_PANEL: Help =
    Help { id: "human-panel", name: "the human panel", text: include_str!("../../../assets/help/human-panel.md") };

/// `What is teleportation to people?`
pub const TELEPORTATION: Help = Help {
    id: "teleportation",
    name: "teleportation to people",
    text: include_str!("../../../assets/help/teleportation.md"),
};

/// All of them.
pub const ALL: [Help; 2] = [HUMAN_PANEL, TELEPORTATION];
