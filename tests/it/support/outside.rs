//! Things that a test needs from outside the package (servers, programs), named by environment variables that
//! `scripts/test` sets. Without them a test is skipped in plain sight; with `CI=true` it fails.

use std::io::Write as _;
use std::path::PathBuf;

/// The path that `variable` holds; `None`, after saying so, when the test has to be skipped.
pub(crate) fn path(variable: &str) -> Option<PathBuf> {
    match std::env::var_os(variable) {
        Some(value) if !value.is_empty() => {
            let path = PathBuf::from(value);
            assert!(path.exists(), "{variable} names {}, which does not exist", path.display());
            Some(path)
        }
        _ => {
            skip(&format!("{variable} is not set; scripts/test sets it"));
            None
        }
    }
}

/// Says that the running test is skipped, where the captured output of tests cannot hide it.
///
/// # Panics
/// With `CI=true`, where nothing may be skipped.
pub(crate) fn skip(why: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{name} may not be skipped in CI: {why}");
    let line = format!("SKIPPED {name}: {why}\n");
    // A message that cannot be written changes nothing about the test.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
