//! Notices that configuration files have changed: by their content, since times of files lie (mounted volumes, restored
//! backups, editors that replace files).

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::DiskFiles;
use crate::config::Files;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    File(PathBuf),
    Folder(PathBuf),
}

/// Files on the local disk; remembers what was read, and tells whether it would be read differently now.
#[derive(Debug, Default)]
pub struct WatchedFiles {
    seen: Mutex<BTreeMap<Seen, u64>>,
}

impl WatchedFiles {
    /// Whether anything that was read or listed has changed since. Reads all of it.
    #[must_use]
    pub fn changed(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        seen.iter().any(|(what, &hash)| {
            let now = match what {
                Seen::File(path) => hash_of(&DiskFiles.read(path)),
                Seen::Folder(path) => hash_of(&listed(path)),
            };
            now != hash
        })
    }

    fn note(&self, what: Seen, hash: u64) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(what, hash);
    }
}

impl Files for WatchedFiles {
    fn read(&self, path: &Path) -> io::Result<String> {
        let text = DiskFiles.read(path);
        self.note(Seen::File(path.to_owned()), hash_of(&text));
        text
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let files = listed(folder);
        self.note(Seen::Folder(folder.to_owned()), hash_of(&files));
        files
    }
}

fn listed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = DiskFiles.list(folder)?;
    files.sort();
    Ok(files)
}

fn hash_of<T: std::hash::Hash>(outcome: &io::Result<T>) -> u64 {
    let mut hasher = DefaultHasher::new();
    outcome.as_ref().map_err(io::Error::kind).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn content_and_listing_count_and_times_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let (main, absent) = (folder.path().join("doorstep.yaml"), folder.path().join("absent.yaml"));
        fs::write(&main, "a: 1").unwrap();
        let watched = || {
            let files = WatchedFiles::default();
            files.read(&main).unwrap();
            assert!(files.read(&absent).is_err());
            files.list(folder.path()).unwrap();
            files
        };
        let files = watched();
        fs::write(&main, "a: 1").unwrap();
        assert!(!files.changed());
        fs::write(&main, "a: 2").unwrap();
        assert!(files.changed());
        let files = watched();
        fs::write(folder.path().join("new.yaml"), "").unwrap();
        assert!(files.changed());
        let files = watched();
        fs::write(&absent, "").unwrap();
        assert!(files.changed());
    }
}
