//! Configuration files on the local disk. Knows nothing of what is in them.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::config::Files;

/// A file is read up to this many bytes; the configuration refuses one of this size.
const MOST_BYTES: u64 = 2 * 1024 * 1024;

/// A file of data is read up to this many bytes.
const MOST_DATA: u64 = 256 * 1024 * 1024;

/// The local disk.
#[derive(Debug, Clone, Copy)]
pub struct DiskFiles;

impl Files for DiskFiles {
    fn read(&self, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        fs::File::open(path)?.take(MOST_BYTES).read_to_string(&mut text)?;
        Ok(text)
    }

    fn read_data(&self, path: &Path) -> io::Result<String> {
        let size = fs::metadata(path)?.len();
        if size > MOST_DATA {
            let why = format!("it has {size} bytes, more than the {MOST_DATA} that are read: add up its rows by hour");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        fs::read_to_string(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        // An empty folder part is the current folder; its entries keep the form in which the user names them.
        let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let mut files = Vec::new();
        for entry in fs::read_dir(place)? {
            let entry = entry?;
            if entry.path().is_file() {
                files.push(folder.join(entry.file_name()));
            }
        }
        Ok(files)
    }
}
