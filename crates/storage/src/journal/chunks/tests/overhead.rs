//! What a file takes beside its payload.

use super::story::{Append, Index, Story, name};

/// Bytes on disk for each byte of payload, with records of 200 bytes that were appended one by one to so many streams.
fn ratio(streams: usize, turns: impl Fn(usize) -> usize) -> f64 {
    const RECORDS: usize = (16 << 20) / 200;
    let append = |number| Append {
        stream: turns(number) % streams,
        skipped: 0,
        lens: vec![200],
        tagged: Vec::new(),
    };
    let story = Story::tell(&(0..RECORDS).map(append).collect::<Vec<_>>());
    let (disk, file) = story.file();
    let index = Index::of(&file).unwrap();
    assert_eq!(index.blocks.len(), streams);
    let size = disk.content(&name().path()).len();
    size as f64 / (RECORDS * 200) as f64
}

#[test]
fn chunks_take_little_beside_their_payload() {
    let scatter = |number: usize| (number.wrapping_mul(0x9E37_79B9_7F4A_7C15)) >> 20;
    for (streams, what, ratio, most) in [
        (1, "alone", ratio(1, |_| 0), 1.01),
        (1_000, "in turns", ratio(1_000, |number| number), 1.04),
        (1_000, "at random", ratio(1_000, scatter), 1.08),
    ] {
        println!("{streams} streams, {what}: {ratio:.4}");
        assert!(ratio < most, "{streams} streams, {what}: {ratio:.4}");
    }
}
