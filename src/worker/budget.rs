//! Budgets of an hour: at most so many wrong passwords per account, so that the prober never locks one, and at most so
//! many extra probes per flow.
//!
//! Each attempt is on disk before it is made, so that a restart, or a crash in the middle, cannot make one more. The file
//! is small and rewritten whole: one line per attempt of the last hour, `microseconds name`.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Why the budget cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    /// The file cannot be read or written.
    #[error("cannot keep the attempts of the last hour in {path}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A line is not what was written.
    #[error("{path}, line {line}: not a time and a name; remove the file when nothing was tried within the last hour")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
}

/// The attempts of the last hour, by account or by flow.
#[derive(Debug)]
pub struct Budget<N> {
    path: PathBuf,
    attempts: BTreeMap<N, Vec<Timestamp>>,
}

impl<N: Ord + Clone + Display + FromStr> Budget<N> {
    /// Reads the attempts that an earlier process made; no file: none.
    ///
    /// # Errors
    /// [`BudgetError`] when the file is there and cannot be read or understood.
    pub fn open(path: &Path) -> Result<Self, BudgetError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(cause) => return Err(BudgetError::Io { path: path.to_owned(), cause }),
        };
        let mut attempts: BTreeMap<N, Vec<Timestamp>> = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let (name, time) =
                parse(line).ok_or_else(|| BudgetError::Damaged { path: path.to_owned(), line: number + 1 })?;
            attempts.entry(name).or_default().push(time);
        }
        Ok(Self { path: path.to_owned(), attempts })
    }

    /// Takes one attempt out of the budget. False: the budget is spent, and nothing was taken.
    ///
    /// # Errors
    /// [`BudgetError`] when the attempt could not be made durable; it must not be made then.
    pub fn take(&mut self, name: &N, per_hour: u32, now: Timestamp) -> Result<bool, BudgetError> {
        // An attempt in the future (the clock was set back) still counts: too few attempts harm nobody.
        let recent = |time: &Timestamp| now.duration_since(*time) < HOUR;
        self.attempts.retain(|_, times| {
            times.retain(recent);
            !times.is_empty()
        });
        if self.attempts.get(name).map_or(0, Vec::len) >= per_hour as usize {
            return Ok(false);
        }
        self.attempts.entry(name.clone()).or_default().push(now);
        self.save().map_err(|cause| BudgetError::Io { path: self.path.clone(), cause })?;
        Ok(true)
    }

    fn save(&self) -> io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let fresh = self.path.with_extension("new");
        let mut file = File::create(&fresh)?;
        for (name, times) in &self.attempts {
            for time in times {
                writeln!(file, "{} {name}", time.as_microsecond())?;
            }
        }
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        File::open(folder)?.sync_all()
    }
}

fn parse<N: FromStr>(line: &str) -> Option<(N, Timestamp)> {
    let (micros, name) = line.split_once(' ')?;
    Some((name.parse().ok()?, Timestamp::from_microsecond(micros.parse().ok()?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AccountName;

    #[test]
    fn the_budget_survives_a_restart_and_refills_after_an_hour() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool/wrong-passwords");
        let [ada, bob] = ["ada", "bob"].map(|name| AccountName::new(name).unwrap());
        let start: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let at = |minutes| start + SignedDuration::from_mins(minutes);
        let mut lockout = Budget::<AccountName>::open(&path).unwrap();
        assert!(lockout.take(&ada, 2, at(0)).unwrap());
        assert!(lockout.take(&ada, 2, at(20)).unwrap());
        assert!(!lockout.take(&ada, 2, at(30)).unwrap());
        assert!(lockout.take(&bob, 2, at(30)).unwrap(), "accounts have budgets of their own");
        drop(lockout);
        let mut lockout = Budget::<AccountName>::open(&path).unwrap();
        assert!(!lockout.take(&ada, 2, at(59)).unwrap());
        assert!(lockout.take(&ada, 2, at(60)).unwrap());
        assert!(!lockout.take(&ada, 2, at(5)).unwrap(), "a clock that was set back gives no new attempts");
    }

    #[test]
    fn a_damaged_file_is_no_empty_budget() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wrong-passwords");
        fs::write(&path, "1795000000000000 ada\nrubbish\n").unwrap();
        let message = Budget::<AccountName>::open(&path).unwrap_err().to_string();
        assert!(message.contains("line 2"), "{message}");
    }

    #[test]
    fn an_attempt_that_cannot_be_kept_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let blocker = folder.path().join("file");
        fs::write(&blocker, "").unwrap();
        let mut lockout = Budget { path: blocker.join("wrong-passwords"), attempts: BTreeMap::new() };
        assert!(lockout.take(&AccountName::new("ada").unwrap(), 5, Timestamp::UNIX_EPOCH).is_err());
    }
}
