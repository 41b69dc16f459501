//! What a timed-out login leaves open is said wherever one is described, and never that nothing came of it.

use std::fs;
use std::path::Path;

/// Words that would claim to know what became of a login that timed out.
const CLAIMS: [&str; 6] = [
    "nothing written",
    "nothing was written",
    "did not happen",
    "was not written",
    "has not happened",
    "never happened",
];

/// Every text file below a folder of the project.
fn texts(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            found.push((path.display().to_string(), text));
        }
    }
}

#[test]
fn nothing_claims_that_a_timed_out_login_did_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    for folder in ["src", "reports/specimen", "tests/it/snapshots"] {
        texts(&root.join(folder), &mut all);
    }
    all.push(("README.md".to_owned(), fs::read_to_string(root.join("README.md")).unwrap()));
    assert!(all.len() > 300, "{} files", all.len());
    for (name, text) in &all {
        let text = text.to_lowercase();
        for claim in CLAIMS {
            let tells = text.lines().find(|line| line.contains(claim) && line.contains("login"));
            assert_eq!(tells, None, "{name} claims '{claim}'");
        }
    }
}

#[test]
fn wherever_timed_out_logins_are_told_it_is_said_what_they_leave_open() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["report.md", "report.html", "postmortem.md", "incidents.txt"] {
        let text = fs::read_to_string(root.join("reports/specimen").join(name)).unwrap();
        assert!(text.contains("timeout"), "{name}: the specimen's logins timed out");
        assert!(text.contains(doorstep::diagnosis::UNKNOWN_TO_THE_USER), "{name}");
    }
}
