//! The memory adapter with one writer keeps the contract.

headwater_storage::conformance!(headwater_storage::testkit::SoleMemory);
