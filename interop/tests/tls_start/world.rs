//! Who has which certificate, and what our side serves.

use std::sync::Arc;

use amp_rpc::{Amp, Answer, Peer, Responders, Tls};

use crate::commands::{Granted, Secure, SecureError, Seen, View};
use crate::support::certificates::{Authority, Folder};

/// An authority that everybody trusts, and Twisted's certificates for two tenants.
pub(crate) struct World {
    authority: Arc<Authority>,
    pub(crate) folder: Folder,
}

impl World {
    /// The authority has the name too: those of the same name would be taken for one another.
    pub(crate) fn new(name: &str) -> Self {
        let folder = Folder::new(&format!("start-{name}"));
        let authority = Arc::new(Authority::new(name));
        folder.file("ca.pem", &authority.pem());
        for tenant in ["ada.example", "bob.example"] {
            let pem = authority.issue(&[tenant]);
            folder.file(&format!("{tenant}.pem"), &pem);
        }
        Self { authority, folder }
    }

    /// TLS that trusts the authority.
    pub(crate) fn trusting(&self) -> Tls {
        Tls::new().trust(self.authority.trust())
    }

    /// TLS with a certificate, which trusts nobody in particular.
    pub(crate) fn being(&self, name: &str) -> Tls {
        Tls::new().identity(self.authority.identity(&[name]))
    }

    /// TLS with a certificate, which trusts the authority.
    pub(crate) fn both(&self, name: &str) -> Tls {
        self.being(name).trust(self.authority.trust())
    }

    /// Serves the same as Twisted.
    pub(crate) fn amp(&self) -> Amp {
        let authority = Arc::clone(&self.authority);
        let secure = move |command: Secure, peer: Peer| {
            let authority = Arc::clone(&authority);
            async move {
                if !command.tenant.ends_with(".example") {
                    return Err(SecureError::NoSuchTenant.into());
                }
                let mut tls = Tls::new().identity(authority.identity(&[&command.tenant]));
                if command.demand == Some(true) {
                    tls = tls.trust(authority.trust());
                }
                peer.set_tls(tls);
                Ok(Granted { by: command.tenant })
            }
        };
        Amp::new().locator(Responders::new().on_with_peer(secure).on_with_peer(see))
    }
}

async fn see(_: Seen, peer: Peer) -> Answer<Seen> {
    let session = peer.tls();
    Ok(View {
        version: session.map(|session| session.version().to_owned()),
        subject: session
            .and_then(|session| session.peer())
            .and_then(|identity| identity.names.first().cloned()),
    })
}
