//! Cursors of live reads: numbers that let caches collapse equal requests and keep an echoed request from looping.

use crate::time::Timestamp;

/// 2024-10-09T00:00:00Z, from which intervals are counted, as the protocol says.
pub const EPOCH: Timestamp = Timestamp(1_728_432_000_000);

/// Length of an interval, in milliseconds.
pub const INTERVAL_MS: u64 = 20_000;

/// Most seconds that an echoed cursor is moved ahead.
pub const MAX_JITTER_SECONDS: u64 = 3_600;

/// The cursor to send: the number of the current interval, or, when the client's own is not older, a larger one.
///
/// `jitter` is any number; it is reduced to `1..=3600` seconds. The result is always greater than an echoed cursor that is not
/// older than the present interval.
#[must_use]
pub fn next(now: Timestamp, echoed: Option<&str>, jitter: u64) -> u64 {
    let current = now.0.saturating_sub(EPOCH.0) / INTERVAL_MS;
    let digits = echoed.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|text| text.parse::<u64>().ok()) {
        Some(echoed) if echoed >= current => {
            let seconds = jitter % MAX_JITTER_SECONDS + 1;
            echoed.saturating_add((seconds * 1000).div_ceil(INTERVAL_MS))
        }
        _ => current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echoed_cursors_move_ahead_and_old_ones_are_replaced() {
        let now = Timestamp(EPOCH.0 + 20_000 * 50 + 19_999);
        for (echoed, jitter, expected) in [
            (None, 0, 50),
            (Some(""), 0, 50),
            (Some("x"), 0, 50),
            (Some("+50"), 0, 50),
            (Some("49"), 0, 50),
            (Some("50"), 0, 51),
            (Some("50"), 19, 51),
            (Some("50"), 20, 52),
            (Some("50"), 3_599, 230),
            (Some("50"), 3_600, 51),
            (Some("1000"), 0, 1001),
            (Some("18446744073709551615"), 0, u64::MAX),
            (Some("18446744073709551616"), 0, 50),
        ] {
            assert_eq!(next(now, echoed, jitter), expected, "{echoed:?} {jitter}");
        }
        assert_eq!(next(Timestamp(0), None, 0), 0);
    }
}
