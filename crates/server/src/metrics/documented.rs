//! The page says what the code counts: every name, its kind and its meaning, of every crate.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use headwater_engine::{Engine, Options, SystemClock};
use headwater_storage::MemoryStorage;
use headwater_storage::journal::JournalStorage;
use headwater_storage::sled::SledStorage;
use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};

const PAGE: &str = include_str!("../../../../docs/metrics.md");

/// Takes down what is described.
#[derive(Default)]
struct Descriptions(Mutex<BTreeMap<String, (&'static str, String)>>);

impl Descriptions {
    fn note(&self, name: &KeyName, kind: &'static str, help: &SharedString) {
        let described = (kind, help.to_string());
        let mut all = self.0.lock().unwrap();
        let before = all.insert(name.as_str().to_owned(), described.clone());
        assert!(before.is_none_or(|before| before == described), "{name:?} has two meanings");
    }
}

impl Recorder for Descriptions {
    fn describe_counter(&self, name: KeyName, _: Option<Unit>, help: SharedString) {
        self.note(&name, "counter", &help);
    }

    fn describe_gauge(&self, name: KeyName, _: Option<Unit>, help: SharedString) {
        self.note(&name, "gauge", &help);
    }

    fn describe_histogram(&self, name: KeyName, _: Option<Unit>, help: SharedString) {
        self.note(&name, "histogram", &help);
    }

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn every_metric_is_documented_with_its_kind_and_meaning() {
    let described = Descriptions::default();
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    with_local_recorder(&described, || {
        runtime.block_on(async {
            let clock = Arc::new(SystemClock::new());
            let memory = Arc::new(MemoryStorage::new());
            let _engine = Engine::start(memory, clock, Options::default());
            let _server = super::Metrics::new();
            let sled = SledStorage::open(
                folder.path().join("data"),
                headwater_storage::sled::Options::default(),
            )
            .unwrap();
            headwater_core::Storage::close(&sled).await.unwrap();
            let journal = JournalStorage::open(
                folder.path().join("journal"),
                headwater_storage::journal::Options::default(),
            )
            .unwrap();
            headwater_core::Storage::close(&journal).await.unwrap();
        });
    });
    let described = described.0.into_inner().unwrap();
    let mut rows = vec!["| name | kind | meaning |".to_owned(), "|---|---|---|".to_owned()];
    for (name, (kind, help)) in &described {
        assert!(name.starts_with("headwater_"), "{name}");
        assert_eq!(name.ends_with("_total"), *kind == "counter", "{name}");
        rows.push(format!("| `{name}` | {kind} | {help} |"));
    }
    let table = rows.join("\n");
    assert!(PAGE.contains(&table), "docs/metrics.md should have this table:\n{table}");
}
