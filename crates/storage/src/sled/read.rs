//! Reading: pages of a stream, pages of a space, and the catalogue.
//!
//! Everything here looks at what is recent first, and at the database second, which is what makes it safe to do so
//! without holding anything still: see [`crate::local::recent`].

pub(super) mod catalogue;
pub(super) mod page;
mod rows;
pub(super) mod space;
