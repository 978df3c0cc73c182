//! Whether a limit is kept.

use super::{Limit, Of};

/// How far from its limit a ratio may be and still count as equal to it.
const EQUAL: f64 = 0.1;

/// From bad to good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Missed,
    /// A ratio that misses its limit by a tenth at most.
    Equal,
    Reached,
}

impl Verdict {
    /// Of a ratio, or of a value, which is never merely equal.
    pub(super) fn of(measured: f64, limit: Limit, of: Of) -> Self {
        let excess = match limit {
            Limit::AtLeast(least) => least - measured,
            Limit::AtMost(most) => measured - most,
        };
        let equal = if of == Of::Itself { 0.0 } else { EQUAL };
        if excess <= 0.0 {
            Self::Reached
        } else if excess <= equal {
            Self::Equal
        } else {
            Self::Missed
        }
    }

    pub(super) fn told(self) -> &'static str {
        match self {
            Self::Missed => "**missed**",
            Self::Equal => "equal",
            Self::Reached => "reached",
        }
    }
}
