//! The demo's files: a configuration as a user would write it, with the sandbox's address filled in.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::DemoError;
use crate::sandbox::StandardUsers;

const SITE: &str = include_str!("doorstep.yaml");
const FLOW: &str = include_str!("shop-login.yaml");
const SCRIPT: &str = include_str!("faults.yaml");
/// What is removed before a new demo; its presence marks a folder as the demo's.
const OWN: [&str; 4] = ["store", "spool", "report", "truth.jsonl"];

/// Makes the folder, or empties that of an earlier demo.
pub(super) fn make_room(folder: &Path) -> Result<(), DemoError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| DemoError::Write { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let earlier = folder.join("faults.yaml").exists();
    let occupied = fs::read_dir(folder).map_err(failed(folder))?.next().is_some();
    if occupied && !earlier {
        return Err(DemoError::Occupied(folder.to_owned()));
    }
    for name in OWN {
        let path = folder.join(name);
        if path.is_dir() {
            fs::remove_dir_all(&path).map_err(failed(&path))?;
        } else if path.exists() {
            fs::remove_file(&path).map_err(failed(&path))?;
        }
    }
    Ok(())
}

/// The sandbox's script: 80 % of the logins hang in the middle third.
pub(super) fn script(duration: Duration) -> String {
    let third = duration.as_millis() / 3;
    SCRIPT.replace("FROM", &format!("{third}ms")).replace("TO", &format!("{}ms", third * 2))
}

/// Writes all files; returns the path of the main one.
pub(super) fn write(folder: &Path, base: &str, script: &str) -> Result<PathBuf, DemoError> {
    let config = folder.join("doorstep.yaml");
    for (path, text) in [
        (config.clone(), SITE.to_owned()),
        (folder.join("shop-login.yaml"), FLOW.replace("BASE", base)),
        (folder.join("faults.yaml"), script.to_owned()),
        (folder.join("probe.password"), format!("{}\n", StandardUsers::PASSWORD)),
    ] {
        fs::write(&path, text).map_err(|source| DemoError::Write { path: path.clone(), source })?;
    }
    Ok(config)
}
