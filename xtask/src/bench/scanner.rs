//! Finds records in the bytes of a stream as they arrive, cut anywhere.
//!
//! The scanner promises that every byte it is fed belongs to a record that it reported whole, or is
//! counted: as the start of a damaged record, or as stray. It says nothing about which records there
//! should have been; that is the [ledger](super::ledger)'s part.

use super::payload::{Mark, Payload};

/// Reads records out of consecutive pieces of one stream.
#[derive(Debug)]
pub(crate) struct Scanner<'p> {
    payload: &'p Payload,
    /// The beginning of a record whose rest has not arrived; shorter than a record.
    carry: Vec<u8>,
    damaged: u64,
    stray: u64,
}

/// What a [`Scanner`] saw beside whole records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leftovers {
    /// Places where a record began and was not whole.
    pub(crate) damaged: u64,
    /// Bytes outside records: separators, or remains of damaged ones.
    pub(crate) stray: u64,
}

impl<'p> Scanner<'p> {
    /// A scanner at the start of a stream of `payload`'s records.
    pub(crate) fn new(payload: &'p Payload) -> Self {
        Self { payload, carry: Vec::new(), damaged: 0, stray: 0 }
    }

    /// Takes the next bytes and reports each whole record's mark, in order.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut see: impl FnMut(Mark)) {
        while !self.carry.is_empty() {
            let lacking = self.payload.size() - self.carry.len();
            let Some((rest_of_record, after)) = bytes.split_at_checked(lacking) else {
                self.carry.extend_from_slice(bytes);
                return;
            };
            self.carry.extend_from_slice(rest_of_record);
            bytes = after;
            match self.payload.read(&self.carry) {
                Some(mark) => {
                    see(mark);
                    self.carry.clear();
                }
                None => self.carry_from_next_start(),
            }
        }
        while let Some(start) = Payload::find(bytes) {
            self.stray += start as u64;
            let from_start = bytes.get(start..).unwrap_or_default();
            let Some((candidate, after)) = from_start.split_at_checked(self.payload.size()) else {
                self.carry.extend_from_slice(from_start);
                return;
            };
            bytes = match self.payload.read(candidate) {
                Some(mark) => {
                    see(mark);
                    after
                }
                None => {
                    self.damaged += 1;
                    self.stray += 1;
                    from_start.get(1..).unwrap_or_default()
                }
            };
        }
        self.stray += bytes.len() as u64;
    }

    /// Whether all that came was whole records.
    pub(crate) fn is_clean(&self) -> bool {
        self.carry.is_empty() && self.damaged == 0 && self.stray == 0
    }

    /// The stream is over: a record that is still incomplete is a damaged one.
    pub(crate) fn finish(mut self) -> Leftovers {
        if !self.carry.is_empty() {
            self.damaged += 1;
            self.stray += self.carry.len() as u64;
        }
        Leftovers { damaged: self.damaged, stray: self.stray }
    }

    /// The carried record is damaged; another one may begin inside of it.
    fn carry_from_next_start(&mut self) {
        self.damaged += 1;
        let inner = self.carry.get(1..).and_then(Payload::find).map(|at| at + 1);
        let dropped = inner.unwrap_or(self.carry.len());
        self.stray += dropped as u64;
        self.carry.drain(..dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(payload: &Payload, seqs: impl IntoIterator<Item = u32>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for seq in seqs {
            payload.write(Mark { writer: 3, seq, nanos: 5 }, &mut bytes);
        }
        bytes
    }

    fn scan(payload: &Payload, bytes: &[u8], piece: usize) -> (Vec<u32>, Leftovers) {
        let mut scanner = Scanner::new(payload);
        let mut seqs = Vec::new();
        for piece in bytes.chunks(piece) {
            scanner.feed(piece, |mark| seqs.push(mark.seq));
        }
        (seqs, scanner.finish())
    }

    #[test]
    fn records_are_found_however_the_bytes_are_cut() {
        let payload = Payload::new(40);
        let bytes = records(&payload, 0..20);
        for piece in 1..=bytes.len() {
            let (seqs, left) = scan(&payload, &bytes, piece);
            assert_eq!(seqs, (0..20).collect::<Vec<_>>(), "pieces of {piece}");
            assert_eq!(left, Leftovers::default(), "pieces of {piece}");
        }
    }

    #[test]
    fn a_lost_byte_costs_its_record_only() {
        let payload = Payload::new(40);
        let whole = records(&payload, 0..5);
        for lost in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes.remove(lost);
            let expected: Vec<u32> = (0..5).filter(|seq| *seq as usize != lost / 40).collect();
            for piece in [1, 7, 40, bytes.len()] {
                let (seqs, left) = scan(&payload, &bytes, piece);
                assert_eq!(seqs, expected, "byte {lost} lost, pieces of {piece}");
                assert_eq!(left.stray, 39, "byte {lost} lost, pieces of {piece}");
                let starts = u64::from(lost % 40 != 0);
                assert_eq!(left.damaged, starts, "byte {lost} lost, pieces of {piece}");
            }
        }
    }

    #[test]
    fn separators_are_stray_and_harmless() {
        let payload = Payload::new(30);
        let mut bytes = b"[\"".to_vec();
        bytes.extend(records(&payload, [0]));
        bytes.extend_from_slice(b"\",\"");
        bytes.extend(records(&payload, [1]));
        bytes.extend_from_slice(b"\"]");
        for piece in 1..=bytes.len() {
            let (seqs, left) = scan(&payload, &bytes, piece);
            assert_eq!((seqs, left), (vec![0, 1], Leftovers { damaged: 0, stray: 7 }));
        }
    }

    #[test]
    fn an_unfinished_record_is_damaged() {
        let payload = Payload::new(30);
        let bytes = records(&payload, 0..2);
        let (seqs, left) = scan(&payload, &bytes[..59], 11);
        assert_eq!((seqs, left), (vec![0], Leftovers { damaged: 1, stray: 29 }));
    }
}
