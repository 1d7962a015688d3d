//! How many calls an endpoint is asked at once: fewer when it says that there are too many, slowly more while it answers
//! (additive increase, multiplicative decrease; eigenbench.md, section 13).

use std::time::Instant;

/// The pace of one endpoint. Knows no clock: its callers say when.
#[derive(Clone, Debug)]
pub struct Pace {
    ceiling: usize,
    allowed: f64,
    under_way: usize,
    /// Counts the reductions.
    round: u64,
    not_before: Option<Instant>,
}

/// A call that was let through. It must be given back by [`Pace::answered`], [`Pace::limited`] or [`Pace::failed`].
#[derive(Debug)]
#[must_use]
pub struct Started {
    round: u64,
}

impl Pace {
    /// Begins at the ceiling, at least 1.
    pub fn new(ceiling: usize) -> Self {
        let ceiling = ceiling.max(1);
        Self { ceiling, allowed: ceiling as f64, under_way: 0, round: 0, not_before: None }
    }

    /// Calls that may be under way at once, from 1 to the ceiling.
    pub fn at_once(&self) -> usize {
        (self.allowed as usize).clamp(1, self.ceiling)
    }

    /// Lets a call through, unless as many as may be are under way or the endpoint asked for a pause.
    pub fn start(&mut self, now: Instant) -> Option<Started> {
        let free = self.under_way < self.at_once() && self.not_before.is_none_or(|until| now >= until);
        free.then(|| {
            self.under_way += 1;
            Started { round: self.round }
        })
    }

    /// The call was answered. As many answers as may be under way allow one more.
    pub fn answered(&mut self, call: Started) {
        self.failed(call);
        self.allowed = (self.allowed + 1.0 / self.allowed).min(self.ceiling as f64);
    }

    /// The endpoint said that there are too many calls: half as many from now on, and none before `until`. Calls
    /// that were under way together halve once, however many of them are turned away.
    pub fn limited(&mut self, call: Started, until: Option<Instant>) {
        if call.round == self.round {
            self.allowed = (self.allowed / 2.0).max(1.0);
            self.round += 1;
        }
        self.not_before = self.not_before.max(until);
        self.failed(call);
    }

    /// The call ended in a way that says nothing about the pace.
    pub fn failed(&mut self, _call: Started) {
        self.under_way -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn started(pace: &mut Pace, calls: usize) -> Vec<Started> {
        (0..calls).map(|_| pace.start(Instant::now()).unwrap()).collect()
    }

    #[test]
    fn no_more_calls_start_than_may_be_under_way() {
        let mut pace = Pace::new(3);
        let mut calls = started(&mut pace, 3);
        assert!(pace.start(Instant::now()).is_none());
        pace.failed(calls.pop().unwrap());
        assert!(pace.start(Instant::now()).is_some());
        assert_eq!(Pace::new(0).at_once(), 1);
    }

    #[test]
    fn calls_turned_away_together_halve_once() {
        let mut pace = Pace::new(16);
        for call in started(&mut pace, 10) {
            pace.limited(call, None);
        }
        assert_eq!(pace.at_once(), 8);
        for expected in [4, 2, 1, 1] {
            let call = started(&mut pace, 1).remove(0);
            pace.limited(call, None);
            assert_eq!(pace.at_once(), expected);
        }
    }

    #[test]
    fn answers_bring_the_pace_back_slowly_and_not_beyond_the_ceiling() {
        let mut pace = Pace::new(4);
        let call = started(&mut pace, 1).remove(0);
        pace.limited(call, None);
        let mut answers = 0;
        while pace.at_once() < 4 {
            let call = started(&mut pace, 1).remove(0);
            pace.answered(call);
            answers += 1;
        }
        // From 2 to 4 takes about 2 + 3 answers.
        assert!((5..=7).contains(&answers), "{answers}");
        for _ in 0..100 {
            let call = started(&mut pace, 1).remove(0);
            pace.answered(call);
        }
        assert_eq!(pace.at_once(), 4);
    }

    #[test]
    fn a_pause_holds_every_call_until_the_latest_time_asked_for() {
        let mut pace = Pace::new(4);
        let now = Instant::now();
        let mut calls = started(&mut pace, 2);
        pace.limited(calls.remove(0), Some(now + Duration::from_secs(9)));
        pace.limited(calls.remove(0), Some(now + Duration::from_secs(5)));
        assert!(pace.start(now + Duration::from_secs(8)).is_none());
        assert!(pace.start(now + Duration::from_secs(9)).is_some());
    }
}
