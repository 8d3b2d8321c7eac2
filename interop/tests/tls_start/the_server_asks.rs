//! The side that has accepted the connection asks. It is the handshake's server then, so that the side that
//! was asked has to speak first. Twisted's issues 3278 and 5690 are about this.

use amp_rpc::{Amp, EndReason, TlsError, Trust};

use crate::commands::{Ask, Secure};
use crate::pair::{Pair, soon};
use crate::relay::{Hello, relay};
use crate::world::World;

/// This works: behind Twisted's answer in the same segment is its ClientHello, and we leave it to TLS.
#[tokio::test]
async fn we_are_the_server() {
    let world = World::new("server-us");
    let pair = Pair::twisted_connects(&world, &Amp::new()).await;
    pair.peer.set_tls(world.both("rust.example"));
    let secure = Secure {
        tenant: "ada.example".into(),
        demand: Some(true),
    };
    let granted = soon(pair.peer.call(secure)).await.expect("it is granted");
    assert_eq!(granted.by, "ada.example");
    let session = pair.peer.tls().expect("it is secure");
    assert!(!session.is_client());
    assert_eq!(session.peer().expect("its own").names, ["ada.example"]);
    let seen = pair.view().await;
    assert_eq!(seen.subject.as_deref(), Some("rust.example"));
}

/// Twisted's own responder makes a certificate even where it is the handshake's client.
#[tokio::test]
async fn twisted_has_a_temporary_certificate_as_a_client_too() {
    let world = World::new("server-temporary");
    let pair = Pair::twisted_connects(&world, &Amp::new()).await;
    let anyone = world.being("rust.example").trust(Trust::anyone());
    soon(pair.peer.start_tls(anyone))
        .await
        .expect("it is granted");
    let session = pair.peer.tls().expect("it is secure");
    let subject = &session.peer().expect("it was asked for one").subject;
    assert_eq!(subject, "CN=TEMPORARY CERTIFICATE");
    assert!(pair.view().await.version.is_some());
}

fn with_certificate(name: Option<&str>) -> Ask {
    Ask {
        certificate: name.map(Into::into),
        verify: Some(name.is_some()),
        ..Ask::default()
    }
}

/// Has Twisted ask as a server, and lets our ClientHello come to it in one way or the other.
async fn asked_by_the_server(world: &World, hello: Hello) -> Pair {
    let amp = Amp::new().tls(world.both("rust.example").server_name("ada.example"));
    Pair::we_connect_through(world, &amp, async |port| relay(port, hello).await).await
}

/// This works if Twisted has a certificate for its ask, and if our ClientHello is not in the same read as our
/// answer, which is a matter of luck without the relay that this test has.
#[tokio::test]
async fn twisted_is_the_server_and_has_read_the_answer() {
    let world = World::new("server-apart");
    let pair = asked_by_the_server(&world, Hello::Apart).await;
    let ended = pair.ask(with_certificate(Some("ada.example"))).await;
    assert_eq!(ended.error, None);
    // Twisted says so before the handshake is done.
    let seen = pair.view().await;
    let session = pair.peer.tls().expect("it is secure");
    assert!(session.is_client());
    assert_eq!(session.peer().expect("a server").names, ["ada.example"]);
    assert_eq!(seen.subject.as_deref(), Some("rust.example"));
}

/// This does not work, and cannot: Twisted takes what is behind the answer in the same read for a box, finds
/// its key too long, and closes. The connection has a reason on our side.
#[tokio::test]
async fn twisted_is_the_server_and_takes_a_hello_for_a_box() {
    let world = World::new("server-glued");
    let pair = asked_by_the_server(&world, Hello::Glued).await;
    let ask = with_certificate(Some("ada.example"));
    soon(pair.peer.call(ask)).await.expect("it will");
    let EndReason::Tls(error) = soon(pair.peer.closed()).await else {
        panic!("Twisted has changed");
    };
    assert!(matches!(&*error, TlsError::Cut), "{error:?}");
}

/// This does not work either: for its own ask Twisted makes no certificate, whichever side it is on.
#[tokio::test]
async fn twisted_is_the_server_and_has_no_certificate() {
    let world = World::new("server-without");
    let pair = asked_by_the_server(&world, Hello::Apart).await;
    soon(pair.peer.call(with_certificate(None)))
        .await
        .expect("it will");
    let EndReason::Tls(error) = soon(pair.peer.closed()).await else {
        panic!("Twisted has changed");
    };
    assert!(
        matches!(&*error, TlsError::RefusedByPeer { alert } if alert == "HandshakeFailure"),
        "{error:?}"
    );
}
