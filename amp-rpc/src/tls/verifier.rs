//! Judges certificates, in both roles, with the functions of the library that does TLS.

use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use x509_parser::parse_x509_certificate;

use super::config_error::TlsConfigError;
use super::names::names;
use super::provider::{provider, sha256};
use super::trust::{Trust, Whom, system_authorities};

/// Whether a certificate is accepted. That its owner has the key is verified in any case.
#[derive(Debug)]
pub(super) struct Verifier {
    whom: Judge,
    checks_name: bool,
}

#[derive(Debug)]
enum Judge {
    Authorities(Arc<RootCertStore>, Arc<dyn ClientCertVerifier>),
    Key([u8; 32]),
    Anyone,
}

impl Verifier {
    pub(super) fn new(trust: &Trust) -> Result<Self, TlsConfigError> {
        let whom = match &trust.whom {
            Whom::System => Judge::authorities(system_authorities()?)?,
            Whom::Authorities(roots) => Judge::authorities(Arc::clone(roots))?,
            Whom::Key(key) => Judge::Key(*key),
            Whom::Anyone => Judge::Anyone,
        };
        Ok(Self {
            whom,
            checks_name: trust.checks_name,
        })
    }

    fn has_key(certificate: &CertificateDer<'_>, key: &[u8; 32]) -> Result<(), Error> {
        let certificate = ParsedCertificate::try_from(certificate)?;
        if sha256(&certificate.subject_public_key_info()).as_ref() == Some(key) {
            return Ok(());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }
}

/// Names the names, which the library has in a form that is not for people.
fn with_names(error: Error, certificate: &CertificateDer<'_>, expected: &ServerName<'_>) -> Error {
    match (error, parse_x509_certificate(certificate)) {
        (
            Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ),
            Ok((_, certificate)),
        ) => {
            let expected = expected.to_owned();
            let presented = names(&certificate);
            CertificateError::NotValidForNameContext {
                expected,
                presented,
            }
            .into()
        }
        (error, _) => error,
    }
}

impl Judge {
    fn authorities(roots: Arc<RootCertStore>) -> Result<Self, TlsConfigError> {
        let clients =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider()));
        match clients.build() {
            Ok(clients) => Ok(Self::Authorities(roots, clients)),
            Err(error) => Err(TlsConfigError::Malformed {
                what: "authorities",
                place: String::from("the given certificates"),
                source: error.into(),
            }),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.whom {
            Judge::Authorities(roots, _) => {
                let parsed = ParsedCertificate::try_from(certificate)?;
                let algorithms = provider().signature_verification_algorithms.all;
                verify_server_cert_signed_by_trust_anchor(
                    &parsed,
                    roots,
                    intermediates,
                    now,
                    algorithms,
                )?;
                if self.checks_name {
                    verify_server_name(&parsed, server_name)
                        .map_err(|error| with_names(error, certificate, server_name))?;
                }
            }
            Judge::Key(key) => Self::has_key(certificate, key)?,
            Judge::Anyone => {}
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &provider().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        !matches!(self.whom, Judge::Anyone)
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        match &self.whom {
            Judge::Authorities(_, clients) => clients.root_hint_subjects(),
            Judge::Key(_) | Judge::Anyone => &[],
        }
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match &self.whom {
            Judge::Authorities(_, clients) => {
                return clients.verify_client_cert(certificate, intermediates, now);
            }
            Judge::Key(key) => Self::has_key(certificate, key)?,
            Judge::Anyone => {}
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls12_signature(self, message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls13_signature(self, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ServerCertVerifier::supported_verify_schemes(self)
    }
}
