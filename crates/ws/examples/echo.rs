//! Sends back whatever it gets, as a server or as a client.
//!
//! `cargo run -p headwater-ws --features hyper --example echo -- serve 127.0.0.1:9001` prints the address it listens
//! on. `… -- connect ws://127.0.0.1:9001/` stays until the server closes, and `… -- cases ws://127.0.0.1:9001`
//! does what a client under test has to, to be led through the cases of the Autobahn suite.
//!
//! Its limits are those of a test bench: messages of 64 MiB in any number of fragments.
#![allow(clippy::print_stdout, reason = "its address is what it has to say")]

use std::convert::Infallible;
use std::error::Error;

use headwater_ws::{
    Acceptor, Config, Connector, Deflate, Direction, Limits, Origins, Stream, WebSocket,
    WindowBits, connect, upgrade,
};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", address] => serve(address).await,
        ["connect", address] => echo(open(address).await?).await,
        ["cases", address] => cases(address).await,
        _ => Err("echo serve ADDRESS:PORT | echo connect ws://HOST:PORT/PATH | echo cases ws://HOST:PORT".into()),
    }
}

/// Both directions may take context over, so that all of the extension is used.
fn deflate() -> Deflate {
    let direction = Direction { context_takeover: true, window_bits: WindowBits::MAX };
    Deflate::DEFAULT.with_server(direction).with_client(direction)
}

fn config() -> Config {
    let limits = Limits::DEFAULT.with_message_bytes(64 << 20).with_fragments(u32::MAX);
    Config { limits, ..Config::default() }
}

async fn serve(address: &str) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).await?;
    // Whoever started it reads the port from here.
    println!("{}", listener.local_addr()?);
    loop {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(tcp), service_fn(accept))
            .with_upgrades();
        tokio::spawn(connection);
    }
}

async fn accept(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let acceptor = Acceptor::new(Origins::any()).with_deflate(deflate());
    match upgrade(&acceptor, &mut request) {
        Ok((response, upgrade)) => {
            tokio::spawn(async move {
                let socket = upgrade.open(config()).await?;
                echo(socket).await
            });
            Ok(response.map(|()| Empty::new()))
        }
        Err(rejection) => Ok(rejection.response(Empty::new())),
    }
}

async fn open(address: &str) -> Result<WebSocket<Stream>, Failure> {
    let address: Uri = address.parse()?;
    let authority = address.authority().ok_or("an address has a host")?;
    let tcp = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(80))).await?;
    tcp.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await?;
    tokio::spawn(connection.with_upgrades());
    let (request, pending) = Connector::new().with_deflate(deflate()).request(&address)?;
    let response = sender.send_request(request.map(|()| Empty::<Bytes>::new())).await?;
    Ok(connect(pending, response, config()).await?.0)
}

async fn echo(mut socket: WebSocket<Stream>) -> Result<(), Failure> {
    while let Some(message) = socket.recv().await? {
        socket.send(&message).await?;
    }
    Ok(())
}

/// Asks how many cases there are, and echoes in each. What goes wrong in one is for the suite to say.
async fn cases(address: &str) -> Result<(), Failure> {
    let mut counter = open(&format!("{address}/getCaseCount")).await?;
    let count = counter.recv().await?.ok_or("the suite says how many cases there are")?;
    counter.close(None).await;
    let count: u32 = str::from_utf8(count.as_bytes())?.parse()?;
    for case in 1..=count {
        let socket = open(&format!("{address}/runCase?case={case}&agent=headwater-ws")).await?;
        let _ = echo(socket).await;
    }
    let mut done = open(&format!("{address}/updateReports?agent=headwater-ws")).await?;
    // The suite may end without a close frame.
    let _ = done.recv().await;
    Ok(())
}
