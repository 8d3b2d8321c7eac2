//! Authorities, certificates, folders, and both sides of a handshake.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::duplex;

use crate::tls::{CertificateProblem, Failed, Identity, Role, Tls, TlsError, TlsSession, Trust};
use crate::transport::BoxedStream;

pub(super) type Outcome = Result<(BoxedStream, TlsSession), Failed>;

/// One that signs certificates.
pub(super) struct Authority {
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    pub(super) fn trust(&self) -> Trust {
        Trust::authorities_from_pem(&self.pem).unwrap()
    }

    /// Signs a certificate for some names.
    pub(super) fn sign(&self, names: &[&str]) -> Pem {
        self.sign_with(names, |_| {})
    }

    /// Signs a certificate that is odd in some way.
    pub(super) fn sign_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Pem {
        let mut params = params(names);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Pem {
            certificate: params.signed_by(&key, &self.issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A certificate for `localhost` that is signed by itself.
pub(super) fn self_signed() -> Pem {
    let key = KeyPair::generate().unwrap();
    Pem {
        certificate: params(&["localhost"]).self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let subject = names.first().cloned().unwrap_or_default();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, subject);
    params
}

/// A certificate and its key.
pub(super) struct Pem {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Pem {
    pub(super) fn both(&self) -> String {
        format!("{}{}", self.certificate, self.key)
    }

    pub(super) fn identity(&self) -> Identity {
        Identity::from_pem(self.both()).unwrap()
    }

    /// A side with it.
    pub(super) fn tls(&self) -> Tls {
        Tls::new().identity(self.identity())
    }
}

/// A folder that is removed with all that is in it.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("amp-rpc-tls-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Both sides of a handshake, the client having been led to `localhost`.
pub(super) async fn shake(client: &Tls, server: &Tls) -> (Outcome, Outcome) {
    shake_with(client, server, Some("localhost")).await
}

pub(super) async fn shake_with(
    client: &Tls,
    server: &Tls,
    host: Option<&str>,
) -> (Outcome, Outcome) {
    let (near, far) = duplex(64 * 1024);
    tokio::join!(
        client.handshake(BoxedStream::new(near), Role::Client, host),
        server.handshake(BoxedStream::new(far), Role::Server, None),
    )
}

/// Both sides of a handshake that succeeds.
pub(super) async fn sessions(client: &Tls, server: &Tls) -> (TlsSession, TlsSession) {
    let (client, server) = shake(client, server).await;
    (session(client), session(server))
}

pub(super) fn session(outcome: Outcome) -> TlsSession {
    match outcome {
        Ok((_, session)) => session,
        Err(failed) => panic!("expected a session, got {:?}", failed.error),
    }
}

pub(super) fn refusal(outcome: Outcome) -> TlsError {
    match outcome {
        Ok((_, session)) => panic!("expected a refusal, got {session:?}"),
        Err(failed) => failed.error,
    }
}

/// What is wrong with a certificate, and how that is put.
pub(super) fn problem(outcome: Outcome) -> (CertificateProblem, String) {
    let error = refusal(outcome);
    let message = error.to_string();
    match error {
        TlsError::Certificate(problem) => (problem, message),
        error => panic!("expected a problem with a certificate, got {error:?}"),
    }
}
