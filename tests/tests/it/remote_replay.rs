//! A stream of a server as the log behind brokers in several processes: `headwater-client` against real servers.

mod cut;
mod doors;
mod history;
mod node;
mod shared;
mod suite;

use std::net::SocketAddr;
use std::time::Duration;

use headwater_client::{Client, Options, RemoteReplay};
use headwater_core::Retention;
use headwater_tests::Server;

/// A client of its own, with connections of its own, as another process has.
fn client(address: SocketAddr) -> Client {
    // A server that is started anew on a busy machine may take a while.
    let options = Options { patience: Duration::from_secs(60), ..Options::default() };
    Client::new(format!("http://{address}").parse().unwrap(), options)
}

async fn open(address: SocketAddr, stream: &str) -> RemoteReplay {
    RemoteReplay::open(client(address), stream, Retention::default()).await.unwrap()
}

/// A way to end a server.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Stopped,
    Killed,
}

impl Ending {
    /// Ends it, and starts another one on the same directory and address.
    fn and_start_again(self, mut server: Server) -> Server {
        let address = server.address().to_string();
        let launch = match self {
            Self::Stopped => server.stop(),
            Self::Killed => {
                server.kill9();
                server.launch().clone()
            }
        };
        launch.listen(&address).start()
    }
}
