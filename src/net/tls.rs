//! The TLS handshake, and in plain words why one failed. Knows certificates and alerts, no HTTP.

use std::error::Error as StdError;
use std::io;

use jiff::Timestamp;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, Error as TlsError};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Why a TLS session ended or never came about: a lowercase sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reason(pub(super) String);

/// The handshake over a connected socket.
pub(super) async fn handshake(
    connector: &TlsConnector,
    host: &str,
    tcp: TcpStream,
) -> Result<Box<TlsStream<TcpStream>>, Reason> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Reason(format!("{host} is not a name that a certificate can hold")))?;
    match connector.connect(name, tcp).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(reason_of(&error).unwrap_or_else(|| Reason(handshake_io(&error)))),
    }
}

fn handshake_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the server closed the connection during the handshake".to_owned(),
        io::ErrorKind::ConnectionReset => "the server reset the connection during the handshake".to_owned(),
        _ => format!("the connection broke during the handshake: {}", crate::model::chain(error)),
    }
}

/// The TLS library's reason inside an IO error, if there is one.
pub(super) fn reason_of(error: &io::Error) -> Option<Reason> {
    let mut source: Option<&(dyn StdError + 'static)> = error.get_ref().map(|inner| inner as _);
    while let Some(error) = source {
        if let Some(tls) = error.downcast_ref::<TlsError>() {
            return Some(Reason(explain(tls)));
        }
        source = match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as _),
            None => error.source(),
        };
    }
    None
}

fn explain(error: &TlsError) -> String {
    match error {
        TlsError::InvalidCertificate(certificate) => explain_certificate(certificate),
        TlsError::InvalidMessage(_) => {
            format!("what the server sent is not TLS; is another protocol spoken on this port? ({error})")
        }
        TlsError::AlertReceived(alert) => explain_alert(*alert),
        TlsError::NoCertificatesPresented => "the server showed no certificate".to_owned(),
        TlsError::PeerIncompatible(why) => format!("the server supports no TLS that is safe to use ({why:?})"),
        TlsError::PeerMisbehaved(why) => format!("the server broke the rules of TLS ({why:?})"),
        TlsError::DecryptError => "a TLS record was damaged on its way".to_owned(),
        TlsError::NoApplicationProtocol => "the server speaks neither of the HTTP versions offered".to_owned(),
        other => other.to_string(),
    }
}

fn explain_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired => "the server's certificate has expired".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the server's certificate expired at {}", time(*not_after))
        }
        CertificateError::NotValidYet => "the server's certificate is not valid yet".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("the server's certificate is not valid before {}", time(*not_before))
        }
        CertificateError::UnknownIssuer => {
            "the server's certificate was issued by an unknown authority; if it is your own, list it under \
             certificate_authorities"
                .to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names = presented.iter().map(|name| plain_name(name)).collect::<Vec<_>>().join(", ");
            let names = if names.is_empty() { "no name at all".to_owned() } else { names };
            format!("the server's certificate is for {names}, not for {}", expected.to_str())
        }
        CertificateError::NotValidForName => "the server's certificate is for another name".to_owned(),
        CertificateError::Revoked => "the server's certificate was revoked".to_owned(),
        CertificateError::BadSignature => "the signature of the server's certificate is wrong".to_owned(),
        CertificateError::BadEncoding => "the server's certificate is malformed".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate was not issued for servers".to_owned()
        }
        other => format!("the server's certificate is not acceptable: {other}"),
    }
}

/// `DnsName("a.example")` as the library writes it, without the wrapping.
fn plain_name(name: &str) -> &str {
    name.split_once('(').map_or(name, |(_, inner)| inner.trim_end_matches(')')).trim_matches('"')
}

fn time(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(|| "a time out of range".to_owned(), |stamp| stamp.to_string())
}

fn explain_alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => {
            "the server wants a client certificate; set client_certificate".to_owned()
        }
        AlertDescription::UnknownCA => {
            "the server does not know the authority of our client certificate (alert UnknownCA)".to_owned()
        }
        AlertDescription::CertificateExpired => "the server says that our client certificate has expired".to_owned(),
        AlertDescription::CertificateRevoked => "the server says that our client certificate was revoked".to_owned(),
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied => {
            format!("the server refused the session over our client certificate, or its absence (alert {alert:?})")
        }
        AlertDescription::HandshakeFailure => {
            "the server refused the handshake (alert HandshakeFailure): no common parameters, or it wants a client \
             certificate"
                .to_owned()
        }
        AlertDescription::UnrecognisedName => "the server does not serve this name (alert UnrecognisedName)".to_owned(),
        AlertDescription::ProtocolVersion => {
            "the server supports neither TLS 1.2 nor TLS 1.3 (alert ProtocolVersion)".to_owned()
        }
        AlertDescription::NoApplicationProtocol => {
            "the server speaks neither of the HTTP versions offered (alert NoApplicationProtocol)".to_owned()
        }
        other => format!("the server ended the TLS session (alert {other:?})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificate_faults_are_told_in_plain_words() {
        let expired = CertificateError::ExpiredContext {
            time: UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_700_000_000)),
            not_after: UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_600_000_000)),
        };
        assert_eq!(explain_certificate(&expired), "the server's certificate expired at 2020-09-13T12:26:40Z");
        let name = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("login.example").unwrap(),
            presented: vec!["DnsName(\"other.example\")".to_owned()],
        };
        assert_eq!(explain_certificate(&name), "the server's certificate is for other.example, not for login.example");
    }

    #[test]
    fn a_reason_is_found_under_several_layers() {
        let inner = io::Error::other(TlsError::AlertReceived(AlertDescription::CertificateRequired));
        let outer = io::Error::other(inner);
        assert!(reason_of(&outer).unwrap().0.contains("wants a client certificate"));
        assert_eq!(reason_of(&io::Error::other("else")), None);
    }
}
