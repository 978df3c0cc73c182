//! The end of a connection: the last frames are written, the stream is ended, and what the peer
//! still sends is read, because a close with unread bytes resets the connection and may take the
//! last frame away from the peer.

use std::io;
use std::task::{Context, Poll, ready};

use super::inbox::Inbox;
use super::outbox::Outbox;
use crate::transport::Transport;

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Writing(Rest),
    ShuttingDown(Rest),
    Draining(Rest),
    Done,
}

/// Whether the peer may still be sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// It has closed.
    Nothing,
    /// Until its stream ends.
    Unread,
    /// It is a server, which ends its stream before the client does (RFC 6455, 7.1.1).
    PeerFirst,
}

impl Ending {
    pub(super) fn poll(
        &mut self,
        transport: &mut impl Transport,
        inbox: &mut Inbox,
        outbox: &mut Outbox,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match *self {
                Self::Writing(rest) => {
                    ready!(outbox.poll_write(transport, cx))?;
                    *self = match rest {
                        Rest::Nothing | Rest::Unread => Self::ShuttingDown(rest),
                        Rest::PeerFirst => Self::Draining(rest),
                    };
                }
                Self::ShuttingDown(rest) => {
                    ready!(transport.poll_shutdown(cx))?;
                    *self = match rest {
                        Rest::Nothing | Rest::PeerFirst => Self::Done,
                        Rest::Unread => Self::Draining(rest),
                    };
                }
                Self::Draining(rest) => {
                    let read = ready!(inbox.poll_fill(transport, cx))?;
                    inbox.clear();
                    if read == 0 {
                        *self = match rest {
                            Rest::Nothing | Rest::Unread => Self::Done,
                            Rest::PeerFirst => Self::ShuttingDown(rest),
                        };
                    }
                }
                Self::Done => return Poll::Ready(Ok(())),
            }
        }
    }
}
