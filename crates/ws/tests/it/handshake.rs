//! Handshakes, with no socket.

use headwater_ws::{
    Acceptor, Connector, Deflate, Direction, Origin, Origins, Params, Protocol, Refused, Rejection,
    Scheme, WindowBits,
};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};

const ADDRESS: &str = "ws://example.org/chat?room=1";

fn protocols<const N: usize>(names: [&str; N]) -> Vec<Protocol> {
    names.map(|name| Protocol::new(name).unwrap()).to_vec()
}

/// A request of our own client, with headers set anew; an empty value takes one away.
fn request(changes: &[(&'static str, &str)]) -> Request<()> {
    let (mut request, _) = Connector::new().request(&ADDRESS.parse().unwrap()).unwrap();
    for (name, value) in changes {
        request.headers_mut().remove(*name);
        if !value.is_empty() {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
    }
    request
}

fn verdict(request: &Request<()>) -> Result<(), Rejection> {
    Acceptor::new(Origins::same(Scheme::Http)).accept(request).map(|_| ())
}

#[test]
fn the_request_is_what_the_standard_asks_for() {
    let connector = Connector::new().with_protocols(protocols(["chat", "v2.chat"]));
    let (request, _) = connector.request(&ADDRESS.parse().unwrap()).unwrap();
    assert_eq!(request.uri(), "/chat?room=1");
    let value = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(value("host"), "example.org");
    assert_eq!(value("sec-websocket-version"), "13");
    assert_eq!(value("sec-websocket-protocol"), "chat, v2.chat");
    assert_eq!(verdict(&request), Ok(()));
    assert!(Connector::new().request(&"/nowhere".parse().unwrap()).is_err());
}

#[test]
fn what_is_missing_or_wrong_has_its_own_refusal() {
    for (changes, rejection, status) in [
        (&[("upgrade", "")][..], Rejection::NoUpgrade, 426),
        (&[("upgrade", "h2c")], Rejection::NoUpgrade, 426),
        (&[("connection", "keep-alive")], Rejection::NoUpgrade, 426),
        (&[("sec-websocket-version", "8")], Rejection::Version, 426),
        (&[("sec-websocket-version", "")], Rejection::Version, 426),
        (&[("host", "")], Rejection::Host, 400),
        (&[("sec-websocket-key", "")], Rejection::Key, 400),
        (&[("sec-websocket-key", "dG9vIHNob3J0")], Rejection::Key, 400),
        (&[("sec-websocket-protocol", "a, b/c")], Rejection::Protocol, 400),
        (&[("sec-websocket-protocol", "a, a")], Rejection::Protocol, 400),
        (&[("sec-websocket-extensions", "a; b=\"c")], Rejection::Extensions, 400),
        (&[("sec-websocket-extensions", "a; b=\"\"")], Rejection::Extensions, 400),
        (&[("sec-websocket-extensions", "a b")], Rejection::Extensions, 400),
        (&[("origin", "http://evil.example")], Rejection::Origin, 403),
    ] {
        assert_eq!(verdict(&request(changes)), Err(rejection), "{changes:?}");
        let response = rejection.response(());
        assert_eq!(response.status(), status);
        if status == 426 {
            assert_eq!(response.headers()["sec-websocket-version"], "13");
            assert_eq!(response.headers()["upgrade"], "websocket");
        }
    }
    let mut post = request(&[]);
    *post.method_mut() = http::Method::POST;
    assert_eq!(verdict(&post), Err(Rejection::Method));
    for version in [Version::HTTP_10, Version::HTTP_2] {
        let mut old = request(&[]);
        *old.version_mut() = version;
        assert_eq!(verdict(&old), Err(Rejection::HttpVersion));
    }
    let mut twice = request(&[]);
    twice
        .headers_mut()
        .append("sec-websocket-key", HeaderValue::from_static("AAAAAAAAAAAAAAAAAAAAAA=="));
    assert_eq!(verdict(&twice), Err(Rejection::Key));
}

#[test]
fn tokens_are_found_in_lists_and_in_any_case() {
    for changes in [
        [("connection", "keep-alive, UPGRADE"), ("upgrade", "WebSocket")],
        [("connection", "Upgrade,,"), ("upgrade", "h2c , websocket")],
    ] {
        assert_eq!(verdict(&request(&changes)), Ok(()), "{changes:?}");
    }
}

#[test]
fn origins_are_compared_whole() {
    let same = Origins::same(Scheme::Http);
    let listed = Origins::listed([Origin::parse("https://app.example:8443").unwrap()]);
    let both = same.clone().or(Origin::parse("https://app.example").unwrap());
    for (origins, host, origin, allowed) in [
        (&same, "example.org", "", true),
        (&same, "example.org", "http://example.org", true),
        (&same, "example.org", "http://EXAMPLE.org:80", true),
        (&same, "example.org:8080", "http://example.org:8080", true),
        (&same, "[::1]:80", "http://[::1]", true),
        (&same, "example.org", "https://example.org", false),
        (&same, "example.org", "http://example.org:8080", false),
        (&same, "example.org:8080", "http://example.org", false),
        (&same, "example.org", "http://example.org.evil.example", false),
        (&same, "example.org", "http://evil@example.org", false),
        (&same, "example.org", "null", false),
        (&same, "example.org", "garbage", false),
        (&listed, "example.org", "https://app.example:8443", true),
        (&listed, "example.org", "https://app.example", false),
        (&listed, "app.example:8443", "http://app.example:8443", false),
        (&listed, "example.org", "http://example.org", false),
        (&both, "example.org", "https://app.example:443", true),
        (&both, "example.org", "http://example.org", true),
        (&Origins::any(), "example.org", "null", true),
    ] {
        let request = request(&[("host", host), ("origin", origin)]);
        let verdict = Acceptor::new(origins.clone()).accept(&request);
        assert_eq!(verdict.is_ok(), allowed, "{host} {origin}");
    }
    let mut two = request(&[("origin", "http://example.org")]);
    two.headers_mut().append("origin", HeaderValue::from_static("http://example.org"));
    assert_eq!(verdict(&two), Err(Rejection::Origin));
}

#[test]
fn the_servers_preference_decides_on_the_subprotocol() {
    let acceptor = Acceptor::new(Origins::any()).with_protocols(protocols(["v2.chat", "v1.chat"]));
    for (offered, chosen) in [
        ("v1.chat, v2.chat", Some("v2.chat")),
        ("v1.chat", Some("v1.chat")),
        ("V1.CHAT", None),
        ("other", None),
        ("", None),
    ] {
        let request = request(&[("sec-websocket-protocol", offered)]);
        let (response, accepted) = acceptor.accept(&request).unwrap();
        let named = response.headers().get("sec-websocket-protocol");
        assert_eq!(named.map(|value| value.to_str().unwrap()), chosen, "{offered}");
        assert_eq!(accepted.protocol().map(Protocol::as_str), chosen);
    }
}

fn direction(context_takeover: bool, bits: u8) -> Direction {
    Direction { context_takeover, window_bits: WindowBits::new(bits).unwrap() }
}

fn answer(wanted: Deflate, offer: &str) -> (Option<String>, Option<Params>) {
    let acceptor = Acceptor::new(Origins::any()).with_deflate(wanted);
    let request = request(&[("sec-websocket-extensions", offer)]);
    let (response, accepted) = acceptor.accept(&request).unwrap();
    let text = response.headers().get("sec-websocket-extensions");
    (text.map(|text| text.to_str().unwrap().to_owned()), accepted.deflate())
}

#[test]
fn offers_of_compression_are_answered() {
    let all = Deflate::DEFAULT.with_server(direction(true, 15)).with_client(direction(true, 15));
    let small = Deflate::DEFAULT.with_server(direction(true, 10)).with_client(direction(true, 11));
    for (wanted, offer, expected) in [
        (all, "permessage-deflate", Some("permessage-deflate")),
        (
            all,
            "permessage-deflate; server_no_context_takeover",
            Some("permessage-deflate; server_no_context_takeover"),
        ),
        (
            all,
            "permessage-deflate; client_no_context_takeover",
            Some("permessage-deflate; client_no_context_takeover"),
        ),
        (
            all,
            "permessage-deflate; server_max_window_bits=9",
            Some("permessage-deflate; server_max_window_bits=9"),
        ),
        (
            all,
            "permessage-deflate; server_max_window_bits=\"9\"",
            Some("permessage-deflate; server_max_window_bits=9"),
        ),
        (all, "permessage-deflate; client_max_window_bits", Some("permessage-deflate")),
        (
            all,
            "permessage-deflate; client_max_window_bits=12",
            Some("permessage-deflate; client_max_window_bits=12"),
        ),
        (
            small,
            "permessage-deflate; client_max_window_bits",
            Some("permessage-deflate; server_max_window_bits=10; client_max_window_bits=11"),
        ),
        (small, "permessage-deflate", Some("permessage-deflate; server_max_window_bits=10")),
        (
            small,
            "permessage-deflate; server_max_window_bits=12",
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
        (
            Deflate::DEFAULT,
            "permessage-deflate",
            Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        ),
        (all, "x-webkit-deflate-frame", None),
        (all, "permessage-deflate; server_max_window_bits", None),
        (all, "permessage-deflate; server_max_window_bits=7", None),
        (all, "permessage-deflate; server_max_window_bits=16", None),
        (all, "permessage-deflate; server_max_window_bits=09", None),
        (all, "permessage-deflate; server_no_context_takeover=1", None),
        (all, "permessage-deflate; server_no_context_takeover; server_no_context_takeover", None),
        (all, "permessage-deflate; unknown", None),
        (
            all,
            "permessage-deflate; unknown, permessage-deflate; server_max_window_bits=10",
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
    ] {
        assert_eq!(answer(wanted, offer).0.as_deref(), expected, "{offer}");
    }
}

#[test]
fn a_client_that_would_take_context_over_offers_to_do_without() {
    let offer = |deflate| {
        let connector = Connector::new().with_deflate(deflate);
        let (request, _) = connector.request(&ADDRESS.parse().unwrap()).unwrap();
        request.headers()["sec-websocket-extensions"].to_str().unwrap().to_owned()
    };
    let takeover =
        Deflate::DEFAULT.with_server(direction(true, 15)).with_client(direction(true, 12));
    assert_eq!(
        offer(takeover),
        "permessage-deflate; client_max_window_bits=12, \
         permessage-deflate; client_no_context_takeover; client_max_window_bits=12"
    );
    assert_eq!(
        offer(Deflate::DEFAULT),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits"
    );
}

#[test]
fn both_ends_understand_the_same() {
    for takeover in [(false, false), (true, false), (false, true), (true, true)] {
        for bits in [(15, 15), (8, 15), (10, 9), (15, 12)] {
            let wanted = Deflate::DEFAULT
                .with_server(direction(takeover.0, bits.0))
                .with_client(direction(takeover.1, bits.1));
            for (of_client, of_server) in
                [(wanted, Deflate::DEFAULT), (Deflate::DEFAULT, wanted), (wanted, wanted)]
            {
                let connector = Connector::new().with_deflate(of_client);
                let (request, pending) = connector.request(&ADDRESS.parse().unwrap()).unwrap();
                let acceptor = Acceptor::new(Origins::any()).with_deflate(of_server);
                let (response, at_server) = acceptor.accept(&request).unwrap();
                let at_client = pending.check(&response).unwrap();
                assert!(at_server.deflate().is_some());
                let (server, client) = (at_server.deflate().unwrap(), at_client.deflate().unwrap());
                assert_eq!(server.server, client.server);
                // The client may use less than the server is ready for.
                assert!(client.client.window_bits <= server.client.window_bits);
                assert!(client.client.context_takeover <= server.client.context_takeover);
            }
        }
    }
}

fn check(connector: &Connector, change: impl Fn(&mut HeaderMap)) -> Result<(), Refused> {
    let (request, pending) = connector.request(&ADDRESS.parse().unwrap()).unwrap();
    let (mut response, _) = Acceptor::new(Origins::any()).accept(&request).unwrap();
    change(response.headers_mut());
    pending.check(&response).map(|_| ())
}

#[test]
fn a_client_takes_nothing_that_it_did_not_offer() {
    let plain = Connector::new();
    let rich = Connector::new()
        .with_protocols(protocols(["a"]))
        .with_deflate(Deflate::DEFAULT.with_server(direction(false, 10)));
    let set = |name: &'static str, value: &'static str| {
        move |headers: &mut HeaderMap| {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    let extensions = "sec-websocket-extensions";
    let good = "permessage-deflate; server_no_context_takeover; server_max_window_bits=10";
    assert_eq!(check(&plain, |_| {}), Ok(()));
    assert_eq!(check(&rich, set(extensions, good)), Ok(()));
    assert_eq!(check(&rich, set("sec-websocket-protocol", "a")), Ok(()));
    for (connector, name, value, refused) in [
        (&plain, "upgrade", "h2c", Refused::NoUpgrade),
        (&plain, "connection", "close", Refused::NoUpgrade),
        (&plain, "sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", Refused::Key),
        (&plain, "sec-websocket-protocol", "a", Refused::Protocol),
        (&rich, "sec-websocket-protocol", "a, b", Refused::Protocol),
        (&plain, extensions, "permessage-deflate", Refused::Extension),
        (&rich, extensions, "permessage-deflate", Refused::Extension),
        (&rich, extensions, "permessage-deflate; server_no_context_takeover", Refused::Extension),
        (
            &rich,
            extensions,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=11",
            Refused::Extension,
        ),
        (&rich, extensions, "other", Refused::Extension),
    ] {
        assert_eq!(check(connector, set(name, value)), Err(refused), "{name}: {value}");
    }
    let (_, pending) = plain.request(&ADDRESS.parse().unwrap()).unwrap();
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::FORBIDDEN;
    assert_eq!(pending.check(&response).unwrap_err(), Refused::Status(StatusCode::FORBIDDEN));
}
