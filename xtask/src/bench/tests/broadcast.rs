//! A server that broadcasts over both wires what its control connection tells it, with at most one fault.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::bench::server::Wire;

/// The message that the fault befalls, and all of those that are sent.
const NTH: usize = 15;

/// What goes wrong, with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    Lose,
    Double,
    Swap,
    Alter,
    /// Every connection ends in the middle of it.
    Cut,
    /// It is not in the report.
    Uncounted,
}

#[derive(Default)]
struct Topic {
    subscribers: Vec<(TcpStream, Wire)>,
    joined: usize,
    published: usize,
    held: Option<Vec<u8>>,
}

/// Starts it on threads of its own, and returns its base URL and its control address.
pub(super) fn serve(trouble: Trouble) -> (String, SocketAddr) {
    let [subscribers, control] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let (base, address) = (subscribers.local_addr().unwrap(), control.local_addr().unwrap());
    let topic = Arc::new(Mutex::new(Topic::default()));
    let shared = Arc::clone(&topic);
    thread::spawn(move || {
        subscribers.incoming().for_each(|one| shared.lock().unwrap().join(one.unwrap()))
    });
    thread::spawn(move || {
        for socket in control.incoming() {
            let mut socket = BufReader::new(socket.unwrap());
            let answer = topic.lock().unwrap().command(&mut socket, trouble);
            socket.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    (format!("http://{base}"), address)
}

impl Topic {
    fn join(&mut self, mut socket: TcpStream) {
        let head = BufReader::new(&socket).lines().map(Result::unwrap);
        let head: Vec<_> = head.take_while(|line| !line.is_empty()).collect();
        let wire = match head.iter().any(|line| line.starts_with("Upgrade:")) {
            true => Wire::WebSocket,
            false => Wire::Sse,
        };
        let answer = match wire {
            Wire::WebSocket => "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            Wire::Sse => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        };
        socket.write_all(answer.as_bytes()).unwrap();
        self.subscribers.push((socket, wire));
        self.joined += 1;
    }

    fn command(&mut self, socket: &mut BufReader<TcpStream>, trouble: Trouble) -> String {
        let mut line = String::new();
        socket.read_line(&mut line).unwrap();
        match line.trim().split_once(' ') {
            Some((_, size)) => self.publish(socket, size.parse().unwrap(), trouble),
            None if line == "joined\n" => self.joined.to_string(),
            None => {
                for (mut socket, wire) in self.subscribers.drain(..) {
                    let end: &[u8] = match wire {
                        Wire::Sse => b"0\r\n\r\n",
                        Wire::WebSocket => b"\x88\x02\x03\xe8",
                    };
                    // It is gone if it was cut.
                    let _ = socket.write_all(end);
                }
                "ended".to_owned()
            }
        }
    }

    fn publish(&mut self, from: &mut impl Read, size: usize, trouble: Trouble) -> String {
        let mut message = vec![0; size];
        let mut published = 0;
        while from.read_exact(&mut message).is_ok() {
            published += 1;
            let nth = self.published;
            self.published += 1;
            match (trouble, nth == NTH) {
                (Trouble::Lose, true) => {}
                (Trouble::Double, true) => (0..2).for_each(|_| self.send(&message)),
                (Trouble::Swap, true) => self.held = Some(message.clone()),
                (Trouble::Alter, true) => {
                    let mut altered = message.clone();
                    altered[50] ^= 1;
                    self.send(&altered);
                }
                (Trouble::Cut, true) => {
                    for (mut socket, wire) in self.subscribers.drain(..) {
                        socket.write_all(&framed(&message, wire)[..size / 2]).unwrap();
                    }
                }
                (Trouble::Uncounted, true) => published -= 1,
                _ => {
                    self.send(&message);
                    if let Some(held) = self.held.take() {
                        self.send(&held);
                    }
                }
            }
        }
        format!(
            "{{\"published\":{published},\"dropped\":0,\"p50\":1,\"p99\":2,\"max\":3,\"preempted\":4,\"undisturbed_p99\":1}}"
        )
    }

    fn send(&mut self, message: &[u8]) {
        for (socket, wire) in &mut self.subscribers {
            socket.write_all(&framed(message, *wire)).unwrap();
        }
    }
}

fn framed(message: &[u8], wire: Wire) -> Vec<u8> {
    let size = message.len();
    match wire {
        Wire::Sse => {
            let head = format!("{:x}\r\ndata: ", size + 8).into_bytes();
            [&head, message, b"\n\n\r\n"].concat()
        }
        Wire::WebSocket => [&[0x81, u8::try_from(size).unwrap()], message].concat(),
    }
}
