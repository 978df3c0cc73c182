//! Answers of which some is in files. What stands in for that never arrives, whatever goes wrong.

use std::fs::File;
use std::io::Write;

use headwater_core::storage::FileRange;

use super::super::super::stand_in::for_bytes;
use super::*;

/// A file of these bytes.
fn file(content: &[u8]) -> Arc<File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    Arc::new(file)
}

/// What the HTTP library is given of an answer.
fn given(answer: &[Portion]) -> Vec<Bytes> {
    let mut given = Vec::new();
    for portion in answer {
        match portion {
            Portion::Memory(bytes) => given.push(bytes.clone()),
            Portion::File(range) => {
                let mut left = range.len();
                while left > 0 {
                    let piece = for_bytes(left);
                    left -= piece.len() as u64;
                    given.push(piece);
                }
            }
        }
    }
    given
}

/// All that a client gets before the connection ends.
fn reading(mut client: TcpStream) -> tokio::task::JoinHandle<Vec<u8>> {
    tokio::spawn(async move {
        let mut got = Vec::new();
        // A reset ends it too.
        let _end = client.read_to_end(&mut got).await;
        got
    })
}

#[tokio::test]
async fn files_and_memory_arrive_in_order_and_the_connection_goes_on() {
    let carriers = Arc::new(Carriers::of(2));
    let Rig { mut wire, activity, client } = Rig::new(&carriers).await;
    let read = reading(client);
    let content = pieces(5 << 20, 5 << 20).concat();
    let file = file(&content);
    let in_file = |from: usize, len: usize| {
        (
            Portion::File(FileRange::new(Arc::<File>::clone(&file), from as u64, len as u64)),
            &content[from..from + len],
        )
    };
    let in_memory = |bytes: &'static [u8]| (Portion::from(Bytes::from_static(bytes)), bytes);
    let mut expected = Vec::new();
    for from in [0, 1, 4095, 4096, 700_001] {
        let answers = [
            vec![in_memory(b"["), in_file(from, 3 << 20), in_memory(b"]")],
            vec![in_file(from, 40_000)],
            vec![in_file(from, 40_000), in_file(from + 1, 300_000), in_memory(b"and")],
        ];
        for parts in answers {
            let (portions, bytes): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            let head = format!("head {from}");
            activity.announced.put(Some(portions.clone()));
            answer_of(&mut wire, head.as_bytes(), &portions).await.unwrap();
            assert!(!is_carried(&wire), "the socket is free when all is told");
            answer(&mut wire, b"small", &[]).await.unwrap();
            expected.extend([head.as_bytes(), &bytes.concat(), b"small"].concat());
        }
    }
    wire.shutdown().await.unwrap();
    let got = timeout(DEADLINE, read).await.unwrap().unwrap();
    assert!(got == expected, "{} bytes of {}", got.len(), expected.len());
}

async fn answer_of(wire: &mut Wire, head: &[u8], portions: &[Portion]) -> io::Result<()> {
    answer(wire, head, &given(portions)).await
}

#[tokio::test]
async fn what_stands_in_for_a_file_is_refused_where_none_was_announced() {
    let carriers = Arc::new(Carriers::of(1));
    let content = pieces(200_000, 200_000).concat();
    let range = |len| FileRange::new(file(&content), 0, len);
    let portions = |len| vec![Portion::File(range(len))];
    // What was announced, and what the library then hands over.
    let other = vec![Portion::from(Bytes::from_static(b"other"))];
    let forgotten = (None, portions(100_000));
    let another = (Some(other), portions(100_000));
    let again = (Some(portions(50_000)), [portions(50_000), portions(10)].concat());
    for (number, (announced, handed)) in [forgotten, another, again].into_iter().enumerate() {
        let Rig { mut wire, activity, client } = Rig::new(&carriers).await;
        let read = reading(client);
        let right =
            announced.iter().flatten().filter(|_| number == 2).map(Portion::len).sum::<u64>();
        activity.announced.put(announced);
        let given = given(&handed);
        let refused = async {
            answer(&mut wire, b"head", &given[..1]).await?;
            answer(&mut wire, b"", &given[1..]).await
        };
        assert_eq!(refused.await.unwrap_err().kind(), io::ErrorKind::InvalidData, "{number}");
        drop(wire);
        let got = timeout(DEADLINE, read).await.unwrap().unwrap();
        let expected = [b"head", &content[..right as usize]].concat();
        assert!(expected.starts_with(&got), "{number}: {} bytes", got.len());
    }
}

#[tokio::test]
async fn what_is_copied_before_an_answer_is_no_stand_in_either() {
    let carriers = Arc::new(Carriers::of(1));
    let Rig { mut wire, activity, client } = Rig::new(&carriers).await;
    let read = reading(client);
    let answer = Bytes::from_static(b"answer");
    activity.announced.put(Some(vec![answer.clone().into()]));
    let stray = for_bytes(100);
    let slices = [IoSlice::new(&stray), IoSlice::new(&answer)];
    assert_eq!(write(&mut wire, &slices).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
    drop(wire);
    assert_eq!(timeout(DEADLINE, read).await.unwrap().unwrap(), b"");
}

#[tokio::test]
async fn an_answer_ends_where_its_file_does() {
    let carriers = Arc::new(Carriers::of(1));
    let Rig { mut wire, activity, client } = Rig::new(&carriers).await;
    let read = reading(client);
    let content = pieces(300_000, 300_000).concat();
    let file = file(&content);
    let portions = vec![Portion::File(FileRange::new(Arc::<File>::clone(&file), 0, 300_000))];
    activity.announced.put(Some(portions.clone()));
    file.set_len(200_000).unwrap();
    let broken = answer_of(&mut wire, b"", &portions).await.unwrap_err();
    assert_eq!(broken.kind(), io::ErrorKind::UnexpectedEof);
    drop(wire);
    let got = timeout(DEADLINE, read).await.unwrap().unwrap();
    assert!(got == content[..200_000], "{} bytes", got.len());
}

#[tokio::test]
async fn files_are_sent_by_no_thread_of_the_runtime() {
    let carriers = Arc::new(Carriers::of(2));
    let Rig { mut wire, activity, client: _client } = Rig::new(&carriers).await;
    let portions = vec![Portion::File(FileRange::new(file(&[1; 100_000]), 0, 100_000))];
    activity.announced.put(Some(portions.clone()));
    let given = given(&portions);
    let begun = poll_fn(|cx| {
        let _taken = Pin::new(&mut wire).poll_write_vectored(cx, &[IoSlice::new(&given[0])]);
        Poll::Ready(is_carried(&wire))
    });
    assert!(begun.await, "it is the only answer");
}

#[tokio::test]
async fn an_answer_is_never_taken_for_another_one() {
    let carriers = Arc::new(Carriers::of(1));
    let bracket = Bytes::from_static(b"[");
    let content = [b'a', b'b'].map(|byte| file(&[byte; 100_000]));
    let answer_of_one = |file: &Arc<File>, begin: &[Bytes]| -> Vec<Portion> {
        let range = Portion::File(FileRange::new(Arc::<File>::clone(file), 0, 100_000));
        begin.iter().cloned().map(Portion::from).chain([range]).collect()
    };
    for begin in [&[][..], &[bracket]] {
        let Rig { mut wire, activity, client } = Rig::new(&carriers).await;
        let read = reading(client);
        let [first, second] = content.each_ref().map(|file| answer_of_one(file, begin));
        activity.announced.put(Some(first.clone()));
        activity.announced.put(Some(second));
        let refused = answer_of(&mut wire, b"head", &first).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
        drop(wire);
        let got = timeout(DEADLINE, read).await.unwrap().unwrap();
        assert!(got.len() <= 5, "{} bytes", got.len());
    }
}
