//! `doorstep sandbox`: an identity service on loopback that fails on a script.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::signal::unix::{SignalKind, signal};

use super::{CommandError, Exit, print};
use crate::clock::Clock;
use crate::sandbox::{Options, Sandbox, Script, StandardUsers, StartError};

/// Run an identity service on loopback that fails on a script, and write down the truth.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  doorstep sandbox                  a healthy service on a free port
  doorstep sandbox --listen 127.0.0.1:8080 --truth truth.jsonl \\
    --script probes/sandbox/faults/outage.yaml
  doorstep sandbox --tls            HTTPS and HTTP/2

What it did is in truth.jsonl, one JSON object a line. With --tls, trust the printed certificate authority in the flow.")]
pub struct SandboxArgs {
    /// Address to listen on, loopback only; port 0 takes a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// YAML file that says what fails when; without it nothing fails
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    /// File for the truth, one JSON object a line; an older file is replaced
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Speak HTTPS with a certificate of an own authority, HTTP/2 by ALPN
    #[arg(long)]
    pub tls: bool,
    /// With --tls: file for the authority's certificate
    #[arg(long, value_name = "FILE", default_value = "sandbox-ca.pem")]
    pub ca: PathBuf,
    /// Seed of all draws, instead of the script's
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
}

/// Runs until SIGINT or SIGTERM.
///
/// # Errors
/// A script that cannot be read or is wrong ([`Exit::Usage`]), an address that cannot be used, a truth that could not
/// be written ([`Exit::Lost`]).
pub async fn execute(args: SandboxArgs) -> Result<Exit, CommandError> {
    // Before anything is printed: whoever waits for the address may send a signal at once.
    let mut terminate = listen_for(SignalKind::terminate())?;
    let mut interrupt = listen_for(SignalKind::interrupt())?;
    let script = match &args.script {
        Some(path) => read_script(path)?,
        None => Script::default(),
    };
    let users = describe_users(&script);
    let options = Options {
        listen: args.listen,
        tls: args.tls,
        seed: args.seed,
        clock: Clock::system(),
        truth_file: args.truth.clone(),
        keep_truth: false,
    };
    let sandbox = Sandbox::start(script, options).await.map_err(|error| start_error(&error))?;
    if let Some(pem) = sandbox.ca_pem() {
        std::fs::write(&args.ca, pem).map_err(|error| {
            CommandError::new(Exit::Lost, format!("failed to write the authority to {}: {error}", args.ca.display()))
        })?;
    }
    print::out(&describe(&sandbox, &args, &users));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let truth_file = args.truth.as_deref().map(Path::display);
    match (sandbox.finish().await, truth_file) {
        (Some(error), Some(file)) => {
            Err(CommandError::new(Exit::Lost, format!("the truth in {file} is not complete: {error}")))
        }
        _ => Ok(Exit::Good),
    }
}

fn listen_for(kind: SignalKind) -> Result<tokio::signal::unix::Signal, CommandError> {
    signal(kind).map_err(|error| CommandError::new(Exit::Lost, format!("failed to listen for signals: {error}")))
}

fn read_script(path: &Path) -> Result<Script, CommandError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        CommandError::new(Exit::Usage, format!("failed to read the script {}: {error}", path.display()))
    })?;
    Script::parse(&text).map_err(|error| CommandError::new(Exit::Usage, error.in_file(path.display())))
}

fn start_error(error: &StartError) -> CommandError {
    let exit = match error {
        StartError::NotLoopback(_) | StartError::NoTls { .. } => Exit::Usage,
        StartError::Listen { .. } | StartError::TruthFile { .. } | StartError::Certificate(_) => Exit::Lost,
    };
    CommandError::new(exit, error.to_string())
}

/// The users by name. The standard users' password is well known and printed; a script's passwords are not.
fn describe_users(script: &Script) -> String {
    let names: Vec<&str> = script.users.iter().map(|user| user.name.as_str()).collect();
    let standard = script.users.iter().all(|user| user.password.expose() == StandardUsers::PASSWORD);
    let passwords =
        if standard { format!("password {}", StandardUsers::PASSWORD) } else { "passwords as scripted".into() };
    format!("{} ({passwords})", names.join(", "))
}

fn describe(sandbox: &Sandbox, args: &SandboxArgs, users: &str) -> String {
    let base = sandbox.base_url();
    let mut text = format!("sandbox:  {base}\nusers:    {users}\n");
    let mut line = |label: &str, value: &str| {
        let _never_fails = writeln!(text, "{label:<10}{value}");
    };
    line("form:", &format!("{base}/form/login"));
    line("two-page:", &format!("{base}/two/login"));
    line("json:", &format!("{base}/api/login"));
    if args.tls {
        line("trust:", &args.ca.display().to_string());
    }
    match &args.truth {
        Some(path) => line("truth:", &path.display().to_string()),
        None => line("truth:", "not written (--truth FILE writes it)"),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_script_is_refused_with_file_and_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("faults.yaml");
        std::fs::write(&path, "rules:\n  - share: 2\n    from: x\n    fault: reset\n").expect("a file");
        let refused = read_script(&path).expect_err("a bad script");
        assert_eq!(refused.exit, Exit::Usage);
        let place = path.display();
        let expected = format!(
            "{place}:2:12: 2 is no share; write a number from 0 to 1, such as 0.8\n\
             {place}:3:11: \"x\" is no duration; write one such as 200ms, 20s or 1m 30s"
        );
        assert_eq!(refused.message, expected);
        let missing = read_script(&folder.path().join("none.yaml")).expect_err("no script");
        assert!(missing.exit == Exit::Usage && missing.message.starts_with("failed to read the script "));
    }

    #[test]
    fn passwords_of_a_script_are_not_printed() {
        let script = Script::parse("users: [{name: ada, password: hunter2}]").expect("a good script");
        assert_eq!(describe_users(&script), "ada (passwords as scripted)");
        assert!(describe_users(&Script::default()).ends_with("probe-9, locked (password probe-Passw0rd!)"));
    }

    #[tokio::test]
    async fn the_address_the_users_and_the_files_are_said() {
        let sandbox = Sandbox::start(Script::default(), Options::default()).await.expect("a sandbox");
        let args = SandboxArgs {
            listen: sandbox.address(),
            script: None,
            truth: Some("truth.jsonl".into()),
            tls: false,
            ca: "ca.pem".into(),
            seed: None,
        };
        let base = sandbox.base_url();
        let expected = format!(
            "sandbox:  {base}\nusers:    probe\nform:     {base}/form/login\ntwo-page: {base}/two/login\n\
             json:     {base}/api/login\ntruth:    truth.jsonl\n"
        );
        assert_eq!(describe(&sandbox, &args, "probe"), expected);
    }
}
