//! The table of idempotent producers, section 5.2.1 of the protocol.

use crate::script::{play, table};

/// A stream whose producer `w` is at epoch 2, sequence 1.
const GIVEN: &str = "
    put a type=text/plain                     => created a@0
    append a body=x by=w/2/0                  => appended a@1 w/2/0
    append a body=y by=w/2/1                  => appended a@2 w/2/1
";

#[test]
fn an_open_stream_judges_a_tuple_by_epoch_then_by_sequence() {
    table(
        GIVEN,
        &[
            ("none of the three", "append a body=z => appended a@3"),
            ("unknown id, sequence 0", "append a body=z by=v/0/0 => appended a@3 v/0/0"),
            ("unknown id, any epoch", "append a body=z by=v/7/0 => appended a@3 v/7/0"),
            (
                "unknown id, sequence above 0",
                "append a body=z by=v/0/3 => refused producer_gap expected 0 received 3",
            ),
            (
                "unknown id, epoch and sequence above 0",
                "append a body=z by=v/4/1 => refused producer_gap expected 0 received 1",
            ),
            ("epoch below", "append a body=z by=w/1/2 => refused producer_fenced epoch 2"),
            (
                "epoch below, sequence 0",
                "append a body=z by=w/0/0 => refused producer_fenced epoch 2",
            ),
            ("epoch above, sequence 0", "append a body=z by=w/3/0 => appended a@3 w/3/0"),
            ("epoch far above, sequence 0", "append a body=z by=w/9/0 => appended a@3 w/9/0"),
            (
                "epoch above, sequence not 0",
                "append a body=z by=w/3/1 => refused producer_epoch_invalid",
            ),
            ("same epoch, the last sequence", "append a body=z by=w/2/1 => duplicate a@2 w/2/1"),
            (
                "same epoch, an earlier sequence: the highest is told",
                "append a body=z by=w/2/0 => duplicate a@2 w/2/1",
            ),
            ("same epoch, the next sequence", "append a body=z by=w/2/2 => appended a@3 w/2/2"),
            (
                "same epoch, a sequence too far",
                "append a body=z by=w/2/3 => refused producer_gap expected 2 received 3",
            ),
            (
                "the largest numbers",
                "append a body=z by=w/9007199254740991/0 => appended a@3 w/9007199254740991/0
                 append a body=z by=w/2/2 => refused producer_fenced epoch 9007199254740991",
            ),
            (
                "each id on its own",
                "append a body=z by=v/0/0 => appended a@3 v/0/0
                 append a body=z by=w/2/2 => appended a@4 w/2/2
                 append a body=z by=v/0/1 => appended a@5 v/0/1
                 show a => a@5 'xyzzz' records 5 v/0/1 w/2/2",
            ),
        ],
    );
}

#[test]
fn an_accepted_tuple_moves_nothing_when_the_rest_is_refused() {
    const AFTER: &str = "show j => j@2 '1,' records 1 w/0/0";
    let script =
        |line: &str| format!("{line}\n{AFTER}\nappend j body=2 by=w/0/1 => appended j@4 w/0/1");
    let rows = [
        ("broken JSON", script("append j body={ by=w/0/1 => refused invalid_json")),
        ("no JSON message", script("append j body=[] by=w/0/1 => refused invalid_json")),
        ("no body", script("append j by=w/0/1 => refused invalid_request")),
        (
            "another type",
            script(
                "append j type=text/plain body=x by=w/0/1 => refused content_type_mismatch application/json",
            ),
        ),
        (
            "an expectation",
            script(
                "append j body=2 by=w/0/1 position=7 => refused sequence_conflict position 2 sequence 1",
            ),
        ),
        (
            "broken JSON with a new epoch",
            script("append j body={ by=w/1/0 => refused invalid_json"),
        ),
        (
            "broken JSON from an unknown id",
            script("append j body={ by=v/0/0 => refused invalid_json"),
        ),
        (
            "broken JSON and a close",
            script("append j body={ by=w/0/1 close => refused invalid_json"),
        ),
    ];
    let rows: Vec<_> = rows.iter().map(|(name, script)| (*name, script.as_str())).collect();
    let given = "
        put j type=application/json              => created j@0
        append j body=1 by=w/0/0                 => appended j@2 w/0/0
    ";
    table(given, &rows);
}

#[test]
fn a_stream_that_is_not_there_has_no_producers() {
    play(
        "
        append a body=x by=w/0/0                  => refused not_found
        put a type=text/plain                     => created a@0
        append a body=x by=w/5/0                  => appended a@1 w/5/0
        delete a                                  => done
        append a body=x by=w/5/1                  => refused not_found
        put a type=text/plain                     => created a'@0
        append a body=x by=w/5/1                  => refused producer_gap expected 0 received 1
        append a body=x by=w/0/0                  => appended a'@1 w/0/0
        ",
    );
}

#[test]
fn a_stream_remembers_so_many_producers_and_forgets_none() {
    play(
        "
        put a type=text/plain                     => created a@0
        append a body=1 by=w1/0/0                 => appended a@1 w1/0/0
        append a body=2 by=w2/0/0                 => appended a@2 w2/0/0
        append a body=3 by=w3/0/0                 => appended a@3 w3/0/0
        append a body=4 by=w4/0/0                 => refused producer_limit
        append a body=4 by=w4/0/1                 => refused producer_gap expected 0 received 1
        append a close by=w4/0/0                  => refused producer_limit
        append a body=4 by=w1/0/1                 => appended a@4 w1/0/1
        append a body=5 by=w2/1/0                 => appended a@5 w2/1/0
        append a body=1 by=w3/0/0                 => duplicate a@5 w3/0/0
        show a                                    => a@5 '12345' records 5 w1/0/1 w2/1/0 w3/0/0
        ",
    );
}

#[test]
fn a_duplicate_is_answered_before_all_that_follows_it_in_the_order_of_checks() {
    table(
        GIVEN,
        &[
            ("Stream-Seq", "append a body=y by=w/2/1 seq=0 => duplicate a@2 w/2/1"),
            ("an expectation", "append a body=y by=w/2/1 position=0 => duplicate a@2 w/2/1"),
            ("a tag", "append a body=y by=w/2/1 if=a@0 => duplicate a@2 w/2/1"),
            ("a body", "append a by=w/2/1 => duplicate a@2 w/2/1"),
            ("a close", "append a close by=w/2/1 => duplicate a@2 w/2/1"),
        ],
    );
}

#[test]
fn a_fork_begins_without_producers_and_without_stream_seq() {
    play(
        "
        put a type=text/plain                     => created a@0
        append a body=x by=w/3/0 seq=5            => appended a@1 w/3/0
        fork b from=a                             => created b@1
        append b body=y by=w/3/1                  => refused producer_gap expected 0 received 1
        append b body=y by=w/0/0 seq=1            => appended b@2 w/0/0
        show b                                    => b@2 'xy' records 2 w/0/0 seq 1
        append a body=z by=w/3/1                  => appended a@2 w/3/1
        ",
    );
}
