//! The columns of the quota grid.

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    Attribute,
    Value,
    Share,
    Tolerance,
    Min,
    Max,
    FlexMin,
    FlexMax,
    Slack,
    Locked,
    Pool,
    Expected,
    Drawn,
}

impl Column {
    /// From left to right.
    pub const ALL: [Self; 13] = [
        Self::Attribute,
        Self::Value,
        Self::Share,
        Self::Tolerance,
        Self::Min,
        Self::Max,
        Self::Slack,
        Self::Locked,
        Self::Pool,
        Self::Drawn,
        Self::Expected,
        Self::FlexMin,
        Self::FlexMax,
    ];

    /// Its header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attribute => "attribute",
            Self::Value => "value",
            Self::Share => "share %",
            Self::Tolerance => "± %",
            Self::Min => "min",
            Self::Max => "max",
            Self::FlexMin => "flex min",
            Self::FlexMax => "flex max",
            Self::Slack => "slack",
            Self::Locked => "lock",
            Self::Pool => "pool",
            Self::Expected => "expected",
            Self::Drawn => "drawn",
        }
    }

    /// Its name where there is no header above it.
    pub fn spoken(self) -> &'static str {
        match self {
            Self::Share => "share in percent",
            Self::Tolerance => "tolerance in percent",
            Self::Pool => "people in the pool",
            Self::Expected => "expected seats",
            Self::Drawn => "seats taken",
            Self::Locked => "locked",
            other => other.name(),
        }
    }

    /// What it means, for the header's tooltip.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Attribute => "What is known of everybody, such as gender. Editing it renames it in all its rows.",
            Self::Value => "One of the attribute's values, as the people's table spells it.",
            Self::Share => "The share of the population that has this value, in percent.",
            Self::Tolerance => {
                "How far the panel may stray from the share, in percent of it. Empty: the tolerance for all."
            }
            Self::Min => "Fewest people of this value on the panel. Empty: none.",
            Self::Max => "Most people of this value on the panel. Empty: the whole panel.",
            Self::FlexMin => "The lowest min that a suggestion may propose. Empty: as low as it helps.",
            Self::FlexMax => "The highest max that a suggestion may propose. Empty: as high as it helps.",
            Self::Slack => "No bound is meant: any number of people of this value may sit on the panel.",
            Self::Locked => "Suggestions leave a locked row as it is.",
            Self::Pool => "People of this value in the pool, and their share of it.",
            Self::Expected => "Seats that people of this value get on average in the last lottery.",
            Self::Drawn => {
                "Seats that people of this value have: those who are on the panel already, and those who were drawn."
            }
        }
    }

    /// Whether it can be edited.
    pub fn editable(self) -> bool {
        !matches!(self, Self::Pool | Self::Expected | Self::Drawn)
    }

    /// Whether it is switched rather than typed.
    pub fn toggle(self) -> bool {
        matches!(self, Self::Slack | Self::Locked)
    }

    /// Whether it is words rather than numbers.
    pub fn words(self) -> bool {
        matches!(self, Self::Attribute | Self::Value)
    }

    /// Its width in points.
    pub fn width(self) -> f32 {
        match self {
            Self::Attribute => 96.0,
            Self::Value => 104.0,
            Self::Share => 60.0,
            Self::Tolerance => 40.0,
            Self::Min | Self::Max => 42.0,
            Self::Pool => 84.0,
            Self::Expected => 70.0,
            Self::Drawn => 54.0,
            Self::FlexMin | Self::FlexMax => 64.0,
            Self::Slack | Self::Locked => 44.0,
        }
    }

    /// Its place from the left.
    pub fn place(self) -> usize {
        Self::ALL.iter().position(|&column| column == self).unwrap_or_default()
    }
}
