//! A question under way on a background thread: it can be dropped, and says how far it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::progress::{Cancelled, Progress};

/// What asker and answerer share.
#[derive(Default)]
pub struct Asking {
    dropped: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
}

impl Asking {
    /// Nobody needs the answer any more.
    pub fn give_up(&self) {
        self.dropped.store(true, Ordering::Relaxed);
    }

    /// How far it is, in words to put behind a sentence; empty where that is not known.
    pub fn percent(&self) -> String {
        match self.total.load(Ordering::Relaxed) {
            0 => String::new(),
            total => format!(" {} %", (100 * self.done.load(Ordering::Relaxed) / total).min(100)),
        }
    }
}

impl Progress for Asking {
    fn stage(&self, _name: &str) {
        self.total.store(0, Ordering::Relaxed);
    }
    fn report(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if self.dropped.load(Ordering::Relaxed) { Err(Cancelled) } else { Ok(()) }
    }
}
