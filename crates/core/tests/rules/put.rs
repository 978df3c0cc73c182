//! Creating and confirming, section 5.1 of the protocol.

use crate::script::{play, table};

#[test]
fn a_new_stream_is_what_was_asked_for() {
    table(
        "",
        &[
            ("without anything", "put a => created a@0"),
            ("with a body", "put a type=text/plain body=abc => created a@3"),
            ("closed", "put a type=text/plain close => created a@0 closed"),
            ("closed with a body", "put a type=text/plain body=abc close => created a@3 closed"),
            ("with a TTL", "put a ttl=10 => created a@0\nshow a => a@0 '' records 0 until 10"),
            ("with an end", "put a until=7 => created a@0\nshow a => a@0 '' records 0 until 7"),
            ("from an empty array", "put a type=application/json body=[] => created a@0"),
            (
                "from an array",
                "put a type=application/json body='[1, {\"a\": 2}]' => created a@11
                 show a => a@11 '1,{\"a\": 2},' records 2",
            ),
            (
                "from broken JSON",
                "put a type=application/json body=[1 => refused invalid_json
                 show a => absent",
            ),
            ("from what is only JSON elsewhere", "put a type=text/plain body=[1 => created a@2"),
        ],
    );
}

#[test]
fn an_existing_stream_is_compared_and_its_body_ignored() {
    table(
        "put a type=text/plain body=x ttl=10      => created a@1",
        &[
            ("the same", "put a type=text/plain body=x ttl=10 => confirmed a@1"),
            ("another body", "put a type=text/plain body=yyy ttl=10 => confirmed a@1"),
            (
                "letter case and parameters",
                "put a type=TEXT/plain;charset=x ttl=10 => confirmed a@1",
            ),
            ("another type", "put a type=text/html ttl=10 => refused config_mismatch content type"),
            ("no type", "put a ttl=10 => refused config_mismatch content type"),
            ("another TTL", "put a type=text/plain ttl=11 => refused config_mismatch lifetime"),
            ("no TTL", "put a type=text/plain => refused config_mismatch lifetime"),
            (
                "an end instead",
                "put a type=text/plain until=10 => refused config_mismatch lifetime",
            ),
            (
                "closed, while it is open",
                "put a type=text/plain ttl=10 close => refused config_mismatch closed state",
            ),
            (
                "open, while it is closed",
                "append a close => appended a@1 closed
                 put a type=text/plain ttl=10 => refused config_mismatch closed state
                 put a type=text/plain ttl=10 close => confirmed a@1 closed",
            ),
            (
                "a fork, while it is none",
                "put b type=text/plain => created b@0
                 fork a from=b type=text/plain ttl=10 => refused config_mismatch fork source",
            ),
        ],
    );
}

#[test]
fn a_stream_without_a_type_is_confirmed_without_one() {
    play(
        "
        put a                                     => created a@0
        put a                                     => confirmed a@0
        put a type=application/octet-stream       => confirmed a@0
        put a type=image/png                      => refused config_mismatch content type
        ",
    );
}

#[test]
fn broken_json_for_a_stream_that_exists_is_not_looked_at() {
    play(
        "
        put a type=application/json               => created a@0
        put a type=application/json body={        => confirmed a@0
        ",
    );
}

#[test]
fn a_name_comes_back_empty_and_old_tokens_do_not() {
    play(
        "
        put a type=text/plain body=abc            => created a@3
        delete a                                  => done
        put a type=application/json body=1        => created a'@2
        find a at=a@2                             => refused offset_expired
        find a at=a@0                             => refused offset_expired
        find a at=a'@2                            => 2
        find a at=a'@3                            => refused offset_beyond_tail
        find a at=unborn@0                        => refused offset_beyond_tail
        find a at=start                           => 0
        ",
    );
}
