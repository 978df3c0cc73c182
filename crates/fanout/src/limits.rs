//! How much may wait for a subscriber.

/// How much may wait for one subscriber: both bounds hold.
///
/// They are also what the log keeps for those who are a little late, so they bound its memory: the messages of one limit, shared by
/// all, and beside them at most one limit of references for each subscriber that is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    messages: u64,
    bytes: u64,
}

impl Limits {
    /// So many messages and so many bytes, each at least one.
    #[must_use]
    pub fn new(messages: usize, bytes: usize) -> Self {
        Self { messages: messages.max(1) as u64, bytes: bytes.max(1) as u64 }
    }

    /// The most messages that wait.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// The most bytes that wait, and the most that one message may have.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) const fn hold(&self, messages: u64, bytes: u64) -> bool {
        messages <= self.messages && bytes <= self.bytes
    }

    /// The mark at which those who wait for room go on: not for each message that is taken.
    pub(crate) const fn half(&self) -> Self {
        Self { messages: self.messages / 2, bytes: self.bytes / 2 }
    }
}

impl Default for Limits {
    /// 1,024 messages and 1 MiB.
    fn default() -> Self {
        Self { messages: 1024, bytes: 1 << 20 }
    }
}
