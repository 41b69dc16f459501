//! Whom to trust and who we are: certificate authorities and the client certificate, read once per flow.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

use crate::model::Network;

/// Why a flow's network settings cannot be used.
#[derive(Debug, Error)]
pub enum SetupError {
    /// A file that cannot be read, or is no PEM.
    #[error("{}: {what} cannot be read: {source}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// Why not.
        source: pem::Error,
    },
    /// A file without a certificate in it.
    #[error(
        "{}: there is no certificate in this file; it must hold PEM sections that begin with \
         -----BEGIN CERTIFICATE-----", path.display()
    )]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A certificate that is none.
    #[error("{}: certificate {position} of the file is not usable: {source}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Which one, counted from 1.
        position: usize,
        /// Why not.
        source: rustls::Error,
    },
    /// The client's certificate and key do not fit.
    #[error("{} and {}: not a client certificate with its key: {source}", certificate.display(), key.display())]
    Identity {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
    /// The TLS library refuses its own defaults.
    #[error("TLS cannot be set up: {source}")]
    Tls {
        /// Why not.
        #[from]
        source: rustls::Error,
    },
    /// A proxy that is not understood.
    #[error("proxy: {reason}; write http://host:port or http://user:password@host:port")]
    Proxy {
        /// What is wrong with it, without its password.
        reason: String,
    },
}

/// The TLS settings of a flow. Sessions are never resumed: each run is cold, as a first visit is.
pub(super) fn client_config(network: &Network) -> Result<Arc<ClientConfig>, SetupError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(network)?);
    let mut config = match &network.client_identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain = certificates(&identity.certificate)?;
            let key = PrivateKeyDer::from_pem_file(&identity.key).map_err(|source| SetupError::Pem {
                path: identity.key.clone(),
                what: "the client certificate's private key",
                source,
            })?;
            builder.with_client_auth_cert(chain, key).map_err(|source| SetupError::Identity {
                certificate: identity.certificate.clone(),
                key: identity.key.clone(),
                source,
            })?
        }
    };
    config.resumption = Resumption::disabled();
    config.alpn_protocols =
        if network.http1_only { vec![b"http/1.1".to_vec()] } else { vec![b"h2".to_vec(), b"http/1.1".to_vec()] };
    Ok(Arc::new(config))
}

fn roots(network: &Network) -> Result<Arc<RootCertStore>, SetupError> {
    let system = || if network.only_these_authorities { Arc::new(RootCertStore::empty()) } else { system_roots() };
    if network.certificate_authorities.is_empty() {
        return Ok(system());
    }
    let mut roots = Arc::unwrap_or_clone(system());
    for path in &network.certificate_authorities {
        for (index, certificate) in certificates(path)?.into_iter().enumerate() {
            roots.add(certificate).map_err(|source| SetupError::Certificate {
                path: path.clone(),
                position: index + 1,
                source,
            })?;
        }
    }
    Ok(Arc::new(roots))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let unreadable = |source| SetupError::Pem { path: path.to_owned(), what: "certificates", source };
    let certificates =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(SetupError::NoCertificate { path: path.to_owned() });
    }
    Ok(certificates)
}

/// The certificates of the system's authorities and of a PEM file, for a library that makes its TLS sessions itself.
/// Of the system's those that cannot be used are left out, as everywhere.
///
/// # Errors
/// [`SetupError`] when the file cannot be read, or holds no usable certificate.
pub fn authorities(own: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let mut trusted = rustls_native_certs::load_native_certs().certs;
    trusted.retain(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok());
    let Some(path) = own else { return Ok(trusted) };
    for (index, certificate) in certificates(path)?.into_iter().enumerate() {
        let refused = |source| SetupError::Certificate { path: path.to_owned(), position: index + 1, source };
        RootCertStore::empty().add(certificate.clone()).map_err(refused)?;
        trusted.push(certificate);
    }
    Ok(trusted)
}

/// The system's authorities, read once per process and shared by all flows: there are some 150 of them.
fn system_roots() -> Arc<RootCertStore> {
    static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    Arc::clone(SYSTEM.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "some of the system's certificate authorities cannot be read");
        }
        let mut roots = RootCertStore::empty();
        let (used, ignored) = roots.add_parsable_certificates(found.certs);
        tracing::debug!(used, ignored, "read the system's certificate authorities");
        Arc::new(roots)
    }))
}
