//! Deleting: sections 4.2 and 5.4 of the protocol.

use crate::script::{play, table};

#[test]
fn what_a_deletion_answers() {
    table(
        "put a type=text/plain body=x             => created a@1",
        &[
            ("a stream", "delete a => done\nshow a => absent"),
            ("nothing", "delete n => refused not_found"),
            ("twice", "delete a => done\ndelete a => refused not_found"),
            ("a closed stream", "append a close => appended a@1 closed\ndelete a => done"),
            (
                "a stream with a fork",
                "fork b from=a => created b@1
                 delete a => done
                 show a => deleted forks 1
                 delete a => refused gone
                 append a body=y => refused gone
                 append a close => refused gone
                 put a type=text/plain => refused already_exists
                 use a => done
                 show b => b@1 'x' records 1",
            ),
        ],
    );
}

#[test]
fn the_last_fork_takes_its_deleted_source_with_it() {
    play(
        "
        put a type=text/plain body=x              => created a@1
        fork b from=a                             => created b@1
        fork c from=a                             => created c@1
        delete a                                  => done
        delete b                                  => done
        show b                                    => absent
        show a                                    => deleted forks 1
        delete c                                  => done
        show a                                    => absent
        put a type=text/plain                     => created a'@0
        ",
    );
}

#[test]
fn a_source_that_was_not_deleted_stays() {
    play(
        "
        put a type=text/plain body=x              => created a@1
        fork b from=a                             => created b@1
        delete b                                  => done
        show a                                    => a@1 'x' records 1
        delete a                                  => done
        show a                                    => absent
        ",
    );
}

#[test]
fn the_end_of_a_chain_ends_all_that_only_it_needed() {
    let given = "
        put a type=text/plain body=a              => created a@1
        fork b from=a body=b                      => created b@2
        fork c from=b body=c                      => created c@3
        fork d from=c body=d                      => created d@4
    ";
    table(
        given,
        &[
            (
                "all deleted from the root",
                "delete a => done
                 delete b => done
                 delete c => done
                 show a => deleted forks 1
                 show b => deleted forks 1
                 show c => deleted forks 1
                 show d => d@4 'abcd' records 4
                 delete d => done
                 show a => absent
                 show b => absent
                 show c => absent",
            ),
            (
                "up to one that lives",
                "delete a => done
                 delete c => done
                 delete d => done
                 show c => absent
                 show b => b@2 'ab' records 2
                 show a => deleted forks 1
                 delete b => done
                 show a => absent",
            ),
            (
                "up to one with another fork",
                "fork e from=b => created e@2
                 delete a => done
                 delete b => done
                 delete c => done
                 delete d => done
                 show c => absent
                 show b => deleted forks 1
                 show a => deleted forks 1
                 show e => e@2 'ab' records 2
                 delete e => done
                 show b => absent
                 show a => absent",
            ),
        ],
    );
}

#[test]
fn what_lies_past_the_last_fork_point_of_a_deleted_source_is_not_needed() {
    play(
        "
        put a type=text/plain body=abcdef         => created a@6
        fork b from=a at=a@2                      => created b@2
        fork c from=a at=a@4                      => created c@4
        delete a                                  => done
        show c                                    => c@4 'abcd' records 1
        delete c                                  => done
        show b                                    => b@2 'ab' records 1
        fork d from=b at=a@1                      => created d@1
        delete b                                  => done
        show a                                    => deleted forks 1
        show b                                    => deleted forks 1
        show d                                    => d@1 'a' records 1
        delete d                                  => done
        show a                                    => absent
        ",
    );
}
