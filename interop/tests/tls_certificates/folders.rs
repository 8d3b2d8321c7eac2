//! One folder of certificates, served by both.

use amp_rpc::{Amp, ConnectEndpoint, Tls, Trust};

use super::support::certificates::{Authority, Folder};
use super::{amp, port, soon, twisted_calls, twisted_serves};

/// The certificates that a client gets who seeks a name, or none.
async fn shown(port: u16, name: Option<&str>) -> Vec<Vec<u8>> {
    let mut tls = Tls::new().trust(Trust::anyone());
    // An address is not said to the server.
    tls = tls.server_name(name.unwrap_or("127.0.0.1"));
    let endpoint = ConnectEndpoint::tcp("127.0.0.1", port).tls(tls);
    let peer = soon(Amp::new().connect_to(&endpoint)).await;
    let peer = peer.unwrap_or_else(|error| panic!("{name:?}: {error:?}"));
    let session = peer.tls().expect("it has TLS");
    let server = session.peer().expect("servers have a certificate");
    server.chain.clone()
}

/// Twisted and we show the same certificates for each name.
async fn check(folder: &str, names: &[Option<&str>]) {
    let endpoint = format!("tls:{folder}:0:interface=127.0.0.1");
    let twisted = twisted_serves(&endpoint);
    let server = amp().listen(&endpoint).await.expect("a free port");
    for name in names {
        let of_twisted = shown(twisted.port, *name).await;
        assert_eq!(shown(port(&server), *name).await, of_twisted, "{name:?}");
    }
}

#[tokio::test]
async fn each_name_leads_to_the_same_certificate() {
    let place = Folder::new("folder-of-names");
    let (authority, folder) = (Authority::new("authority"), place.folder("certificates"));
    let between = authority.below("between");
    let write = |name: &str, pem: &str| place.file(&format!("certificates/{name}"), pem);
    write("one.pem", &authority.issue(&["one.example", "uno.example"]));
    // In two files, and an authority in between in a third.
    let two = between.issue(&["two.example"]);
    let key_begins = two.find("-----BEGIN PRIVATE").expect("a key");
    write("two-key.pem", &two[key_begins..]);
    write("two-certificate.pem", &two[..key_begins]);
    write("between.pem", &between.pem());
    write("any.pem", &authority.issue(&["*.any.example"]));
    write("this.pem", &authority.issue(&["this.any.example"]));
    // Not looked at.
    write("README", "nonsense");
    write("three.crt", &authority.issue(&["three.example"]));

    let names = [
        "one.example",
        "uno.example",
        "two.example",
        "x.any.example",
        "this.any.example",
    ];
    check(&folder, &names.map(Some)).await;

    // Twisted gets from us what each name leads to, the chain included.
    let trusted = place.folder("trusted");
    place.file("trusted/ca.pem", &authority.pem());
    let endpoint = format!("tls:{folder}:0:interface=127.0.0.1");
    let server = amp().listen(&endpoint).await.expect("a free port");
    let port = port(&server);
    for name in names {
        let endpoint =
            format!("tls:{name}:1:trustRoots={trusted}:endpoint=tcp\\:127.0.0.1\\:{port}");
        let found = twisted_calls(&endpoint).await;
        assert_eq!(found["seen"]["sought"], name, "{found}");
    }
}

/// With several certificates it depends on the order of the files which one Twisted takes.
#[tokio::test]
async fn who_seeks_no_known_name_gets_the_same_certificate() {
    let place = Folder::new("folder-of-one");
    let folder = place.folder("certificates");
    let one = Authority::new("authority").issue(&["one.example"]);
    place.file("certificates/one.pem", &one);
    check(&folder, &[Some("one.example"), Some("other.example"), None]).await;
}
