//! A page as PDF, printed by the Chromium of this machine. Knows no report: it takes HTML that needs nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the browser is called on different systems.
const NAMES: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];

/// A large report takes some seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// The browser: what `CHROMIUM` names, else the first known name on the path.
///
/// # Errors
/// What to install when there is none.
pub(super) fn browser(named: Option<PathBuf>, path: &str) -> Result<PathBuf, String> {
    if let Some(named) = named {
        return if named.is_file() {
            Ok(named)
        } else {
            Err(format!("CHROMIUM names {}, which is no file", named.display()))
        };
    }
    let folders: Vec<PathBuf> = std::env::split_paths(path).collect();
    let found = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    found.into_iter().find(|file| file.is_file()).ok_or_else(|| {
        "a PDF is printed by Chromium, and none is on the path: install the package 'chromium', or name a browser of \
         its kind in CHROMIUM; --format html needs none"
            .to_owned()
    })
}

/// Prints a page to `target`, which is there whole or not at all. What the browser needs meanwhile lies in a folder
/// beside it and is removed.
///
/// # Errors
/// When the folder cannot be written, the browser cannot be started, fails, or takes too long.
pub(super) fn print(browser: &Path, page: &str, target: &Path) -> Result<(), String> {
    let work = target.with_extension("pdf.work");
    let result = print_in(&work, browser, page, target);
    let removed = fs::remove_dir_all(&work).map_err(|error| format!("cannot remove {}: {error}", work.display()));
    result.and(removed)
}

fn print_in(work: &Path, browser: &Path, page: &str, target: &Path) -> Result<(), String> {
    let failed = |path: &Path, error: &std::io::Error| format!("cannot write {}: {error}", path.display());
    fs::create_dir_all(work).map_err(|error| failed(work, &error))?;
    // The browser takes only absolute paths as addresses.
    let work = fs::canonicalize(work).map_err(|error| failed(work, &error))?;
    let (html, pdf) = (work.join("page.html"), work.join("page.pdf"));
    fs::write(&html, page).map_err(|error| failed(&html, &error))?;
    let address = url::Url::from_file_path(&html).map_err(|()| format!("{} is no address", html.display()))?;
    let mut command = Command::new(browser);
    command
        .args(["--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer"])
        .arg(format!("--user-data-dir={}", work.join("profile").display()))
        .arg(format!("--print-to-pdf={}", pdf.display()))
        .arg(address.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if is_root() {
        // The browser's own sandbox refuses to work for root; the page holds no script.
        command.arg("--no-sandbox");
    }
    let child = command.spawn().map_err(|error| format!("cannot start {}: {error}", browser.display()))?;
    wait(child, browser)?;
    if !pdf.is_file() {
        return Err(format!("{} ended without having printed a PDF", browser.display()));
    }
    fs::rename(&pdf, target).map_err(|error| failed(target, &error))
}

fn wait(mut child: Child, browser: &Path) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{} failed: {status}", browser.display())),
            Ok(None) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(50)),
            Ok(None) => {
                let ended = child.kill().and_then(|()| child.wait());
                let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
                return Err(format!("{} took longer than {PATIENCE:?} and was ended ({how})", browser.display()));
            }
            Err(error) => return Err(format!("cannot wait for {}: {error}", browser.display())),
        }
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_with_the_way_out() {
        let said = browser(None, "/nowhere").unwrap_err();
        assert!(said.contains("install the package 'chromium'") && said.contains("CHROMIUM"), "{said}");
        let said = browser(Some("/nowhere/browser".into()), "").unwrap_err();
        assert_eq!(said, "CHROMIUM names /nowhere/browser, which is no file");
    }

    #[test]
    fn the_first_known_name_on_the_path_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("google-chrome");
        fs::write(&there, "").unwrap();
        assert_eq!(browser(None, &folder.path().display().to_string()), Ok(there.clone()));
        assert_eq!(browser(Some(there.clone()), ""), Ok(there));
    }

    #[test]
    fn a_browser_that_fails_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("report.pdf");
        let said = print(Path::new("/bin/false"), "<p>", &target).unwrap_err();
        assert!(said.starts_with("/bin/false failed"), "{said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
