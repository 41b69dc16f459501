//! Reads secrets from where the configuration says they are. No error holds the value or a part of it.
//!
//! The permissions of a secret's file are not judged: container platforms mount secrets readable by everybody inside
//! the container, where nobody else is.

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::model::{Secret, SecretSource};

/// How long a command may take.
const LONGEST_COMMAND: Duration = Duration::from_secs(10);
/// Nobody types a password of more bytes than this.
const LARGEST: u64 = 16 * 1024;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set.
    #[error("the environment variable {0} is not set")]
    Unset(String),
    /// The secret has no characters.
    #[error("the {0} is empty")]
    Empty(SecretSource),
    /// The secret is no UTF-8 text.
    #[error("the {0} is no UTF-8 text")]
    NoText(SecretSource),
    /// The secret is too long.
    #[error("the {source_of_secret} has more than {LARGEST} bytes")]
    TooLong {
        /// Where it is.
        source_of_secret: SecretSource,
    },
    /// The file cannot be read.
    #[error("cannot read the secret file {}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The command cannot be started, or its output not be read.
    #[error("cannot run the command {program}")]
    Command {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The command failed. What it wrote is not repeated, since it could hold the secret.
    #[error("the command {program} ended with {status}; run it by hand to see why")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// The command did not end in time.
    #[error("the command {program} did not end within {} s", limit.as_secs_f64())]
    TimedOut {
        /// The program.
        program: String,
        /// The time it had.
        limit: Duration,
    },
}

/// Reads a secret. A final line break of a file or an output is not part of it. Blocks: at most ten seconds for a
/// command, and as long as the disk takes for a file.
///
/// # Errors
/// [`SecretError`] when it is not there, empty, no text, or too long.
pub fn resolve(source: &SecretSource) -> Result<Secret, SecretError> {
    resolve_within(source, LONGEST_COMMAND)
}

fn resolve_within(source: &SecretSource, limit: Duration) -> Result<Secret, SecretError> {
    let bytes = match source {
        SecretSource::Environment(name) => match std::env::var_os(name) {
            Some(value) => value.into_encoded_bytes(),
            None => return Err(SecretError::Unset(name.clone())),
        },
        SecretSource::File(path) => std::fs::File::open(path)
            .and_then(read_bounded)
            .map_err(|why| SecretError::File { path: path.clone(), source: why })?,
        SecretSource::Command(words) => output(words, limit)?,
    };
    if bytes.len() as u64 > LARGEST {
        return Err(SecretError::TooLong { source_of_secret: source.clone() });
    }
    let text = String::from_utf8(bytes).map_err(|_| SecretError::NoText(source.clone()))?;
    let value = match source {
        SecretSource::Environment(_) => text.as_str(),
        _ => text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line)),
    };
    if value.is_empty() { Err(SecretError::Empty(source.clone())) } else { Ok(Secret::new(value)) }
}

/// One byte more than allowed, so that too much is noticed.
fn read_bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn output(words: &[String], limit: Duration) -> Result<Vec<u8>, SecretError> {
    let program = words.first().cloned().unwrap_or_default();
    let failed = |source| SecretError::Command { program: program.clone(), source };
    let mut command = Command::new(&program);
    command.args(words.iter().skip(1)).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Running(command.spawn().map_err(failed)?);
    let Some(stdout) = child.0.stdout.take() else {
        return Err(failed(io::ErrorKind::BrokenPipe.into()));
    };
    // A thread reads, so that a program that neither writes nor ends is left behind in time.
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(read_bounded(stdout)));
    let timed_out = || SecretError::TimedOut { program: program.clone(), limit };
    let begun = std::time::Instant::now();
    let bytes = receiver.recv_timeout(limit).map_err(|_| timed_out())?.map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Ok(bytes);
    }
    // The output is complete; the program has ended or is about to.
    let status = loop {
        match child.0.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if begun.elapsed() > limit => return Err(timed_out()),
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    if status.success() { Ok(bytes) } else { Err(SecretError::Failed { program, status }) }
}

/// A program that does not outlive its use.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(script: &str) -> SecretSource {
        SecretSource::Command(["sh", "-c", script].map(str::to_owned).to_vec())
    }

    fn message(source: &SecretSource) -> String {
        resolve_within(source, Duration::from_millis(300)).unwrap_err().to_string()
    }

    #[test]
    fn a_file_loses_one_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (content, value) in [("a b\n", "a b"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a", "a"), (" a ", " a ")] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(resolve(&SecretSource::File(path.clone())).unwrap().expose(), value, "{content:?}");
        }
        std::fs::write(&path, "\n").unwrap();
        assert_eq!(message(&SecretSource::File(path.clone())), format!("the file {} is empty", path.display()));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(message(&SecretSource::File(path.clone())), format!("the file {} is no UTF-8 text", path.display()));
        std::fs::write(&path, "x".repeat(20_000)).unwrap();
        assert!(message(&SecretSource::File(path)).ends_with("has more than 16384 bytes"));
    }

    #[test]
    fn the_environment_is_read() {
        let home = resolve(&SecretSource::Environment("PATH".to_owned())).unwrap();
        assert_eq!(home.expose(), std::env::var("PATH").unwrap());
        let source = SecretSource::Environment("DOORSTEP_TEST_NOT_SET".to_owned());
        assert_eq!(message(&source), "the environment variable DOORSTEP_TEST_NOT_SET is not set");
    }

    #[test]
    fn a_command_is_bounded_and_its_words_stay_hidden() {
        assert_eq!(resolve(&command("echo hunter2")).unwrap().expose(), "hunter2");
        let failed = message(&command("echo hunter2; echo hunter2 >&2; exit 3"));
        assert_eq!(failed, "the command sh ended with exit status: 3; run it by hand to see why");
        assert_eq!(message(&command("sleep 20")), "the command sh did not end within 0.3 s");
        // It closes its output, but stays.
        assert_eq!(message(&command("exec >&-; sleep 20")), "the command sh did not end within 0.3 s");
        assert_eq!(message(&command("yes")), "the output of command sh has more than 16384 bytes");
        assert_eq!(message(&command("true")), "the output of command sh is empty");
        let missing = SecretSource::Command(vec!["doorstep-no-such-program".to_owned()]);
        assert_eq!(message(&missing), "cannot run the command doorstep-no-such-program");
    }
}
