//! From the spans of `tracing` to a collector.
//!
//! Spans that end are put into a queue of bounded length; a thread of the library's takes them out in batches and hands them
//! to the [`Courier`]. Whoever ends a span never waits: where the queue is full, the span is dropped.
//!
//! The variables that OpenTelemetry defines for queue, sampling, resource and headers are honoured by the library. By default
//! a request that comes with a trace that its sender does not keep is not exported, and all others are.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::registry::LookupSpan;

use super::Endpoint;
use super::courier::Courier;
use crate::process::exit::{Exit, Failed};

/// What the targets of our spans begin with.
const OURS: &str = "headwater";

/// What the library says too, of every batch or of the end, and we have said: the [`Courier`] when exports begin to fail, and
/// [`Export::finish`].
const TOLD: [&str; 2] = ["BatchSpanProcessor.ExportError", "BatchSpanProcessor.Shutdown.Timeout"];

/// How long a batch is tried again. The standard's default.
const TRYING: Duration = Duration::from_secs(10);

/// Longest that the end of the process waits for the collector to take what is left: enough for one that is well, and not
/// much beside the time that requests in flight are given.
const LEAVING: Duration = Duration::from_secs(2);

/// An export that goes on.
#[derive(Debug)]
pub(in crate::process) struct Export {
    provider: SdkTracerProvider,
}

impl Export {
    /// Starts exporting what the [layer](Export::layer) is told.
    pub(in crate::process) fn start(endpoint: &Endpoint) -> Result<Self, Failed> {
        let courier = Courier::new(endpoint.to_string())
            .map_err(|error| Failed::new(Exit::Internal, format!("no export of spans: {error}")))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(courier)
            .with_endpoint(endpoint.traces())
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(TRYING)
            .build()
            // What it does not take comes from the variables that it reads itself.
            .map_err(|error| Failed::new(Exit::Usage, format!("export of spans: {error}")))?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource =
            Resource::builder().with_service_name("headwater").with_attribute(version).build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(exporter)
            .build();
        Ok(Self { provider })
    }

    /// Takes our spans, whatever is logged. Events are the log's.
    pub(in crate::process) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let ours = FilterFn::new(|of| of.is_span() && of.target().starts_with(OURS));
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(OURS))
            // Threads and lines of the source tell an operator nothing, and who is whose parent `tracing` knows.
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::DEBUG))
    }

    /// Whether the log is to have it, for all we know. How many spans were dropped only the library knows.
    pub(in crate::process) fn is_news(of: &Metadata<'_>) -> bool {
        !TOLD.contains(&of.name())
    }

    /// Hands over what is left, within [`LEAVING`].
    pub(in crate::process) fn finish(self) {
        if self.provider.shutdown_with_timeout(LEAVING).is_err() {
            warn!("the collector did not take the last spans in time");
        }
    }
}
