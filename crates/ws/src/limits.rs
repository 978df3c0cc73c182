//! How much a peer may send, and how often.

mod rate;

pub(crate) use rate::Meter;
pub use rate::Rate;

/// What one peer may ask of a decoder. Each bound has an error of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most bytes a message's payload may have as it is sent, all fragments together. It bounds
    /// a frame as well: a header that announces more is refused before any byte of its payload.
    pub message_bytes: usize,
    /// The most bytes a compressed message may inflate to. Inflating stops there.
    pub inflated_bytes: usize,
    /// The most fragments a message may come in, because an empty one costs its sender six bytes
    /// and the receiver a round of work.
    pub fragments: u32,
    /// How often pings, pongs and closes may come.
    pub control_rate: Option<Rate>,
    /// How often frames of any kind may come.
    pub frame_rate: Option<Rate>,
}

impl Limits {
    /// 1 MiB a message, compressed or not, in 1,024 fragments; 50 control frames a second and 200
    /// at once; frames of data as fast as they are read.
    pub const DEFAULT: Self = Self {
        message_bytes: 1 << 20,
        inflated_bytes: 1 << 20,
        fragments: 1024,
        control_rate: Some(Rate::new(50, 200)),
        frame_rate: None,
    };

    /// Sets [`message_bytes`](Self::message_bytes) and [`inflated_bytes`](Self::inflated_bytes).
    #[must_use]
    pub const fn with_message_bytes(mut self, bytes: usize) -> Self {
        self.message_bytes = bytes;
        self.inflated_bytes = bytes;
        self
    }

    /// Sets [`inflated_bytes`](Self::inflated_bytes) alone.
    #[must_use]
    pub const fn with_inflated_bytes(mut self, bytes: usize) -> Self {
        self.inflated_bytes = bytes;
        self
    }

    /// Sets [`fragments`](Self::fragments).
    #[must_use]
    pub const fn with_fragments(mut self, fragments: u32) -> Self {
        self.fragments = fragments;
        self
    }

    /// Sets [`control_rate`](Self::control_rate); `None` is no bound.
    #[must_use]
    pub const fn with_control_rate(mut self, rate: Option<Rate>) -> Self {
        self.control_rate = rate;
        self
    }

    /// Sets [`frame_rate`](Self::frame_rate); `None` is no bound.
    #[must_use]
    pub const fn with_frame_rate(mut self, rate: Option<Rate>) -> Self {
        self.frame_rate = rate;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
