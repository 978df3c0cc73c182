//! Forking: what is refused, what is confirmed, and that both sides go their own way.

use crate::script::{play, table};

const GIVEN: &str = "
    put a type=text/plain body=abc            => created a@3
";

#[test]
fn what_a_fork_is_refused_for() {
    table(
        GIVEN,
        &[
            ("a source that is not there", "fork b from=n => refused not_found"),
            ("itself, not there", "fork b from=b => refused not_found"),
            (
                "an expired source",
                "put n ttl=0 => created n@0
                 fork b from=n => refused not_found
                 show n => absent",
            ),
            (
                "a deleted source",
                "fork b from=a => created b@3
                 delete a => done
                 fork c from=a => refused source_gone",
            ),
            (
                "a source that expired under its forks",
                "put n ttl=5 => created n@0
                 fork b from=n ttl=60 => created b@0
                 clock 5
                 fork c from=n => refused source_gone
                 show n => deleted forks 1",
            ),
            ("another type", "fork b from=a type=text/html => refused content_type_mismatch"),
            (
                "a type that differs in case and parameters is the same",
                "fork b from=a type=Text/PLAIN;q=1 => created b@3",
            ),
            (
                "a name that is taken by another stream",
                "put b type=text/plain => created b@0
                 fork b from=a => refused config_mismatch fork source",
            ),
            (
                "a name that a deleted stream keeps",
                "fork b from=a => created b@3
                 fork c from=b => created c@3
                 delete b => done
                 fork b from=a => refused already_exists
                 put b type=text/plain => refused already_exists",
            ),
            (
                "a body that is broken",
                "put j type=application/json => created j@0
                 fork b from=j body={ => refused invalid_json
                 show j => j@0 '' records 0",
            ),
        ],
    );
}

#[test]
fn a_refused_fork_pins_nothing() {
    play(&format!(
        "{GIVEN}
        fork b from=a at=a@9                      => refused offset_beyond_tail
        fork b from=a sub=1                       => refused offset_invalid
        fork b from=a type=image/png              => refused content_type_mismatch
        show a                                    => a@3 'abc' records 1
        delete a                                  => done
        show a                                    => absent
        "
    ));
}

#[test]
fn a_fork_is_confirmed_by_the_same_request() {
    table(
        "
        put a type=text/plain body=abc            => created a@3
        put z type=text/plain body=abc            => created z@3
        fork b from=a at=a@1 sub=1 ttl=50         => created b@2
        ",
        &[
            ("the same", "fork b from=a at=a@1 sub=1 ttl=50 => confirmed b@2"),
            ("with its type", "fork b from=a at=a@1 sub=1 ttl=50 type=text/plain => confirmed b@2"),
            (
                "another type",
                "fork b from=a at=a@1 sub=1 ttl=50 type=text/html => refused config_mismatch content type",
            ),
            (
                "the offset is compared only when given",
                "fork b from=a sub=1 ttl=50 => confirmed b@2",
            ),
            (
                "offsets are compared by position",
                "fork b from=a at=b@1 sub=1 ttl=50 => confirmed b@2",
            ),
            (
                "another offset",
                "fork b from=a at=a@2 sub=1 ttl=50 => refused config_mismatch fork offset",
            ),
            (
                "the same point by other numbers",
                "fork b from=a at=a@2 ttl=50 => refused config_mismatch fork offset",
            ),
            (
                "another sub-offset",
                "fork b from=a at=a@1 sub=2 ttl=50 => refused config_mismatch fork offset",
            ),
            ("no sub-offset", "fork b from=a at=a@1 ttl=50 => refused config_mismatch fork offset"),
            (
                "another source",
                "fork b from=z at=a@1 sub=1 ttl=50 => refused config_mismatch fork source",
            ),
            ("no source", "put b type=text/plain ttl=50 => refused config_mismatch fork source"),
            ("another lifetime", "fork b from=a at=a@1 sub=1 => refused config_mismatch lifetime"),
            (
                "the source went on",
                "append a body=d => appended a@4
                 fork b from=a at=a@1 sub=1 ttl=50 => confirmed b@2",
            ),
            (
                "the source was deleted",
                "delete a => done
                 fork b from=a at=a@1 sub=1 ttl=50 => confirmed b@2",
            ),
            (
                "the fork was closed",
                "append b close => appended b@2 closed
                 fork b from=a at=a@1 sub=1 ttl=50 => refused config_mismatch closed state
                 fork b from=a at=a@1 sub=1 ttl=50 close => confirmed b@2 closed",
            ),
        ],
    );
}

#[test]
fn an_inherited_lifetime_was_not_asked_for() {
    play(
        "
        put a type=text/plain ttl=10              => created a@0
        fork b from=a                             => created b@0
        fork b from=a                             => confirmed b@0
        fork b from=a ttl=10                      => refused config_mismatch lifetime
        ",
    );
}

#[test]
fn source_and_fork_go_their_own_ways() {
    play(&format!(
        "{GIVEN}
        fork b from=a at=a@2 body=X               => created b@3
        append a body=d                           => appended a@4
        append b body=Y                           => appended b@4
        show a                                    => a@4 'abcd' records 2 forks 1
        show b                                    => b@4 'abXY' records 3
        append b close                            => appended b@4 closed
        append a body=e                           => appended a@5
        append a close                            => appended a@5 closed
        fork c from=a                             => created c@5     # a fork of a closed stream is open
        append c body=f                           => appended c@6
        fork d from=b close                       => created d@4 closed
        "
    ));
}

#[test]
fn a_fork_of_a_fork_composes() {
    play(&format!(
        "{GIVEN}
        fork b from=a at=a@2 body=XYZ             => created b@5
        fork c from=b at=b@2 sub=2 body=!         => created c@5
        fork d from=c at=a@1                      => created d@1
        fork e from=c at=c@4 sub=1                => created e@5
        show c                                    => c@5 'abXY!' records 3 forks 2
        show d                                    => d@1 'a' records 1
        show e                                    => e@5 'abXY!' records 3
        "
    ));
}
