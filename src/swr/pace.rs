//! How long to wait before another try, and when there is no point in one.

use std::time::Duration;

use jiff::Timestamp;

/// A `Retry-After` longer than this is given up on.
pub const RETRY_AFTER_LIMIT: Duration = Duration::from_secs(60);

/// Full jitter: anything up to 1 s doubled with each try, at most 30 s.
pub fn backoff(tries: u32) -> Duration {
    let ceiling =
        Duration::from_secs(1 << tries.saturating_sub(1).min(5)).min(Duration::from_secs(30));
    ceiling.mul_f64(fastrand::f64())
}

/// Both forms of `Retry-After`: seconds, or a date.
pub fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = parse_date(text)?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// A date as HTTP headers have it.
pub fn parse_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text.trim())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        assert_eq!(parse_retry_after(" 7 ", now), Some(Duration::from_secs(7)));
        assert_eq!(
            parse_retry_after("Tue, 24 Nov 2026 10:00:30 GMT", now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            parse_retry_after("Tue, 24 Nov 2026 09:00:00 GMT", now),
            Some(Duration::ZERO)
        );
        for garbage in ["", "soon", "-1", "1.5", "99999999999999999999999"] {
            assert_eq!(parse_retry_after(garbage, now), None, "{garbage}");
        }
    }

    #[test]
    fn backoff_doubles_up_to_its_ceiling_and_has_full_jitter() {
        for (tries, ceiling) in [
            (1, 1.0),
            (2, 2.0),
            (3, 4.0),
            (5, 16.0),
            (6, 30.0),
            (10, 30.0),
            (u32::MAX, 30.0),
        ] {
            let delays: Vec<f64> = (0..200).map(|_| backoff(tries).as_secs_f64()).collect();
            assert!(
                delays.iter().all(|delay| (0.0..=ceiling).contains(delay)),
                "{tries}"
            );
            assert!(
                delays.iter().any(|delay| *delay > ceiling / 2.0)
                    && delays.iter().any(|delay| *delay < ceiling / 2.0)
            );
        }
    }
}
