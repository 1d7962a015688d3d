//! How a command ends other than well.

/// What ended a command; the exit code follows from it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The question was answered, and the answer is no. The command has printed it already.
    Negative,
    /// Wrong usage or wrong input: file, row and remedy in the message.
    Input(String),
    /// The user ended it.
    Cancelled,
    /// Ours: a defect, a full disk, a lost device.
    Internal(String),
}

impl Failure {
    /// 1 negative, 2 input, 3 cancelled, 4 internal (commands contract).
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Negative => 1,
            Self::Input(_) => 2,
            Self::Cancelled => 3,
            Self::Internal(_) => 4,
        }
    }
    /// What is still to be said on standard error.
    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Self::Negative => None,
            Self::Cancelled => Some("cancelled"),
            Self::Input(message) | Self::Internal(message) => Some(message),
        }
    }
    /// Wraps any error as bad input.
    pub(crate) fn input(error: impl std::fmt::Display) -> Self {
        Self::Input(error.to_string())
    }
    /// Wraps any error as an internal failure.
    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }
}

/// What a command returns.
pub(crate) type Outcome = Result<(), Failure>;
