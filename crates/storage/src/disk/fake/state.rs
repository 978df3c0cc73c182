//! The directory at one moment: what the running system sees, and what a crash would leave of it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::choice::Choice;
use super::content::Content;
use super::file::FileState;
use super::names::{FileId, Folder, Move, Names, Node};
use super::op::{Op, Outcome, Place};

/// Folders and files. Only [`apply`](Self::apply) changes it, so that walking over a history is the same as living it.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// By path, so that a folder comes before what is in it.
    folders: BTreeMap<PathBuf, Folder>,
    /// Also those without a name: they may be open, and their names may come back.
    files: BTreeMap<FileId, FileState>,
}

impl Default for State {
    fn default() -> Self {
        Self { folders: [(PathBuf::new(), Folder::default())].into(), files: BTreeMap::new() }
    }
}

impl State {
    /// Everything at rest.
    fn synced(names: BTreeMap<PathBuf, Names>, files: BTreeMap<FileId, Content>) -> Self {
        let folder = |(path, names)| (path, Folder::synced(names));
        let file = |(number, content)| (number, FileState::synced(content));
        Self {
            folders: names.into_iter().map(folder).collect(),
            files: files.into_iter().map(file).collect(),
        }
    }

    /// The same files and folders, with no past: what is seen is durable.
    pub(super) fn at_rest(&self) -> Self {
        self.image(&mut Choice::everything())
    }

    /// What a crash at this moment leaves.
    pub(super) fn image(&self, choice: &mut Choice) -> Self {
        let mut folders = BTreeMap::from([(PathBuf::new(), Names::default())]);
        let mut files = BTreeMap::new();
        for (path, folder) in &self.folders {
            if !folders.contains_key(path) {
                continue;
            }
            let names = folder.image(choice);
            for (name, node) in names.iter() {
                match node {
                    Node::Folder => {
                        folders.insert(path.join(&**name), Names::default());
                    }
                    Node::File(number) => {
                        let file = self.files.get(number).map(|file| file.image(choice));
                        files.extend(file.map(|content| (*number, content)));
                    }
                }
            }
            folders.insert(path.clone(), names);
        }
        Self::synced(folders, files)
    }

    pub(super) fn apply(&mut self, at: u64, op: &Op) {
        match op {
            Op::CreateFolder(place) => {
                self.name(at, place, None, Some(&place.name), Node::Folder);
                self.folders.insert(place.folder.join(&*place.name), Folder::default());
            }
            Op::Create(place, file) => {
                self.files.insert(*file, FileState::default());
                self.name(at, place, None, Some(&place.name), Node::File(*file));
            }
            Op::Rename(place, to) => self.rename(at, place, Some(to)),
            Op::Remove(place) => self.rename(at, place, None),
            Op::Write { file, offset, bytes } => {
                self.with(*file, |file| file.write(at, *offset, bytes))
            }
            Op::SyncData { file, began, outcome } => self.with(*file, |file| match outcome {
                Outcome::Done => file.synced_before(*began),
                Outcome::Failed => file.sync_failed(*began),
            }),
            Op::SyncFolder { folder, began, outcome } => {
                let folder = self.folders.get_mut(folder);
                match outcome {
                    Outcome::Done => folder.into_iter().for_each(|f| f.synced_before(*began)),
                    Outcome::Failed => folder.into_iter().for_each(|f| f.sync_failed(*began)),
                }
            }
            Op::Flip { file, offset, mask } => self.with(*file, |file| file.flip(*offset, *mask)),
            Op::Mark(_) => {}
        }
    }

    fn with(&mut self, file: FileId, change: impl FnOnce(&mut FileState)) {
        if let Some(file) = self.files.get_mut(&file) {
            change(file);
        }
    }

    fn rename(&mut self, at: u64, place: &Place, to: Option<&Arc<str>>) {
        if let Some(node) = self.node(place) {
            self.name(at, place, Some(&place.name), to, node);
        }
    }

    fn name(
        &mut self,
        at: u64,
        place: &Place,
        from: Option<&Arc<str>>,
        to: Option<&Arc<str>>,
        node: Node,
    ) {
        if let Some(folder) = self.folders.get_mut(&place.folder) {
            folder.change(at, Move { node, from: from.cloned(), to: to.cloned() });
        }
    }

    /// A folder's names.
    pub(super) fn names(&self, folder: &Path) -> io::Result<&Names> {
        match self.folders.get(folder) {
            Some(folder) => Ok(folder.live()),
            None => Err(self.find(folder).err().unwrap_or(io::ErrorKind::NotADirectory.into())),
        }
    }

    /// What a place holds.
    pub(super) fn node(&self, place: &Place) -> Option<Node> {
        self.folders.get(&place.folder)?.live().get(&place.name).copied()
    }

    /// The number of the file that has this path.
    pub(super) fn find(&self, path: &Path) -> io::Result<FileId> {
        let place = Place::of(path)?;
        match self.names(&place.folder)?.get(&place.name) {
            Some(Node::File(file)) => Ok(*file),
            Some(Node::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn file(&self, file: FileId) -> io::Result<&FileState> {
        self.files.get(&file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// A number that no file had yet.
    pub(super) fn unused(&self) -> FileId {
        self.files.last_key_value().map_or(0, |(last, _)| last + 1)
    }

    /// Folders but the outermost, outer ones first.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.keys().skip(1).map(PathBuf::as_path)
    }

    /// Paths of all files, and what they hold.
    pub(super) fn contents(&self) -> impl Iterator<Item = (PathBuf, &Content)> {
        self.folders.iter().flat_map(move |(path, folder)| {
            folder.live().iter().filter_map(move |(name, node)| match node {
                Node::File(file) => Some((path.join(&**name), self.files.get(file)?.live())),
                Node::Folder => None,
            })
        })
    }

    /// Bytes that files with names take.
    pub(super) fn used(&self) -> u64 {
        let named = self.folders.values().flat_map(|folder| folder.live().values());
        let file = |node: &Node| match node {
            Node::File(file) => self.files.get(file),
            Node::Folder => None,
        };
        named.filter_map(file).map(|file| file.live().used()).sum()
    }

    /// The same for the same names, sizes and bytes.
    pub(super) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.folders().for_each(|folder| folder.hash(&mut hasher));
        self.contents().for_each(|content| content.hash(&mut hasher));
        hasher.finish()
    }
}

impl Place {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let path = plain(path)?;
        let name = path.file_name().and_then(OsStr::to_str).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self { folder: path.parent().unwrap_or(Path::new("")).into(), name: name.into() })
    }
}

/// A path without detours.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] where it leads out of the directory.
pub(super) fn plain(path: &Path) -> io::Result<PathBuf> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        }
    }
    Ok(plain)
}
