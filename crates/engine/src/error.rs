//! What an operation can fail with beside its own refusals.

use headwater_core::storage::{Refusal, StorageError};
use headwater_core::{AccessError, AppendError, Code, CreateError};

/// The engine could not do or could not answer it. Nothing happened, except where a variant says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// It may or may not have happened.
    #[error("the request may or may not have taken effect")]
    Unknown,
    /// As many bytes are in flight as are allowed. Trying again helps.
    #[error("too much is in flight at the moment")]
    Overloaded,
    /// As many bytes are read and not sent as are allowed. Trying again helps.
    #[error("too much is being read at the moment")]
    Crowded,
    /// It alone takes more memory than may be in flight. Trying again does not help.
    #[error("it takes more memory than may be in flight at all")]
    TooLarge,
    /// Other writers changed the stream each time it was decided. Trying again helps.
    #[error("too many others change the stream at the moment")]
    Contended,
    /// No room.
    #[error("the storage is full")]
    Full,
    /// An earlier write failed.
    #[error("an earlier write failed; the server must be restarted")]
    Poisoned,
    /// Stored data is damaged.
    #[error("stored data is damaged: {0}")]
    Corrupt(String),
    /// Stored data could not be read.
    #[error("stored data could not be read: {0}")]
    Unavailable(String),
    /// The engine is stopping.
    #[error("the server is stopping")]
    Draining,
}

impl ServiceError {
    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unknown => Code::UnknownOutcome,
            Self::Overloaded | Self::Crowded | Self::Contended => Code::Overloaded,
            Self::TooLarge => Code::TooLarge,
            Self::Full => Code::StorageFull,
            Self::Poisoned => Code::StoragePoisoned,
            Self::Corrupt(_) => Code::Corrupt,
            Self::Unavailable(_) => Code::Internal,
            Self::Draining => Code::Draining,
        }
    }
}

impl From<Refusal> for ServiceError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full => Self::Full,
            Refusal::Poisoned => Self::Poisoned,
            Refusal::Unreadable => Self::Unavailable(refusal.to_string()),
            Refusal::Closed => Self::Draining,
        }
    }
}

impl From<StorageError> for ServiceError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Corrupt(what) => Self::Corrupt(what),
            StorageError::Unavailable(what) => Self::Unavailable(what),
            StorageError::Gone => Self::Unavailable("the range is no longer stored".into()),
            StorageError::Closed => Self::Draining,
        }
    }
}

/// Why an operation failed: refused by the rules, or not possible at the moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure<E> {
    /// The rules refuse it. Durable and true at the time of the answer.
    #[error(transparent)]
    Refused(E),
    /// The service could not.
    #[error(transparent)]
    Service(ServiceError),
}

impl<E> From<ServiceError> for Failure<E> {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl<E> From<StorageError> for Failure<E> {
    fn from(error: StorageError) -> Self {
        Self::Service(error.into())
    }
}

macro_rules! codes {
    ($($error:ty),*) => {$(
        impl Failure<$error> {
            /// The code.
            #[must_use]
            pub fn code(&self) -> Code {
                match self {
                    Self::Refused(error) => error.code(),
                    Self::Service(error) => error.code(),
                }
            }
        }
    )*};
}

codes!(CreateError, AppendError, AccessError);
