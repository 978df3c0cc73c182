//! Maps that are asked several times for each append, and are small or short-lived.

use std::collections::HashMap;

/// A map whose hash takes a small part of the time of the standard one. It is seeded at random too, and less proof against somebody
/// who measures for long which names collide; so it is for what a group or the bounded memory of recent data holds, and not for what
/// grows with what clients create.
pub(crate) type QuickMap<K, V> = HashMap<K, V, foldhash::quality::RandomState>;
