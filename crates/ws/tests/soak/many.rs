//! Many clients at once, each of which gets all.

use std::time::{Duration, Instant};

use headwater_ws::Message;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::client::{connect, web_socket};
use crate::server::{Promise, Server};
use crate::{TURN, more_descriptors, none_left};

/// Two descriptors each.
const CLIENTS: usize = 500;
const MESSAGES: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_clients_get_every_message_and_leave_no_task() {
    let _turn = TURN.lock().await;
    more_descriptors();
    let before = Handle::current().metrics().num_alive_tasks();
    let server = Server::start().await;
    let hub = server.hub(Promise::AllOrEnd);
    let address = server.address;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(tokio::spawn(async move {
            let path = Promise::AllOrEnd.path();
            let mut socket = web_socket(connect(address, path, "many").await.unwrap());
            for number in 0..MESSAGES {
                let message = socket.recv().await.unwrap().unwrap();
                assert_eq!(message, Message::text(number.to_string()));
            }
            // Told why when it is over.
            assert_eq!(socket.recv().await.unwrap(), None);
            socket.close_reason().unwrap().code().number()
        }));
    }
    let all_there = async {
        while hub.count() < CLIENTS {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), all_there).await.unwrap();
    let mut longest = Duration::ZERO;
    for number in 0..MESSAGES {
        let start = Instant::now();
        hub.broadcast(Message::text(number.to_string())).unwrap();
        longest = longest.max(start.elapsed());
        tokio::task::yield_now().await;
    }
    assert_eq!(hub.numbers().dropped, 0);
    println!(
        "reached: {CLIENTS} clients got {MESSAGES} messages each; longest broadcast {longest:?}"
    );
    server.stop().await;
    for client in clients {
        let told = timeout(Duration::from_secs(60), client).await.unwrap().unwrap();
        assert_eq!(told, 1012);
    }
    none_left(before).await;
}
