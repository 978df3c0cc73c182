//! What the targets look for is seen by the inputs they get: each fault within few of them.

use crate::faulty::FAULTY_DECODERS;
use crate::input::{disagreement, expand};

/// Inputs as a fuzzer makes them that knows nothing, but the same in every run.
fn inputs() -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let mut state = 1_u64;
    let mut next = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    std::iter::repeat_with(move || {
        let length = next() % 40;
        // Half of the bytes are words.
        let stream = (0..length).map(|_| (next() % 36) as u8).collect();
        (stream, (0..1 + next() % 4).map(|_| next() as u8).collect())
    })
}

#[test]
fn every_faulty_decoder_is_found_soon() {
    for (fault, decode) in FAULTY_DECODERS {
        let found = inputs()
            .take(20_000)
            .position(|(input, cuts)| disagreement(decode, &expand(&input), &cuts).is_some());
        assert!(found.is_some(), "not found: {fault}");
    }
}
