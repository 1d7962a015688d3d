//! The live side of a run: its progress with rate and time left, and how it is paused and stopped from outside.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::progress::{Cancelled, Progress};

/// Progress messages in any second, at most.
const PER_SECOND: usize = 10;
/// Time between two progress messages of the same stage, at least.
const GAP: Duration = Duration::from_millis(100);
/// The rate is that of the last so many seconds of work.
const WINDOW: f64 = 30.0;

/// What a run tells while it works.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// Units of the stage; `rate` in units per second of work, `seconds_left` at that rate.
    Progress { stage: String, done: u64, total: u64, rate: Option<f64>, seconds_left: Option<f64> },
    /// It holds at a checkpoint.
    Paused,
    /// It goes on after a pause.
    Continued,
}

/// Why a run was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The user cancelled it.
    Cancel,
    /// The program closes.
    Interrupt,
}

const GO: u8 = 0;
const CANCEL: u8 = 1;
const INTERRUPT: u8 = 2;

/// Progress, pause and cancellation of one sitting of a run. The work calls it as [`Progress`]; its owner pauses and
/// stops it from other threads.
pub struct JobContext {
    stop: AtomicU8,
    gate: Mutex<Gate>,
    opened: Condvar,
    meter: Mutex<Meter>,
    began: Instant,
    tell: Box<dyn Fn(Signal) + Send + Sync>,
}

#[derive(Default)]
struct Gate {
    closed: bool,
    /// Since when the work has held at a checkpoint.
    held: Option<Instant>,
    /// Time spent holding, before `held`.
    rested: Duration,
}

#[derive(Default)]
struct Meter {
    stage: String,
    done: u64,
    total: u64,
    /// Seconds of work and units done, over the last [`WINDOW`].
    samples: VecDeque<(f64, u64)>,
    sent: VecDeque<Instant>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl JobContext {
    /// `tell` is called from the working threads, with progress at most ten times a second.
    pub fn new(tell: impl Fn(Signal) + Send + Sync + 'static) -> Self {
        Self {
            stop: AtomicU8::new(GO),
            gate: Mutex::default(),
            opened: Condvar::new(),
            meter: Mutex::default(),
            began: Instant::now(),
            tell: Box::new(tell),
        }
    }

    /// The work holds at its next checkpoint.
    pub fn pause(&self) {
        locked(&self.gate).closed = true;
    }

    /// Lets held work go on.
    pub fn go_on(&self) {
        locked(&self.gate).closed = false;
        self.opened.notify_all();
    }

    /// The work fails at its next checkpoint with [`Cancelled`], also if it is held. The first reason counts.
    pub fn stop(&self, why: Stop) {
        let code = match why {
            Stop::Cancel => CANCEL,
            Stop::Interrupt => INTERRUPT,
        };
        // An exchange that fails means that it is stopping already.
        self.stop.compare_exchange(GO, code, Ordering::SeqCst, Ordering::SeqCst).ok();
        drop(locked(&self.gate));
        self.opened.notify_all();
    }

    /// Why the work was asked to stop, if it was.
    pub fn stopped(&self) -> Option<Stop> {
        match self.stop.load(Ordering::SeqCst) {
            CANCEL => Some(Stop::Cancel),
            INTERRUPT => Some(Stop::Interrupt),
            _ => None,
        }
    }

    /// Seconds worked since the beginning, without pauses.
    pub fn seconds(&self) -> f64 {
        let gate = locked(&self.gate);
        let resting = gate.held.map_or(Duration::ZERO, |since| since.elapsed());
        self.began.elapsed().saturating_sub(gate.rested + resting).as_secs_f64()
    }

    fn send(&self, mut meter: MutexGuard<'_, Meter>, new_stage: bool) {
        let now = Instant::now();
        while meter.sent.front().is_some_and(|&sent| now.duration_since(sent) >= Duration::from_secs(1)) {
            meter.sent.pop_front();
        }
        let soon = meter.sent.back().is_some_and(|&sent| now.duration_since(sent) < GAP);
        if meter.sent.len() >= PER_SECOND || (soon && !new_stage) {
            return;
        }
        meter.sent.push_back(now);
        let rate = match (meter.samples.front(), meter.samples.back()) {
            (Some(first), Some(last)) if last.1 > first.1 && last.0 - first.0 >= 0.2 => {
                Some((last.1 - first.1) as f64 / (last.0 - first.0))
            }
            _ => None,
        };
        let seconds_left = rate.map(|rate| meter.total.saturating_sub(meter.done) as f64 / rate);
        let signal =
            Signal::Progress { stage: meter.stage.clone(), done: meter.done, total: meter.total, rate, seconds_left };
        drop(meter);
        (self.tell)(signal);
    }
}

impl Progress for JobContext {
    fn stage(&self, name: &str) {
        let mut meter = locked(&self.meter);
        let sent = std::mem::take(&mut meter.sent);
        *meter = Meter { stage: name.to_owned(), sent, ..Meter::default() };
        self.send(meter, true);
    }

    fn report(&self, done: u64, total: u64) {
        let at = self.seconds();
        let mut meter = locked(&self.meter);
        meter.done = done;
        meter.total = total;
        // Inner loops report far more often than a rate needs samples.
        if meter.samples.back().is_none_or(|last| at - last.0 >= 0.1) {
            meter.samples.push_back((at, done));
            while meter.samples.len() > 2 && meter.samples.front().is_some_and(|first| at - first.0 > WINDOW) {
                meter.samples.pop_front();
            }
        }
        self.send(meter, false);
    }

    fn checkpoint(&self) -> Result<(), Cancelled> {
        let running = || if self.stopped().is_some() { Err(Cancelled) } else { Ok(()) };
        running()?;
        let mut gate = locked(&self.gate);
        if !gate.closed {
            return Ok(());
        }
        // Several threads of one run may hold here; the first tells, and so does the first to go on.
        if gate.held.is_none() {
            gate.held = Some(Instant::now());
            drop(gate);
            (self.tell)(Signal::Paused);
            gate = locked(&self.gate);
        }
        while gate.closed && running().is_ok() {
            gate = self.opened.wait(gate).unwrap_or_else(PoisonError::into_inner);
        }
        let first = match gate.held.take() {
            Some(since) => {
                gate.rested += since.elapsed();
                true
            }
            None => false,
        };
        drop(gate);
        running()?;
        if first {
            (self.tell)(Signal::Continued);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    #[test]
    fn progress_is_told_ten_times_a_second_with_rate_and_time_left() {
        let (sender, signals) = channel();
        let context = JobContext::new(move |signal| sender.send(signal).unwrap());
        context.stage("counting");
        let began = Instant::now();
        let mut done = 0;
        while began.elapsed() < Duration::from_millis(650) {
            done += 1;
            context.report(done, 1_000_000);
            thread::sleep(Duration::from_millis(1));
        }
        drop(context);
        let told: Vec<Signal> = signals.iter().collect();
        assert!((4..=8).contains(&told.len()), "{} messages in 0.65 s", told.len());
        let Some(Signal::Progress { stage, rate: Some(rate), seconds_left: Some(left), .. }) = told.last() else {
            panic!("no rate in {:?}", told.last());
        };
        assert_eq!(stage, "counting");
        assert!((50.0..=1100.0).contains(rate), "{rate} per second");
        assert!((left - 1_000_000.0 / rate).abs() / left < 0.01);
    }

    #[test]
    fn many_stages_do_not_flood() {
        let (sender, signals) = channel();
        let context = JobContext::new(move |signal| sender.send(signal).unwrap());
        for k in 0..1000 {
            context.stage(&k.to_string());
        }
        drop(context);
        assert_eq!(signals.iter().count(), PER_SECOND);
    }

    #[test]
    fn a_pause_holds_until_it_ends_and_its_time_does_not_count() {
        let (sender, signals) = channel();
        let context = Arc::new(JobContext::new(move |signal| sender.send(signal).unwrap()));
        context.pause();
        let held = context.clone();
        let work = thread::spawn(move || held.checkpoint());
        assert_eq!(signals.recv().unwrap(), Signal::Paused);
        thread::sleep(Duration::from_millis(150));
        assert!(!work.is_finished());
        context.go_on();
        assert_eq!(work.join().unwrap(), Ok(()));
        assert_eq!(signals.recv().unwrap(), Signal::Continued);
        assert!(context.began.elapsed().as_secs_f64() - context.seconds() >= 0.15);
    }

    #[test]
    fn a_held_run_can_be_cancelled_and_the_first_reason_counts() {
        let context = Arc::new(JobContext::new(|_| {}));
        context.pause();
        let held = context.clone();
        let work = thread::spawn(move || held.checkpoint());
        thread::sleep(Duration::from_millis(20));
        context.stop(Stop::Cancel);
        context.stop(Stop::Interrupt);
        assert_eq!(work.join().unwrap(), Err(Cancelled));
        assert_eq!(context.stopped(), Some(Stop::Cancel));
    }
}
