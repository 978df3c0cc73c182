//! A server that does nothing but HTTP: every POST is read to its end and answered 204.
//!
//! It is built from the same HTTP library and runtime as the real one, and runs on one thread, where an
//! append costs least because none of it changes threads: the floor under what an append can cost.

use std::convert::Infallible;
use std::io::Read;
use std::net::Ipv4Addr;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Listens on a free loopback port, says so, and serves until standard input ends.
pub(crate) fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(|| {
        let mut input = std::io::stdin().lock();
        // Nothing is ever sent; the end, or an error, means that the benchmark is gone.
        while matches!(input.read(&mut [0; 64]), Ok(count) if count > 0) {}
        std::process::exit(0);
    });
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("listening on http://{}", listener.local_addr()?);
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service_fn(answer));
            // A connection that breaks off is the client's affair.
            tokio::spawn(async move { drop(connection.await) });
        }
    })
}

async fn answer(request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let method = request.method().clone();
    let status = match request.into_body().collect().await {
        Err(_) => StatusCode::BAD_REQUEST,
        Ok(_) if method == Method::PUT => StatusCode::CREATED,
        Ok(_) if matches!(method, Method::POST | Method::DELETE) => StatusCode::NO_CONTENT,
        Ok(_) => StatusCode::METHOD_NOT_ALLOWED,
    };
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    Ok(response)
}
