//! A forward proxy: which hosts go through it, and the CONNECT exchange that opens a tunnel. Its password appears in
//! no message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::{Host, Url};

use crate::model::{BadClass, Network};

use super::trust::SetupError;
use super::{Fault, fault};

/// A CONNECT answer's head that is longer than this is no answer.
const MOST_HEAD: usize = 16 * 1024;

/// A proxy and who bypasses it.
#[derive(Clone)]
pub(super) struct Proxy {
    pub(super) host: Host<String>,
    pub(super) port: u16,
    /// The value of `Proxy-Authorization`, marked sensitive.
    pub(super) authorization: Option<HeaderValue>,
    bypass: Vec<String>,
}

impl Proxy {
    pub(super) fn from_network(network: &Network) -> Result<Option<Self>, SetupError> {
        let Some(url) = &network.proxy else { return Ok(None) };
        let wrong = |reason: &str| SetupError::Proxy { reason: reason.to_owned() };
        if url.scheme() != "http" {
            return Err(wrong(&format!("a proxy is spoken to over http, not {}", url.scheme())));
        }
        let host = url.host().ok_or_else(|| wrong("there is no host"))?.to_owned();
        let bypass = network.no_proxy.iter().map(|rule| rule.to_ascii_lowercase()).collect();
        Ok(Some(Self {
            host,
            port: url.port_or_known_default().unwrap_or(80),
            authorization: authorization(url).ok_or_else(|| wrong("its user or password cannot be sent"))?,
            bypass,
        }))
    }

    /// Whether requests to `host` go directly.
    pub(super) fn is_bypassed_by(&self, host: &Host<String>) -> bool {
        let host = match host {
            Host::Domain(name) => name.trim_end_matches('.').to_ascii_lowercase(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        self.bypass.iter().any(|rule| {
            if rule.starts_with('.') {
                host.ends_with(rule.as_str())
            } else {
                host == rule.trim_start_matches('[').trim_end_matches(']')
            }
        })
    }

    /// For messages: without user and password.
    pub(super) fn display(&self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }

    /// Asks for a tunnel to `target` (`host:port`).
    pub(super) async fn open_tunnel(&self, tcp: &mut TcpStream, target: &str) -> Result<(), Fault> {
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
        if let Some(value) = &self.authorization {
            request.extend_from_slice(b"Proxy-Authorization: ");
            request.extend_from_slice(value.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        let broke = |error: std::io::Error| {
            let why = match error.kind() {
                std::io::ErrorKind::UnexpectedEof => "it closed the connection without an answer".to_owned(),
                _ => fault::io_words(&error),
            };
            fault::bad(BadClass::Connect, format!("proxy {}: {why}", self.display()))
        };
        tcp.write_all(&request).await.map_err(broke)?;
        let mut head = Vec::with_capacity(256);
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() == MOST_HEAD {
                return Err(self.refusal("answered CONNECT with an endless head"));
            }
            // One byte at a time, so that nothing that belongs to the tunnel is taken; it is one short head.
            head.push(tcp.read_u8().await.map_err(broke)?);
        }
        match status(&head) {
            Some(200..=299) => Ok(()),
            Some(code) => {
                let reason = http::StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
                let hint = if code == 407 { ": it wants a user and a password, or others" } else { "" };
                let reason = reason.map(|reason| format!(" {reason}")).unwrap_or_default();
                Err(self.refusal(&format!("refused a tunnel to {target} with {code}{reason}{hint}")))
            }
            None => Err(self.refusal("did not answer CONNECT in HTTP")),
        }
    }

    /// The proxy would not do it.
    pub(super) fn refusal(&self, what: &str) -> Fault {
        fault::bad(BadClass::Connect, format!("proxy {} {what}", self.display()))
    }
}

/// `None` when it cannot be a header; `Some(None)` when there is none.
#[expect(clippy::option_option, reason = "absent and unusable are different, and both are rare")]
fn authorization(url: &Url) -> Option<Option<HeaderValue>> {
    if url.username().is_empty() && url.password().is_none() {
        return Some(None);
    }
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let pair = [decoded(url.username()), b":".to_vec(), decoded(url.password().unwrap_or_default())].concat();
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(Some(value))
}

fn status(head: &[u8]) -> Option<u16> {
    let line = head.strip_prefix(b"HTTP/1.")?;
    let digits = line.get(2..5).filter(|_| line.get(1) == Some(&b' '))?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(no_proxy: &[&str]) -> Proxy {
        let network = Network {
            proxy: Some("http://u%40x:p%3Aw@proxy.example:3128".parse().unwrap()),
            no_proxy: no_proxy.iter().map(|&rule| rule.to_owned()).collect(),
            ..Network::default()
        };
        Proxy::from_network(&network).unwrap().unwrap()
    }

    #[test]
    fn user_and_password_are_decoded_and_hidden() {
        let proxy = proxy(&[]);
        let value = proxy.authorization.as_ref().unwrap();
        assert_eq!(value.as_bytes(), format!("Basic {}", STANDARD.encode("u@x:p:w")).as_bytes());
        assert_eq!(format!("{value:?}"), "Sensitive");
        assert_eq!(proxy.display(), "http://proxy.example:3128");
    }

    #[test]
    fn bypass_rules_are_names_or_suffixes() {
        let proxy = proxy(&["Exact.example", ".inner.example", "10.0.0.1", "::1"]);
        let bypassed = |host: &str| proxy.is_bypassed_by(&Host::parse(host).unwrap());
        for host in ["exact.example", "EXACT.example", "a.inner.example", "a.b.inner.example", "10.0.0.1", "[::1]"] {
            assert!(bypassed(host), "{host}");
        }
        for host in ["a.exact.example", "inner.example", "xinner.example", "10.0.0.2", "[::2]"] {
            assert!(!bypassed(host), "{host}");
        }
    }

    #[test]
    fn status_lines() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407\r\n\r\n"), Some(407));
        assert_eq!(status(b"SSH-2.0-x\r\n\r\n"), None);
        assert_eq!(status(b"HTTP/1.1 2\r\n\r\n"), None);
    }

    #[test]
    fn only_http_proxies() {
        let network = Network { proxy: Some("socks5://proxy:1080".parse().unwrap()), ..Network::default() };
        let error = Proxy::from_network(&network).err().unwrap().to_string();
        assert!(error.contains("over http, not socks5"), "{error}");
    }
}
