//! When streams end by themselves: TTL, absolute expiry, and what forks take over of them.

use crate::script::{play, table};

/// The lifetime table of section 4.2: the source was used at 3, the fork is made at 3.
#[test]
fn a_fork_takes_over_what_it_was_not_given() {
    let sources = [("never", ""), ("ttl", "ttl=20"), ("at", "until=40")];
    let requests = [("never", ""), ("ttl", "ttl=5"), ("at", "until=30")];
    let ends = [
        ["", " until 8", " until 30"],
        [" until 23", " until 8", " until 30"],
        [" until 40", " until 8", " until 30"],
    ];
    let mut rows = Vec::new();
    for ((source_name, source), row) in sources.iter().zip(ends) {
        for ((request_name, request), end) in requests.iter().zip(row) {
            let script = format!(
                "put a {source} => created a@0
                 clock 3
                 fork b from=a {request} => created b@0
                 show b => b@0 '' records 0{end}",
            );
            rows.push((format!("source {source_name}, fork {request_name}"), script));
        }
    }
    let rows: Vec<_> = rows.iter().map(|(name, script)| (name.as_str(), script.as_str())).collect();
    table("", &rows);
}

#[test]
fn a_fork_may_outlive_its_source() {
    play(
        "
        put a type=text/plain body=x until=10     => created a@1
        fork b from=a until=20                    => created b@1
        clock 10
        append a body=y                           => refused gone
        show b                                    => b@1 'x' records 1 until 20
        clock 20
        append b body=y                           => refused not_found
        show a                                    => absent
        ",
    );
}

#[test]
fn every_use_restarts_a_ttl() {
    let given = "
        put a type=text/plain body=x ttl=10       => created a@1
        clock 6
    ";
    table(
        given,
        &[
            ("none", "show a => a@1 'x' records 1 until 10"),
            ("an append", "append a body=y => appended a@2\nshow a => a@2 'xy' records 2 until 16"),
            (
                "a close",
                "append a close => appended a@1 closed\nshow a => a@1 closed 'x' records 1 until 16",
            ),
            ("a read that is made durable", "use a => done\nshow a => a@1 'x' records 1 until 16"),
            (
                "a fork, which reads it",
                "fork b from=a => created b@1\nshow a => a@1 'x' records 1 forks 1 until 16",
            ),
            (
                "not a refused append",
                "append a => refused invalid_request\nshow a => a@1 'x' records 1 until 10",
            ),
            (
                "not a use in the past",
                "use a => done\nclock 2\nuse a => done\nshow a => a@1 'x' records 1 until 16",
            ),
        ],
    );
}

#[test]
fn a_fixed_end_is_fixed() {
    play(
        "
        put a type=text/plain until=10            => created a@0
        clock 9.999
        append a body=x                           => appended a@1
        show a                                    => a@1 'x' records 1 until 10
        clock 10
        append a body=x                           => refused not_found
        ",
    );
}

#[test]
fn what_is_overdue_ends_before_the_command_that_meets_it() {
    let given = "
        put a type=text/plain body=x ttl=10       => created a@1
        clock 10
    ";
    table(
        given,
        &[
            ("an append", "append a body=y => refused not_found\nshow a => absent"),
            ("a close", "append a close => refused not_found\nshow a => absent"),
            ("a deletion", "delete a => refused not_found\nshow a => absent"),
            ("a creation of another kind", "put a type=application/json => created a'@0"),
            ("a creation of the same kind", "put a type=text/plain ttl=10 => created a'@0"),
            ("a fork of it", "fork b from=a => refused not_found\nshow a => absent"),
            ("a fork of it in its place", "fork a from=a => refused not_found"),
            ("the sweep", "expire a => done\nshow a => absent"),
        ],
    );
}

#[test]
fn an_overdue_fork_makes_room_for_its_successor_and_ends_its_source() {
    play(
        "
        put a type=text/plain body=x              => created a@1
        fork b from=a ttl=5                       => created b@1
        delete a                                  => done
        clock 5
        fork b from=a ttl=5                       => refused not_found
        show a                                    => absent
        show b                                    => absent
        ",
    );
}

#[test]
fn the_sweep_ends_only_what_is_due() {
    play(
        "
        put a ttl=10                              => created a@0
        put b                                     => created b@0
        clock 9.999
        expire a                                  => done
        expire b                                  => done
        expire n                                  => done
        show a                                    => a@0 '' records 0 until 10
        clock 0                                   # a clock that was set back ends nothing
        expire a                                  => done
        show a                                    => a@0 '' records 0 until 10
        clock 10
        fork c from=b                             => created c@0
        delete b                                  => done
        expire b                                  => done     # a deleted stream does not end twice
        show b                                    => deleted forks 1
        expire a                                  => done
        show a                                    => absent
        ",
    );
}

#[test]
fn nothing_and_for_ever_are_lifetimes() {
    play(
        "
        put a ttl=0                               => created a@0
        append a body=x                           => refused not_found
        clock 100
        put b until=100                           => created b@0
        put c until=99                            => created c@0
        delete b                                  => refused not_found
        delete c                                  => refused not_found
        put d ttl=18446744073709551615            => created d@0
        clock 99999999999
        delete d                                  => done
        ",
    );
}

#[test]
fn a_life_may_be_counted_from_closing() {
    let given = "
        put a type=text/plain body=x after-close=10 => created a@1
        clock 100
    ";
    table(
        given,
        &[
            ("while it is open", "show a => a@1 'x' records 1"),
            (
                "once it is closed, whatever is done with it afterwards",
                "append a body=y close => appended a@2 closed
                 show a => a@2 closed 'xy' records 2 until 110
                 clock 105
                 use a => done
                 truncate a at=a@1 => truncated a@1
                 fork b from=a => created b@2
                 append a close => duplicate a@2 closed
                 show a => a@2 closed 'xy' records 2 from 1/1 forks 1 until 110
                 clock 109.999
                 truncate a at=a@2 => truncated a@2
                 clock 110
                 truncate a at=a@2 => refused gone",
            ),
            (
                "a fork, which counts from its own closing",
                "append a close => appended a@1 closed
                 fork b from=a => created b@1
                 clock 105
                 show b => b@1 'x' records 1
                 append b close => appended b@1 closed
                 show b => b@1 closed 'x' records 1 until 115",
            ),
            (
                "created closed",
                "put c after-close=5 close => created c@0 closed
                 show c => c@0 closed '' records 0 until 105
                 put c after-close=5 close => confirmed c@0 closed
                 put c after-close=6 close => refused config_mismatch lifetime
                 put c ttl=5 close => refused config_mismatch lifetime",
            ),
            (
                "no time at all",
                "put c after-close=0 => created c@0
                 append c close => appended c@0 closed
                 append c close => refused not_found",
            ),
        ],
    );
}
