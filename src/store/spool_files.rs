//! The files of a spool folder: their names, what they hold, and how they are made durable and removed. Knows no
//! writer and no store.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Error;
use super::journal;
use super::key::Sequence;
use super::payload::Payload;

const EXTENSION: &str = "journal";
const COUNTER: &str = "next";

/// One file of a spool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SpoolFile {
    pub(super) sequence: Sequence,
    pub(super) path: PathBuf,
}

impl SpoolFile {
    /// The file with this sequence in `dir`.
    pub(super) fn new(dir: &Path, sequence: Sequence) -> Self {
        Self { sequence, path: dir.join(format!("{sequence}.{EXTENSION}")) }
    }
}

/// All files of a spool in the order of recording. Empty when the folder does not exist.
pub(super) fn list(dir: &Path) -> Result<Vec<SpoolFile>, Error> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::file("list the folder", dir)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::file("list the folder", dir))?.path();
        let is_journal = path.extension().is_some_and(|extension| extension == EXTENSION);
        let sequence = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if let (true, Some(sequence)) = (is_journal, sequence) {
            files.push(SpoolFile { sequence, path });
        }
    }
    files.sort();
    Ok(files)
}

/// What one spool file holds.
#[derive(Debug)]
pub(super) struct Content<T> {
    pub(super) items: Vec<T>,
    pub(super) damaged: usize,
}

/// Reads a spool file whole. `None` when it is gone, since it was shipped in the meantime.
pub(super) fn read<T: Payload>(file: &SpoolFile) -> Result<Option<Content<T>>, Error> {
    let Some(bytes) = bytes(file)? else { return Ok(None) };
    let scan = journal::scan(&bytes);
    refuse_newer(file, scan.newer)?;
    let decode = |payload: &&[u8]| {
        T::decode(payload).map_err(|source| Error::Record { path: file.path.clone(), source: Arc::new(source) })
    };
    let items = scan.payloads.iter().map(decode).collect::<Result<_, _>>()?;
    Ok(Some(Content { items, damaged: scan.damaged }))
}

/// How many records a file holds, and how many bytes after and between them belong to none.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) records: usize,
    pub(super) torn: usize,
    pub(super) damaged: usize,
}

/// Counts the records of a file.
pub(super) fn count(file: &SpoolFile) -> Result<Count, Error> {
    let Some(bytes) = bytes(file)? else { return Ok(Count::default()) };
    let scan = journal::scan(&bytes);
    refuse_newer(file, scan.newer)?;
    Ok(Count { records: scan.payloads.len(), torn: scan.torn, damaged: scan.damaged })
}

fn bytes(file: &SpoolFile) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(&file.path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("read", &file.path)(error)),
    }
}

fn refuse_newer(file: &SpoolFile, newer: Option<String>) -> Result<(), Error> {
    newer.map_or(Ok(()), |found| {
        Err(Error::Newer { what: file.path.display().to_string(), found, known: journal::VERSION })
    })
}

/// Removes a file that is not needed any more. After a crash it may be back; shipping it again does no harm.
pub(super) fn remove(file: &SpoolFile) -> Result<(), Error> {
    match fs::remove_file(&file.path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("remove", &file.path)(error)),
        _ => Ok(()),
    }
}

/// Keeps a file whose middle is damaged, under a name that is not read again: its good records are in the store, and
/// whoever looks after the disk wants to see the rest.
pub(super) fn set_aside(file: &SpoolFile) -> Result<(), Error> {
    fs::rename(&file.path, file.path.with_extension("damaged")).map_err(Error::file("rename", &file.path))
}

/// Creates a folder and everything above it, durably.
pub(super) fn create_folder(dir: &Path) -> Result<(), Error> {
    let missing: Vec<&Path> =
        dir.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    fs::create_dir_all(dir).map_err(Error::file("create the folder", dir))?;
    for created in missing {
        let parent = created.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_folder(parent.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|folder| folder.sync_all()).map_err(Error::file("sync the folder", dir))
}

/// The counter for the next file; 0 when it was never written or cannot be read as a number. Names of files that exist
/// and the random part of the sequence guard against a counter that was lost.
pub(super) fn read_counter(dir: &Path) -> u64 {
    fs::read_to_string(dir.join(COUNTER)).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// Stores the counter durably.
pub(super) fn write_counter(dir: &Path, next: u64) -> Result<(), Error> {
    let path = dir.join(COUNTER);
    let staged = dir.join(format!("{COUNTER}.new"));
    let write = || {
        let mut file = File::create(&staged)?;
        writeln!(file, "{next}")?;
        file.sync_all()?;
        fs::rename(&staged, &path)
    };
    write().map_err(Error::file("write", &path))
}
