//! What a run reached: commands, accepted ones, error codes, and rows of the protocol's tables.

use std::collections::BTreeMap;
use std::fmt;

use headwater_core::error::Code;

use crate::answer::Answer;

/// How often each code and each row has to be met at least.
const ENOUGH: u64 = 50;

/// Codes that decisions cannot give here: those of the edges, of storage, of parsing, and of sizes that no test can
/// fill (that one has a test of its own among the rules).
const ELSEWHERE: &[Code] = &[
    Code::InvalidName,
    Code::MethodNotAllowed,
    Code::TooLarge,
    Code::Unauthenticated,
    Code::Forbidden,
    Code::RateLimited,
    Code::QuotaExceeded,
    Code::Overloaded,
    Code::StorageFull,
    Code::StoragePoisoned,
    Code::Corrupt,
    Code::Timeout,
    Code::Draining,
    Code::UnknownOutcome,
    Code::Internal,
];

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A row of one of the tables that the model follows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Row { $($(#[$doc])* $name,)* }

        impl Row {
            const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

rows! {
    /// Producers: none of the three fields.
    NoProducer,
    UnknownFromZero,
    UnknownInTheMiddle,
    UnknownOverLimit,
    OldEpoch,
    NewEpochFromZero,
    NewEpochInTheMiddle,
    Duplicate,
    Successor,
    Gap,
    ProducerBrokenJson,
    ProducerEmptyArray,
    ProducerWithoutStream,
    ProducerOtherType,
    ProducerEmptyBody,
    ProducerAppendsAndCloses,
    ProducerCloses,
    ClosedByThisTuple,
    ClosedByAnother,
    /// Closing without a producer.
    PlainClose,
    PlainAppendAndClose,
    ClosedAgain,
    ClosedToAll,
    /// Forks: where they diverge.
    ForkAtTail,
    ForkAtBoundary,
    ForkByMessages,
    ForkByWholeRecord,
    ForkInsideRecord,
    ForkOfRoot,
    ForkOfFork,
    /// The lifetime of a fork, by that of its source and the one that was asked for.
    LifetimeNeither,
    LifetimeOwnTtl,
    LifetimeOwnTime,
    LifetimeTtlInherited,
    LifetimeTtlReplaced,
    LifetimeTtlToTime,
    LifetimeTimeInherited,
    LifetimeTimeToTtl,
    LifetimeTimeReplaced,
    LifetimeFromClosingInherited,
    LifetimeFromClosingReplaced,
    LifetimeToFromClosing,
    ForkOfTruncated,
    /// Truncations: where they lead.
    TruncatedBetweenRecords,
    TruncatedToTail,
    TruncatedInInherited,
    TruncatedWithForks,
    TruncatedClosed,
    TruncatedBefore,
    TruncatedInsideRecord,
    /// Retention: what goes, and of which streams.
    RetainedForBytes,
    RetainedForAge,
    RetainedForBoth,
    RetainedNothing,
    RetainedYounger,
    RetainedAfterAnEarlierLook,
    RetainedOfAnotherLife,
    RetainedInInherited,
    RetainedWithForks,
    RetainedClosed,
    PolicyInherited,
    PolicyReplaced,
    PolicyDiffers,
    /// The end of streams.
    MetOverdue,
    SoftDeleted,
    AncestorCleanedUp,
}

/// Counts of a run.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    pub(crate) commands: u64,
    pub(crate) accepted: u64,
    codes: BTreeMap<Code, u64>,
    rows: BTreeMap<Row, u64>,
}

impl Coverage {
    pub(crate) fn count(&mut self, answer: &Answer, rows: &[Row]) {
        self.commands += 1;
        match answer {
            Answer::Refused(code, _) => *self.codes.entry(*code).or_default() += 1,
            _ => self.accepted += 1,
        }
        for row in rows {
            *self.rows.entry(*row).or_default() += 1;
        }
    }

    /// What was reached too seldom.
    pub(crate) fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        if self.accepted * 2 < self.commands {
            gaps.push(format!("{} of {} commands accepted", self.accepted, self.commands));
        }
        let codes = Code::ALL.iter().filter(|code| !ELSEWHERE.contains(code));
        let codes = codes.map(|code| (format!("{code:?}"), self.codes.get(code)));
        let rows = Row::ALL.iter().map(|row| (format!("{row:?}"), self.rows.get(row)));
        for (name, count) in codes.chain(rows) {
            let count = count.copied().unwrap_or_default();
            if count < ENOUGH {
                gaps.push(format!("{name}: {count} times"));
            }
        }
        gaps
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = self.accepted as f64 * 100.0 / self.commands.max(1) as f64;
        writeln!(f, "{} commands, {share:.1} % accepted", self.commands)?;
        write!(f, "codes:")?;
        self.codes.iter().try_for_each(|(code, count)| write!(f, " {} {count}", code.as_str()))?;
        write!(f, "\nrows:")?;
        self.rows.iter().try_for_each(|(row, count)| write!(f, " {row:?} {count}"))
    }
}
