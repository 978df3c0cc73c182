//! Columns of numbers, in few bytes.
//!
//! What tables say about their records is mostly the same from one to the next: one unit later, at the same time, as long as
//! the one before. So each kind of number stands in a column of its own, in which repetitions take two bytes, however many.
//!
//! A column is a sequence of parts until its numbers are complete: a varint `n << 1`, and the number that comes `n` times;
//! or `n << 1 | 1`, and `n` numbers. How many it has is known before. So what is read is bounded by what was expected, never
//! by what is found.

use crate::local::stored::Unacceptable;

/// How often a number must be repeated to be written once: below, beginning another part costs as much.
const WORTH: usize = 3;

/// Appends a number: seven bits a byte, lowest first, the highest bit set where more follow.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a column.
pub(super) fn put_column(out: &mut Vec<u8>, numbers: impl IntoIterator<Item = u64>) {
    let numbers: Vec<u64> = numbers.into_iter().collect();
    let mut single: Vec<u64> = Vec::new();
    for alike in numbers.chunk_by(|a, b| a == b) {
        match alike.first() {
            Some(number) if alike.len() >= WORTH => {
                put_single(out, &mut single);
                put(out, (alike.len() as u64) << 1);
                put(out, *number);
            }
            _ => single.extend_from_slice(alike),
        }
    }
    put_single(out, &mut single);
}

fn put_single(out: &mut Vec<u8>, numbers: &mut Vec<u64>) {
    if !numbers.is_empty() {
        put(out, ((numbers.len() as u64) << 1) | 1);
        numbers.drain(..).for_each(|number| put(out, number));
    }
}

/// Appends a column of numbers each of which is near the one before.
pub(super) fn put_steps(out: &mut Vec<u8>, numbers: impl IntoIterator<Item = u64>) {
    let mut before = 0u64;
    let step = |number: u64| fold(number.wrapping_sub(std::mem::replace(&mut before, number)));
    put_column(out, numbers.into_iter().map(step));
}

/// A difference as a number that is small when the difference is small, up or down.
pub(super) fn fold(difference: u64) -> u64 {
    (difference << 1) ^ ((difference as i64 >> 63) as u64)
}

/// What [`fold`] was given.
pub(super) fn unfold(folded: u64) -> u64 {
    (folded >> 1) ^ (folded & 1).wrapping_neg()
}

/// What is left of some bytes.
#[derive(Debug)]
pub(super) struct Left<'b>(pub(super) &'b [u8]);

impl Left<'_> {
    /// The next number.
    pub(super) fn number(&mut self) -> Result<u64, Unacceptable> {
        let mut number = 0u64;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(Unacceptable)?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7F);
            number |= bits << shift;
            if (bits << shift) >> shift != bits {
                return Err(Unacceptable);
            }
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Unacceptable)
    }

    /// The next number, which counts something of which there are at most so many.
    pub(super) fn count(&mut self, most: usize) -> Result<usize, Unacceptable> {
        let count = usize::try_from(self.number()?).map_err(|_| Unacceptable)?;
        if count <= most { Ok(count) } else { Err(Unacceptable) }
    }

    /// A column of so many numbers. They are as many as the caller can hold.
    pub(super) fn column(&mut self, count: usize) -> Result<Vec<u64>, Unacceptable> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            let head = self.number()?;
            let part = usize::try_from(head >> 1).map_err(|_| Unacceptable)?;
            if part == 0 || part > count - numbers.len() {
                return Err(Unacceptable);
            }
            if head & 1 == 0 {
                let number = self.number()?;
                numbers.resize(numbers.len() + part, number);
            } else {
                for _ in 0..part {
                    numbers.push(self.number()?);
                }
            }
        }
        Ok(numbers)
    }

    /// A column of so many numbers that stand as differences.
    pub(super) fn steps(&mut self, count: usize) -> Result<Vec<u64>, Unacceptable> {
        let mut numbers = self.column(count)?;
        let mut before = 0u64;
        for number in &mut numbers {
            before = before.wrapping_add(unfold(*number));
            *number = before;
        }
        Ok(numbers)
    }

    /// Whether nothing is left.
    pub(super) fn end(&self) -> Result<(), Unacceptable> {
        if self.0.is_empty() { Ok(()) } else { Err(Unacceptable) }
    }
}
