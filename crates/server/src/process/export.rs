//! Export of spans to a collector, by OTLP over HTTP.
//!
//! Two rooms, of which a program has one: `otlp`, with the feature `otel`, and `absent` without it, where there can be no
//! endpoint and so no export. The rest of the process need not know which.

#[cfg(not(feature = "otel"))]
mod absent;
#[cfg(feature = "otel")]
mod courier;
#[cfg(feature = "otel")]
mod endpoint;
#[cfg(feature = "otel")]
mod otlp;

#[cfg(not(feature = "otel"))]
pub(super) use absent::{Endpoint, Export};
#[cfg(feature = "otel")]
pub(super) use endpoint::Endpoint;
#[cfg(feature = "otel")]
pub(super) use otlp::Export;
