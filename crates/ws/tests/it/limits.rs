//! Every limit, one below it and one beyond it, each with its own error and code.

use std::time::{Duration, Instant};

use headwater_ws::{DecodeError, Decoder, Limits, Rate, Received, Role};

use crate::support::{Frame, bytes_of};

fn run(limits: Limits, frames: &[Frame]) -> Result<usize, DecodeError> {
    run_at(&mut Decoder::new(Role::Server, limits), frames, Instant::now())
}

fn run_at(decoder: &mut Decoder, frames: &[Frame], now: Instant) -> Result<usize, DecodeError> {
    let bytes = bytes_of(frames);
    let (mut input, mut count) = (&bytes[..], 0);
    while decoder.decode(&mut input, now)?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[test]
fn bytes_of_a_message() {
    let limits = Limits::DEFAULT.with_message_bytes(10);
    let too_large = Err(DecodeError::MessageTooLarge { limit: 10 });
    assert_eq!(run(limits, &[Frame::new(1, "0123456789")]), Ok(1));
    assert_eq!(run(limits, &[Frame::new(1, "0123456789x")]), too_large);
    assert_eq!(run(limits, &[Frame::more(1, "01234"), Frame::new(0, "56789")]), Ok(1));
    assert_eq!(run(limits, &[Frame::more(1, "01234"), Frame::new(0, "56789x")]), too_large);
    assert_eq!(DecodeError::MessageTooLarge { limit: 10 }.close_code().number(), 1009);
}

#[test]
fn a_length_that_is_too_large_is_refused_before_its_payload_comes() {
    let head = Frame::new(2, vec![0; 2000]).bytes();
    let mut decoder = Decoder::new(Role::Server, Limits::DEFAULT.with_message_bytes(1999));
    let refused = decoder.decode(&mut &head[..8], Instant::now());
    assert_eq!(refused, Err(DecodeError::MessageTooLarge { limit: 1999 }));
}

#[test]
fn fragments_of_a_message() {
    let limits = Limits::DEFAULT.with_fragments(3);
    let fragments = |count: usize| {
        let mut frames = vec![Frame::more(0, ""); count];
        frames[0].opcode = 2;
        frames[count - 1].fin = true;
        frames
    };
    assert_eq!(run(limits, &[fragments(3), fragments(3)].concat()), Ok(2));
    let refused = run(limits, &fragments(4)).unwrap_err();
    assert_eq!(refused, DecodeError::TooManyFragments { limit: 3 });
    assert_eq!(refused.close_code().number(), 1008);
}

#[test]
fn control_frames_and_frames_of_any_kind_have_rates() {
    let (ping, text) = (Frame::new(9, ""), Frame::new(1, ""));
    let rate = Some(Rate::new(10, 3));
    let by_control = Limits::DEFAULT.with_control_rate(rate);
    let by_frame = Limits::DEFAULT.with_control_rate(None).with_frame_rate(rate);
    for (limits, frame, error) in
        [(by_control, &ping, DecodeError::ControlRate), (by_frame, &text, DecodeError::FrameRate)]
    {
        let start = Instant::now();
        let mut decoder = Decoder::new(Role::Server, limits);
        let three = vec![frame.clone(); 3];
        assert_eq!(run_at(&mut decoder, &three, start), Ok(3));
        let later = start + Duration::from_millis(100);
        assert_eq!(run_at(&mut decoder, &three[..1], later), Ok(1), "one a tenth of a second");
        assert_eq!(run_at(&mut decoder, &three[..1], later), Err(error));
        assert_eq!(error.close_code().number(), 1008);
    }
    assert_eq!(run(by_control, &vec![text; 100]), Ok(100), "data have no rate by default");
}

#[test]
fn what_is_announced_takes_no_memory() {
    // Ten thousand connections that announce a MiB each and send one byte of it.
    let head = Frame::new(2, vec![0; 1 << 20]).bytes();
    let mut decoders = Vec::new();
    for _ in 0..10_000 {
        let mut decoder = Decoder::new(Role::Server, Limits::DEFAULT);
        assert_eq!(decoder.decode(&mut &head[..15], Instant::now()), Ok(None));
        decoders.push(decoder);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmData:")).unwrap();
    let kib: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib < 512 << 10, "{kib} KiB of data for ten thousand bytes");
    let mut rest = &head[15..];
    let received = decoders[0].decode(&mut rest, Instant::now()).unwrap();
    assert!(matches!(received, Some(Received::Message(_))));
}
