//! The masking of what clients send.

/// Masks or unmasks bytes of a payload, the first of which is byte number `offset` of it.
///
/// Eight bytes at a time, which the compiler turns into vectors.
pub(crate) fn apply_mask(bytes: &mut [u8], key: [u8; 4], offset: u64) {
    let [a, b, c, d] = match offset % 4 {
        0 => key,
        1 => [key[1], key[2], key[3], key[0]],
        2 => [key[2], key[3], key[0], key[1]],
        _ => [key[3], key[0], key[1], key[2]],
    };
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for eight in words {
        *eight = (u64::from_ne_bytes(*eight) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip([a, b, c, d].into_iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_meets_its_byte_of_the_key_wherever_the_payload_is_cut() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let plain: Vec<u8> = (0..70).collect();
        let expected: Vec<u8> =
            plain.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect();
        for cut in 0..=plain.len() {
            let mut masked = plain.clone();
            let (before, after) = masked.split_at_mut(cut);
            apply_mask(before, key, 0);
            apply_mask(after, key, cut as u64);
            assert_eq!(masked, expected, "cut at {cut}");
        }
    }
}
