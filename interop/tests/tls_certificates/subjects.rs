//! Who the peer is, where a careless reader takes the name for several.

use amp_rpc::{ListenEndpoint, Tls};
use rcgen::DnType;

use super::support::Server;
use super::support::certificates::{Authority, Folder};
use super::{WhoAmI, amp, connect, port, soon, twisted, twisted_calls};

/// The subject of Alice's certificate as RFC 4514 has it, and Python's `cryptography`.
const ALICE: &str = r#"C=CH,O=Big\, \"Bad\" \+ Co\; \<#1\>\\\ ,CN=alice\,O=Admins"#;

fn alice(folder: &Folder, authority: &Authority) -> String {
    let pem = authority.issue_with(&["alice"], |params| {
        let name = &mut params.distinguished_name;
        *name = rcgen::DistinguishedName::new();
        name.push(DnType::CommonName, "alice,O=Admins");
        name.push(DnType::OrganizationName, r#"Big, "Bad" + Co; <#1>\ "#);
        name.push(DnType::CountryName, "CH");
    });
    folder.file("alice.pem", &pem)
}

#[tokio::test]
async fn we_see_what_twisted_sees() {
    let (authority, folder) = (Authority::new("authority"), Folder::new("subjects"));
    let trusted = folder.folder("trusted");
    let ca = folder.file("trusted/ca.pem", &authority.pem());
    let alice = alice(&folder, &authority);
    let options = format!("trustRoots={trusted}:certificate={alice}");

    let own = folder.file("server.pem", &authority.issue(&["localhost"]));
    let mut serve = twisted("serve");
    serve.args([
        "--certificate",
        &own,
        "--demand",
        &ca,
        "tcp:0:interface=127.0.0.1",
    ]);
    let server = Server::start(&mut serve);
    let peer = connect(&format!("tls:localhost:{}:{options}", server.port)).await;
    let seen = soon(peer.call(WhoAmI {})).await.expect("an answer");
    assert_eq!(seen.subject, ALICE, "what Twisted sees");

    let tls = Tls::new()
        .identity(authority.identity(&["localhost"]))
        .trust(authority.trust());
    let endpoint = ListenEndpoint::tcp("127.0.0.1", 0).tls(tls);
    let server = amp().listen_on(&endpoint).await.expect("a free port");
    let found = twisted_calls(&format!("tls:localhost:{}:{options}", port(&server))).await;
    assert_eq!(found["seen"]["subject"], ALICE, "what we see: {found}");
}
