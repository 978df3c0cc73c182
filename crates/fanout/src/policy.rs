//! What becomes of a subscriber for whom too much waits.

/// What becomes of a subscriber that has no room for another message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// It does not get what is published until it has taken something.
    DropNewest,
    /// It does not get the oldest that waits.
    DropOldest,
    /// It gets nothing more, and its next take is told so.
    Disconnect,
    /// Those who publish with room ([`Log::try_send`](crate::Log::try_send)) wait until it has taken half of what waits. What is published
    /// without waiting it does not get, as with [`DropNewest`](Self::DropNewest).
    Wait,
}

/// Who decides what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is decided for good.
    Fixed(Policy),
    /// It is asked each time that it becomes slow ([`Slow::Undecided`](crate::Slow::Undecided)), and answered by
    /// [`Log::decide`](crate::Log::decide). Until then it is treated as with [`Policy::DropNewest`] by those who do not wait, and as with
    /// [`Policy::Wait`] by those who do.
    Ask,
}

/// Why a subscriber gets nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The log was closed, and everything before has been taken.
    Closed,
    /// It was disconnected for being slow. What waited for it is gone.
    Slow,
}
