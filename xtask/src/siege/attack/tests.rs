//! Attackers do what they are for, against listeners that note what comes in.

use std::convert::Infallible;
use std::time::Instant;

use http_body_util::Empty;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

async fn listen(kind: Kind) -> (TcpListener, Arc<Order>, Arc<Counters>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1/stream", listener.local_addr().unwrap()).parse().unwrap();
    let order = Order { kind, base, stream: "s".to_owned(), connections: 10 };
    (listener, Arc::new(order), Arc::default())
}

async fn accept(listener: &TcpListener) -> TcpStream {
    timeout(PATIENCE, listener.accept()).await.unwrap().unwrap().0
}

async fn read(stream: &mut TcpStream, count: usize) -> String {
    let mut bytes = vec![0; count];
    timeout(PATIENCE, stream.read_exact(&mut bytes)).await.unwrap().unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn slow_ones_send_a_byte_a_second_and_come_back() {
    let (listener, order, counters) = listen(Kind::Slow).await;
    tokio::spawn(again(Arc::clone(&order), Arc::clone(&counters), 0));
    let mut head = accept(&listener).await;
    assert_eq!(read(&mut head, 1).await, "G");
    let first = Instant::now();
    assert_eq!(read(&mut head, 2).await, "ET");
    let took = first.elapsed();
    assert!(took > BEAT, "two bytes came in {took:?}");
    drop(head);
    tokio::spawn(again(order, Arc::clone(&counters), 1));
    let mut streams = [accept(&listener).await, accept(&listener).await];
    let mut begun = [String::new(), String::new()];
    for (stream, begun) in streams.iter_mut().zip(&mut begun) {
        *begun = read(stream, 1).await;
    }
    begun.sort();
    assert_eq!(begun, ["G", "P"], "one is back, and the other has begun");
    let Count { made, bytes, .. } = counters.count();
    assert!(made == 3 && bytes >= 4, "{:?}", counters.count());
}

#[tokio::test]
async fn deaf_ones_take_no_more_than_a_buffer_and_come_back() {
    let (listener, order, counters) = listen(Kind::Deaf).await;
    tokio::spawn(again(order, Arc::clone(&counters), 2));
    let mut reader = accept(&listener).await;
    assert!(read(&mut reader, 60).await.contains("live=sse"));
    reader.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let mut taken = 0;
    while let Ok(written) = timeout(BEAT, reader.write(&[0; 64 * 1024])).await {
        taken += written.unwrap();
        assert!(taken < 64 << 20, "it reads");
    }
    // Closed with something unread and unsent, this resets.
    reader.set_zero_linger().unwrap();
    drop(reader);
    let mut again = accept(&listener).await;
    assert!(read(&mut again, 3).await.contains("GET"));
    let Count { made, cut, answered, .. } = counters.count();
    assert!(made >= 1 && cut == 1 && answered == 1, "{:?}", counters.count());
}

#[tokio::test]
async fn streams_of_one_connection_trickle_too() {
    let (listener, order, counters) = listen(Kind::Slow).await;
    let begun = tokio::spawn({
        let (order, counters) = (Arc::clone(&order), Arc::clone(&counters));
        async move { multiplexed::start(&order, &counters).await }
    });
    let stream = TokioIo::new(accept(&listener).await);
    let answer = service_fn(async |mut request: hyper::Request<hyper::body::Incoming>| {
        use http_body_util::BodyExt as _;
        for _ in 0..2 {
            let frame = request.body_mut().frame().await.unwrap().unwrap();
            assert_eq!(frame.data_ref().unwrap().len(), 1);
        }
        let mut refusal = hyper::Response::new(Empty::<hyper::body::Bytes>::new());
        *refusal.status_mut() = hyper::StatusCode::REQUEST_TIMEOUT;
        Ok::<_, Infallible>(refusal)
    });
    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    tokio::spawn(server.serve_connection(stream, answer));
    begun.await.unwrap().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while counters.count().cut == 0 {
        assert!(Instant::now() < deadline, "{:?}", counters.count());
        tokio::task::yield_now().await;
    }
    assert!(counters.count().bytes >= 2);
}
