//! Why a MariaDB server said nothing, or why its replica's threads stand, in words that hold no secret and no user's data.

use std::io;
use std::time::Duration;

use mysql_async::{DriverError, Error, IoError, ServerError};

use super::super::failure::{Failure, Repeater};
use crate::model::{Unknown, chain};

/// Nothing came in time.
pub(super) fn no_answer(limit: Duration) -> Failure {
    Failure::new(
        Unknown::NoAnswer,
        format!("no answer within {} s: is the server frozen, or does the network drop packets?", limit.as_secs_f64()),
    )
}

/// What the client library says of a connection as this user.
pub(super) fn explain(error: &Error, user: &str, repeater: &Repeater) -> Failure {
    match error {
        Error::Server(error) => of_server(error, user, repeater),
        Error::Io(IoError::Io(error)) => of_io(error, repeater),
        Error::Io(IoError::Tls(error)) => tls(&repeater.repeat(&chain(error))),
        Error::Driver(error) => of_driver(error, user, repeater),
        Error::Url(_) | Error::Other(_) => {
            Failure::new(Unknown::Garbled, "the client library failed for a reason of its own")
        }
    }
}

fn tls(reason: &str) -> Failure {
    Failure::new(Unknown::Tls, format!("no TLS session came about: {reason}"))
}

/// Numbers of the server's errors: <https://mariadb.com/kb/en/mariadb-error-codes/>.
fn of_server(error: &ServerError, user: &str, repeater: &Repeater) -> Failure {
    let said = format!("error {}: {}", error.code, repeater.repeat(&error.message));
    let (why, message) = match error.code {
        1040 | 1203 | 1226 => (Unknown::NoConnectionLeft, format!("the server has no connection left ({said})")),
        1044 | 1045 | 1698 | 1820 | 1862 | 4151 => {
            (Unknown::LoginRefused, format!("the server refused the role {user} or its password ({said})"))
        }
        1129 | 1130 => (Unknown::LoginRefused, format!("the server lets nobody in from this machine ({said})")),
        1053 => (Unknown::Starting, format!("the server is shutting down ({said})")),
        1142 | 1143 | 1227 | 1370 => (
            Unknown::NoRights,
            format!(
                "the role {user} may not see replication or sessions ({said}); GRANT REPLICA MONITOR, PROCESS ON *.*"
            ),
        ),
        1193 | 1109 | 1054 | 1064 => (
            Unknown::Version,
            format!("the server does not know what was asked, so its version is not supported ({said})"),
        ),
        1317 | 1927 | 1969 => (Unknown::NoAnswer, format!("the server broke the question off ({said})")),
        _ => (Unknown::Garbled, format!("the server answered with an error ({said})")),
    };
    Failure::new(why, message)
}

fn of_io(error: &io::Error, repeater: &Repeater) -> Failure {
    use io::ErrorKind;
    if error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some() {
        return tls(&repeater.repeat(&chain(error)));
    }
    let (why, what) = match error.kind() {
        ErrorKind::ConnectionRefused => (Unknown::Unreachable, "nothing listens there"),
        ErrorKind::TimedOut => (Unknown::NoAnswer, "the network gave up waiting"),
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe => (Unknown::Unreachable, "the server closed the connection before it answered"),
        ErrorKind::InvalidData | ErrorKind::InvalidInput => (Unknown::Garbled, "what answers is no MariaDB server"),
        _ => (Unknown::Unreachable, "no connection came about"),
    };
    Failure::new(why, format!("{what} ({})", repeater.repeat(&chain(error))))
}

/// The library's own errors. Some hold what the server sent: only those that do not are repeated.
fn of_driver(error: &DriverError, user: &str, repeater: &Repeater) -> Failure {
    match error {
        DriverError::NoClientSslFlagFromServer => Failure::new(
            Unknown::Tls,
            "the server offers no TLS; switch it on there, or set tls: off on loopback".to_owned(),
        ),
        DriverError::UnknownAuthPlugin { name } => Failure::new(
            Unknown::LoginRefused,
            format!(
                "the role {user} logs in with {}, which is not supported; use mysql_native_password",
                repeater.repeat(name)
            ),
        ),
        DriverError::CleartextPluginDisabled | DriverError::MysqlOldPasswordDisabled => Failure::new(
            Unknown::LoginRefused,
            format!("the server wants the password of {user} in a form that gives it away; use mysql_native_password"),
        ),
        DriverError::ConnectionClosed => {
            Failure::new(Unknown::Unreachable, "the server closed the connection before it answered".to_owned())
        }
        _ => Failure::new(Unknown::Garbled, "the server broke the rules of the protocol".to_owned()),
    }
}

/// The fetching thread's last error: names of hosts and roles, never a password.
pub(super) fn fetching_error(number: u32, text: &str) -> Option<String> {
    (number != 0).then(|| format!("{number}: {}", plain(text)))
}

/// The applying thread's last error. From its first quotation mark on it may quote rows and statements, and so the data
/// of users: that is left out.
pub(super) fn applying_error(number: u32, text: &str) -> Option<String> {
    let text = text.strip_prefix("Error '").unwrap_or(text);
    let said = match text.split_once(['\'', '"', '`']) {
        Some((before, _)) => format!("{} (what it quotes is not kept)", plain(before)),
        None => plain(text),
    };
    (number != 0).then(|| format!("{number}: {said}"))
}

/// One line of bounded length; the server never puts a password into these texts.
fn plain(text: &str) -> String {
    Repeater::new(None).repeat(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: u16) -> Unknown {
        let error = ServerError { code, message: "no".to_owned(), state: "HY000".to_owned() };
        explain(&Error::Server(error), "monitor", &Repeater::new(None)).why
    }

    #[test]
    fn errors_of_the_server_have_their_kind() {
        for (code, why) in [
            (1040, Unknown::NoConnectionLeft),
            (1045, Unknown::LoginRefused),
            (1130, Unknown::LoginRefused),
            (1227, Unknown::NoRights),
            (1193, Unknown::Version),
            (1053, Unknown::Starting),
            (1969, Unknown::NoAnswer),
            (1005, Unknown::Garbled),
        ] {
            assert_eq!(server(code), why, "{code}");
        }
    }

    #[test]
    fn the_rights_that_are_missing_are_named() {
        let error = ServerError { code: 1227, message: "Access denied".to_owned(), state: "42000".to_owned() };
        let fault = explain(&Error::Server(error), "blind", &Repeater::new(None));
        assert!(fault.message.ends_with("GRANT REPLICA MONITOR, PROCESS ON *.*"), "{}", fault.message);
    }

    #[test]
    fn no_users_data_is_kept_of_an_error() {
        let row = "Could not execute Write_rows_v1 event on table auth.fence; Duplicate entry 'ann@example' for key \
                   'PRIMARY', Error_code: 1062";
        assert_eq!(
            applying_error(1062, row).unwrap(),
            "1062: Could not execute Write_rows_v1 event on table auth.fence; Duplicate entry (what it quotes is not kept)"
        );
        let statement = "Error 'Duplicate entry 'O'Brien' for key 'PRIMARY'' on query. Default database: 'auth'. Query: \
                         'INSERT INTO session VALUES ('O'Brien', 'sessionkey')'";
        let said = applying_error(1062, statement).unwrap();
        assert!(
            said.starts_with("1062: Duplicate entry (") && !said.contains("Brien") && !said.contains("key"),
            "{said}"
        );
        let strict = "An attempt was made to binlog GTID 0-1-41 which would create an out-of-order sequence number";
        assert_eq!(applying_error(1950, strict).unwrap(), format!("1950: {strict}"));
        assert_eq!(applying_error(0, ""), None);
        assert_eq!(fetching_error(0, ""), None);
    }

    #[test]
    fn a_password_that_the_server_repeats_is_hidden() {
        let error = ServerError { code: 1045, message: "'hunter2!' is wrong".to_owned(), state: "28000".to_owned() };
        let repeater = Repeater::new(Some(&crate::model::Secret::new("hunter2!")));
        let message = explain(&Error::Server(error), "monitor", &repeater).message;
        assert!(!message.contains("hunter2"), "{message}");
    }
}
