//! Metrics for Prometheus.

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// How often samples of histograms are moved from where they are recorded to where they are counted. Recorded ones take memory: at
/// 50,000 requests a second some megabytes until then.
const UPKEEP: Duration = Duration::from_secs(1);

/// Bounds of times, in seconds: from what a memory access costs a request to what a human gives up on.
const SECONDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0,
];

/// Bounds of counts.
const UNITS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0];

/// Keeps the metrics of this process, and writes them out.
#[derive(Clone, Debug)]
pub struct Exporter(PrometheusHandle);

/// Why there is no exporter.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be kept: {0}")]
pub struct ExporterError(String);

impl Exporter {
    /// Makes this the recorder of the whole process. To be called before an engine is started or a storage opened: what
    /// is counted before goes nowhere.
    ///
    /// # Errors
    /// When the process has another recorder already.
    pub fn install() -> Result<Self, ExporterError> {
        let failed = |error: &dyn std::fmt::Display| ExporterError(error.to_string());
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .and_then(|builder| {
                builder.set_buckets_for_metric(Matcher::Suffix("_units".to_owned()), UNITS)
            })
            .map_err(|error| failed(&error))?;
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|error| failed(&error))?;
        Ok(Self(handle))
    }

    /// Keeps the memory of histograms small for as long as it is polled.
    pub async fn upkeep(self) {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            self.0.run_upkeep();
        }
    }

    /// Everything, in the text format that Prometheus reads.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }
}
