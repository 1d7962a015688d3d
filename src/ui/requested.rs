//! A value that a background thread computes; the previous one stays visible until the next arrives.

use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// What was asked for, what is there.
pub struct Requested<T> {
    latest: Option<T>,
    pending: Option<Receiver<T>>,
}

impl<T> Default for Requested<T> {
    fn default() -> Self {
        Self { latest: None, pending: None }
    }
}

impl<T: Send + 'static> Requested<T> {
    /// Computes a new value on a thread of its own; `wake` is called when it is there.
    pub fn ask(&mut self, wake: impl FnOnce() + Send + 'static, compute: impl FnOnce() -> T + Send + 'static) {
        let (sender, receiver) = channel();
        self.pending = Some(receiver);
        std::thread::spawn(move || {
            // The asker may be gone: then nobody needs the answer.
            if sender.send(compute()).is_ok() {
                wake();
            }
        });
    }
    /// The newest value that has arrived, if any. Never blocks.
    pub fn get(&mut self) -> Option<&T> {
        if let Some(receiver) = &self.pending {
            match receiver.try_recv() {
                Ok(value) => {
                    self.latest = Some(value);
                    self.pending = None;
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.pending = None,
            }
        }
        self.latest.as_ref()
    }
    /// The newest value that has arrived, taken out.
    pub fn into_latest(mut self) -> Option<T> {
        self.get();
        self.latest
    }
    /// Whether a newer value is on its way.
    pub fn waiting(&self) -> bool {
        self.pending.is_some()
    }
    /// Forgets the value and any answer still to come.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
