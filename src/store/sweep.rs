//! What a kill leaves in a folder: files that were being written, under names that no reader looks at (`<name>#<number>`).
//! A bucket has none: a put that does not end leaves nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::error::Error;
use super::key::{DAY, LIVE, ROLLUP};
use super::objects::Store;
use crate::model::VantageName;

/// No write takes so long: a file that is older is nobody's.
const ABANDONED: SignedDuration = SignedDuration::from_hours(24);

impl Store {
    /// Removes what kills left of runs of these vantages, all where the list is empty, more than a day ago; how many.
    ///
    /// # Errors
    /// [`Error::File`] when a folder cannot be listed or a file not removed.
    pub async fn sweep(&self, vantages: &[VantageName], now: Timestamp) -> Result<u64, Error> {
        let Some(root) = self.folder.clone() else { return Ok(0) };
        let tops: Vec<PathBuf> = [LIVE, DAY, ROLLUP].iter().map(|top| root.join(top)).collect();
        let wanted = vantages.to_vec();
        let swept = tokio::task::spawn_blocking(move || {
            let mut removed = 0;
            for vantage in tops.iter().map(|top| entries(top)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
                let name = vantage.file_name().and_then(|name| name.to_str());
                if wanted.is_empty() || wanted.iter().any(|wanted| Some(wanted.as_str()) == name) {
                    for date in entries(&vantage)? {
                        removed += sweep_folder(&date, now)?;
                    }
                }
            }
            Ok(removed)
        });
        let failed = |panic: tokio::task::JoinError| Err(Error::file("sweep", &root)(io::Error::other(panic)));
        swept.await.unwrap_or_else(failed)
    }
}

fn sweep_folder(folder: &Path, now: Timestamp) -> Result<u64, Error> {
    let mut removed = 0;
    for path in entries(folder)?.iter().filter(|path| is_staged(path)) {
        let written = match fs::metadata(path).and_then(|about| about.modified()) {
            Ok(written) => Timestamp::try_from(written).unwrap_or(now),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::file("look at", path)(error)),
        };
        if now.duration_since(written) > ABANDONED {
            fs::remove_file(path).map_err(Error::file("remove", path))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether a file is one that is not written to its end: its object would be named without `#<number>`.
fn is_staged(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.rsplit_once('#'));
    name.is_some_and(|(object, number)| {
        object.ends_with(".parquet") && !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// What lies right in a folder; nothing when there is no such folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = Error::file("list the folder", folder);
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>().map_err(failed),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::model::StoreLocation;

    #[tokio::test]
    async fn only_what_a_kill_left_long_ago_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreLocation::Folder(folder.path().to_owned())).unwrap();
        let berlin = folder.path().join("v1/day/berlin/2026-11-22");
        let tokyo = folder.path().join("v1/live/tokyo/2026-11-22");
        for folder in [&berlin, &tokyo] {
            fs::create_dir_all(folder).unwrap();
            for name in ["a.parquet", "a.parquet#1", "b.parquet#x", "#2"] {
                fs::write(folder.join(name), "").unwrap();
            }
        }
        let now = Clock::system().now();
        assert_eq!(store.sweep(&[], now).await.unwrap(), 0, "somebody may be writing it");
        let later = now + SignedDuration::from_hours(25);
        assert_eq!(store.sweep(&["berlin".parse().unwrap()], later).await.unwrap(), 1);
        assert_eq!(store.sweep(&[], later).await.unwrap(), 1);
        for folder in [berlin, tokyo] {
            let mut left: Vec<_> =
                entries(&folder).unwrap().iter().map(|path| path.file_name().unwrap().to_owned()).collect();
            left.sort();
            assert_eq!(left, ["#2", "a.parquet", "b.parquet#x"]);
        }
        assert_eq!(Store::in_memory().sweep(&[], later).await.unwrap(), 0);
    }
}
