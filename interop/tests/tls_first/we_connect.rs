//! Twisted listens and we connect.

use std::error::Error;

use amp_rpc::{
    Amp, CallError, CertificateProblem, ConnectEndpoint, ConnectError, EndReason, Peer, Tls,
    TlsError,
};

use crate::support::Server;
use crate::support::certificates::{Authority, Folder};
use crate::{Seen, View, soon, twisted};

async fn connect(endpoint: &str) -> Peer {
    soon(Amp::new().connect(endpoint))
        .await
        .expect("it is trusted")
}

async fn view(peer: &Peer) -> View {
    soon(peer.call(Seen {})).await.expect("an answer")
}

/// Why our side does not connect.
async fn refuses(endpoint: &str) -> CertificateProblem {
    let error = soon(Amp::new().connect(endpoint)).await;
    match error.expect_err("it is not to be trusted") {
        ConnectError::Tls {
            source: TlsError::Certificate(problem),
            ..
        } => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn by_strings_of_ssl() {
    let folder = Folder::new("connect-ssl");
    let authority = Authority::new("authority");
    let trusted = folder.folder("trusted");
    folder.file("trusted/ca.pem", &authority.pem());
    let pem = authority.issue(&["localhost"]);
    let key_begins = pem.find("-----BEGIN PRIVATE").expect("a key");
    let certificate = folder.file("server.pem", &pem[..key_begins]);
    let key = folder.file("server.key", &pem[key_begins..]);
    let server = Server::start(twisted("serve").arg(format!(
        "ssl:0:privateKey={key}:certKey={certificate}:interface=127.0.0.1"
    )));
    let endpoint = format!("ssl:127.0.0.1:{}:caCertsDir={trusted}", server.port);
    let peer = connect(&format!("{endpoint}:hostname=localhost")).await;
    let session = peer.tls().expect("it is secure");
    assert_eq!(session.version(), "TLSv1.3");
    let identity = session.peer().expect("a server has a certificate");
    assert_eq!(identity.subject, "CN=localhost");
    let expected = View {
        version: Some("TLSv1.3".into()),
        subject: None,
        sought: Some("localhost".into()),
        protocol: None,
    };
    assert_eq!(view(&peer).await, expected);

    let problem = refuses(&format!("{endpoint}:hostname=example.org")).await;
    let CertificateProblem::WrongName {
        expected: name,
        presented,
    } = &problem
    else {
        panic!("{problem:?}");
    };
    assert_eq!(name, "example.org");
    assert!(
        presented.iter().any(|name| name.contains("localhost")),
        "{presented:?}"
    );

    // The system's authorities do not know this one.
    let problem = refuses(&format!("ssl:127.0.0.1:{}:hostname=localhost", server.port)).await;
    assert_eq!(problem, CertificateProblem::UnknownAuthority);
    assert_eq!(view(&peer).await, expected, "another connection noticed");
}

#[tokio::test]
async fn by_strings_of_tls_with_two_names() {
    let folder = Folder::new("connect-tls");
    let authority = Authority::new("authority");
    let trusted = folder.folder("trusted");
    folder.file("trusted/ca.pem", &authority.pem());
    let certificates = folder.folder("certificates");
    for name in ["one.example", "two.example"] {
        folder.file(
            &format!("certificates/{name}.pem"),
            &authority.issue(&[name]),
        );
    }
    let listen = format!("tls:{certificates}:0:interface=127.0.0.1");
    let server = Server::start(twisted("serve").arg(listen));
    for name in ["one.example", "two.example"] {
        let endpoint = format!(
            "tls:{name}:1:trustRoots={trusted}:endpoint=tcp\\:127.0.0.1\\:{}",
            server.port
        );
        let peer = connect(&endpoint).await;
        let identity = peer.tls().and_then(|session| session.peer());
        assert_eq!(identity.expect("a certificate").names, [name]);
        assert_eq!(view(&peer).await.sought.as_deref(), Some(name));
    }
}

#[tokio::test]
async fn what_has_expired_or_is_a_stranger_s_is_refused() {
    let folder = Folder::new("connect-refuse");
    let (authority, stranger) = (Authority::new("authority"), Authority::new("stranger"));
    let trusted = folder.folder("trusted");
    folder.file("trusted/ca.pem", &authority.pem());
    let good = authority.issue(&["localhost"]);
    let expired = authority.issue_expired(&["localhost"]);
    let strange = stranger.issue(&["localhost"]);
    let mut servers = [("good", good), ("expired", expired), ("strange", strange)]
        .into_iter()
        .map(|(name, pem)| {
            let file = folder.file(&format!("{name}.pem"), &pem);
            Server::start(
                twisted("serve").arg(format!("ssl:0:privateKey={file}:interface=127.0.0.1")),
            )
        });
    let mut next = || {
        let server = servers.next().expect("three of them");
        let endpoint = format!(
            "ssl:127.0.0.1:{}:caCertsDir={trusted}:hostname=localhost",
            server.port
        );
        (server, endpoint)
    };
    let (_server, endpoint) = next();
    let peer = connect(&endpoint).await;
    let (_server, endpoint) = next();
    assert_eq!(refuses(&endpoint).await, CertificateProblem::Expired);
    let (_server, endpoint) = next();
    assert_eq!(
        refuses(&endpoint).await,
        CertificateProblem::UnknownAuthority
    );
    assert!(view(&peer).await.version.is_some());
}

#[tokio::test]
async fn twisted_that_demands_certificates_sees_who_calls() {
    let folder = Folder::new("connect-demand");
    let (authority, stranger) = (Authority::new("authority"), Authority::new("stranger"));
    let trusted = folder.folder("trusted");
    let ca = folder.file("trusted/ca.pem", &authority.pem());
    let alice = folder.file("alice.pem", &authority.issue(&["alice"]));
    let mallory = folder.file("mallory.pem", &stranger.issue(&["alice"]));
    let certificate = folder.file("server.pem", &authority.issue(&["localhost"]));
    for old in [&[][..], &["--old"]] {
        let mut serve = twisted("serve");
        serve.args(["--certificate", &certificate, "--demand", &ca]);
        serve.args(old).arg("tcp:0:interface=127.0.0.1");
        let server = Server::start(&mut serve);
        let anonymous = format!(
            "ssl:127.0.0.1:{}:caCertsDir={trusted}:hostname=localhost",
            server.port
        );
        let peer = connect(&format!("{anonymous}:certKey={alice}")).await;
        let seen = view(&peer).await;
        assert_eq!(seen.subject.as_deref(), Some("alice"));
        let version = peer.tls().expect("it is secure").version();
        assert_eq!(version, if old.is_empty() { "TLSv1.3" } else { "TLSv1.2" });
        assert_eq!(seen.version.as_deref(), Some(version));

        for (endpoint, alerts) in [
            // OpenSSL has another word for it in TLS 1.2, where there is no alert of its own.
            (
                anonymous.clone(),
                ["CertificateRequired", "HandshakeFailure"],
            ),
            (format!("{anonymous}:certKey={mallory}"), ["UnknownCA"; 2]),
        ] {
            let alert = refused(&endpoint).await;
            assert_eq!(alert, alerts[usize::from(!old.is_empty())]);
        }
        view(&peer).await;
    }
}

/// The alert with which the other side refuses us. In TLS 1.3 our handshake is done before.
async fn refused(endpoint: &str) -> String {
    let error = match soon(Amp::new().connect(endpoint)).await {
        Err(ConnectError::Tls { source, .. }) => return alert(&source),
        Err(other) => panic!("{other:?}"),
        Ok(peer) => soon(peer.call(Seen {})).await.expect_err("it is refused"),
    };
    match error {
        CallError::Ended(EndReason::Tls(error)) => alert(&error),
        other => panic!("{other:?}"),
    }
}

fn alert(error: &TlsError) -> String {
    match error {
        TlsError::RefusedByPeer { alert } => alert.clone(),
        other => panic!("{other:?}"),
    }
}

/// Twisted that does not know the protocol by name refuses a client that does, without a reason.
#[tokio::test]
async fn with_and_without_alpn() {
    let folder = Folder::new("connect-alpn");
    let authority = Authority::new("authority");
    let certificate = folder.file("server.pem", &authority.issue(&["127.0.0.1"]));
    for (option, ours, expected) in [
        (None, false, Ok(None)),
        (None, true, Err("InternalError")),
        (Some("--alpn"), false, Ok(None)),
        (Some("--alpn"), true, Ok(Some(&b"amp"[..]))),
    ] {
        let mut serve = twisted("serve");
        serve.args(["--certificate", &certificate]).args(option);
        let server = Server::start(serve.arg("tcp:0:interface=127.0.0.1"));
        let tls = Tls::new().trust(authority.trust()).alpn(ours);
        let endpoint = ConnectEndpoint::tcp("127.0.0.1", server.port).tls(tls);
        match (soon(Amp::new().connect_to(&endpoint)).await, expected) {
            (Ok(peer), Ok(protocol)) => {
                assert_eq!(peer.tls().expect("it is secure").alpn(), protocol);
                let seen = view(&peer).await;
                assert_eq!(seen.protocol.map(String::into_bytes).as_deref(), protocol);
                assert_eq!(seen.sought, None, "an address is never sought");
            }
            (Err(ConnectError::Tls { source, .. }), Err(expected)) => {
                assert_eq!(alert(&source), expected);
                assert!(source.to_string().contains("Tls::alpn"), "{source}");
            }
            (other, _) => panic!("{option:?}, {ours}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn twisted_in_plain_text_is_named() {
    let server = Server::start(twisted("serve").arg("tcp:0:interface=127.0.0.1"));
    let error = soon(Amp::new().connect(&format!("ssl:localhost:{}", server.port))).await;
    let error = error.expect_err("it has no TLS");
    let source = error.source().expect("a source").to_string();
    assert!(source.contains("may not speak TLS"), "{source}");
}
