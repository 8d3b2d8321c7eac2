//! A command of one's own that starts TLS.

use super::*;

#[derive(Debug, Command)]
#[amp(starttls, response = Granted, error = SecureError)]
struct Secure {
    tenant: String,
}

#[derive(Debug, PartialEq, Fields)]
struct Granted {
    by: String,
}

#[derive(Debug, PartialEq, thiserror::Error, CommandError)]
enum SecureError {
    #[error("no such tenant")]
    #[amp(code = "NO_TENANT")]
    NoTenant,
}

#[tokio::test]
async fn a_command_of_ones_own_chooses_the_certificate() {
    let authority = Arc::new(Authority::new("authority"));
    let issuer = Arc::clone(&authority);
    let secure = move |command: Secure, peer: Peer| {
        let issuer = Arc::clone(&issuer);
        async move {
            if command.tenant == "nobody" {
                return Err(SecureError::NoTenant.into());
            }
            peer.set_tls(Tls::new().identity(issuer.identity(&[&command.tenant])));
            Ok(Granted { by: command.tenant })
        }
    };
    let (left, right) = duplex(4096);
    let responders = Responders::new().on_with_peer(secure).on(echo);
    let _server = Amp::new().locator(responders).over(left);
    let client = Amp::new().over(right);
    client.set_tls(
        Tls::new()
            .trust(authority.trust())
            .server_name("two.example"),
    );
    let tenant = |name: &str| Secure {
        tenant: name.into(),
    };
    let error = client.call(tenant("nobody")).await.unwrap_err();
    assert!(matches!(
        error,
        CallError::Declared {
            error: SecureError::NoTenant,
            ..
        }
    ));
    let granted = client.call(tenant("two.example")).await.unwrap();
    assert_eq!(granted.by, "two.example");
    assert_eq!(client.tls().unwrap().peer().unwrap().names, ["two.example"]);
    assert_eq!(client.call(Echo { n: 1 }).await.unwrap(), Number { n: 1 });
}
