//! Closing: sections 4.1, 5.2 and 5.3 of the protocol, and what a closed stream answers.

use crate::script::{play, table};

#[test]
fn a_closed_stream_knows_the_request_that_closed_it() {
    let plain = "
        put a type=text/plain body=x              => created a@1
        append a close                            => appended a@1 closed
    ";
    table(
        plain,
        &[
            ("a plain close again", "append a close => duplicate a@1 closed"),
            ("a plain close of any type", "append a type=image/png close => duplicate a@1 closed"),
            ("an append", "append a body=y => refused stream_closed a@1"),
            ("an append and close", "append a body=y close => refused stream_closed a@1"),
            ("nothing at all", "append a => refused stream_closed a@1"),
            ("a producer's close", "append a close by=w/0/0 => refused stream_closed a@1"),
            ("a producer's append", "append a body=y by=w/0/0 => refused stream_closed a@1"),
        ],
    );
    let by_producer = "
        put a type=text/plain                     => created a@0
        append a body=x by=w/1/0                  => appended a@1 w/1/0
        append a body=y by=w/1/1 close            => appended a@2 closed w/1/1
    ";
    table(
        by_producer,
        &[
            (
                "the tuple that closed",
                "append a body=y by=w/1/1 close => duplicate a@2 closed w/1/1",
            ),
            (
                "the tuple that closed, with another body",
                "append a body=zzz by=w/1/1 close => duplicate a@2 closed w/1/1
                 show a => a@2 closed 'xy' records 2 w/1/1",
            ),
            (
                "the tuple that closed, of any type",
                "append a type=image/png body=y by=w/1/1 => duplicate a@2 closed w/1/1",
            ),
            (
                "the tuple that closed, no longer closing",
                "append a body=y by=w/1/1 => duplicate a@2 closed w/1/1",
            ),
            ("an earlier tuple", "append a body=x by=w/1/0 => refused stream_closed a@2"),
            ("the next tuple", "append a body=z by=w/1/2 => refused stream_closed a@2"),
            ("a stale epoch", "append a body=z by=w/0/0 => refused stream_closed a@2"),
            ("a new epoch", "append a close by=w/2/0 => refused stream_closed a@2"),
            ("another producer", "append a close by=v/1/1 => refused stream_closed a@2"),
            ("a plain close", "append a close => duplicate a@2 closed"),
            ("a plain append and close", "append a body=z close => refused stream_closed a@2"),
        ],
    );
}

#[test]
fn a_close_takes_the_sequence_of_its_producer() {
    play(
        "
        put a type=text/plain                     => created a@0
        append a body=x by=w/0/0                  => appended a@1 w/0/0
        append a close by=w/0/2                   => refused producer_gap expected 1 received 2
        append a close by=w/0/1 seq=9             => appended a@1 closed w/0/1
        append a close by=w/0/1                   => duplicate a@1 closed w/0/1
        show a                                    => a@1 closed 'x' records 1 w/0/1 seq 9
        ",
    );
}

#[test]
fn a_close_without_a_body_ignores_the_content_type() {
    play(
        "
        put a type=application/json               => created a@0
        append a type=text/plain close            => appended a@0 closed
        put b type=application/json               => created b@0
        append b type=text/plain body=x close     => refused content_type_mismatch application/json
        append b type=none close                  => appended b@0 closed
        ",
    );
}

#[test]
fn data_and_close_are_one_unit() {
    play(
        "
        put a type=application/json               => created a@0
        append a body=[1,2 close                  => refused invalid_json
        append a body=[] close                    => refused invalid_json
        show a                                    => a@0 '' records 0
        append a body=[1,2] close                 => appended a@4 closed
        show a                                    => a@4 closed '1,2,' records 2
        ",
    );
}

#[test]
fn a_stream_can_be_created_closed() {
    play(
        "
        put a type=text/plain body=x close        => created a@1 closed
        append a body=y                           => refused stream_closed a@1
        append a close                            => duplicate a@1 closed
        put b type=text/plain close               => created b@0 closed
        delete b                                  => done
        show b                                    => absent
        ",
    );
}
