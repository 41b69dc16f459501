//! Every command of the README is run, with the README's own files, against the sandbox.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use doorstep::sandbox::{Options, Sandbox, Script, StandardUsers};

use crate::support::lab::Lab;

/// A fenced block: its language and its text.
struct Block {
    language: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in readme.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(language), None) => open = Some(Block { language: language.to_owned(), text: String::new() }),
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some(mut block)) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    blocks
}

/// A folder in front of the path: `doorstep` is the program under test, and `cargo run --release --` runs it.
fn programs(folder: &Path) -> String {
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_doorstep"), bin.join("doorstep")).unwrap();
    let cargo = bin.join("cargo");
    fs::write(&cargo, "#!/bin/sh\n[ \"$1 $2 $3\" = 'run --release --' ] || exit 97\nshift 3\nexec doorstep \"$@\"\n")
        .unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())
}

fn run(command: &str, folder: &Path, path: &str) {
    let done = Command::new("bash")
        .args(["-euo", "pipefail", "-c", command])
        .current_dir(folder)
        .env("PATH", path)
        .env("SHOP_PROBE_PASSWORD", StandardUsers::PASSWORD)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{command}\n{}\n{}{}",
        done.status,
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_readme_works() {
    let sandbox = Sandbox::start(Script::default(), Options::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let login = format!("{}/form/login", sandbox.base_url());
    let mut files = 0;
    for block in blocks().iter().filter(|block| block.language == "yaml") {
        let name = block.text.lines().next().unwrap().trim_start_matches("# ");
        assert!(block.text.lines().count() <= 16, "{name} is longer than a first example may be");
        fs::write(folder.path().join(name), block.text.replace("https://shop.example/login", &login)).unwrap();
        files += 1;
    }
    assert_eq!(files, 2, "a flow and the file that names it");
    let path = programs(folder.path());
    let commands: Vec<String> = blocks()
        .iter()
        .filter(|block| block.language == "sh" && !block.text.starts_with("scripts/lab"))
        .flat_map(|block| block.text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| !line.trim().is_empty())
        .collect();
    assert!(commands.len() >= 8, "{commands:?}");
    let place = folder.path().to_owned();
    tokio::task::spawn_blocking(move || {
        for command in &commands {
            if command == "scripts/test" {
                // It is what runs this test.
                let script = fs::metadata(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test")).unwrap();
                assert!(script.permissions().mode() & 0o111 != 0);
                continue;
            }
            run(command, &place, &path);
        }
        assert!(place.join("doorstep-demo/report/report.html").exists(), "the demo's report is where the README says");
        assert!(place.join("report/report.html").exists(), "the report is where the README says");
        run(&service(&place), &place, &path);
    })
    .await
    .unwrap();
    sandbox.stop().await;
}

/// In a folder and on ports of its own.
#[test]
fn every_command_of_the_lab_in_the_readme_works() {
    let Some(script) = Lab::script() else { return };
    let block = blocks().into_iter().find(|block| block.text.starts_with("scripts/lab")).unwrap();
    let lab = Lab::place(&script);
    let folder = tempfile::tempdir().unwrap();
    let path = programs(folder.path());
    fs::create_dir(folder.path().join("scripts")).unwrap();
    let (home, port) = (lab.folder().display(), lab.port());
    let wrapper = format!("#!/bin/sh\nexec '{}' --folder '{home}' --port {port} \"$@\"\n", script.display());
    let name = folder.path().join("scripts/lab");
    fs::write(&name, wrapper).unwrap();
    fs::set_permissions(&name, fs::Permissions::from_mode(0o755)).unwrap();
    for command in block.text.lines() {
        run(command, folder.path(), &path);
    }
    assert!(!lab.folder().exists(), "nothing is left");
}

/// The command of the systemd unit, with this folder's configuration, for two seconds.
fn service(folder: &Path) -> String {
    let unit = blocks().into_iter().find(|block| block.language == "ini").unwrap().text;
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let config = folder.join("doorstep.yaml");
    let command =
        start.replace("/usr/local/bin/", "").replace("/etc/doorstep/doorstep.yaml", &config.display().to_string());
    assert!(command.starts_with("doorstep run ") && command.contains("--vantage berlin"), "{command}");
    format!("{command} --for 2s")
}

#[test]
fn the_readme_names_every_failure_class_and_only_those() {
    use doorstep::model::{BadClass, LostClass};
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let table: String = readme.lines().filter(|line| line.starts_with("| `")).collect();
    let named: std::collections::BTreeSet<&str> = table.split('`').skip(1).step_by(2).collect();
    let known: std::collections::BTreeSet<&str> = BadClass::ALL
        .iter()
        .map(|class| class.as_str())
        .chain(LostClass::ALL.iter().map(|class| class.as_str()))
        .collect();
    assert_eq!(named, known);
}

#[test]
fn every_file_and_picture_that_the_readme_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let words = readme.split(['`', '(', ')', ' ', '\n']);
    let paths: Vec<&str> = words
        .filter(|word| {
            ["docs/", "probes/", "reports/", "scripts/", "src/", "tests/"].iter().any(|folder| word.starts_with(folder))
        })
        .collect();
    assert!(paths.len() >= 5, "{paths:?}");
    for path in paths {
        assert!(root.join(path).exists(), "{path}");
    }
}
