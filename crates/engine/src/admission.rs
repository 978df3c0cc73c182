//! Admission by bytes: what is in flight is bounded, as a whole and per stream, before it is in memory. Counted are
//! payload, metadata, and the table of the records: of tiny records the table is most of it.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use headwater_core::StreamKey;
use parking_lot::Mutex;

use crate::error::ServiceError;
use crate::options::Options;
use crate::quick::QuickMap;

/// The budgets. One mutex, held for a few instructions once or twice per request.
#[derive(Debug)]
pub(crate) struct Admission {
    total: usize,
    per_stream: usize,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    total: usize,
    // Only streams with something in flight have an entry.
    streams: QuickMap<StreamKey, usize>,
}

impl Admission {
    pub(crate) fn new(options: &Options) -> Arc<Self> {
        Arc::new(Self {
            total: options.in_flight_bytes,
            per_stream: options.in_flight_bytes_per_stream,
            used: Mutex::default(),
        })
    }

    /// Bytes reserved.
    pub(crate) fn used(&self) -> usize {
        self.used.lock().total
    }

    pub(crate) fn reserve(self: &Arc<Self>, key: &StreamKey) -> Reservation {
        Reservation { admission: Arc::clone(self), key: key.clone(), bytes: 0 }
    }
}

/// Bytes of one request that count as in flight. Given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    admission: Arc<Admission>,
    key: StreamKey,
    bytes: usize,
}

impl Reservation {
    /// Bytes reserved so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// This reservation, to be held in several places; nothing if it holds nothing.
    pub(crate) fn shared(self) -> Option<Arc<Self>> {
        (self.bytes > 0).then(|| Arc::new(self))
    }

    /// Reserves more bytes, before they are read from a client or made of what was read.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`] when a budget would be exceeded, [`ServiceError::TooLarge`] when this reservation alone
    /// would do that. What was reserved before stays reserved.
    pub fn grow(&mut self, bytes: usize) -> Result<(), ServiceError> {
        if bytes == 0 {
            return Ok(());
        }
        let own = self.bytes.saturating_add(bytes);
        if own > self.admission.total.min(self.admission.per_stream) {
            return Err(ServiceError::TooLarge);
        }
        let mut used = self.admission.used.lock();
        let Used { total, streams } = &mut *used;
        let (all, entry) = (total.saturating_add(bytes), streams.entry(self.key.clone()));
        let before = if let Entry::Occupied(entry) = &entry { *entry.get() } else { 0 };
        let stream = before.saturating_add(bytes);
        if all > self.admission.total || stream > self.admission.per_stream {
            return Err(ServiceError::Overloaded);
        }
        *total = all;
        entry.insert_entry(stream);
        self.bytes = own;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut used = self.admission.used.lock();
        used.total = used.total.saturating_sub(self.bytes);
        if let Entry::Occupied(mut entry) = used.streams.entry(self.key.clone()) {
            let left = entry.get().saturating_sub(self.bytes);
            if left == 0 {
                entry.remove();
            } else {
                *entry.get_mut() = left;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::StoreId;

    #[test]
    fn budgets_hold_and_come_back() {
        let options =
            Options { in_flight_bytes: 100, in_flight_bytes_per_stream: 60, ..Options::default() };
        let admission = Admission::new(&options);
        let key = |name| StreamKey::parse(StoreId::DEFAULT, name).unwrap();
        let mut first = admission.reserve(&key("a"));
        first.grow(50).unwrap();
        let mut beside = admission.reserve(&key("a"));
        assert_eq!(beside.grow(11), Err(ServiceError::Overloaded), "one stream");
        first.grow(10).unwrap();
        assert_eq!(first.grow(1), Err(ServiceError::TooLarge), "it alone");
        let mut second = admission.reserve(&key("b"));
        assert_eq!(second.grow(41), Err(ServiceError::Overloaded), "all streams");
        second.grow(40).unwrap();
        drop(first);
        second.grow(20).unwrap();
        assert_eq!(second.bytes(), 60);
        drop(second);
        assert_eq!(admission.used.lock().total, 0);
        assert!(admission.used.lock().streams.is_empty());
    }
}
