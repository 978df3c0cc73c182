//! What is to be said about some streams only, behind their state or their creation.

use std::num::NonZeroU64;
use std::sync::Arc;

use headwater_core::change::Birth;
use headwater_core::offset::Renewal;
use headwater_core::retention::{ChosenBy, Policy, Retained, Retention};
use headwater_core::{Lineage, StreamState, Timestamp};
use serde::{Deserialize, Serialize};

use super::Unacceptable;

/// About a stream: its renewals, and its policy of retention.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredMore {
    renewals: Vec<StoredRenewal>,
    retained: Option<StoredRetained>,
}

/// About a creation: the renewals of what it inherits, and its policy of retention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredBirthMore {
    renewals: Vec<StoredRenewal>,
    policy: Option<StoredPolicy>,
}

/// Lineage and first position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredRenewal(u64, u64);

/// A policy of retention: bytes, seconds, and whether the request chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredPolicy {
    bytes: Option<u64>,
    seconds: Option<u64>,
    by: StoredChosenBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum StoredChosenBy {
    Request,
    Surroundings,
}

/// A policy, and how far it was followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredRetained {
    policy: StoredPolicy,
    oldest: u64,
}

impl StoredMore {
    /// What there is to say about a stream, if there is anything.
    pub(super) fn of(state: &StreamState) -> Option<Self> {
        let renewals = stored_renewals(state.ranges.renewals());
        let retained = state.retained.as_deref().copied().map(Into::into);
        let more = Self { renewals, retained };
        (more != Self::default()).then_some(more)
    }

    pub(super) fn renewals(&self) -> Arc<[Renewal]> {
        renewals(&self.renewals)
    }

    pub(super) fn retained(&self) -> Result<Option<Retained>, Unacceptable> {
        self.retained.map(StoredRetained::into_retained).transpose()
    }
}

impl StoredBirthMore {
    /// What there is to say about a creation, if there is anything.
    pub(super) fn of(birth: &Birth) -> Option<Self> {
        let renewals = stored_renewals(&birth.renewals);
        let policy = birth.policy.map(Into::into);
        (!renewals.is_empty() || policy.is_some()).then_some(Self { renewals, policy })
    }

    pub(super) fn into_parts(self) -> Result<(Arc<[Renewal]>, Option<Policy>), Unacceptable> {
        let policy = self.policy.map(StoredPolicy::into_policy).transpose()?;
        Ok((renewals(&self.renewals), policy))
    }
}

fn stored_renewals(renewals: &[Renewal]) -> Vec<StoredRenewal> {
    renewals.iter().map(|renewal| StoredRenewal(renewal.lineage.0, renewal.from)).collect()
}

fn renewals(stored: &[StoredRenewal]) -> Arc<[Renewal]> {
    let renewal = |&StoredRenewal(lineage, from)| Renewal { lineage: Lineage(lineage), from };
    stored.iter().map(renewal).collect()
}

impl From<Policy> for StoredPolicy {
    fn from(Policy { retention, by }: Policy) -> Self {
        let by = match by {
            ChosenBy::Request => StoredChosenBy::Request,
            ChosenBy::Surroundings => StoredChosenBy::Surroundings,
        };
        let number = |limit: Option<NonZeroU64>| limit.map(NonZeroU64::get);
        Self { bytes: number(retention.bytes), seconds: number(retention.seconds), by }
    }
}

impl StoredPolicy {
    fn into_policy(self) -> Result<Policy, Unacceptable> {
        let limit = |limit: Option<u64>| {
            limit.map(|limit| NonZeroU64::new(limit).ok_or(Unacceptable)).transpose()
        };
        let retention = Retention { bytes: limit(self.bytes)?, seconds: limit(self.seconds)? };
        let by = match self.by {
            StoredChosenBy::Request => ChosenBy::Request,
            StoredChosenBy::Surroundings => ChosenBy::Surroundings,
        };
        Ok(Policy { retention, by })
    }
}

impl From<Retained> for StoredRetained {
    fn from(Retained { policy, oldest }: Retained) -> Self {
        Self { policy: policy.into(), oldest: oldest.0 }
    }
}

impl StoredRetained {
    fn into_retained(self) -> Result<Retained, Unacceptable> {
        Ok(Retained { policy: self.policy.into_policy()?, oldest: Timestamp(self.oldest) })
    }
}
