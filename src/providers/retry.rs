//! How long to wait before another attempt.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::statistics::Stream;

/// No wait of our own is longer.
const LONGEST: Duration = Duration::from_secs(60);
/// No wait that a provider asks for is longer; it may ask for hours.
const LONGEST_ASKED: Duration = Duration::from_secs(120);

/// What a `Retry-After` header asks for, at most two minutes: seconds, or a date, which is compared with the
/// provider's own `Date` where it sent one, so that clocks need not agree. `None` for anything else.
pub(super) fn asked_for(header: &str, date: Option<&str>, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    let seconds = match header.parse::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let parser = DateTimeParser::new();
            let until = parser.parse_timestamp(header).ok()?;
            let now = date.and_then(|date| parser.parse_timestamp(date.trim()).ok()).unwrap_or(now);
            until.duration_since(now).as_secs_f64()
        }
    };
    if seconds.is_nan() {
        return None;
    }
    Some(Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_ASKED.as_secs_f64())))
}

/// The wait after attempt number `attempt` (from 1) failed: `first`, doubled with each, at most a minute, shortened by
/// up to half so that calls that failed together do not come back together. A function of the request's key and the
/// attempt.
pub(super) fn backoff(first: Duration, attempt: u32, key: &str) -> Duration {
    let seed = key.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
    let doubled = first.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1))).min(LONGEST);
    doubled.mul_f64(1.0 - 0.5 * Stream::new(seed, u64::from(attempt)).unit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-10-21T07:28:00Z".parse().unwrap();
        let seconds = |header, date| asked_for(header, date, now).map(|wait| wait.as_secs_f64());
        assert_eq!(seconds("7", None), Some(7.0));
        assert_eq!(seconds(" 0.5 ", None), Some(0.5));
        assert_eq!(seconds("86400", None), Some(120.0));
        assert_eq!(seconds("-3", None), Some(0.0));
        assert_eq!(seconds("Wed, 21 Oct 2026 07:28:30 GMT", None), Some(30.0));
        assert_eq!(seconds("Wed, 21 Oct 2026 07:27:30 GMT", None), Some(0.0));
        assert_eq!(seconds("Wed, 21 Oct 2026 08:28:09 GMT", Some("Wed, 21 Oct 2026 08:28:00 GMT")), Some(9.0));
        assert_eq!(seconds("NaN", None), None);
        assert_eq!(seconds("soon", None), None);
    }

    #[test]
    fn waits_double_up_to_a_minute_and_are_reproducible() {
        let two = Duration::from_secs(2);
        for (attempt, most) in [(1, 2.0), (2, 4.0), (3, 8.0), (4, 16.0), (6, 60.0), (40, 60.0)] {
            let wait = backoff(two, attempt, "00ff00ff00ff00ff").as_secs_f64();
            assert!(wait <= most && wait >= 0.5 * most, "{attempt}: {wait}");
            assert_eq!(wait, backoff(two, attempt, "00ff00ff00ff00ff").as_secs_f64());
        }
        assert_ne!(backoff(two, 1, "00ff00ff00ff00ff"), backoff(two, 1, "10ff00ff00ff00ff"));
    }
}
