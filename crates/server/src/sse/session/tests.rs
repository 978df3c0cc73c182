//! The age of a connection, and how much of a stream a reader is given at a time.

use super::*;
use crate::fixture::{app_with_stream, append};
use headwater_core::command::Closing;
use headwater_engine::Start;

#[test]
fn ages_differ_downwards_but_never_fall_below_a_second() {
    let cases = [(60_000, 54_000), (2_000, 1_800), (1_050, 1_000), (1_000, 1_000), (700, 700)];
    for (asked, least) in cases {
        let (asked, least) = (Duration::from_millis(asked), Duration::from_millis(least));
        let ages: Vec<_> = (0..200).map(|_| age(asked)).collect();
        assert!(ages.iter().all(|age| (least..=asked).contains(age)), "{ages:?}");
        assert_eq!(asked == least, ages.iter().all(|age| *age == asked));
    }
}

/// Appends one record after the other while a reader does not read, and measures what it is then given to send.
#[tokio::test]
async fn however_far_behind_a_reader_is_it_is_given_a_bounded_part_at_a_time() {
    const RECORDS: usize = 4_000;
    const PART: usize = 256 * 1024;
    for record in ["1", "1234"] {
        let (app, key) = app_with_stream("text/plain").await;
        let tail = app.engine.tail(&key, Start::Now).await.unwrap();
        let (mut session, first) = Session::open(&app, tail, Form::Payload, None).await.unwrap();
        assert_eq!(first.len(), 1);
        for _ in 0..RECORDS {
            append(&app, &key, record, Closing::KeepOpen).await;
        }
        let (mut sent, mut heard) = (first, 0);
        sent.clear();
        while heard < RECORDS * record.len() {
            let Turn::Send(next, pieces) = session.turn(sent).await else { panic!("an end") };
            let part = pieces.iter().map(Bytes::len).sum::<usize>();
            assert!(part <= PART, "{part} bytes at once");
            let text = pieces.iter().map(|piece| std::str::from_utf8(piece).unwrap());
            let text: String = text.collect();
            let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
            heard += data.filter(|data| !data.starts_with('{')).map(str::len).sum::<usize>();
            (session, sent) = (next, pieces);
            sent.clear();
        }
        assert_eq!(heard, RECORDS * record.len());
    }
}
