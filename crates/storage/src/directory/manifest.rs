//! The manifest: four lines of text, so that a person who finds the directory can tell what it is.
//!
//! ```text
//! headwater-data 1
//! adapter sled
//! format 1
//! checksum 1b08d033
//! ```

/// How a manifest begins, followed by the version of the manifest's own form.
const MAGIC: &str = "headwater-data ";

/// The only form there is so far.
const FORM: u32 = 1;

/// What a manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    /// Who keeps its data here.
    pub(super) adapter: String,
    /// The version of the adapter's format.
    pub(super) format: u32,
}

/// Why a file named `MANIFEST` is not one that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotAManifest {
    /// Some other program's.
    Foreign,
    /// Ours, in a form of a later version.
    Newer(u32),
    /// Ours, and damaged.
    Damaged,
}

impl Manifest {
    /// The file's content.
    pub(super) fn render(&self) -> String {
        let said = format!("{MAGIC}{FORM}\nadapter {}\nformat {}\n", self.adapter, self.format);
        format!("{said}checksum {:08x}\n", crc32c::crc32c(said.as_bytes()))
    }

    /// Reads the file's content.
    pub(super) fn parse(content: &[u8]) -> Result<Self, NotAManifest> {
        if !content.starts_with(MAGIC.as_bytes()) {
            return Err(NotAManifest::Foreign);
        }
        let text = str::from_utf8(content).map_err(|_| NotAManifest::Damaged)?;
        let mut lines = text.lines();
        let mut field = |name: &str| lines.next().and_then(|line| line.strip_prefix(name));
        let form = field(MAGIC).and_then(|form| form.parse().ok()).ok_or(NotAManifest::Damaged)?;
        if form > FORM {
            return Err(NotAManifest::Newer(form));
        }
        let adapter = field("adapter ").ok_or(NotAManifest::Damaged)?.to_owned();
        let format = field("format ").and_then(|format| format.parse().ok());
        let manifest = Self { adapter, format: format.ok_or(NotAManifest::Damaged)? };
        // Comparing with what would have been written also covers the checksum, and allows one spelling only.
        if manifest.render() == text { Ok(manifest) } else { Err(NotAManifest::Damaged) }
    }
}
