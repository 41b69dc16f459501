//! TLS for edges that speak another protocol than HTTP: the same trust, and the same words for what went wrong.

use std::path::Path;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::model::Network;

use super::tls;
use super::trust::{SetupError, client_config};

/// Whom to trust; sessions are made with [`Secure::handshake`].
#[derive(Clone)]
pub struct Secure(TlsConnector);

impl Secure {
    /// Trusts the system's authorities and those of a PEM file.
    ///
    /// # Errors
    /// [`SetupError`] when the file cannot be read, or holds no certificate.
    pub fn new(authority: Option<&Path>) -> Result<Self, SetupError> {
        let network = Network {
            certificate_authorities: authority.map(Path::to_path_buf).into_iter().collect(),
            ..Network::default()
        };
        let mut config = (*client_config(&network)?).clone();
        config.alpn_protocols.clear();
        Ok(Self(TlsConnector::from(std::sync::Arc::new(config))))
    }

    /// The handshake over a connected socket; the server's certificate must be valid for `host`, a name or an address.
    ///
    /// # Errors
    /// Why it failed: a lowercase sentence.
    pub async fn handshake(&self, host: &str, tcp: TcpStream) -> Result<Box<TlsStream<TcpStream>>, String> {
        tls::handshake(&self.0, host, tcp).await.map_err(|tls::Reason(text)| {
            // A flow lists authorities under another key than a database.
            text.replace("list it under certificate_authorities", "name its file under authority")
        })
    }
}
