//! What it means that PostgreSQL refused, or that the library gave up: a kind of unknown, a sentence, a way out.

use std::error::Error as StdError;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity};

use crate::model::{Unknown, chain};

use super::super::failure::{Failure, Repeater};
use super::statement;

/// Whether the connection is of no use any more.
pub(super) fn ends_connection(error: &Error) -> bool {
    match error.as_db_error() {
        Some(said) => matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic) | None),
        // Whatever is wrong on our side of the protocol leaves the connection in a state that nobody knows.
        None => true,
    }
}

/// Why there is no answer; `user` is the role that asks, `version` the server's, once known.
pub(super) fn explain(error: &Error, user: &str, version: Option<u32>, repeater: &Repeater) -> Failure {
    if let Some(said) = error.as_db_error() {
        return said_by_server(said, user, version, repeater);
    }
    if let Some(io) = io_error(error) {
        return match io.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => garbled(&repeater.repeat(&chain(io))),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => cut(),
            _ => Failure::new(Unknown::Unreachable, format!("the connection broke: {}", repeater.repeat(&chain(io)))),
        };
    }
    if error.is_closed() {
        return cut();
    }
    let text = repeater.repeat(&chain(error));
    if text.contains("password missing") {
        let message = format!(
            "the server asks for a password of the role '{user}', and none is configured: add password: {{env: NAME}}"
        );
        return Failure::new(Unknown::LoginRefused, message);
    }
    if text.starts_with("authentication error") {
        let message = format!(
            "the role '{user}' cannot sign in: {text}; let pg_hba.conf ask for scram-sha-256, which both sides speak"
        );
        return Failure::new(Unknown::LoginRefused, message);
    }
    garbled(&text)
}

fn garbled(why: &str) -> Failure {
    Failure::new(Unknown::Garbled, format!("what the server said cannot be understood: {why}"))
}

fn cut() -> Failure {
    let message = "the server closed the connection without a word: it crashed, or something between cut it off";
    Failure::new(Unknown::Unreachable, message)
}

/// By its SQLSTATE; see appendix A of PostgreSQL's manual.
fn said_by_server(said: &DbError, user: &str, version: Option<u32>, repeater: &Repeater) -> Failure {
    let (code, words) = (said.code().code(), repeater.repeat(said.message()));
    let (why, message) = match code {
        "28P01" => (Unknown::LoginRefused, format!("{words}; check the role '{user}' and its password")),
        "28000" => (Unknown::LoginRefused, format!("{words}; {}", refused_by_rule(&words, user))),
        "3D000" => (Unknown::LoginRefused, format!("{words}; write one that is there under database")),
        "42501" => {
            let refused = statement::no_rights(user);
            (refused.why, format!("{words}; {}", refused.message))
        }
        "53300" => (
            Unknown::NoConnectionLeft,
            format!("no connection is left: {words}; logins that need a new connection are refused like this"),
        ),
        "57P03" | "57P01" | "57P02" => (Unknown::Starting, format!("the server takes no sessions now: {words}")),
        "55000" => (Unknown::Starting, format!("the server changes its role just now: {words}")),
        "57014" => (Unknown::NoAnswer, format!("the server gave up the statement: {words}")),
        // Undefined functions, columns and tables.
        "42883" | "42703" | "42P01" | "42704" => match version {
            Some(version) if version > statement::NEWEST => {
                (Unknown::Version, format!("version {version} lacks what is asked for: {words}"))
            }
            _ => (Unknown::Garbled, format!("what answers lacks views of PostgreSQL: {words} (SQLSTATE {code})")),
        },
        _ => (Unknown::Garbled, format!("the server said: {words} (SQLSTATE {code})")),
    };
    Failure::new(why, message)
}

/// The way out when a rule refused, not a password.
fn refused_by_rule(words: &str, user: &str) -> String {
    if words.contains("no encryption") {
        return "the server wants TLS perhaps: write tls: verify, or add a line to its pg_hba.conf and reload"
            .to_owned();
    }
    if words.contains("pg_hba.conf") {
        return "add a line for this machine to its pg_hba.conf and reload".to_owned();
    }
    format!("the role '{user}' must exist and be allowed to log in")
}

fn io_error(error: &Error) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io);
        }
        source = error.source();
    }
    None
}
