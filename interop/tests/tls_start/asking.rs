//! We have connected and ask.

use amp_rpc::{
    Amp, CallError, CertificateProblem, Compat, EndReason, Peer, StartTls, Tls, TlsError, Trust,
};

use crate::commands::{Secure, SecureError, Seen, View};
use crate::pair::{Pair, soon};
use crate::world::World;

fn to(tenant: &str) -> Secure {
    Secure {
        tenant: tenant.into(),
        demand: None,
    }
}

/// Why TLS ended the connection.
async fn tls_error(peer: &Peer) -> std::sync::Arc<TlsError> {
    match soon(peer.closed()).await {
        EndReason::Tls(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_argument_chooses_the_certificate() {
    let world = World::new("asking-tenants");
    for compat in [Compat::default(), Compat::twisted()] {
        for tenant in ["ada.example", "bob.example"] {
            let pair = Pair::we_connect(&world, &Amp::new().compat(compat)).await;
            let peer = &pair.peer;
            peer.set_tls(world.trusting().server_name(tenant));
            let refused = soon(peer.call(to("nobody"))).await;
            assert!(
                matches!(
                    &refused,
                    Err(CallError::Declared {
                        error: SecureError::NoSuchTenant,
                        ..
                    })
                ),
                "{refused:?}"
            );
            let plain = View {
                version: None,
                subject: None,
            };
            assert_eq!(pair.view().await, plain, "a refusal changes nothing");
            let granted = soon(peer.call(to(tenant))).await.expect("it is granted");
            assert_eq!(granted.by, tenant);
            let identity = peer.tls().and_then(|session| session.peer());
            assert_eq!(identity.expect("a certificate").names, [tenant]);
            let secure = View {
                version: Some("TLSv1.3".into()),
                subject: None,
            };
            assert_eq!(pair.view().await, secure);
        }
    }
}

#[tokio::test]
async fn both_show_a_certificate() {
    let world = World::new("asking-both");
    let demanding = || Secure {
        demand: Some(true),
        ..to("ada.example")
    };
    let pair = Pair::we_connect(&world, &Amp::new()).await;
    let peer = &pair.peer;
    peer.set_tls(world.both("rust.example").server_name("ada.example"));
    soon(peer.call(demanding())).await.expect("it is granted");
    let seen = pair.view().await;
    assert_eq!(seen.subject.as_deref(), Some("rust.example"));
    let identity = peer.tls().and_then(|session| session.peer());
    assert_eq!(identity.expect("a certificate").names, ["ada.example"]);

    // Without one, Twisted goes.
    let other = Pair::we_connect(&world, &Amp::new()).await;
    other
        .peer
        .set_tls(world.trusting().server_name("ada.example"));
    // Our part of the handshake is done before Twisted has seen that something is missing.
    let _ = soon(other.peer.call(demanding())).await;
    let error = tls_error(&other.peer).await;
    assert!(
        matches!(&*error, TlsError::RefusedByPeer { alert } if alert == "CertificateRequired"),
        "{error:?}"
    );
    pair.view().await;
}

#[tokio::test]
async fn the_wrong_tenant_is_not_believed() {
    let world = World::new("asking-wrong");
    let pair = Pair::we_connect(&world, &Amp::new()).await;
    pair.peer
        .set_tls(world.trusting().server_name("bob.example"));
    let waiting = pair.peer.call(to("ada.example")).start();
    let behind = pair.peer.call(Seen {}).start();
    let error = soon(waiting).await.expect_err("another name");
    assert!(
        matches!(error, CallError::Ended(EndReason::Tls(_))),
        "{error:?}"
    );
    let error = soon(behind).await.expect_err("another name");
    assert!(
        matches!(error, CallError::Ended(EndReason::Tls(_))),
        "{error:?}"
    );
    let error = tls_error(&pair.peer).await;
    let TlsError::Certificate(CertificateProblem::WrongName {
        expected,
        presented,
    }) = &*error
    else {
        panic!("{error:?}");
    };
    assert_eq!(
        (expected.as_str(), &presented[..]),
        ("bob.example", &["ada.example".into()][..])
    );
    soon(pair.control.call(Seen {}))
        .await
        .expect("another connection");
}

/// Twisted makes a certificate when it is asked for TLS without having one. Nobody can know whose it is.
#[tokio::test]
async fn twisted_s_temporary_certificate() {
    let world = World::new("asking-temporary");
    let pair = Pair::we_connect(&world, &Amp::new()).await;
    let anyone = Tls::new().trust(Trust::anyone());
    soon(pair.peer.start_tls(anyone))
        .await
        .expect("it is granted");
    let identity = pair.peer.tls().and_then(|session| session.peer());
    let subject = &identity.expect("a certificate").subject;
    assert_eq!(subject, "CN=TEMPORARY CERTIFICATE");
    assert!(pair.view().await.version.is_some());

    let careful = Pair::we_connect(&world, &Amp::new()).await;
    let error = soon(careful.peer.start_tls(world.trusting())).await;
    error.expect_err("it is nobody's");
    let error = tls_error(&careful.peer).await;
    let TlsError::Certificate(CertificateProblem::Other(why)) = &*error else {
        panic!("{error:?}");
    };
    assert!(why.contains("early version of X.509"), "{why}");
}

#[tokio::test]
async fn nobody_asks_twice() {
    let world = World::new("asking-twice");
    let pair = Pair::we_connect(&world, &Amp::new()).await;
    pair.peer
        .set_tls(world.trusting().server_name("ada.example"));
    soon(pair.peer.call(to("ada.example")))
        .await
        .expect("it is granted");
    let again = soon(pair.peer.call(to("ada.example"))).await;
    let plain = soon(pair.peer.call(StartTls {})).await;
    for error in [
        again.unwrap_err().to_string(),
        plain.unwrap_err().to_string(),
    ] {
        assert!(
            error.contains("TLS was started on this connection before"),
            "{error}"
        );
    }
    assert!(pair.view().await.version.is_some());
}
