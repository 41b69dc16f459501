//! A connection string, reduced: its keys and values without secrets. What is not known to be harmless is hidden before
//! it enters the type, so that no snapshot, message or log can hold it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Stands where a value was hidden.
pub const HIDDEN: &str = "(hidden)";

/// What a value of a harmless key looks like. What looks otherwise may hold a password: PostgreSQL takes
/// `host=db1;user=r;password=hunter2` as a setting, and reads one value in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Letters, digits, `.`, `_` and `-`.
    Word,
    /// Words with commas between them, each of which `!` may negate.
    Words,
    /// A number.
    Number,
    /// Ports with commas between them.
    Ports,
    /// Host names, addresses and folders of sockets with commas between them.
    Hosts,
    /// A file.
    Path,
}

/// Keys whose values say how a link is made and nothing secret.
const HARMLESS: [(&str, Form); 33] = [
    ("application_name", Form::Word),
    ("channel_binding", Form::Word),
    ("client_encoding", Form::Word),
    ("connect_timeout", Form::Number),
    ("dbname", Form::Word),
    ("fallback_application_name", Form::Word),
    ("gssdelegation", Form::Number),
    ("gssencmode", Form::Word),
    ("gsslib", Form::Word),
    ("host", Form::Hosts),
    ("hostaddr", Form::Hosts),
    ("keepalives", Form::Number),
    ("keepalives_count", Form::Number),
    ("keepalives_idle", Form::Number),
    ("keepalives_interval", Form::Number),
    ("krbsrvname", Form::Word),
    ("load_balance_hosts", Form::Word),
    ("passfile", Form::Path),
    ("port", Form::Ports),
    ("replication", Form::Word),
    ("require_auth", Form::Words),
    ("service", Form::Word),
    ("ssl_max_protocol_version", Form::Word),
    ("ssl_min_protocol_version", Form::Word),
    ("sslcertmode", Form::Word),
    ("sslcompression", Form::Number),
    ("sslmode", Form::Word),
    ("sslnegotiation", Form::Word),
    ("sslrootcert", Form::Path),
    ("sslsni", Form::Number),
    ("target_session_attrs", Form::Word),
    ("tcp_user_timeout", Form::Number),
    ("user", Form::Word),
];

/// Keys whose values are hidden whatever they are. A key that stands in neither list may be a value in the wrong place.
const SECRETIVE: [&str; 14] = [
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_issuer",
    "oauth_scope",
    "options",
    "password",
    "requirepeer",
    "scram_client_key",
    "scram_server_key",
    "sslcert",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslpassword",
];

/// Stands where a key was hidden.
const UNREADABLE: &str = "unreadable";

impl Form {
    fn fits(self, value: &str) -> bool {
        let of = |text: &str, more: &str| text.chars().all(|c| c.is_alphanumeric() || more.contains(c));
        let fits = match self {
            Self::Word => of(value, "._-"),
            Self::Words => of(value, "._-!,"),
            Self::Number => value.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()),
            Self::Ports => value.split(',').all(|port| port.is_empty() || port.parse::<u16>().is_ok()),
            Self::Hosts => value.split(',').all(|host| {
                let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
                of(host, "._-") || bare.parse::<IpAddr>().is_ok() || (host.starts_with('/') && of(host, "._-/"))
            }),
            Self::Path => of(value, "._-/~"),
        };
        fits && !value.to_ascii_lowercase().contains("password")
    }
}

/// A pair as it may be shown.
fn shown((key, value): (String, String)) -> (String, String) {
    let form = HARMLESS.iter().find(|(name, _)| *name == key).map(|(_, form)| *form);
    let key = if form.is_some() || SECRETIVE.contains(&key.as_str()) { key } else { UNREADABLE.to_owned() };
    let harmless = form.is_some_and(|form| form.fits(&value)) || value.is_empty();
    (key, if harmless { value } else { HIDDEN.to_owned() })
}

/// The keys of a connection string, with secret values hidden.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Conninfo(BTreeMap<String, String>);

impl From<BTreeMap<String, String>> for Conninfo {
    /// What was kept, reduced by the rules of now.
    fn from(kept: BTreeMap<String, String>) -> Self {
        Self(kept.into_iter().map(shown).collect())
    }
}

impl From<Conninfo> for BTreeMap<String, String> {
    fn from(conninfo: Conninfo) -> Self {
        conninfo.0
    }
}

impl Conninfo {
    /// Reads a connection string in either of libpq's forms. A text in neither form is one hidden value.
    #[must_use]
    pub fn reduce(text: &str) -> Self {
        let text = text.trim();
        let pairs = match text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://")) {
            Some(rest) => of_url(rest),
            None => of_words(text),
        };
        let unreadable = || vec![(UNREADABLE.to_owned(), HIDDEN.to_owned())];
        Self(pairs.unwrap_or_else(unreadable).into_iter().map(shown).collect())
    }

    /// The value of a key; `None` when it is not set, or hidden.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|value| *value != HIDDEN)
    }

    /// Whether a key is set, to whatever.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Whether a part is no `key=value` as libpq knows it, and was hidden for that.
    #[must_use]
    pub fn is_garbled(&self) -> bool {
        let hidden = |key: &str| self.has(key) && self.get(key).is_none();
        self.has(UNREADABLE) || HARMLESS.iter().any(|(key, _)| hidden(key))
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Conninfo {
    /// `application_name=standby1 host=db1 password=(hidden)`, in the order of keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, (key, value)) in self.0.iter().enumerate() {
            let before = if number == 0 { "" } else { " " };
            let quote = if value.is_empty() || (value.contains(' ') && value != HIDDEN) { "'" } else { "" };
            write!(f, "{before}{key}={quote}{value}{quote}")?;
        }
        Ok(())
    }
}

/// `key=value key='it''s'`, with spaces allowed around the sign.
fn of_words(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let (value, next) = value(after.trim_start())?;
        pairs.push((key.trim().to_ascii_lowercase(), value));
        rest = next.trim_start();
    }
    Some(pairs)
}

/// A value, quoted or not, and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut letters = text.char_indices().skip(usize::from(quoted));
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => value.push(letters.next()?.1),
            '\'' if quoted => return Some((value, &text[at + 1..])),
            letter if letter.is_whitespace() && !quoted => return Some((value, &text[at..])),
            letter => value.push(letter),
        }
    }
    (!quoted).then_some((value, ""))
}

/// `user:password@host:port,host/dbname?key=value`.
/// A password with an unescaped `/` or `?` moves the sign `@` behind the host, and would be taken for one.
fn of_url(rest: &str) -> Option<Vec<(String, String)>> {
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, dbname) = place.split_once('/').unwrap_or((place, ""));
    if dbname.contains('@') || query.contains('@') {
        return None;
    }
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let split = |one: &str| match one.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host.to_owned(), port.to_owned()),
        _ => (one.to_owned(), String::new()),
    };
    let (hosts, ports): (Vec<String>, Vec<String>) = hosts.split(',').map(split).unzip();
    let ports = if ports.iter().all(String::is_empty) { String::new() } else { ports.join(",") };
    let mut pairs = vec![
        ("user".to_owned(), decoded(user)),
        ("password".to_owned(), decoded(password)),
        ("host".to_owned(), decoded(&hosts.join(","))),
        ("port".to_owned(), ports),
        ("dbname".to_owned(), decoded(dbname)),
    ];
    pairs.retain(|(_, value)| !value.is_empty());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.push((decoded(key).to_ascii_lowercase(), decoded(value)));
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_and_secrets_go() {
        let reduced = |text| Conninfo::reduce(text).to_string();
        for (text, expected) in [
            ("", ""),
            (
                "host=127.0.0.1 port=5432 user=replicator password=hunter2 application_name=standby1",
                "application_name=standby1 host=127.0.0.1 password=(hidden) port=5432 user=replicator",
            ),
            (r"host = db1 password = 'it\'s hunter2' user=r", "host=db1 password=(hidden) user=r"),
            (
                "sslpassword=hunter2 sslkey=/etc/hunter2 options='-c a=hunter2'",
                "options=(hidden) sslkey=(hidden) sslpassword=(hidden)",
            ),
            (
                "postgresql://r:hunter2@db1:5432,db2/x?sslpassword=hunter2&keepalives_idle=5",
                "dbname=x host=db1,db2 keepalives_idle=5 password=(hidden) port=5432, sslpassword=(hidden) user=r",
            ),
            ("postgresql://r:hunter?2@db1/x", "unreadable=(hidden)"),
            ("hunter2", "unreadable=(hidden)"),
            ("host=db1 password='hunter2", "unreadable=(hidden)"),
            ("host=db1 hunter 2=x", "host=db1 unreadable=(hidden)"),
            ("host=db1 hunter=x", "host=db1 unreadable=(hidden)"),
            // What PostgreSQL takes as a setting, with separators of other programs.
            ("host=127.0.0.1;port=17432;user=replicator;password=hunter2", "host=(hidden)"),
            ("host=127.0.0.1,password=hunter2,user=replicator", "host=(hidden)"),
            ("host=127.0.0.1&password=hunter2", "host=(hidden)"),
            ("host=db1 user='replicator password hunter2'", "host=db1 user=(hidden)"),
            ("host=db1 user=replicator:hunter2", "host=db1 user=(hidden)"),
            ("host=db1 user=replicator/hunter2", "host=db1 user=(hidden)"),
            ("host=replicator:hunter2@db1", "host=(hidden)"),
            ("host=db1 passfile=Password:hunter2", "host=db1 passfile=(hidden)"),
            ("postgresql://replicator:hunter2", "host=(hidden)"),
            ("postgresql://replicator:123456789", "host=replicator port=(hidden)"),
            ("postgresql://user=replicator password=hunter2", "host=(hidden)"),
            ("postgresql://db1;password=hunter2/x", "dbname=x host=(hidden)"),
            // What is as it should be is shown.
            (
                "host=fe80::1,db-2.internal,/run/postgresql hostaddr=::1 port=5432,,5433 passfile=~/.pgpass \
                 sslmode=verify-full keepalives_idle=5 require_auth=!md5,scram-sha-256",
                "host=fe80::1,db-2.internal,/run/postgresql hostaddr=::1 keepalives_idle=5 passfile=~/.pgpass \
                 port=5432,,5433 require_auth=!md5,scram-sha-256 sslmode=verify-full",
            ),
        ] {
            assert_eq!(reduced(text), expected, "{text}");
            assert!(!reduced(text).contains("hunter") && !reduced(text).contains("123456789"), "{text}");
            // What was reduced is read again by the rules.
            assert_eq!(Conninfo::reduce(&reduced(text)), Conninfo::reduce(text), "{text}");
        }
    }

    #[test]
    fn what_is_hidden_is_set_and_not_known() {
        let conninfo = Conninfo::reduce("host=db1;port=5432 password=hunter2");
        assert!(conninfo.has("host") && conninfo.has("password") && !conninfo.has("port"));
        assert_eq!((conninfo.get("host"), conninfo.get("password")), (None, None));
        assert!(conninfo.is_garbled() && !Conninfo::reduce("host=db1 password=hunter2").is_garbled());
        assert!(Conninfo::reduce("host db1").is_garbled() && !Conninfo::reduce("").is_garbled());
    }

    proptest::proptest! {
        #[test]
        fn no_password_comes_through(secret in "[A-Z0-9]{8,20}", quoted: bool, before: bool) {
            let password = if quoted { format!("password='{secret}'") } else { format!("password={secret}") };
            let text = if before { format!("{password} host=db1") } else { format!("host=db1 {password}") };
            let shown = Conninfo::reduce(&text);
            proptest::prop_assert!(!shown.to_string().contains(&secret));
            proptest::prop_assert!(shown.has("password") && shown.get("password").is_none());
            proptest::prop_assert_eq!(shown.get("host"), Some("db1"));
        }

        #[test]
        fn no_password_comes_through_whatever_separates_it(
            secret in "[a-zA-Z][A-Z0-9]{8,20}", between in "[ ]{0,1}[;,&|:/?@][ ]{0,1}|[\t\n]", is in "[=:]|[ ]{0,1}=[ ]{0,1}",
            key in "(?i)password|passwd|pwd", first in "host|user|port|dbname|application_name|service|passfile",
            last: bool, scheme: bool,
        ) {
            let password = format!("{key}{is}{secret}");
            let pairs = if last { format!("{first}=a{between}{password}") } else { format!("{password}{between}{first}=a") };
            let text = if scheme { format!("postgresql://{pairs}") } else { pairs };
            proptest::prop_assert!(!Conninfo::reduce(&text).to_string().contains(&secret), "{}", text);
        }
    }
}
