//! Commands as drafts and reports print them: typed into a shell in the same folder, they run, and say the same again.

use std::path::Path;
use std::process::{Command, Output};

use doorstep::incident::Symptom;

use super::draft::{run, said};
use super::variants::{RAMP, folder, incidents};

/// Where the configuration lies; a shell would take the name apart.
const CONFIG: &str = "Ada's site/doorstep.yaml";

/// What a shell makes of a line.
fn typed(folder: &Path, line: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_doorstep")).parent().unwrap();
    let mut path = vec![program.to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    Command::new("sh")
        .args(["-c", line])
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("DOORSTEP_AUTHOR", "ada")
        .env_remove("DOORSTEP_CONFIG")
        .env_remove("DOORSTEP_STORE")
        .current_dir(folder)
        .output()
        .unwrap()
}

/// A folder in which nothing is found without its options, and the failing incident in it.
fn hidden() -> (tempfile::TempDir, String) {
    let folder = folder(RAMP);
    let all = incidents(folder.path());
    let failing = all.iter().find(|incident| incident.symptom == Symptom::Failing).unwrap();
    let place = folder.path().join(CONFIG);
    std::fs::create_dir(place.parent().unwrap()).unwrap();
    for name in ["doorstep.yaml", "shop.yaml"] {
        std::fs::rename(folder.path().join(name), place.with_file_name(name)).unwrap();
    }
    std::fs::rename(folder.path().join("store"), folder.path().join("kept runs")).unwrap();
    let id = failing.id.to_string();
    (folder, id)
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn the_commands_of_a_draft_run_as_they_are_printed() {
    let (folder, id) = hidden();
    let events = "at,kind,text\n2024-03-05 09:13,deploy,identity 4.2.1\n";
    std::fs::write(folder.path().join("all events.csv"), events).unwrap();
    let from = ["--config", CONFIG, "--store", "kept runs", "--incident", &id, "--events", "all events.csv"];
    let place = folder.path().join("first review");
    let make = [&["postmortem", "draft"], &from[..], &["--zone", "Europe/Berlin", "--out", "first review"]].concat();
    let done = run(folder.path(), &make);
    assert!(done.status.success(), "{}", said(&done));
    let made = files(&place);
    let text = std::fs::read_to_string(place.join("postmortem.md")).unwrap();
    let printed: Vec<&str> = text.split("```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect();
    let [again, check] = printed.as_slice() else { panic!("{printed:?}") };

    std::fs::remove_dir_all(&place).unwrap();
    let done = typed(folder.path(), again);
    assert!(done.status.success(), "{again}\n{}", said(&done));
    assert_eq!(files(&place), made, "{again}");

    let checked = typed(folder.path(), check);
    let direct =
        [&["postmortem", "lint", "first review/postmortem.md"], &from[..], &["--zone", "Europe/Berlin"]].concat();
    assert_eq!(said(&checked), said(&run(folder.path(), &direct)), "{check}");
    assert!(checked.status.code() == Some(1) && said(&checked).contains("confirmed:"), "{}", said(&checked));
}

#[test]
fn the_commands_of_a_report_run_as_they_are_printed() {
    let (folder, id) = hidden();
    let span = ["--from", "2024-03-04T20:00:00Z", "--to", "2024-03-05T16:00:00Z"];
    let done = run(folder.path(), &[&["report", "--config", CONFIG, "--store", "kept runs"], &span[..]].concat());
    assert!(done.status.success(), "{}", said(&done));
    let text = String::from_utf8(done.stdout).unwrap();
    let printed: Vec<&str> = text
        .split('`')
        .filter(|code| code.starts_with("doorstep explain ") || code.starts_with("doorstep postmortem draft "))
        .collect();
    assert!(printed.iter().any(|line| line.contains(&id)), "{printed:?}");
    assert!(printed.iter().any(|line| line.contains("explain")), "{printed:?}");
    for line in printed {
        let done = typed(folder.path(), line);
        assert!(done.status.success(), "{line}\n{}", said(&done));
    }
    assert!(folder.path().join(format!("postmortem-{id}/postmortem.md")).is_file());
}
