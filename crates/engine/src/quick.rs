//! Maps of streams that are asked several times for each append, and for each reader that is woken.

use std::collections::HashMap;

/// A map by the names of streams, whose hash takes a small part of the time of the standard one.
///
/// It is seeded at random too, and less proof against somebody who measures for long which names collide. What that would slow down
/// are streams in memory, all of which go when they are idle.
pub(crate) type QuickMap<K, V> = HashMap<K, V, foldhash::quality::RandomState>;
