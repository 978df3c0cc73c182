//! Reading: pages of a stream, pages of a space, and the catalogue.
//!
//! Everything here looks at what is recent first, and at the packed rows second, which is what makes it safe to do so without
//! holding anything still: see [`super::recent`].

pub(crate) mod catalogue;
pub(crate) mod page;
pub(crate) mod rows;
pub(crate) mod space;
