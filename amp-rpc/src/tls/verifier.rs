//! Judges certificates, in both roles, with the functions of the library that does TLS.

use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::{
    verify_tls12_signature, verify_tls13_signature, verify_tls13_signature_with_raw_key,
};
use tokio_rustls::rustls::pki_types::{
    CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use x509_parser::parse_x509_certificate;
use x509_parser::x509::X509Version;

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
        let (_, certificate) =
            parse_x509_certificate(certificate).map_err(|_| CertificateError::BadEncoding)?;
        if sha256(certificate.public_key().raw).as_ref() == Some(key) {
            return Ok(());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }
}

/// A certificate says only since version 3 of X.509 what it may be used for, and for which names.
#[derive(Debug, thiserror::Error)]
#[error(
    "it is of an early version of X.509, as those are that Twisted makes; such a one proves nothing, and is \
     accepted only with Trust::anyone or Trust::key"
)]
struct EarlyVersion;

/// The key in a certificate of an early version, which the library does not read.
pub(super) fn early_key<'a>(
    certificate: &'a CertificateDer<'_>,
) -> Option<SubjectPublicKeyInfoDer<'a>> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    let key = certificate.tbs_certificate.subject_pki.raw;
    (certificate.version() != X509Version::V3).then(|| key.into())
}

fn is_current(certificate: &CertificateDer<'_>) -> Result<(), Error> {
    match early_key(certificate) {
        Some(_) => Err(CertificateError::Other(OtherError(Arc::new(EarlyVersion))).into()),
        None => Ok(()),
    }
}

/// The certificate of an authority is shown as that of a side.
#[derive(Debug, thiserror::Error)]
#[error("it is the certificate of an authority")]
pub(super) struct OfAuthority;

/// Says that it is the certificate of an authority where that is what the library finds wrong, which has no name for it.
fn with_reason(error: Error, certificate: &CertificateDer<'_>) -> Error {
    let is_named = !matches!(error, Error::InvalidCertificate(CertificateError::Other(_)));
    match parse_x509_certificate(certificate) {
        Ok((_, certificate)) if certificate.is_ca() && !is_named => {
            CertificateError::Other(OtherError(Arc::new(OfAuthority))).into()
        }
        _ => error,
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
                is_current(certificate)?;
                let parsed = ParsedCertificate::try_from(certificate)?;
                let algorithms = provider().signature_verification_algorithms.all;
                verify_server_cert_signed_by_trust_anchor(
                    &parsed,
                    roots,
                    intermediates,
                    now,
                    algorithms,
                )
                .map_err(|error| with_reason(error, certificate))?;
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
        match early_key(certificate) {
            // All that peers choose where they can; the rest is refused.
            Some(key) => verify_tls13_signature_with_raw_key(message, &key, signed, algorithms),
            None => verify_tls12_signature(message, certificate, signed, algorithms),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &provider().signature_verification_algorithms;
        match early_key(certificate) {
            Some(key) => verify_tls13_signature_with_raw_key(message, &key, signed, algorithms),
            None => verify_tls13_signature(message, certificate, signed, algorithms),
        }
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
                is_current(certificate)?;
                return clients
                    .verify_client_cert(certificate, intermediates, now)
                    .map_err(|error| with_reason(error, certificate));
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
