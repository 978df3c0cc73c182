//! The checker sees each fault that a log could have.

use headwater_fanout::Gap;

use crate::checker::{Published, check};
use crate::support::{Got, numbers};

#[test]
fn each_planted_fault_is_seen() {
    let published = Published { mine: vec![true, true, false, true, true, true] };
    let gap = |from, to, messages| Got::Lost(Gap { from, to, messages });
    let good = [numbers([0, 1]), vec![gap(2, 4, 1)], numbers([4, 5])].concat();
    assert_eq!(check(&published, 0, 6, &good), Ok(()));
    for (fault, got) in [
        ("one is missing", numbers([0, 3, 4, 5])),
        ("the first is missing", numbers([1, 3, 4, 5])),
        ("the last is missing", numbers([0, 1, 3, 4])),
        ("one comes twice", numbers([0, 1, 1, 3, 4, 5])),
        ("two are swapped", numbers([0, 3, 1, 4, 5])),
        ("one is for others", numbers([0, 1, 2, 3, 4, 5])),
        ("a gap tells too few", [numbers([0]), vec![gap(1, 4, 1)], numbers([4, 5])].concat()),
        ("a gap tells too many", [numbers([0]), vec![gap(1, 4, 3)], numbers([4, 5])].concat()),
        ("a gap repeats", [numbers([0, 1]), vec![gap(1, 4, 2)], numbers([4, 5])].concat()),
        ("something before a gap", [numbers([0]), vec![gap(2, 4, 1)], numbers([4, 5])].concat()),
        ("an empty gap", [numbers([0, 1]), vec![gap(2, 3, 0)], numbers([3, 4, 5])].concat()),
    ] {
        assert!(check(&published, 0, 6, &got).is_err(), "{fault}");
    }
}
