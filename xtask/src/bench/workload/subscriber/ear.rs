//! Checks what one subscriber gets, and counts it.

use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::Heard;
use super::known::Known;
use crate::bench::ledger::Ledger;
use crate::bench::payload::{Mark, Payload};
use crate::bench::scanner::Scanner;
use crate::bench::sse::EventReader;
use crate::bench::workload::tally::Tally;

/// What one subscriber has heard.
pub(super) struct Ear<'a> {
    scanner: Scanner<'a>,
    ledger: Ledger,
    /// What has been heard and not noted.
    marks: Vec<Mark>,
    tally: &'a Tally,
    known: &'a Mutex<Known>,
}

impl<'a> Ear<'a> {
    pub(super) fn new(payload: &'a Payload, tally: &'a Tally, known: &'a Mutex<Known>) -> Self {
        let (scanner, ledger) = (Scanner::new(payload), Ledger::default());
        Self { scanner, ledger, marks: Vec::new(), tally, known }
    }

    /// Takes the next bytes of records.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.scanner.feed(bytes, |mark| {
            self.ledger.see(mark);
            lent(&mut self.marks, self.tally).push(mark);
        });
    }

    /// Takes the next bytes of an event stream.
    pub(super) fn hear_events(&mut self, events: &mut EventReader, bytes: &[u8]) {
        if !self.is_between_records(events) {
            return events.feed(bytes, |payload| self.hear(payload));
        }
        // Only one thread works on it, for no longer than this.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.ledger.next_of_first();
        if let Some(marks) = known.marks(next, bytes) {
            marks.iter().for_each(|mark| self.ledger.see(*mark));
            lent(&mut self.marks, self.tally).extend_from_slice(marks);
            return;
        }
        let before = self.marks.len();
        events.feed(bytes, |payload| self.hear(payload));
        if self.is_between_records(events) {
            known.learn(next, bytes, self.marks.get(before..).unwrap_or_default());
        }
    }

    /// Whether nothing is left of what came before that could change what follows: bytes that come now and leave this so have
    /// changed nothing but by their marks.
    fn is_between_records(&self, events: &EventReader) -> bool {
        events.is_between_plain_events() && self.scanner.is_clean()
    }

    /// What was heard so far has arrived now.
    pub(super) fn note(&mut self) {
        self.tally.note(mem::take(&mut self.marks), Instant::now());
    }

    pub(super) fn heard(self, reconnects: u32) -> Heard {
        Heard { ledger: self.ledger, leftovers: self.scanner.finish(), reconnects }
    }
}

/// Memory for marks, which is lent when there are some.
fn lent<'m>(marks: &'m mut Vec<Mark>, tally: &Tally) -> &'m mut Vec<Mark> {
    if marks.capacity() == 0 {
        *marks = tally.lend();
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::ledger::Faults;

    const RECORDS: u32 = 6;

    fn piece(payload: &Payload, seqs: impl IntoIterator<Item = u32>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for seq in seqs {
            bytes.extend_from_slice(b"data: ");
            payload.write(Mark { writer: 0, seq, nanos: 5 }, &mut bytes);
            bytes.extend_from_slice(b"\n\n");
        }
        bytes
    }

    /// What was wrong with what a subscriber got, and how many records it was told as arrived.
    fn hear(pieces: &[&[u8]], payload: &Payload, known: &Mutex<Known>) -> (Faults, u64) {
        let tally = Tally::new();
        let (mut ear, mut events) = (Ear::new(payload, &tally, known), EventReader::default());
        for piece in pieces {
            ear.hear_events(&mut events, piece);
            ear.note();
        }
        let heard = ear.heard(0);
        let mut faults = heard.ledger.finish([(0, u64::from(RECORDS))]);
        faults.add_leftovers(heard.leftovers);
        (faults, tally.deliveries())
    }

    #[test]
    fn whoever_gets_what_another_got_has_it_however_it_is_cut() {
        let payload = Payload::new(40);
        let all = piece(&payload, 0..RECORDS);
        let known = Mutex::default();
        for length in (1..=all.len()).rev().chain(1..=all.len()) {
            let pieces: Vec<_> = all.chunks(length).collect();
            let heard = hear(&pieces, &payload, &known);
            assert_eq!(heard, (Faults::default(), u64::from(RECORDS)), "pieces of {length}");
        }
    }

    #[test]
    fn what_one_has_heard_hides_no_fault_of_another() {
        let payload = Payload::new(40);
        let (first, second) = (piece(&payload, 0..3), piece(&payload, 3..RECORDS));
        let known = Mutex::default();
        let whole = hear(&[&first, &second], &payload, &known);
        assert_eq!(whole, (Faults::default(), u64::from(RECORDS)));
        let none = Faults::default();
        for (pieces, expected) in [
            (&[&first[..]][..], Faults { missing: 3, ..none }),
            (&[&second], Faults { missing: 3, ..none }),
            (&[&first, &first, &second], Faults { doubled: 3, ..none }),
            (&[&first, &second, &second], Faults { doubled: 3, ..none }),
            (&[&second, &first], Faults { swapped: 3, ..none }),
        ] {
            assert_eq!(hear(pieces, &payload, &known).0, expected);
        }
        let mut found = 0;
        for at in 0..second.len() {
            let mut altered = second.clone();
            altered[at] ^= 0x80;
            let heard = hear(&[&first, &altered], &payload, &known);
            assert_eq!(heard, hear(&[&first, &altered], &payload, &Mutex::default()), "byte {at}");
            found += usize::from(heard.0 != none);
            assert_eq!(hear(&[&first, &second], &payload, &known), whole, "after byte {at}");
        }
        // All but the last, without which the last event has only not ended.
        assert_eq!(found, second.len() - 1);
    }
}
