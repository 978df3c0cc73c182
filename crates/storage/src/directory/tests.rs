//! Directories that are new, ours, somebody else's, half-made, damaged, or in use.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::claim::parents_of_missing;
use super::manifest::{Manifest, NotAManifest};
use super::{Claimed, DataDir, Layout, OpenError, detect};

const LAYOUT: Layout = Layout { adapter: "test", format: 3, owns: &["data", "side"] };

fn made(path: &Path) {
    let Claimed::New(directory) = DataDir::claim(path, LAYOUT).unwrap() else { panic!("not new") };
    fs::create_dir(path.join("data")).unwrap();
    fs::write(path.join("data/file"), "content").unwrap();
    fs::write(path.join("side"), "content").unwrap();
    directory.finish().unwrap();
}

/// Every file and folder below a path, with its content.
fn content(path: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap().path();
        let name = entry.display().to_string();
        if entry.is_dir() {
            found.extend(content(&entry));
            found.insert(name, None);
        } else {
            found.insert(name, Some(fs::read(&entry).unwrap()));
        }
    }
    found
}

#[test]
fn a_directory_is_made_once_and_found_again() {
    let root = TempDir::new().unwrap();
    let path = root.path().join("deep/down");
    assert_eq!(detect(&path).unwrap(), None);
    made(&path);
    assert_eq!(detect(&path).unwrap().as_deref(), Some("test"));
    let claimed = DataDir::claim(&path, LAYOUT).unwrap();
    assert!(matches!(claimed, Claimed::Existing(_)), "{claimed:?}");
}

#[test]
fn an_empty_directory_and_a_fresh_volume_are_vacant() {
    for name in ["lost+found", "LOCK"] {
        let root = TempDir::new().unwrap();
        fs::create_dir(root.path().join("lost+found")).unwrap();
        fs::write(root.path().join("LOCK"), "").unwrap();
        fs::remove_dir(root.path().join("lost+found")).unwrap();
        if name == "lost+found" {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        assert_eq!(detect(root.path()).unwrap(), None, "{name}");
        made(root.path());
    }
}

#[test]
fn a_foreign_directory_stays_as_it_is() {
    let kinds: [&[(&str, &str)]; 6] = [
        &[("notes.txt", "mine")],
        &[(".hidden", "")],
        &[("LOCK", ""), ("data", "no folder")],
        &[("MANIFEST", "MANIFEST-000004\n"), ("CURRENT", "")],
        &[("MANIFEST.new", "headwater-data 1\nadapter te"), ("side", "")],
        &[("db", "a database"), ("conf", "segment_size: 524288")],
    ];
    for files in kinds {
        let root = TempDir::new().unwrap();
        for (name, text) in files {
            fs::write(root.path().join(name), text).unwrap();
        }
        let before = content(root.path());
        for error in
            [detect(root.path()).unwrap_err(), DataDir::claim(root.path(), LAYOUT).unwrap_err()]
        {
            assert!(matches!(error, OpenError::Foreign { .. }), "{files:?}: {error}");
        }
        assert_eq!(content(root.path()), before, "{files:?}");
    }
    let root = TempDir::new().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "a file").unwrap();
    let error = DataDir::claim(&file, LAYOUT).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}

#[test]
fn another_adapter_and_a_newer_format_are_named_and_left_alone() {
    let root = TempDir::new().unwrap();
    made(root.path());
    let before = content(root.path());
    let other = Layout { adapter: "other", ..LAYOUT };
    let error = DataDir::claim(root.path(), other).unwrap_err();
    assert!(error.to_string().contains("`test`"), "{error}");
    let older = Layout { format: 2, ..LAYOUT };
    let error = DataDir::claim(root.path(), older).unwrap_err();
    assert!(matches!(error, OpenError::NewerFormat { found: 3, known: 2, .. }), "{error}");
    assert_eq!(content(root.path()), before);
}

#[test]
fn an_unfinished_creation_is_begun_anew() {
    let root = TempDir::new().unwrap();
    let Claimed::New(directory) = DataDir::claim(root.path(), LAYOUT).unwrap() else { panic!() };
    fs::create_dir(root.path().join("data")).unwrap();
    fs::write(root.path().join("data/half"), "").unwrap();
    fs::write(root.path().join("side"), "half").unwrap();
    drop(directory);
    assert_eq!(detect(root.path()).unwrap(), None);
    let error = DataDir::claim(root.path(), Layout { adapter: "other", ..LAYOUT }).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    made(root.path());
    assert!(!root.path().join("data/half").exists());
    assert!(!root.path().join("MANIFEST.new").exists());
}

#[test]
fn a_claimed_directory_is_in_use_until_it_is_dropped() {
    let root = TempDir::new().unwrap();
    made(root.path());
    let held = DataDir::claim(root.path(), LAYOUT).unwrap();
    let start = Instant::now();
    let error = DataDir::claim(root.path(), LAYOUT).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    let waited = start.elapsed();
    assert!(waited >= Duration::from_secs(2) && waited < Duration::from_secs(20), "{waited:?}");
    drop(held);
    DataDir::claim(root.path(), LAYOUT).unwrap();
}

#[test]
fn every_directory_that_gets_a_new_name_is_synced() {
    let root = TempDir::new().unwrap();
    let root = root.path();
    let nested = root.join("a/b/c");
    assert_eq!(parents_of_missing(&nested), [&root.join("a/b"), &root.join("a"), root]);
    DataDir::claim(&nested, LAYOUT).unwrap();
    assert_eq!(parents_of_missing(&nested), [] as [&Path; 0]);
    assert_eq!(parents_of_missing(&root.join("a/d")), [root.join("a")]);
    // Nothing is created here: these names are only looked for.
    let working = Path::new(".");
    assert_eq!(parents_of_missing(Path::new("no/such")), [Path::new("no"), working]);
    assert_eq!(parents_of_missing(Path::new("./none")), [working]);
}

#[test]
fn the_manifest_is_these_bytes() {
    let manifest = Manifest { adapter: "sled".to_owned(), format: 1 };
    let text = "headwater-data 1\nadapter sled\nformat 1\nchecksum 1b08d033\n";
    assert_eq!(manifest.render(), text);
    assert_eq!(Manifest::parse(text.as_bytes()), Ok(manifest));
    let newer = b"headwater-data 2\nwhatever follows\n";
    assert_eq!(Manifest::parse(newer), Err(NotAManifest::Newer(2)));
}

#[test]
fn no_flipped_bit_and_no_cut_of_a_manifest_is_taken_for_one() {
    let whole = Manifest { adapter: "sled".to_owned(), format: 1 }.render().into_bytes();
    for len in 0..whole.len() {
        assert!(Manifest::parse(&whole[..len]).is_err(), "cut to {len}");
    }
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Manifest::parse(&flipped).is_err(), "bit {bit}");
    }
}
