//! Progress on a terminal, silence elsewhere, and Ctrl-C as a request to stop.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::progress::{Cancelled, Progress};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The first Ctrl-C asks running work to stop at its next checkpoint; the second ends the process at once.
pub(crate) fn catch_interrupts() {
    extern "C" fn interrupted(_signal: libc::c_int) {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            // SAFETY: `_exit` may be called in a signal handler; nothing is left to be flushed.
            unsafe { libc::_exit(3) }
        }
    }
    let handler: extern "C" fn(libc::c_int) = interrupted;
    // SAFETY: the handler touches one atomic and calls `_exit`, both allowed in a signal handler.
    let before = unsafe { libc::signal(libc::SIGINT, handler as libc::sighandler_t) };
    if before == libc::SIG_ERR {
        eprintln!("kleroterion: Ctrl-C cannot be caught here; it ends the program at once");
    }
}

/// Stage, bar, rate and time left on standard error, if that is a terminal.
pub(crate) struct TerminalProgress {
    bar: Mutex<Option<ProgressBar>>,
}

impl TerminalProgress {
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{msg:32} {bar:30} {human_pos}/{human_len} {per_sec} {eta} left");
            bar.set_style(style.expect("the template is a constant"));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { bar: Mutex::new(bar) }
    }
    fn with_bar(&self, act: impl FnOnce(&ProgressBar)) {
        if let Ok(bar) = self.bar.lock()
            && let Some(bar) = bar.as_ref()
        {
            act(bar);
        }
    }
    /// Removes the bar, so that what follows starts on a clean line.
    pub(crate) fn finish(&self) {
        self.with_bar(ProgressBar::finish_and_clear);
    }
}

impl Progress for TerminalProgress {
    fn stage(&self, name: &str) {
        self.with_bar(|bar| {
            bar.set_message(name.to_owned());
            bar.set_position(0);
            bar.reset_eta();
        });
    }
    fn report(&self, done: u64, total: u64) {
        self.with_bar(|bar| {
            bar.set_length(total);
            bar.set_position(done);
        });
    }
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if INTERRUPTED.load(Ordering::SeqCst) { Err(Cancelled) } else { Ok(()) }
    }
}
