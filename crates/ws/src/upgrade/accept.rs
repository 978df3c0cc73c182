//! Both halves of the handshake with hyper.

use http::{Extensions, HeaderMap, Method, Request, Response, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tokio::time::timeout;

use super::Stream;
use crate::decode::Role;
use crate::handshake::{Accepted, Acceptor, Pending, Refused, Rejection};
use crate::socket::{Config, WebSocket};

/// Why there is no WebSocket although the handshake was fine, or why it was not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The server's answer is not one to the request.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The HTTP library has not handed over the connection within
    /// [`Timing::open_within`](crate::Timing::open_within).
    #[error("the connection was not handed over in time")]
    Overdue,
    /// The connection broke.
    #[error("the connection broke during the handshake: {0}")]
    Http(#[from] hyper::Error),
}

/// A handshake that is accepted. The WebSocket is there once the answer has been sent.
#[derive(Debug)]
pub struct Upgrade {
    accepted: Accepted,
    on: OnUpgrade,
}

/// Accepts a request that came by hyper, or says why not. The answer is sent with any empty body,
/// and the connection has to be served with upgrades.
pub fn upgrade<B>(
    acceptor: &Acceptor,
    request: &mut Request<B>,
) -> Result<(Response<()>, Upgrade), Rejection> {
    let head = Head {
        method: request.method().clone(),
        version: request.version(),
        headers: request.headers().clone(),
    };
    head.accept(acceptor, request.extensions_mut())
}

/// What a handshake looks at.
pub(super) struct Head {
    pub(super) method: Method,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
}

impl Head {
    pub(super) fn accept(
        &self,
        acceptor: &Acceptor,
        extensions: &mut Extensions,
    ) -> Result<(Response<()>, Upgrade), Rejection> {
        let (response, accepted) =
            acceptor.accept_head(&self.method, self.version, &self.headers)?;
        let on = extensions.remove::<OnUpgrade>().ok_or(Rejection::NotUpgradable)?;
        Ok((response, Upgrade { accepted, on }))
    }
}

impl Upgrade {
    /// What was agreed on.
    pub fn accepted(&self) -> &Accepted {
        &self.accepted
    }

    /// Waits until the answer has been sent. To be called by another task than the one that sends
    /// it.
    pub async fn open(self, config: Config) -> Result<WebSocket<Stream>, UpgradeError> {
        open(self.on, Role::Server, &self.accepted, config).await
    }
}

/// The client's WebSocket, if the answer that came by hyper is one to its request.
pub async fn connect(
    pending: Pending,
    response: Response<Incoming>,
    config: Config,
) -> Result<(WebSocket<Stream>, Accepted), UpgradeError> {
    let accepted = pending.check(&response)?;
    let on = hyper::upgrade::on(response);
    Ok((open(on, Role::Client, &accepted, config).await?, accepted))
}

async fn open(
    on: OnUpgrade,
    role: Role,
    accepted: &Accepted,
    config: Config,
) -> Result<WebSocket<Stream>, UpgradeError> {
    let upgraded = timeout(config.timing.open_within, on).await;
    let (stream, rest) = Stream::of(upgraded.map_err(|_| UpgradeError::Overdue)??);
    Ok(WebSocket::new(stream, role, accepted, rest, config))
}
