//! Secrets that were pasted into a configuration. They are never quoted.

use super::diagnostic::{Findings, Problem};
use super::yaml::{Node, Scalar, Value};

/// How well-known keys and tokens begin, with the least length of the whole.
const BEGINNINGS: [(&str, usize); 14] = [
    ("AKIA", 20),
    ("ASIA", 20),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghs_", 30),
    ("github_pat_", 40),
    ("glpat-", 20),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("sk_live_", 20),
    ("rk_live_", 20),
    ("eyJ", 40),
    ("AIza", 35),
    ("-----BEGIN ", 20),
];

const HELP: &str =
    "keep it outside: in an account or a database, password: {env: NAME}, {file: PATH} or {command: [PROGRAM, ..]}";

/// Notes each value that looks like a key or a token, and each password or key that is written out.
pub(super) fn check(node: &Node, findings: &mut Findings) {
    match &node.value {
        Value::Scalar(scalar) => {
            if holds_secret(&scalar.text) {
                findings.error(&node.place, Problem::new("this looks like a pasted secret").help(HELP));
            }
        }
        Value::List(items) => {
            for item in items {
                check(item, findings);
            }
        }
        Value::Map(entries) => {
            for entry in entries.iter().filter(|entry| entry.key != "negative") {
                if holds_secret(&entry.key) {
                    findings.error(&entry.key_place, Problem::new("this looks like a pasted secret").help(HELP));
                }
                match &entry.value.value {
                    Value::Scalar(scalar) if is_password(&entry.key) && is_literal(scalar) => {
                        findings.error(&entry.value.place, Problem::new("a secret is written here").help(HELP));
                    }
                    _ => check(&entry.value, findings),
                }
            }
        }
    }
}

/// Whether a password is written out somewhere below a node.
pub(super) fn holds_password(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(_) => false,
        Value::List(items) => items.iter().any(holds_password),
        Value::Map(entries) => entries.iter().any(|entry| match entry.value.scalar() {
            Some(scalar) => is_password(&entry.key) && is_literal(scalar),
            None => holds_password(&entry.value),
        }),
    }
}

/// Whether a value under this key must not be shown.
pub(super) fn is_secret(key: &str, scalar: &Scalar) -> bool {
    holds_secret(&scalar.text) || (is_password(key) && is_literal(scalar))
}

/// Whether a text holds something that looks like a key, a token or a written password.
pub(super) fn holds_secret(text: &str) -> bool {
    text.split_whitespace().any(looks_pasted) || text.contains("-----BEGIN ") || conninfo_password(text)
}

/// The password of a connection string such as `host=db1 user=probe password=secret`, spaces around the sign or not.
fn conninfo_password(text: &str) -> bool {
    text.match_indices("password").any(|(at, word)| {
        let begins = text[..at].chars().next_back().is_none_or(char::is_whitespace);
        let value = text[at + word.len()..].trim_start().strip_prefix('=').map(str::trim_start);
        begins && value.is_some_and(|value| !value.is_empty() && !value.starts_with("{{"))
    })
}

fn looks_pasted(word: &str) -> bool {
    let word = word.trim_start_matches(['"', '\'']);
    BEGINNINGS.iter().any(|(beginning, least)| word.starts_with(beginning) && word.len() >= *least)
        || url_password(word).is_some_and(|password| !password.is_empty() && !password.contains("{{"))
}

/// The password of a URL such as `https://user:password@host/`.
fn url_password(word: &str) -> Option<&str> {
    let (_, rest) = word.split_once("://")?;
    let (userinfo, _) = rest.split(['/', '?', '#']).next()?.rsplit_once('@')?;
    userinfo.split_once(':').map(|(_, password)| password)
}

fn is_password(key: &str) -> bool {
    let key = key.to_lowercase();
    [
        "password",
        "passwd",
        "passwort",
        "secret_key",
        "client_secret",
        "pwd",
        "authorization",
        "api_key",
        "api-key",
        "apikey",
    ]
    .iter()
    .any(|word| key.ends_with(word))
}

fn is_literal(scalar: &Scalar) -> bool {
    !scalar.text.is_empty() && !scalar.is_null() && scalar.boolean().is_none() && !scalar.text.contains("{{")
}
