//! Truncation: a stream gives up its beginning, and its forks keep what they inherited.

use crate::script::{play, table};

/// Three records of two bytes.
const THREE: &str = "
    put a type=text/plain body=ab             => created a@2
    append a body=cd                          => appended a@4
    append a body=ef                          => appended a@6
";

#[test]
fn the_floor_rises_between_records_and_never_falls() {
    table(
        THREE,
        &[
            (
                "to a boundary",
                "truncate a at=a@2 => truncated a@2
                 show a => a@6 'abcdef' records 3 from 2/1",
            ),
            (
                "to the tail",
                "truncate a at=a@6 => truncated a@6
                 append a body=g => appended a@7
                 show a => a@7 'abcdefg' records 4 from 6/3",
            ),
            (
                "again, and to where it began before",
                "truncate a at=a@4 => truncated a@4
                 truncate a at=a@4 => unchanged a@4
                 truncate a at=a@2 => unchanged a@4
                 truncate a at=start => unchanged a@4",
            ),
            ("to the start", "truncate a at=start => unchanged a@0"),
            ("inside a record", "truncate a at=a@3 => refused offset_invalid"),
            ("past the tail", "truncate a at=a@7 => refused offset_beyond_tail"),
            ("to where nobody was", "truncate a at=unborn@2 => refused offset_beyond_tail"),
            (
                "of an earlier life",
                "delete a => done
                 put a type=text/plain body=abcd => created a'@4
                 truncate a at=a@2 => refused offset_expired",
            ),
            (
                "of what is closed",
                "append a close => appended a@6 closed
                 truncate a at=a@4 => truncated a@4
                 append a close => duplicate a@6 closed",
            ),
            ("of nothing", "truncate b at=start => refused not_found"),
            (
                "of what is deleted and kept for a fork",
                "fork b from=a => created b@6
                 delete a => done
                 truncate a at=a@2 => refused gone",
            ),
        ],
    );
}

#[test]
fn a_json_stream_begins_with_a_whole_message() {
    play(
        "
        put a type=application/json body='[1,22]' => created a@5
        truncate a at=a@1                         => refused offset_invalid
        truncate a at=a@2                         => truncated a@2
        ",
    );
}

#[test]
fn a_truncation_is_a_use_if_it_does_something() {
    play(
        "
        put a type=text/plain body=ab ttl=10      => created a@2
        clock 4
        truncate a at=start                       => unchanged a@0
        show a                                    => a@2 'ab' records 1 until 10
        truncate a at=a@2                         => truncated a@2
        show a                                    => a@2 'ab' records 1 from 2/1 until 14
        clock 14
        truncate a at=a@2                         => refused not_found
        ",
    );
}

#[test]
fn forks_keep_what_they_inherited_and_inherit_the_floor() {
    table(
        THREE,
        &[
            (
                "a fork from before",
                "fork b from=a at=a@4 => created b@4
                 truncate a at=a@6 => truncated a@6
                 show b => b@4 'abcd' records 2
                 truncate b at=a@2 => truncated a@2
                 show b => b@4 'abcd' records 2 from 2/1",
            ),
            (
                "a fork from after",
                "truncate a at=a@2 => truncated a@2
                 fork b from=a => created b@6
                 show b => b@6 'abcdef' records 3 from 2/1
                 fork c from=a at=start => created c@2
                 fork c from=a at=start => confirmed c@2
                 fork c from=a at=a@2 => refused config_mismatch fork offset
                 fork d from=a at=a@1 => refused offset_expired",
            ),
            (
                "the own part of a fork",
                "fork b from=a at=a@2 body=xy => created b@4
                 truncate b at=b@4 => truncated b@4
                 show b => b@4 'abxy' records 2 from 4/2
                 show a => a@6 'abcdef' records 3 forks 1",
            ),
        ],
    );
}
