//! The append-only folder of checkpoints: what lies outside of the database's reach.
//!
//! `<folder>/<log id>/<size>.checkpoint` is the signed note, `<size>.leaves` the hashes of the leaves
//! that it added, 32 bytes each, and `<key id>.pub` the verifier key. A file is made once, whole (written
//! beside, synced, linked to its name), and never again: where one is there with other bytes, somebody
//! has rewritten history, and nothing more is written until people have looked.

use super::note::VerifierKey;
use super::tree::Hash;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

const CHECKPOINT: &str = "checkpoint";
const LEAVES: &str = "leaves";
const KEY: &str = "pub";

#[derive(Debug, Error)]
pub enum FolderError {
    #[error("{doing} {path}")]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{0} holds something else than the database: keep both, and let people look")]
    Differs(PathBuf),
}

fn failed<'a>(
    doing: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> FolderError + use<'a> {
    move |source| FolderError::File { doing, path: path.to_owned(), source }
}

/// The folder of one log.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder of a log below the configured one; made where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(folder: &Path, log: &str) -> Result<Self, FolderError> {
        let path = folder.join(log);
        fs::create_dir_all(&path).map_err(failed("making", &path))?;
        Ok(Self(path))
    }

    /// A folder to read, which somebody named.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self, size: u64, kind: &str) -> PathBuf {
        self.0.join(format!("{size:020}.{kind}"))
    }

    /// The sizes that have a checkpoint here, in their order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn sizes(&self) -> Result<Vec<u64>, FolderError> {
        let mut sizes = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(failed("reading", &self.0))? {
            let path = entry.map_err(failed("reading", &self.0))?.path();
            let is_checkpoint = path.extension().is_some_and(|kind| kind == CHECKPOINT);
            let size: Option<u64> = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            sizes.extend(size.filter(|_| is_checkpoint));
        }
        sizes.sort_unstable();
        Ok(sizes)
    }

    /// Puts a checkpoint and its leaves here. That they are here already is as good; the note comes
    /// last, so that whoever finds it finds the leaves.
    ///
    /// # Errors
    /// When a file cannot be written, or is there with other bytes.
    pub fn put(&self, size: u64, note: &str, leaves: &[u8]) -> Result<(), FolderError> {
        put_once(&self.file(size, LEAVES), leaves)?;
        put_once(&self.file(size, CHECKPOINT), note.as_bytes())
    }

    /// Puts the verifier key here, beside those that signed before it.
    ///
    /// # Errors
    /// As [`Folder::put`].
    pub fn put_key(&self, key: &VerifierKey) -> Result<(), FolderError> {
        let path = self.0.join(format!("{}.{KEY}", key.id()));
        put_once(&path, format!("{key}\n").as_bytes())
    }

    /// The files of the verifier keys that are here.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn key_files(&self) -> Result<Vec<PathBuf>, FolderError> {
        let entries = fs::read_dir(&self.0).map_err(failed("reading", &self.0))?;
        let paths = entries.flatten().map(|entry| entry.path());
        Ok(paths.filter(|path| path.extension().is_some_and(|kind| kind == KEY)).collect())
    }

    /// The verifier keys that are here; a file that holds none is passed over.
    ///
    /// # Errors
    /// When the folder or a file cannot be read.
    pub fn keys(&self) -> Result<Vec<VerifierKey>, FolderError> {
        let mut keys = Vec::new();
        for path in self.key_files()? {
            let text = fs::read_to_string(&path).map_err(failed("reading", &path))?;
            keys.extend(VerifierKey::parse(&text));
        }
        Ok(keys)
    }

    /// The note of a size; bytes that are no text are told as such.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn note(&self, size: u64) -> Result<String, FolderError> {
        let path = self.file(size, CHECKPOINT);
        let bytes = fs::read(&path).map_err(failed("reading", &path))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The leaf hashes that the checkpoint of a size added; none where they are not here, or are no
    /// hashes.
    pub fn leaves(&self, size: u64) -> Option<Vec<Hash>> {
        hashes(&fs::read(self.file(size, LEAVES)).ok()?)
    }
}

/// Hashes that stand one after the other.
pub fn hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    bytes.chunks(32).map(|hash| hash.try_into().ok()).collect()
}

fn put_once(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    match fs::read(path) {
        Ok(there) if there == bytes => return Ok(()),
        Ok(_) => return Err(FolderError::Differs(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (),
        Err(error) => return Err(failed("reading", path)(error)),
    }
    // Whole or not at all: a process that dies here leaves a file that nobody reads.
    let unfinished = path.with_extension(format!("unfinished-{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&unfinished)
        .map_err(failed("making", &unfinished))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed("writing", &unfinished))?;
    // A link, not a rename: it never takes the place of a file that is there.
    let linked = fs::hard_link(&unfinished, path);
    fs::remove_file(&unfinished).map_err(failed("removing", &unfinished))?;
    match linked {
        Ok(()) => (),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return put_once(path, bytes),
        Err(error) => return Err(failed("making", path)(error)),
    }
    let folder = path.parent().unwrap_or(path);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("syncing", folder))
}
