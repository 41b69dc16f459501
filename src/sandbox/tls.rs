//! A certificate authority of the sandbox's own, and a server certificate by it. Keys live in memory only.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::StartError;

/// What a TLS server needs, and what its clients need to trust it.
pub(super) struct Identity {
    pub(super) authority_pem: String,
    pub(super) server: Arc<ServerConfig>,
}

impl Identity {
    /// New keys for `localhost`, both loopback addresses and `listen`.
    pub(super) fn generate(listen: IpAddr) -> Result<Self, StartError> {
        let failed = |error: rcgen::Error| StartError::Certificate(error.to_string());
        let mut authority = CertificateParams::new(Vec::<String>::new()).map_err(failed)?;
        authority.distinguished_name.push(DnType::CommonName, "Doorstep sandbox authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate().map_err(failed)?;
        let authority_pem = authority.self_signed(&authority_key).map_err(failed)?.pem();
        let issuer = Issuer::new(authority, authority_key);

        let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), listen.to_string()];
        let mut server = CertificateParams::new(names.to_vec()).map_err(failed)?;
        server.distinguished_name.push(DnType::CommonName, "Doorstep sandbox");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server_key = KeyPair::generate().map_err(failed)?;
        let certificate = server.signed_by(&server_key, &issuer).map_err(failed)?;

        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key))
            .map_err(|error| StartError::Certificate(error.to_string()))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { authority_pem, server: Arc::new(config) })
    }
}
