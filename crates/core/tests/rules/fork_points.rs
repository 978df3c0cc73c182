//! Where a fork can diverge: offsets and sub-offsets, section 4.2 of the protocol.

use crate::script::{play, table};

/// Messages `1,` `22,` `333,` at 0, 2, 5; the tail is 9.
const JSON: &str = "
    put a type=application/json body='[1, 22]' => created a@5
    append a body=333                          => appended a@9
";

/// Records `ab` and `cde`.
const TEXT: &str = "
    put a type=text/plain body=ab              => created a@2
    append a body=cde                          => appended a@5
";

#[test]
fn a_json_stream_divides_between_messages() {
    table(
        JSON,
        &[
            (
                "at the tail, by default",
                "fork b from=a => created b@9\nshow b => b@9 '1,22,333,' records 3",
            ),
            ("at the tail, by token", "fork b from=a at=a@9 => created b@9"),
            ("at the start", "fork b from=a at=start => created b@0\nshow b => b@0 '' records 0"),
            ("at the start, by token", "fork b from=a at=a@0 => created b@0"),
            ("between", "fork b from=a at=a@2 => created b@2\nshow b => b@2 '1,' records 1"),
            ("inside a message", "fork b from=a at=a@3 => refused offset_invalid"),
            ("inside a message, with more", "fork b from=a at=a@3 sub=1 => refused offset_invalid"),
            ("beyond", "fork b from=a at=a@10 => refused offset_beyond_tail"),
            (
                "a lineage that is not born",
                "fork b from=a at=unborn@0 => refused offset_beyond_tail",
            ),
            (
                "some messages on",
                "fork b from=a at=start sub=2 => created b@5\nshow b => b@5 '1,22,' records 2",
            ),
            ("some messages on from between", "fork b from=a at=a@2 sub=1 => created b@5"),
            ("across two appends", "fork b from=a at=a@2 sub=2 => created b@9"),
            ("one message too many", "fork b from=a at=a@2 sub=3 => refused offset_invalid"),
            (
                "very many too many",
                "fork b from=a at=start sub=18446744073709551615 => refused offset_invalid",
            ),
            ("a message past the tail", "fork b from=a at=a@9 sub=1 => refused offset_invalid"),
            ("a message past the default", "fork b from=a sub=1 => refused offset_invalid"),
        ],
    );
}

#[test]
fn a_byte_stream_divides_anywhere_but_a_sub_offset_stays_in_its_append() {
    table(
        TEXT,
        &[
            ("between", "fork b from=a at=a@2 => created b@2\nshow b => b@2 'ab' records 1"),
            ("inside", "fork b from=a at=a@3 => created b@3\nshow b => b@3 'abc' records 2"),
            (
                "bytes on",
                "fork b from=a at=a@2 sub=2 => created b@4\nshow b => b@4 'abcd' records 2",
            ),
            (
                "bytes on from inside",
                "fork b from=a at=a@1 sub=1 => created b@2\nshow b => b@2 'ab' records 1",
            ),
            ("to the end of the append", "fork b from=a at=start sub=2 => created b@2"),
            (
                "past the end of the append",
                "fork b from=a at=start sub=3 => refused offset_invalid",
            ),
            ("past it from inside", "fork b from=a at=a@1 sub=2 => refused offset_invalid"),
            ("past the tail", "fork b from=a at=a@2 sub=4 => refused offset_invalid"),
            (
                "very far past",
                "fork b from=a at=a@2 sub=18446744073709551615 => refused offset_invalid",
            ),
            ("at the tail", "fork b from=a at=a@5 sub=1 => refused offset_invalid"),
        ],
    );
}

#[test]
fn an_empty_stream_has_one_point() {
    play(
        "
        put a type=text/plain                     => created a@0
        fork b from=a                             => created b@0
        fork c from=a at=start                    => created c@0
        fork d from=a at=a@0                      => created d@0
        fork e from=a at=start sub=1              => refused offset_invalid
        fork e from=a at=a@1                      => refused offset_beyond_tail
        ",
    );
}

#[test]
fn a_cut_record_counts_and_later_ones_follow_it() {
    play(&format!(
        "{TEXT}
        fork b from=a at=a@2 sub=1 body=XY        => created b@5
        show b                                    => b@5 'abcXY' records 3
        fork c from=b at=a@2 sub=1                => created c@3
        fork d from=b at=a@2 sub=2                => refused offset_invalid
        fork e from=b at=b@3 sub=1                => created e@4
        show e                                    => e@4 'abcX' records 3
        "
    ));
}

#[test]
fn tokens_of_ancestors_are_read_up_to_each_fork_point() {
    play(
        "
        put a type=text/plain body=abcd           => created a@4
        fork b from=a at=a@3 body=XY              => created b@5
        fork c from=b at=b@4 body=Z               => created c@5
        append a body=ef                          => appended a@6
        show c                                    => c@5 'abcXZ' records 3
        find c at=a@2                             => 2
        find c at=a@3                             => 3     # both tokens of a boundary
        find c at=b@3                             => 3
        find c at=b@4                             => 4
        find c at=c@4                             => 4
        find c at=a@4                             => refused offset_expired
        find c at=b@5                             => refused offset_expired
        find c at=b@2                             => refused offset_expired
        find c at=c@3                             => refused offset_expired
        find c at=c@6                             => refused offset_beyond_tail
        find b at=c@4                             => refused offset_beyond_tail
        find a at=b@3                             => refused offset_beyond_tail
        fork d from=c at=a@3                      => created d@3
        fork e from=c at=a@4                      => refused offset_expired
        fork f from=b at=c@4                      => refused offset_beyond_tail
        find d at=a@3                             => 3
        find d at=b@3                             => 3
        find d at=b@4                             => refused offset_expired
        ",
    );
}

#[test]
fn the_token_of_an_ancestor_that_wrote_nothing_is_read_too() {
    play(
        "
        put a type=text/plain                     => created a@0
        fork b from=a body=x                      => created b@1
        find b at=a@0                             => 0
        fork c from=b                             => created c@1
        fork d from=c body=y                      => created d@2
        find d at=b@1                             => 1
        find d at=c@1                             => 1
        find d at=c@2                             => refused offset_expired
        ",
    );
}
