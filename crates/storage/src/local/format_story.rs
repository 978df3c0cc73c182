//! What the stores hold that the tests of the disk formats have written down: something of everything.

use std::fmt::Write;
use std::sync::Arc;

use headwater_core::change::{Birth, Closed, PinChange, ProducerChange, Update};
use headwater_core::offset::LineageRange;
use headwater_core::{ContentType, Expiry, Lineage, Slot, StreamKey, StreamSeq, Tail, Timestamp};

use crate::testkit::sight::{Places, Sight};
use crate::testkit::{Harness, Rig, make};

fn key(path: &str) -> StreamKey {
    make::key(path).unwrap()
}

fn places() -> Places {
    Places {
        streams: ["plain", "s/text", "s/source", "s/fork", "s/gone", "t/empty"].map(key).to_vec(),
        spaces: ["", "s", "t"].map(str::to_owned).to_vec(),
        producers: ["p", "q"].map(|id| make::producer(id).unwrap()).to_vec(),
    }
}

/// What is packed.
fn first_half(rig: &Rig<'_>) {
    rig.create(&key("plain"), make::birth()).unwrap();
    rig.append(&key("plain"), make::batch(1, &[3, 0, 5000, 7]).unwrap()).unwrap();
    let birth = Birth {
        content_type: ContentType::parse("text/plain; charset=utf-8").unwrap(),
        expiry: Expiry::Ttl(60),
        batch: Some(make::tagged(make::pattern(2, 20), "kind", "first").unwrap()),
        at: Timestamp(1_000),
        ..make::birth()
    };
    rig.create(&key("s/text"), birth).unwrap();
    let row = ProducerChange::Introduce(make::producer("p").unwrap(), make::row(1, 0).unwrap());
    let update = Update {
        stream_seq: Some(StreamSeq::new(b"00012").unwrap()),
        closed: Some(Arc::new(Closed { by: None })),
        used_at: Some(Timestamp(2_000)),
        ..make::produced(make::batch(3, &[4]).unwrap(), row)
    };
    rig.update(&key("s/text"), update).unwrap();
    rig.create(&key("s/source"), make::birth()).unwrap();
    rig.append(&key("s/source"), make::batch(4, &[30, 30]).unwrap()).unwrap();
    let state = rig.live(&key("s/source")).unwrap();
    let at = Tail { position: 45, sequence: 2 };
    let fork = Birth {
        batch: Some(make::batch(5, &[9]).unwrap()),
        ..make::fork_birth(&key("s/source"), &state, at)
    };
    let pin = make::pin(&key("s/source"), state.version(), PinChange::Add(45));
    rig.unit([make::creation(&key("s/fork"), fork), pin]).unwrap();
    let version = rig.version(&key("s/source")).unwrap();
    rig.unit([make::soft_deletion(&key("s/source"), version)]).unwrap();
    rig.create(&key("s/gone"), make::birth()).unwrap();
    rig.append(&key("s/gone"), make::batch(6, &[10]).unwrap()).unwrap();
    rig.create(&key("t/empty"), make::birth()).unwrap();
    rig.create(&key("chain"), chain()).unwrap();
}

/// More inherited ranges than a state row holds.
fn chain() -> Birth {
    let range = |n: u64| LineageRange { lineage: Lineage(n + 1), from: n * 2, to: n * 2 + 2 };
    Birth {
        inherited: (0..50).map(range).collect(),
        base: Tail { position: 100, sequence: 50 },
        ..make::birth()
    }
}

/// What is not packed.
fn second_half(rig: &Rig<'_>) {
    rig.append(&key("plain"), make::batch(7, &[11]).unwrap()).unwrap();
    let row = ProducerChange::Advance(make::producer("p").unwrap(), make::row(1, 1).unwrap());
    rig.update(&key("s/text"), Update { producer: Some(row), ..Update::default() }).unwrap();
    rig.unit([make::removal(&key("s/gone"), rig.version(&key("s/gone")).unwrap())]).unwrap();
    let birth = Birth { expiry: Expiry::At(Timestamp(9_000)), ..make::birth() };
    rig.create(&key("s/gone"), birth).unwrap();
}

/// What is seen of all of it.
pub(crate) fn sight(rig: &Rig<'_>) -> (Sight, Slot) {
    (places().look(rig).unwrap(), rig.slot(&key("chain")).unwrap())
}

/// What is seen when both halves were told, the second one after the store was opened again.
pub(crate) fn told(harness: &dyn Harness) -> (Sight, Slot) {
    let mut rig = Rig::open(harness).unwrap();
    first_half(&rig);
    rig.reopen().unwrap();
    second_half(&rig);
    sight(&rig)
}

/// As two digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The bytes of such digits.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
