//! Cursors of live reads.

use headwater_core::Timestamp;
use headwater_core::cursor::{EPOCH, INTERVAL_MS, MAX_JITTER_SECONDS, next};
use proptest::prelude::*;

use crate::config;

/// Far more time than a server will see, and far from the largest number.
const LATEST: u64 = EPOCH.0 + (1 << 50);

/// Any number, and often one that is reduced to the least.
fn jitter() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), (0..9u64).prop_map(|n| n * MAX_JITTER_SECONDS)]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn without_an_echo_it_is_the_number_of_the_interval(now in EPOCH.0..LATEST, jitter in jitter()) {
        let cursor = next(Timestamp(now), None, jitter);
        let begins = EPOCH.0 + cursor * INTERVAL_MS;
        prop_assert!((begins..begins + INTERVAL_MS).contains(&now));
    }

    #[test]
    fn an_echo_that_is_not_older_moves_ahead_within_an_hour(
        now in EPOCH.0..LATEST,
        ahead in 0..1_000_000u64,
        jitter in jitter(),
    ) {
        let echoed = next(Timestamp(now), None, 0) + ahead;
        let cursor = next(Timestamp(now), Some(&echoed.to_string()), jitter);
        prop_assert!(cursor > echoed);
        prop_assert!(cursor - echoed <= (MAX_JITTER_SECONDS * 1000).div_ceil(INTERVAL_MS));
        let again = next(Timestamp(now), Some(&cursor.to_string()), jitter);
        prop_assert!(again > cursor, "no loop");
    }

    #[test]
    fn an_older_echo_and_one_that_is_no_number_are_replaced(
        now in EPOCH.0 + INTERVAL_MS..LATEST,
        back in 1..1_000_000u64,
        text in "[^0-9]?[0-9a-z+. -]*[^0-9]",
        jitter in jitter(),
    ) {
        let current = next(Timestamp(now), None, 0);
        let older = current.saturating_sub(back).to_string();
        prop_assert_eq!(next(Timestamp(now), Some(&older), jitter), current);
        prop_assert_eq!(next(Timestamp(now), Some(&text), jitter), current);
    }

    #[test]
    fn whatever_is_echoed_the_cursor_is_not_behind(
        now in any::<u64>(),
        echoed in any::<String>(),
        number in any::<u64>(),
        jitter in jitter(),
    ) {
        let current = next(Timestamp(now), None, 0);
        prop_assert!(next(Timestamp(now), Some(&echoed), jitter) >= current);
        let cursor = next(Timestamp(now), Some(&number.to_string()), jitter);
        prop_assert!(cursor >= current);
        prop_assert!(cursor > number || number == u64::MAX || number < current);
    }
}
