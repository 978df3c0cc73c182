//! Following a stream, whichever way it is told.

use headwater_core::AccessError;
use headwater_engine::{Failure, Step, Tail};

use crate::request::read::Form;

/// What comes next, with what the form asks for.
pub(crate) async fn next(tail: &mut Tail, form: Form) -> Result<Step, Failure<AccessError>> {
    match form {
        Form::Payload => tail.next().await,
        Form::Envelopes => Ok(tail.news().await),
    }
}
