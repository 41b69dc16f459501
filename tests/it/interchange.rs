//! Other tools' formats, by the program itself.

mod asked;
mod blackbox;
mod openslo;
mod rules;
mod runs;
mod vectors;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const FLOW: &str = "account: probe\nsteps:\n  - open: https://shop.example/login\n  \
    - submit: { username: \"{{ username }}\", password: \"{{ password }}\" }\n  - open: /account\n    \
    expect: { user: \"{{ username }}\" }\n";

/// A configuration with these objectives over the flows shop (each minute) and till (each five minutes).
fn configure(folder: &Path, objectives: &str) {
    fs::write(folder.join("flow.yaml"), FLOW).unwrap();
    let site = format!(
        "vantages: {{ berlin: {{}}, ohio: {{}} }}\nstore: store\nspool: spool\n\
         accounts: {{ probe: {{ username: probe, password: {{ env: PROBE_PASSWORD }} }} }}\n\
         flows:\n  - {{ file: flow.yaml, name: shop, interval: 60s }}\n  - {{ file: flow.yaml, name: till, interval: 5m }}\n\
         {objectives}"
    );
    fs::write(folder.join("doorstep.yaml"), site).unwrap();
}

fn doorstep(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_doorstep")).args(args).current_dir(folder).output().expect("the program runs")
}

/// Standard output and standard error of a command that ends well.
fn good(folder: &Path, args: &[&str]) -> (String, String) {
    let done = doorstep(folder, args);
    let (out, err) = texts(&done);
    assert!(done.status.success(), "{args:?}: {err}");
    (out, err)
}

fn texts(done: &Output) -> (String, String) {
    (String::from_utf8(done.stdout.clone()).expect("UTF-8"), String::from_utf8(done.stderr.clone()).expect("UTF-8"))
}
