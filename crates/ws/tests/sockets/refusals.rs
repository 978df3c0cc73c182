//! Handshakes that must not succeed, over a real socket.

use crate::http::{Serve, raw, serve};

/// (what, the request's head, the status)
const REQUESTS: &[(&str, &[&str], u16)] = &[
    ("as it should be", &[], 101),
    ("no upgrade", &["-upgrade"], 426),
    ("another upgrade", &["upgrade: h2c"], 426),
    ("no connection", &["connection: keep-alive"], 426),
    ("no version", &["-sec-websocket-version"], 426),
    ("an old version", &["sec-websocket-version: 8"], 426),
    ("no key", &["-sec-websocket-key"], 400),
    ("a short key", &["sec-websocket-key: c2hvcnQ="], 400),
    ("a key that is not base64", &["sec-websocket-key: ************************"], 400),
    ("two keys", &["+sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=="], 400),
    ("another site", &["origin: http://evil.example"], 403),
    ("another scheme", &["origin: https://here.example"], 403),
    ("another port", &["origin: http://here.example:8080"], 403),
    ("no origin at all", &["origin: null"], 403),
    ("its own site", &["origin: http://here.example"], 101),
    ("a spoilt extension", &["sec-websocket-extensions: permessage-deflate; \""], 400),
    ("an unknown extension", &["sec-websocket-extensions: x-unknown"], 101),
    ("an unknown subprotocol", &["sec-websocket-protocol: none"], 101),
    ("a spoilt subprotocol", &["sec-websocket-protocol: a b"], 400),
    ("another method", &["POST"], 405),
    ("an old HTTP", &["HTTP/1.0"], 505),
];

fn head(changes: &[&str]) -> String {
    let (mut method, mut version) = ("GET", "HTTP/1.1");
    let mut fields = vec![
        "host: here.example",
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    for change in changes {
        match change.split_once(':') {
            Some((name, _)) if name.starts_with('+') => fields.push(&change[1..]),
            Some((name, _)) => {
                fields.retain(|field| !field.starts_with(name));
                fields.push(change);
            }
            None if change.starts_with('-') => {
                fields.retain(|field| !field.starts_with(&change[1..]));
            }
            None if change.starts_with("HTTP") => version = change,
            None => method = change,
        }
    }
    format!("{method} / {version}\r\n{}\r\n\r\n", fields.join("\r\n"))
}

#[tokio::test]
async fn each_is_answered_with_its_status() {
    let address = serve(Serve::Http1).await;
    for (what, changes, status) in REQUESTS {
        let answer = raw(address, &head(changes)).await;
        let expected = format!(" {status} ");
        assert!(answer.get(8..13) == Some(&expected), "{what}: {answer}");
        if *status == 101 {
            let accept = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
            assert!(answer.contains(accept), "{what}: {answer}");
        }
    }
}
