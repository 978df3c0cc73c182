//! The allocator of the process: jemalloc, told to give memory back.
//!
//! Streams come in bursts and then rest. What a burst needed for a moment lies between what stays, and the allocators of the
//! C libraries keep nearly all of it: after 100,000 streams were created, 87 MB stayed with glibc's for 15 MB in use, 43 MB with this
//! one. It is a feature, so that whoever needs another one builds without.
#![expect(unsafe_code, reason = "jemalloc finds its settings by the name of a symbol")]

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// A thread of jemalloc's gives free memory back, also when nothing is allocated any more, and after one second in place of
/// ten. What threads keep for themselves is looked through once for each 256 KiB that they allocate, not each 64: that took
/// a fortieth of the instructions of an append. The variable `_RJEM_MALLOC_CONF` goes before this.
// SAFETY: jemalloc declares a symbol of this name as a pointer to a text that ends with a zero byte, and only reads it. A slice
// begins with its pointer, and the text is static.
#[unsafe(export_name = "_rjem_malloc_conf")]
static SETTINGS: &[u8] =
    b"background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0,tcache_gc_incr_bytes:262144\0";
