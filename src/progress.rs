//! How a long computation speaks with whoever started it, without knowing threads, windows or terminals.

/// The caller asked for the computation to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// The caller's side of a long computation. Implementations must be cheap: they are called in inner loops.
pub trait Progress: Sync {
    /// Names the part of the work that begins now, for people ("scoring rectangles").
    fn stage(&self, name: &str);
    /// `done` of `total` units of the present stage are finished.
    fn report(&self, done: u64, total: u64);
    /// To be called between batches: blocks while the work is paused, and fails once it is cancelled.
    fn checkpoint(&self) -> Result<(), Cancelled>;
}

/// Hears nothing and never cancels.
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _name: &str) {}
    fn report(&self, _done: u64, _total: u64) {}
    fn checkpoint(&self) -> Result<(), Cancelled> {
        Ok(())
    }
}
