//! Whether what a subscriber got is what was published for it: each message once, in order, or counted in the gap where it would have been.

use headwater_fanout::Gap;

use crate::support::Got;

/// What was published: the number of each message, which is its sequence too, and whether it was for the subscriber.
#[derive(Clone, Debug, Default)]
pub(crate) struct Published {
    pub(crate) mine: Vec<bool>,
}

/// The first thing that is wrong, if anything is.
pub(crate) fn check(published: &Published, from: u64, to: u64, got: &[Got]) -> Result<(), String> {
    let is_mine = |number: u64| published.mine.get(number as usize).copied().unwrap_or(false);
    let count = |from: u64, to: u64| (from..to).filter(|number| is_mine(*number)).count() as u64;
    let mut at = from;
    for item in got {
        match *item {
            Got::Number(number) => {
                if number < at || !is_mine(number) {
                    return Err(format!("{number} is repeated, overtaken, or for others"));
                }
                if count(at, number) > 0 {
                    return Err(format!("something is missing before {number}"));
                }
                at = number + 1;
            }
            Got::Lost(Gap { from, to, messages }) => {
                if from < at || to < from {
                    return Err(format!("the gap {from}..{to} is not at {at}"));
                }
                if count(at, from) > 0 {
                    return Err(format!("something is missing before the gap at {from}"));
                }
                let lost = count(from, to);
                if messages != lost || messages == 0 {
                    return Err(format!("the gap {from}..{to} tells {messages} and not {lost}"));
                }
                at = to;
            }
        }
    }
    if count(at, to) > 0 { Err(format!("something is missing behind {at}")) } else { Ok(()) }
}
