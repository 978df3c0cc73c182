//! The generator's runtime: one thread, and a deadline for everything that is done on it.

use std::time::Duration;

use anyhow::Context;

/// Runs `work` on this thread and gives up after `limit`.
pub(crate) fn run_bounded<T>(
    limit: Duration,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async { tokio::time::timeout(limit, work).await });
    // A task that hangs in a blocking call must not hold up the report.
    runtime.shutdown_background();
    done.with_context(|| format!("given up after {limit:?}"))?
}
