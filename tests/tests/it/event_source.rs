//! A browser's `EventSource`: it knows the URL it was made with and the last id it heard, and comes back by itself
//! until it is told to stop.

use headwater_tests::http::Call;
use headwater_tests::sse::Event;
use headwater_tests::{Server, on_each_storage};

/// What its specification makes it do, and nothing that a program could add.
struct EventSource<'a> {
    server: &'a Server,
    stream: &'a str,
    query: &'a str,
    last_id: String,
}

impl<'a> EventSource<'a> {
    fn new(server: &'a Server, stream: &'a str, query: &'a str) -> Self {
        Self { server, stream, query, last_id: String::new() }
    }

    fn call(&self) -> Call {
        let call = self.server.get(self.stream, self.query);
        match self.last_id.as_str() {
            "" => call,
            id => call.header("Last-Event-ID", id),
        }
    }

    /// Connects, and hears everything up to the end of the connection.
    #[track_caller]
    fn listen(&mut self) -> Vec<Event> {
        let mut connection = self.call().events();
        let events = connection.until_end();
        if !connection.last_id().is_empty() {
            connection.last_id().clone_into(&mut self.last_id);
        }
        events
    }

    /// Connects, and is told not to come back.
    #[track_caller]
    fn expect_stop(&self) {
        let answer = self.call().send().expect(204);
        assert!(answer.closed(), "{answer}");
    }
}

fn data(events: &[Event]) -> String {
    let data = events.iter().filter(|event| event.name == "data");
    data.map(|event| event.data.as_str()).collect()
}

#[test]
fn what_comes_between_two_connections_is_heard_though_the_first_was_quiet() {
    on_each_storage(&["--sse-max-age", "1s"], |server| {
        for (stream, query) in [("now", "offset=now&live=sse"), ("start", "offset=-1&live=sse")] {
            server.create_text(stream);
            let mut browser = EventSource::new(server, stream, query);
            assert_eq!(data(&browser.listen()), "");
            server.append_text(stream, "between");
            assert_eq!(data(&browser.listen()), "between");
            assert_eq!(data(&browser.listen()), "", "and not again");
        }
    });
}

#[test]
fn who_heard_nothing_but_the_end_of_a_stream_is_stopped() {
    on_each_storage(&[], |server| {
        // Closed before it came, and while it listened; with nothing in it, and with something that it did not ask for.
        for (stream, query, content) in [
            ("empty", "offset=-1&live=sse", ""),
            ("empty/now", "offset=now&live=sse", ""),
            ("full", "offset=now&live=sse", "content"),
        ] {
            server.create_text(stream);
            if !content.is_empty() {
                server.append_text(stream, content);
            }
            server.close(stream);
            let mut browser = EventSource::new(server, stream, query);
            let events = browser.listen();
            assert!(events.last().is_some_and(Event::closed), "{events:#?}");
            assert_eq!(data(&events), "");
            browser.expect_stop();
        }

        server.create_text("open");
        let browser = EventSource::new(server, "open", "offset=now&live=sse");
        let mut connection = browser.call().events();
        connection.next_control();
        server.close("open");
        assert!(connection.next_control().closed());
        let last_id = connection.last_id().to_owned();
        EventSource { last_id, ..browser }.expect_stop();
    });
}
