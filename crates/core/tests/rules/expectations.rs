//! What a caller believes about the tail: `If-Match`, expected position, expected sequence.

use crate::script::{play, table};

/// Tail at position 5, sequence 2.
const GIVEN: &str = "
    put a type=text/plain body=abc            => created a@3
    append a body=de                          => appended a@5
";

#[test]
fn an_append_happens_only_where_it_was_meant_to() {
    table(
        GIVEN,
        &[
            ("the position", "append a body=x position=5 => appended a@6"),
            (
                "an earlier position",
                "append a body=x position=3 => refused sequence_conflict position 5 sequence 2",
            ),
            (
                "a later position",
                "append a body=x position=6 => refused sequence_conflict position 5 sequence 2",
            ),
            ("the sequence", "append a body=x sequence=2 => appended a@6"),
            (
                "an earlier sequence",
                "append a body=x sequence=1 => refused sequence_conflict position 5 sequence 2",
            ),
            (
                "a later sequence",
                "append a body=x sequence=3 => refused sequence_conflict position 5 sequence 2",
            ),
            ("the tag", "append a body=x if=a@5 => appended a@6"),
            ("an earlier tag", "append a body=x if=a@3 => refused precondition_failed a@5"),
            ("the tag of the end", "append a body=x if=a@5:c => refused precondition_failed a@5"),
            (
                "another stream's tag",
                "append a body=x if=unborn@5 => refused precondition_failed a@5",
            ),
            ("a close at the tag", "append a close if=a@5 => appended a@5 closed"),
            ("a close elsewhere", "append a close if=a@4 => refused precondition_failed a@5"),
        ],
    );
}

#[test]
fn closed_comes_before_the_tag() {
    play(&format!(
        "{GIVEN}
        append a close                            => appended a@5 closed
        append a body=x if=a@5:c                  => refused stream_closed a@5
        append a body=x if=a@1                    => refused stream_closed a@5
        append a close if=a@1                     => duplicate a@5 closed
        "
    ));
}

#[test]
fn a_tag_names_the_incarnation() {
    play(&format!(
        "{GIVEN}
        delete a                                  => done
        put a type=text/plain body=abcde          => created a'@5
        append a body=x if=a@5                    => refused precondition_failed a'@5
        append a body=x if=a'@5                   => appended a'@6
        fork b from=a                             => created b@6
        append b body=x if=a'@6                   => refused precondition_failed b@6
        append b body=x if=b@6                    => appended b@7
        "
    ));
}

#[test]
fn of_two_writers_that_read_the_same_tag_one_wins() {
    play(&format!(
        "{GIVEN}
        append a body=x if=a@5                    => appended a@6
        append a body=y if=a@5                    => refused precondition_failed a@6
        append a body=y if=a@6                    => appended a@7
        "
    ));
}

#[test]
fn an_empty_stream_is_at_zero() {
    play(
        "
        put a type=text/plain                     => created a@0
        append a body=x position=1                => refused sequence_conflict position 0 sequence 0
        append a body=x position=0                => appended a@1
        ",
    );
}
