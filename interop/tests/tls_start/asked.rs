//! Twisted has connected and asks.

use amp_rpc::{Compat, EndReason, TlsError};

use crate::commands::{Ask, Ended, Seen};
use crate::pair::{Pair, soon};
use crate::world::World;

fn granted(by: Option<&str>) -> Ended {
    Ended {
        by: by.map(Into::into),
        error: None,
    }
}

fn for_ada() -> Ask {
    Ask {
        tenant: Some("ada.example".into()),
        verify: Some(true),
        ..Ask::default()
    }
}

#[tokio::test]
async fn an_argument_chooses_the_certificate() {
    let world = World::new("asked-tenants");
    for compat in [Compat::default(), Compat::twisted()] {
        for tenant in ["ada.example", "bob.example"] {
            let pair = Pair::twisted_connects(&world, &world.amp().compat(compat)).await;
            let ask = Ask {
                tenant: Some(tenant.into()),
                ..for_ada()
            };
            assert_eq!(pair.ask(ask).await, granted(Some(tenant)));
            let seen = pair.view().await;
            assert_eq!(seen.version.as_deref(), Some("TLSv1.3"));
            assert_eq!(seen.subject.as_deref(), Some(tenant));
            let session = pair.peer.tls().expect("it is secure");
            assert!(session.peer().is_none() && !session.is_client());
        }
        let pair = Pair::twisted_connects(&world, &world.amp().compat(compat)).await;
        let ask = Ask {
            tenant: Some("nobody".into()),
            ..Ask::default()
        };
        let error = pair.ask(ask).await.error.expect("it is refused");
        assert!(error.starts_with("NoSuchTenant"), "{error}");
        // Twisted itself holds back for ever what it would say on this connection (`support/guarded.py`).
        assert!(pair.peer.tls().is_none() && pair.peer.end_reason().is_none());
    }
}

#[tokio::test]
async fn both_show_a_certificate() {
    let world = World::new("asked-both");
    let demanding = |certificate: Option<&str>| Ask {
        certificate: certificate.map(Into::into),
        demand: Some(true),
        ..for_ada()
    };
    let pair = Pair::twisted_connects(&world, &world.amp()).await;
    let ended = pair.ask(demanding(Some("bob.example"))).await;
    assert_eq!(ended, granted(Some("ada.example")));
    let seen = pair.view().await;
    assert_eq!(seen.subject.as_deref(), Some("ada.example"));
    let identity = pair.peer.tls().and_then(|session| session.peer());
    assert_eq!(identity.expect("a certificate").names, ["bob.example"]);

    // The plain command, with what the connection has for everybody.
    let amp = world.amp().tls(world.both("rust.example"));
    let pair = Pair::twisted_connects(&world, &amp).await;
    let ask = Ask {
        certificate: Some("bob.example".into()),
        verify: Some(true),
        ..Ask::default()
    };
    assert_eq!(pair.ask(ask).await, granted(None));
    let seen = pair.view().await;
    assert_eq!(seen.subject.as_deref(), Some("rust.example"));
    let identity = pair.peer.tls().and_then(|session| session.peer());
    assert_eq!(identity.expect("a certificate").names, ["bob.example"]);

    // Twisted has none to show.
    let pair = Pair::twisted_connects(&world, &world.amp()).await;
    soon(pair.peer.call(demanding(None)))
        .await
        .expect("it will");
    let EndReason::Tls(error) = soon(pair.peer.closed()).await else {
        panic!("nobody is not who was demanded");
    };
    assert!(
        matches!(
            &*error,
            TlsError::Certificate(amp_rpc::CertificateProblem::Missing)
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn twisted_does_not_believe_a_stranger() {
    let (world, elsewhere) = (World::new("asked-stranger"), World::new("asked-elsewhere"));
    let pair = Pair::twisted_connects(&world, &elsewhere.amp()).await;
    soon(pair.peer.call(for_ada())).await.expect("it will");
    let EndReason::Tls(error) = soon(pair.peer.closed()).await else {
        panic!("Twisted believed it");
    };
    assert!(
        matches!(&*error, TlsError::RefusedByPeer { alert } if alert == "UnknownCA"),
        "{error:?}"
    );
    soon(pair.control.call(Seen {}))
        .await
        .expect("another connection");
}

/// Twisted sends the second ask before it notices that it is one. It is refused, and Twisted closes the
/// connection, since it expects no answer any more.
#[tokio::test]
async fn nobody_asks_twice() {
    let world = World::new("asked-twice");
    let pair = Pair::twisted_connects(&world, &world.amp()).await;
    assert_eq!(pair.ask(for_ada()).await, granted(Some("ada.example")));
    assert!(pair.view().await.version.is_some());
    let ended = pair.ask(for_ada()).await;
    assert_eq!(ended.error.as_deref(), Some("OnlyOneTLS"));
    let reason = soon(pair.peer.closed()).await;
    assert!(matches!(reason, EndReason::ClosedByPeer), "{reason:?}");
}
