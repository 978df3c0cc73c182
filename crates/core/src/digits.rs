//! Decimal digits. Tokens and tags are in every answer, and the library's formatter takes more instructions for them than they need.

use std::fmt;

/// Digits that any number has, at most.
const MOST: usize = 20;

/// Fills bytes with a number's last digits, with zeros in front.
pub(crate) fn fill(digits: &mut [u8], mut number: u64) {
    for pair in digits.rchunks_mut(2) {
        // A remainder of a hundred fits a byte, whose division is cheap.
        let two = (number % 100) as u8;
        number /= 100;
        match pair {
            [ten, one] => (*ten, *one) = (b'0' + two / 10, b'0' + two % 10),
            [one] => *one = b'0' + two % 10,
            _ => {}
        }
    }
}

/// Writes a number as `Display` does.
///
/// # Errors
/// Those of `out`.
pub fn write_to(out: &mut impl fmt::Write, number: u64) -> fmt::Result {
    let mut digits = [0; MOST];
    let count = number.checked_ilog10().map_or(1, |log| log as usize + 1);
    let digits = digits.get_mut(..count).unwrap_or_default();
    fill(digits, number);
    out.write_str(std::str::from_utf8(digits).unwrap_or_default())
}

/// The number that digits alone write, with zeros in front or without, if it fits.
pub(crate) fn read(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| number.checked_mul(10)?.checked_add(digit.into()))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_alone_are_a_number() {
        for (digits, number) in [
            ("", Some(0)),
            ("0", Some(0)),
            ("0000000000000042", Some(42)),
            ("9999999999999999", Some(9_999_999_999_999_999)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("+1", None),
            ("-1", None),
            ("1_", None),
            ("/", None),
            (":", None),
            ("\u{661}", None),
        ] {
            assert_eq!(read(digits.as_bytes()), number, "{digits}");
        }
    }

    #[test]
    fn numbers_are_written_as_the_library_writes_them() {
        let powers = (0..20).map(|power| 10_u64.pow(power));
        let near = powers.flat_map(|power| [power - 1, power, power + 1]);
        for number in near.chain([u64::MAX, u64::MAX - 1]) {
            let mut text = String::new();
            write_to(&mut text, number).unwrap();
            assert_eq!(text, number.to_string());
        }
    }
}
