#![doc = include_str!("../README.md")]

mod audience;
mod groups;
mod limits;
mod log;
mod message;
mod parked;
mod policy;
mod roster;
mod runs;
mod state;
mod subscriber;
mod sync;
mod window;

pub use audience::{Audience, SubscriberId};
pub use limits::Limits;
pub use log::{Log, PublishError, SendError};
pub use message::{Message, Park};
pub use policy::{End, Policy, Standing};
pub use roster::{Flight, Roster};
pub use runs::{Delivery, Gap, Taken};
pub use state::{Handed, Numbers, Slow, Spell};
pub use subscriber::{Subscriber, Took};
