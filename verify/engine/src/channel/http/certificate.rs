//! Certificates that principals show.

use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use secrecy::ExposeSecret as _;
use watertight_spec::ClientCertificate;

/// A certificate of the spec that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the certificate of {whose} can't be used: {why}")]
pub struct CertificateError {
    /// Whose it is.
    pub whose: String,
    /// What is wrong with it.
    pub why: String,
}

/// What shows a certificate, or why it can't be.
pub(super) fn resolver(certificate: &ClientCertificate) -> Result<Arc<dyn ResolvesClientCert>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.chain.text().as_bytes()).collect();
    let chain = chain.map_err(|error| format!("`certificate`: {error}"))?;
    if chain.is_empty() {
        return Err("`certificate` holds none in PEM".to_owned());
    }
    // The error says nothing of what is in it.
    let key = PrivateKeyDer::from_pem_slice(certificate.key.expose_secret().as_bytes())
        .map_err(|_| "`certificate_key` is no private key in PEM".to_owned())?;
    let certified = CertifiedKey::from_der(chain, key, &default_provider())
        .map_err(|error| format!("the key does not fit the certificate, or is of no known kind: {error}"))?;
    Ok(Arc::new(SingleCertAndKey::from(certified)))
}
