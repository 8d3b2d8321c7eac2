//! The library that does the cryptography.

use std::sync::{Arc, LazyLock};

use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::hash::{Hash, HashAlgorithm};

/// It is passed wherever it is needed: what the process as a whole is set to is the program's business.
pub(super) fn provider() -> &'static Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        #[cfg(feature = "tls-aws-lc-rs")]
        let provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
        #[cfg(not(feature = "tls-aws-lc-rs"))]
        let provider = tokio_rustls::rustls::crypto::ring::default_provider();
        Arc::new(provider)
    });
    &PROVIDER
}

/// The SHA-256 of some bytes; `None` if the provider has no such function, though each has.
pub(super) fn sha256(bytes: &[u8]) -> Option<[u8; 32]> {
    let is_sha256 = |hash: &&'static dyn Hash| hash.algorithm() == HashAlgorithm::SHA256;
    let hash = (provider().cipher_suites.iter())
        .filter_map(|suite| Some(suite.tls13()?.common.hash_provider))
        .find(is_sha256)?;
    hash.hash(bytes).as_ref().try_into().ok()
}
