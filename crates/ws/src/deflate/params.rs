//! What can be agreed on, and what one end wants.

/// The base-2 logarithm of a compressor's window, from 8 to 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WindowBits(u8);

/// A window is of 8 to 15 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a window of {0} bits: it has 8 to 15")]
pub struct InvalidWindowBits(pub u8);

impl WindowBits {
    /// 256 bytes. zlib cannot compress with so small a window: what would have to be is sent as it
    /// is.
    pub const MIN: Self = Self(8);
    /// 32 KiB.
    pub const MAX: Self = Self(15);

    /// A window of so many bits.
    pub const fn new(bits: u8) -> Result<Self, InvalidWindowBits> {
        match bits {
            8..=15 => Ok(Self(bits)),
            _ => Err(InvalidWindowBits(bits)),
        }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// What zlib is told. A window that is larger than the peer's can inflate all the peer sends.
    pub(super) fn number(self) -> u8 {
        self.0.max(9)
    }
}

/// How hard to compress, from 1, fast, to 9, small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Level(u8);

impl Level {
    /// The least work.
    pub const FAST: Self = Self(1);

    /// The level nearest to this number.
    pub const fn new(level: u8) -> Self {
        match level {
            0 | 1 => Self(1),
            2..=8 => Self(level),
            _ => Self(9),
        }
    }

    pub(super) fn number(self) -> u32 {
        u32::from(self.0)
    }
}

/// How the messages of one direction are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Direction {
    /// Messages refer to earlier ones. They get smaller, and both ends keep tens of KiB for as long
    /// as the connection lasts.
    pub context_takeover: bool,
    /// How far back.
    pub window_bits: WindowBits,
}

/// What a handshake agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Params {
    /// What the server sends.
    pub server: Direction,
    /// What the client sends.
    pub client: Direction,
}

/// What one end wants of permessage-deflate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deflate {
    /// How hard this end compresses.
    pub level: Level,
    /// Shorter messages are sent as they are: they hardly get smaller.
    pub threshold: usize,
    /// What the server may do at most.
    pub server: Direction,
    /// What the client may do at most.
    pub client: Direction,
}

impl Deflate {
    /// Fast, from 128 bytes on, every message for itself: so an idle connection holds no memory for
    /// compression, and what is broadcast is compressed once.
    pub const DEFAULT: Self = Self {
        level: Level::FAST,
        threshold: 128,
        server: Direction { context_takeover: false, window_bits: WindowBits::MAX },
        client: Direction { context_takeover: false, window_bits: WindowBits::MAX },
    };

    /// Sets [`level`](Self::level).
    #[must_use]
    pub const fn with_level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Sets [`threshold`](Self::threshold), in bytes.
    #[must_use]
    pub const fn with_threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Sets [`server`](Self::server).
    #[must_use]
    pub const fn with_server(mut self, direction: Direction) -> Self {
        self.server = direction;
        self
    }

    /// Sets [`client`](Self::client).
    #[must_use]
    pub const fn with_client(mut self, direction: Direction) -> Self {
        self.client = direction;
        self
    }
}

impl Default for Deflate {
    fn default() -> Self {
        Self::DEFAULT
    }
}
