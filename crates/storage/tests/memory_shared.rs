//! The memory adapter in shared mode keeps the contract, reopened handles and several writers included.

headwater_storage::conformance!(headwater_storage::testkit::Shared::default());
headwater_storage::several_writers!(headwater_storage::testkit::Shared::default());
