//! How a side does TLS.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, ServerConfig};

use super::cached::Cached;
use super::certificates::Certificates;
use super::error::TlsError;
use super::identities::Identities;
use super::identity::Identity;
use super::provider::provider;
use super::trust::Trust;
use super::verifier::Verifier;

/// What the protocol is called in the handshake, where it is said.
const ALPN: &[u8] = b"amp";

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// How this side does TLS: what it shows of itself, and whom it trusts. Cheap to clone; make one and use
/// it for all connections, since they share what it takes to resume a session.
///
/// It serves in both roles, because with `StartTLS` the role depends on which side has connected. TLS 1.2
/// and 1.3 are spoken.
///
/// ```no_run
/// use amp_rpc::{Amp, Identity, Tls, Trust};
///
/// # fn example() -> Result<(), amp_rpc::TlsConfigError> {
/// let server = Tls::new().identity(Identity::from_pem_files("server.pem", "server.key")?);
/// let client = Tls::new().trust(Trust::authorities_from_pem_file("ca.pem")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tls(Arc<Settings>);

#[derive(Clone, Default)]
struct Settings {
    identities: Option<Identities>,
    trust: Option<Trust>,
    server_name: Option<String>,
    alpn: bool,
    timeout: Option<Duration>,
    /// Made from the rest when it is first needed.
    made: Made,
}

#[derive(Default)]
struct Made {
    client: Cached<ClientConfig>,
    server: Cached<ServerConfig>,
}

impl Clone for Made {
    /// A copy is made to be changed.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Tls {
    /// Without a certificate; as a client, the system's authorities are trusted, and as a server, clients
    /// need no certificate.
    pub fn new() -> Self {
        Self(Arc::default())
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        let settings = Arc::make_mut(&mut self.0);
        settings.made = Made::default();
        change(settings);
        self
    }

    /// Sets what this side shows of itself. A server needs it; a client shows it when the server asks.
    #[must_use]
    pub fn identity(self, identity: Identity) -> Self {
        self.identities(identity.into())
    }

    /// Sets what this side shows of itself, from files that are read again when they change. As a server it
    /// shows the certificate for the name that the client seeks, and as a client the one that stands for
    /// none.
    #[must_use]
    pub fn identities(self, identities: Identities) -> Self {
        self.with(|settings| settings.identities = Some(identities))
    }

    /// Sets whose certificates are accepted. A server that is told this demands a certificate of its
    /// clients, except with [`Trust::anyone`]: then it asks for one and takes any.
    #[must_use]
    pub fn trust(self, trust: Trust) -> Self {
        self.with(|settings| settings.trust = Some(trust))
    }

    /// Sets the name that the server's certificate has to bear, a host name or an IP address. Default: the
    /// host of the endpoint that was connected to.
    #[must_use]
    pub fn server_name(self, name: impl Into<String>) -> Self {
        self.with(|settings| settings.server_name = Some(name.into()))
    }

    /// Sets whether to say in the handshake that the protocol is `amp` (ALPN, RFC 7301), so that a port can
    /// be shared with others. Peers that do not say so are accepted all the same. Default: no, as in
    /// Twisted, whose servers refuse a client that does, unless their `acceptableProtocols` have `amp`.
    #[must_use]
    pub fn alpn(self, says_amp: bool) -> Self {
        self.with(|settings| settings.alpn = says_amp)
    }

    /// Sets how long a handshake may take. Default: 30 seconds. Zero is refused when a server is made.
    #[must_use]
    pub fn handshake_timeout(self, limit: Duration) -> Self {
        self.with(|settings| settings.timeout = Some(limit))
    }

    pub(crate) fn has_identity(&self) -> bool {
        self.0.identities.is_some()
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.0.timeout.unwrap_or(HANDSHAKE_TIMEOUT)
    }

    /// The name to look for: the one that was set, or that of the endpoint.
    pub(super) fn name<'a>(&'a self, host: Option<&'a str>) -> Option<&'a str> {
        self.0.server_name.as_deref().or(host)
    }

    /// Whether a server's certificate has to bear its name.
    pub(super) fn checks_name(&self) -> bool {
        self.0.trust.as_ref().is_none_or(|trust| trust.checks_name)
    }

    async fn certificates(&self) -> Option<Arc<Certificates>> {
        match &self.0.identities {
            Some(identities) => Some(identities.certificates().await),
            None => None,
        }
    }

    pub(super) async fn client(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let certificates = self.certificates().await;
        let certified = certificates.as_ref().map(|it| it.default());
        let make = || self.make_client(certified);
        self.0.made.client.of(&certificates, make)
    }

    fn make_client(&self, certified: Option<Arc<CertifiedKey>>) -> Result<ClientConfig, TlsError> {
        let trust = self.0.trust.clone().unwrap_or_else(Trust::system);
        let builder = ClientConfig::builder_with_provider(Arc::clone(provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier::new(&trust).map_err(other)?));
        let mut config = match certified {
            Some(certified) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.protocols();
        Ok(config)
    }

    pub(super) async fn server(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let certificates = self.certificates().await;
        let Some(current) = certificates.clone() else {
            return Err(TlsError::NoIdentity);
        };
        let make = || self.make_server(current);
        self.0.made.server.of(&certificates, make)
    }

    fn make_server(&self, certificates: Arc<Certificates>) -> Result<ServerConfig, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(other)?;
        let builder = match &self.0.trust {
            Some(trust) => {
                builder.with_client_cert_verifier(Arc::new(Verifier::new(trust).map_err(other)?))
            }
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(certificates);
        config.alpn_protocols = self.protocols();
        Ok(config)
    }

    fn protocols(&self) -> Vec<Vec<u8>> {
        if self.0.alpn {
            vec![ALPN.to_vec()]
        } else {
            Vec::new()
        }
    }
}

pub(super) fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TlsError {
    TlsError::Other(error.into())
}

/// Equal when they are clones of one another.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Tls {}

impl Default for Tls {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("identities", &self.0.identities)
            .field("trust", &self.0.trust)
            .field("server_name", &self.0.server_name)
            .finish_non_exhaustive()
    }
}
