//! The metrics of a server, as they are scraped.

use std::collections::BTreeMap;

use crate::server::Server;

impl Server {
    /// All samples, by name and labels as they are written.
    ///
    /// # Panics
    /// When they cannot be had or read.
    #[track_caller]
    pub fn samples(&self) -> BTreeMap<String, f64> {
        let reply = self.operate("/metrics").send().expect(200);
        let lines = reply.text().lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            (name.to_owned(), value.parse().expect("a number"))
        };
        lines.map(sample).collect()
    }

    /// One sample, by name and labels as they are written.
    ///
    /// # Panics
    /// When there is no such sample.
    #[track_caller]
    pub fn sample(&self, name: &str) -> f64 {
        self.samples().get(name).copied().unwrap_or_else(|| panic!("no metric {name}"))
    }

    /// How often a limit has refused or cut.
    ///
    /// # Panics
    /// When there is no such limit.
    #[track_caller]
    pub fn refusals(&self, limit: &str) -> f64 {
        self.sample(&format!("headwater_refusals_total{{limit=\"{limit}\"}}"))
    }
}
