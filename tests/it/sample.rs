//! The committed sample is what today's program makes of the committed runs.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The command that the sample names, after the program's name and version.
pub(crate) fn command_of_the_sample(root: &Path) -> Vec<String> {
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(root.join("reports/demo/report.json")).unwrap()).unwrap();
    let made_by = report["head"]["generated_from"].as_str().unwrap();
    let words: Vec<String> = made_by.split(" doorstep ").nth(1).unwrap().split(' ').map(str::to_owned).collect();
    assert_eq!((words.len(), words[2].as_str()), (7, "reports/demo/doorstep.yaml"), "{made_by}");
    words
}

#[test]
fn the_sample_report_comes_out_of_todays_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_doorstep"))
        .args(command_of_the_sample(root))
        .arg("--out")
        .arg(folder.path())
        .current_dir(root)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for name in ["report.md", "report.csv", "report.json", "report.html"] {
        let made = fs::read_to_string(folder.path().join(name)).unwrap();
        let path = root.join("reports/demo").join(name);
        if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            fs::write(&path, &made).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap();
        let first = made.lines().zip(kept.lines()).position(|(made, kept)| made != kept);
        assert!(
            made == kept,
            "reports/demo/{name} differs from line {:?}; look at the change, then run \
             INSTA_UPDATE=always cargo test --test it -- sample::",
            first.map(|line| line + 1)
        );
    }
}
