//! The order of checks on an append: of all that is wrong with a request, the first in this order is told.

use crate::script::{play, table};

/// Wrong in type, producer, expectation, `Stream-Seq`, and body. Each step of the test takes one fault away.
#[test]
fn the_first_fault_in_order_is_told() {
    let body = "body={";
    let all = [
        ("type=text/plain", "refused content_type_mismatch application/json"),
        ("by=w/0/5", "refused producer_gap expected 1 received 5"),
        ("position=7", "refused sequence_conflict position 2 sequence 1"),
        ("seq=1", "refused stream_seq_regression"),
    ];
    let mut script = "
        put j type=application/json               => created j@0
        append j body=1 by=w/0/0 seq=5            => appended j@2 w/0/0
    "
    .to_owned();
    for first in 0..=all.len() {
        let faults: Vec<_> = all[first..].iter().map(|(fault, _)| *fault).collect();
        let told = all.get(first).map_or("refused invalid_json", |(_, told)| *told);
        script += &format!("append j {} {body} => {told}\n", faults.join(" "));
    }
    play(&script);
}

#[test]
fn missing_deleted_and_closed_come_first() {
    let everything = "type=image/png by=w/3/3 if=a@9 seq=0 body=x";
    play(&format!(
        "
        append n {everything_new}                 => refused not_found
        put a type=text/plain body=x              => created a@1
        append a close                            => appended a@1 closed
        append a {everything}                     => refused stream_closed a@1
        fork b from=a                             => created b@1
        delete a                                  => done
        append a {everything}                     => refused gone
        append a                                  => refused gone
        ",
        everything_new = "type=image/png by=w/3/3 position=9 seq=0 body=x",
    ));
}

#[test]
fn stream_seq_is_compared_bytewise_and_only_accepted_ones_count() {
    let given = "
        put a type=text/plain                     => created a@0
    ";
    table(
        given,
        &[
            (
                "2 then 10",
                "append a body=x seq=2 => appended a@1
                 append a body=x seq=10 => refused stream_seq_regression",
            ),
            (
                "09 then 10",
                "append a body=x seq=09 => appended a@1
                 append a body=x seq=10 => appended a@2",
            ),
            (
                "a then B",
                "append a body=x seq=a => appended a@1
                 append a body=x seq=B => refused stream_seq_regression",
            ),
            (
                "equal",
                "append a body=x seq=a => appended a@1
                 append a body=x seq=a => refused stream_seq_regression",
            ),
            (
                "a longer one is greater than its prefix",
                "append a body=x seq=a => appended a@1
                 append a body=x seq=a0 => appended a@2
                 append a body=x seq=a => refused stream_seq_regression",
            ),
            (
                "one without does not reset it",
                "append a body=x seq=b => appended a@1
                 append a body=x => appended a@2
                 append a body=x seq=a => refused stream_seq_regression",
            ),
            (
                "one of a refused append does not count",
                "append a seq=z => refused invalid_request
                 append a body=x position=4 seq=z => refused sequence_conflict position 0 sequence 0
                 append a body=x seq=a => appended a@1",
            ),
            (
                "it is per stream, not per producer",
                "append a body=x by=v/0/0 seq=5 => appended a@1 v/0/0
                 append a body=x by=w/0/0 seq=4 => refused stream_seq_regression",
            ),
        ],
    );
}

#[test]
fn a_body_is_needed_unless_the_stream_is_closed_by_it() {
    play(
        "
        put a type=text/plain                     => created a@0
        append a                                  => refused invalid_request
        append a type=none                        => refused invalid_request
        append a type=image/png                   => refused invalid_request
        append a type=TEXT/Plain;q=1 body=x       => appended a@1
        append a type=text/html body=x            => refused content_type_mismatch text/plain
        append a close                            => appended a@1 closed
        ",
    );
}
