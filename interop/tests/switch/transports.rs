//! Over what a switch takes place, and the certificates for it.

use amp_rpc::{Identity, Tls};

use crate::support::certificates::{Authority, Folder};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Over {
    Tcp,
    Tls,
    StartTls,
}

impl Over {
    pub(crate) const ALL: [Self; 3] = [Self::Tcp, Self::Tls, Self::StartTls];
}

/// One certificate for `localhost`, whichever side is the server.
pub(crate) struct Files {
    pub(crate) certificate: String,
    pub(crate) authority: String,
    trusted: String,
    trusting: Tls,
    _folder: Folder,
}

impl Files {
    pub(crate) fn new(name: &str) -> Self {
        let folder = Folder::new(&format!("switch-{name}"));
        let authority = Authority::new(name);
        let trusted = folder.folder("trusted");
        Self {
            certificate: folder.file("server.pem", &authority.issue(&["localhost"])),
            authority: folder.file("trusted/ca.pem", &authority.pem()),
            trusted,
            trusting: Tls::new().trust(authority.trust()).server_name("localhost"),
            _folder: folder,
        }
    }

    /// Where a server listens, whichever side it is.
    pub(crate) fn listen(&self, over: Over) -> String {
        match over {
            Over::Tcp | Over::StartTls => "tcp:0:interface=127.0.0.1".into(),
            Over::Tls => format!("ssl:0:privateKey={}:interface=127.0.0.1", self.certificate),
        }
    }

    pub(crate) fn connect(&self, over: Over, port: &str) -> String {
        match over {
            Over::Tcp | Over::StartTls => format!("tcp:127.0.0.1:{port}"),
            Over::Tls => format!(
                "ssl:127.0.0.1:{port}:hostname=localhost:caCertsDir={}",
                self.trusted
            ),
        }
    }

    /// For our `StartTLS` as a client.
    pub(crate) fn trusting(&self) -> Tls {
        self.trusting.clone()
    }

    /// For Twisted's `StartTLS` with us as the server.
    pub(crate) fn showing(&self) -> Tls {
        Tls::new().identity(Identity::from_pem_file(&self.certificate).expect("a pair"))
    }
}
