//! The format is public: what Doorstep writes, other people's tools read, and they see the same. `DOORSTEP_TEST_READERS`
//! names a Python that has them (`scripts/tools readers` installs one).

use std::io::Write;
use std::path::Path;
use std::process::Command;

use doorstep::model::{Phase, StoreLocation, Verdict};
use doorstep::store::Store;
use serde_json::json;

use super::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_tools_read_the_same() {
    let Some(python) = std::env::var_os("DOORSTEP_TEST_READERS") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "DOORSTEP_TEST_READERS must be set where CI=true");
        let _ =
            writeln!(std::io::stderr(), "skipped: other_tools_read_the_same: DOORSTEP_TEST_READERS names no Python");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreLocation::Folder(folder.path().join("store"))).unwrap();
    let spool = fresh_spool(&folder.path().join("spool"));
    let runs: Vec<_> = (0..300).map(|number| run("berlin", number)).collect();
    append_all(&spool, &runs).await;
    ship(&spool, &store).await;

    let hops: Vec<_> = runs.iter().flat_map(|run| &run.hops).collect();
    let wait = |hop: &&doorstep::model::Hop| hop.phases.get(Phase::Wait).map_or(0, |time| time.micros.0);
    let expected = json!({
        "runs": 300,
        "ids": 300,
        "first_id": runs[0].id.to_string(),
        "first_slot": "2026-11-22T23:50:00+00:00",
        "bad": runs.iter().filter(|run| matches!(run.verdict, Verdict::Bad(_))).count(),
        "classes": ["timeout"],
        "login_time_us": runs.iter().filter_map(doorstep::model::Run::login_time).map(|time| time.0).sum::<u64>(),
        "steps": ["open-page", "sign-in"],
        "evidence": runs[0].steps[0].evidence,
        "hops": hops.len(),
        "wait_us": hops.iter().map(wait).sum::<u64>(),
        "dns_known": 0,
        "cut": 30,
        "messages": 1,
    });
    check(&python, folder.path(), &expected);
    compact_all(&store).await;
    check(&python, folder.path(), &expected);
}

fn check(python: &std::ffi::OsStr, folder: &Path, expected: &serde_json::Value) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/store/readers.py");
    for tool in ["pyarrow", "duckdb"] {
        let output = Command::new(python).arg(&script).arg(tool).arg(folder.join("store")).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{tool}: {errors}");
        let seen: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(&seen, expected, "{tool}");
    }
}
