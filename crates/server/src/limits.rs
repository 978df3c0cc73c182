//! Every limit of this door, with the reason for its size.
//!
//! What an operator may set is in [`Config`](crate::Config) and starts from here; the rest is fixed. Limits
//! of names, offsets and producers belong to the rules and are in `headwater-core`.

use std::time::Duration;

/// Largest body of a PUT or POST: 16 MiB. Large enough for documents, small enough to be held whole under the
/// budget.
pub const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// A JSON body from this size on is parsed on a thread of its own: at a gigabyte a second a smaller one takes
/// less time than the hand-over is worth, a larger one would hold up the readers that share the worker.
pub const OFFLOAD_JSON_BYTES: usize = 256 * 1024;

/// First allocation for a body of unknown or large length, so that a lying `Content-Length` costs nothing.
pub const FIRST_BODY_BYTES: usize = 64 * 1024;

/// How much of a body that was refused unread is still taken off the wire, so that a client which sends
/// before it reads gets the answer instead of a reset connection.
pub const DISCARD_BYTES: usize = 64 * 1024 * 1024;

/// How long that may take.
pub const DISCARD_TIME: Duration = Duration::from_secs(5);

/// Longest time in which a client takes nothing of what is sent to it. Long enough for a telephone in a tunnel.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes that the kernel takes for a connection beyond what is under way to the client. It asks for more when half of it has
/// left, so a client that takes 32 KiB in each [`WRITE_TIMEOUT`] is told from one that takes nothing, where its own
/// kernel announces room in steps no larger than that; and a thousand that take nothing hold little of our kernel's memory.
pub const UNSENT_BYTES: u32 = 64 * 1024;

/// Answers are handed to the HTTP library in pieces of this size at most: it lets go of an answer when it has the last piece, and
/// what it has beyond that is in no budget. It asks for another one while it has less than [`MAX_HEAD_BYTES`], so two of them go into one
/// write.
pub const SENDING_PIECE_BYTES: usize = 56 * 1024;

/// Answers from this size on are written by threads of their own, after all else, where there is more than one of them: to write it takes
/// longer than to hand it over, and whoever asks for so much is catching up.
pub const CARRIED_BYTES: u64 = 64 * 1024;

/// Answers, and events, up to this size are given to the HTTP library in one piece over HTTP/2 too. Of larger ones the last byte is
/// a piece of its own, for which the library comes when the client has opened a window for all before it: until then the answer
/// holds its place and its room. What this leaves out is less than what the library keeps for a stream anyway.
pub const WHOLE_PIECE_BYTES: usize = 1024;

/// Longest silence in the middle of a body.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Fewest bytes of a body per second, on average and after [`BODY_TIMEOUT`]: a telephone on a bad line is faster, and who holds a
/// place with a byte now and then is not.
pub const MIN_BODY_RATE: u32 = 1024;

/// Most open connections. An idle one takes some 20 KB; more than the descriptors of the process are never taken.
pub const MAX_CONNECTIONS: usize = 16_384;

/// Descriptors that connections leave to the data directory and to everything else.
pub const SPARE_DESCRIPTORS: usize = 256;

/// Connections of operators, who must get in whatever else is going on.
pub const MAX_ADMIN_CONNECTIONS: usize = 64;

/// Pieces of a backup, of a quarter of a MiB, that are read before its client takes them: one on its way while the next is read.
pub const BACKUP_PIECES: usize = 2;

/// Connections beyond the most that are told so at one time; others are cut.
pub const MAX_REFUSALS: usize = 64;

/// How long telling them may take.
pub const REFUSAL_TIME: Duration = Duration::from_secs(1);

/// Most requests at once. Far more than one machine answers in a second: what waits longer should go elsewhere.
pub const MAX_REQUESTS: usize = 16_384;

/// Most live readers at once, event streams and long-polls together.
pub const MAX_LIVE_READERS: usize = 16_384;

/// Longest time from the first byte a connection waits for to the end of a request head. It is also how long
/// an idle connection is kept; load balancers reuse theirs for up to 60 s and must never be the slower ones
/// to close.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// How long an HTTP/2 connection that was idle may take to close: its client is told, and a request that crosses the news is
/// still answered. A round trip to the other side of the world takes less.
pub const CLOSING_TIME: Duration = Duration::from_secs(5);

/// Largest request head, and the read buffer of a connection. Real heads stay under 8 KiB; a name in UTF-8
/// may take 3 KiB encoded, twice where a fork names its source.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Least that may be set for it; the HTTP library takes nothing less.
pub const LEAST_HEAD_BYTES: usize = 8 * 1024;

/// Least room that may be set for what is read and not sent yet: a few pages of a useful size, and a few dozen small ones when
/// those are taken. With less, most reads would be refused.
pub const LEAST_READING_BYTES: usize = 1024 * 1024;

/// Most header fields of a request; hyper answers more with a bare 431.
pub const MAX_HEADERS: usize = 100;

/// Most streams of one HTTP/2 connection at a time. Each may be a live reader, and browsers share one
/// connection.
pub const MAX_H2_STREAMS: u32 = 1024;

/// Bytes that one HTTP/2 stream may send before they are read: a body is taken in pieces of this size.
pub const H2_STREAM_WINDOW: u32 = 256 * 1024;

/// The same for a whole connection.
pub const H2_CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Bytes that one HTTP/2 stream buffers towards a client that does not read.
pub const H2_SEND_BUFFER: usize = 256 * 1024;

/// How often a silent HTTP/2 connection is asked whether it is still there.
pub const H2_PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long a long-poll waits, unless set otherwise.
pub const LONG_POLL_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an event stream lasts, unless set otherwise: new clients then share an edge's request.
pub const SSE_MAX_AGE: Duration = Duration::from_secs(60);

/// Event streams are never ended at random sooner than this: clients take anything shorter for a failure and,
/// after a few, stop using events.
pub const SSE_MIN_AGE: Duration = Duration::from_secs(1);

/// Shortest life that may be set for an event stream all the same.
pub const SSE_SHORTEST_AGE: Duration = Duration::from_millis(100);

/// The part of its age by which event streams end earlier at random, so that they do not all come back at
/// once.
pub const SSE_AGE_JITTER: f64 = 0.1;

/// Longest silence of an event stream, unless set otherwise; common proxies cut at 20 to 60 s.
pub const SSE_KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Event bytes up to this size are copied together into one write; larger ones go out shared, beside their
/// control event. A copy of this size is cheaper than another entry of a vectored write.
pub const JOIN_BYTES: usize = 16 * 1024;

/// Pieces of a page smaller than this are copied together, up to [`JOINED_BYTES`] a piece: a write of many
/// tiny pieces costs more than the copy.
pub const SMALL_CHUNK_BYTES: usize = 4 * 1024;

/// See [`SMALL_CHUNK_BYTES`].
pub const JOINED_BYTES: usize = 32 * 1024;

/// Streams of a page of the catalogue, unless set otherwise by the request.
pub const CATALOG_LIMIT: usize = 100;

/// Most streams of a page of the catalogue: a page stays under a megabyte with names of usual length.
pub const MAX_CATALOG_LIMIT: usize = 1000;

/// How long requests in flight may still take when the server stops.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an operator's request may still take when everything else has stopped.
pub const ADMIN_DRAIN: Duration = Duration::from_secs(1);

/// Least memory for what is recent: with less, every few appends would make a chunk file smaller than one block of it.
pub const LEAST_RECENT_BYTES: usize = 64 * 1024;

/// Bytes of a path that are logged: longer ones are nobody's names, and a log must not be filled with them.
pub const LOGGED_PATH_BYTES: usize = 256;

/// Rest after a failed accept, which mostly means that no file descriptor is left: long enough not to spin,
/// short enough not to be noticed.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long nothing more is written to the log about accepts that fail one after the other.
pub const ACCEPT_QUIET: Duration = Duration::from_secs(1);
