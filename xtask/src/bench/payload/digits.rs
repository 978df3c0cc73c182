//! Hexadecimal digits of a mark, eight at a time: a generator that took them one by one would be as slow as what it measures.

/// A byte of each digit.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Appends the lowest `digits` digits of a number.
pub(super) fn push(value: u64, digits: u32, out: &mut Vec<u8>) {
    out.extend((0..digits).rev().map(|place| match (value >> (4 * place)) & 0xf {
        low @ 0..=9 => b'0' + low as u8,
        high => b'a' + (high - 10) as u8,
    }));
}

/// The numbers that three times eight digits are, if they are all lower-case digits.
pub(super) fn parse(digits: &[u8; 24]) -> Option<[u32; 3]> {
    let (eights, _) = digits.as_chunks();
    let [first, second, third] = eights else { return None };
    Some([eight(*first)?, eight(*second)?, eight(*third)?])
}

fn eight(digits: [u8; 8]) -> Option<u32> {
    let text = u64::from_be_bytes(digits);
    // Letters have this bit, and count from nine.
    let letters = (text >> 6) & each(1);
    let nibbles = (text & each(0x0f)) + letters * 9;
    // Written again it has to be the same; no sum or product here leaves its byte.
    let high = ((nibbles + each(6)) >> 4) & each(1);
    let again = nibbles + each(b'0') + high * u64::from(b'a' - b'0' - 10);
    if nibbles & each(0xf0) != 0 || again != text {
        return None;
    }
    let pairs = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some((fours | fours >> 16) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_parsed() {
        for value in
            [0, 1, 0x0123_4567, 0x89ab_cdef, 0xfedc_ba98, u32::MAX, 0x8000_0000, 0x0f0f_0f0f]
        {
            let mut text = Vec::new();
            push(value.into(), 8, &mut text);
            assert_eq!(text, format!("{value:08x}").into_bytes());
            assert_eq!(eight(text.try_into().unwrap()), Some(value));
        }
    }

    #[test]
    fn any_byte_is_what_it_is_as_a_digit_and_nothing_else_is_one() {
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut digits = *b"5a5a5a5a";
                digits[place] = byte;
                let digit = match byte {
                    b'0'..=b'9' | b'a'..=b'f' => char::from(byte).to_digit(16),
                    _ => None,
                };
                let shift = 4 * (7 - place);
                let expected = digit.map(|digit| 0x5a5a_5a5a & !(0xf << shift) | digit << shift);
                assert_eq!(eight(digits), expected, "{byte:#04x} at {place}");
            }
        }
    }
}
