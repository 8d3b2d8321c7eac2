//! The programs of Twisted's AMP guide, each with ours on the other end.

mod support;

use std::collections::BTreeSet;
use std::process::Command as Process;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use amp_rpc::{
    Amp, AmpBox, Answer, BoxReceiver, BoxSender, CallError, Command, CommandError, Compat,
    EndReason, Fields, Peer, Responders, Server,
};
use support::python;

/// The guide's command.
#[derive(Debug, Command)]
#[amp(response = Registered, error = RegistrationError)]
struct RegisterUser {
    username: String,
    publickey: Vec<u8>,
}

#[derive(Debug, Fields)]
struct Registered {
    uid: usize,
}

#[derive(Debug, PartialEq, thiserror::Error, CommandError)]
enum RegistrationError {
    #[error("the username is taken")]
    #[amp(code = "username-unavailable")]
    UsernameUnavailable,
}

/// The guide's `UserRegistration`, without files.
#[derive(Default)]
struct UserRegistration {
    names: Mutex<BTreeSet<String>>,
}

impl UserRegistration {
    async fn register(self: Arc<Self>, command: RegisterUser) -> Answer<RegisterUser> {
        assert_eq!(command.publickey, b"ssh-rsa AAAAB3NzaC1yc2 alice@actinium");
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.insert(command.username) {
            return Ok(Registered { uid: names.len() });
        }
        Err(RegistrationError::UsernameUnavailable.into())
    }
}

/// The guide's `BoxReflector`.
#[derive(Default)]
struct BoxReflector {
    sender: Option<BoxSender>,
}

impl BoxReceiver for BoxReflector {
    fn start_receiving_boxes(&mut self, sender: BoxSender) {
        self.sender = Some(sender);
    }

    fn box_received(&mut self, message: AmpBox) {
        let sender = self.sender.as_ref().expect("boxes come after the start");
        sender.send(&message).expect("what has come can be sent");
    }

    fn stop_receiving_boxes(&mut self, _reason: EndReason) {
        self.sender = None;
    }
}

const ANY_PORT: &str = "tcp:0:interface=127.0.0.1";

fn both_modes() -> [Amp; 2] {
    [Compat::twisted(), Compat::default()].map(|mode| Amp::new().compat(mode))
}

/// Runs a client of the guide against a server of ours: its exit code and what it prints.
async fn run(client: &str, options: &[&str], server: &Server) -> (i32, String) {
    let endpoint = server.endpoint().to_string();
    let port = endpoint.rsplit(':').next().expect("a port");
    let mut process: Process = python(&format!("listings/{client}"));
    // The program ends by itself when its time is over.
    process.args(options).args(["--time-limit", "60", port]);
    let output = tokio::task::spawn_blocking(move || process.output()).await;
    let output = output.expect("it can be waited for").expect("it starts");
    let code = output.status.code().expect("nobody kills it");
    (code, String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a test against a server of the guide.
async fn with_server(script: &str, test: impl AsyncFnOnce(&str)) {
    let server = support::Server::start(&mut python(&format!("listings/{script}")));
    let endpoint = format!("tcp:127.0.0.1:{}", server.port);
    tokio::time::timeout(Duration::from_secs(60), test(&endpoint))
        .await
        .expect("the test ends in time");
}

#[tokio::test]
async fn twisteds_basic_client_connects_to_us() {
    for amp in both_modes() {
        let server = amp.listen(ANY_PORT).await.expect("a free port");
        let (code, out) = run("basic_client.py", &[], &server).await;
        assert_eq!((code, out.as_str()), (0, "connected\n"));
        let open = server.shutdown(Duration::from_secs(60)).await;
        assert_eq!(open, 0, "connections that are still open");
    }
}

#[tokio::test]
async fn our_basic_client_connects_to_twisted() {
    with_server("basic_server.py", async |endpoint| {
        for amp in both_modes() {
            let peer = amp.connect(endpoint).await.expect("it accepts");
            // The guide's server knows no command.
            let result = register(&peer, "alice").await;
            let unhandled = matches!(result, Err(CallError::Unhandled { .. }));
            assert!(unhandled, "{result:?}");
            peer.close();
            let reason = peer.closed().await;
            assert!(matches!(reason, EndReason::ClosedHere), "{reason:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn twisteds_command_client_registers_with_us() {
    for amp in both_modes() {
        let responders = Responders::with_state(UserRegistration::default());
        let amp = amp.locator(responders.on(UserRegistration::register));
        let server = amp.listen(ANY_PORT).await.expect("a free port");
        for (name, code, printed) in [
            ("alice", 0, "Registration result: {'uid': 1}\n"),
            ("bøb", 0, "Registration result: {'uid': 2}\n"),
            ("alice", 3, "Username unavailable: the username is taken\n"),
            ("", 0, "Registration result: {'uid': 3}\n"),
        ] {
            let found = run("command_client.py", &["--username", name], &server).await;
            assert_eq!(found, (code, printed.to_owned()), "{name}");
        }
    }
}

/// As in the guide, which has the client call a server that knows no command.
#[tokio::test]
async fn twisteds_command_client_fails_where_nobody_registers() {
    for amp in both_modes() {
        let server = amp.listen(ANY_PORT).await.expect("a free port");
        let found = run("command_client.py", &[], &server).await;
        assert_eq!(found, (1, String::new()));
    }
}

async fn register(peer: &Peer, name: &str) -> Result<usize, CallError<RegistrationError>> {
    let command = RegisterUser {
        username: name.to_owned(),
        publickey: b"ssh-rsa AAAAB3NzaC1yc2 alice@actinium".to_vec(),
    };
    Ok(peer.call(command).await?.uid)
}

#[tokio::test]
async fn we_register_with_twisted() {
    with_server("registration_server.py", async |endpoint| {
        for (first, amp) in [1, 3].into_iter().zip(both_modes()) {
            let peer = amp.connect(endpoint).await.expect("it accepts");
            let names = [format!("alice {first}"), format!("bøb {first}")];
            for (uid, name) in (first..).zip(&names) {
                assert_eq!(register(&peer, name).await.expect("an answer"), uid);
            }
            for name in [names[0].as_str(), "../alice"] {
                match register(&peer, name).await {
                    Err(CallError::Declared { error, description }) => {
                        assert_eq!(error, RegistrationError::UsernameUnavailable);
                        assert!(description.ends_with(name), "{description}");
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn twisteds_boxes_come_back_from_our_reflector() {
    let server = Amp::new()
        .listen_for_boxes(ANY_PORT, BoxReflector::default)
        .await
        .expect("a free port");
    let found = run("reflector_client.py", &[], &server).await;
    assert_eq!(found, (0, "505 boxes came back\n".to_owned()));
    let open = server.shutdown(Duration::from_secs(60)).await;
    assert_eq!(open, 0, "connections that are still open");
}

#[tokio::test]
async fn our_boxes_come_back_from_twisteds_reflector() {
    let mut sent = vec![
        AmpBox::from([("key", "value")]),
        AmpBox::from([("_command", "Nobody"), ("_ask", "1")]),
        AmpBox::from([("_answer", "1")]),
        AmpBox::from([("_error", "1")]),
        AmpBox::from([(vec![b'k'; 255], vec![b'v'; 65_535]), (vec![255], vec![])]),
    ];
    sent.extend((0..500).map(|n| AmpBox::from([("number", n.to_string())])));
    with_server("reflector_server.py", async |endpoint| {
        let connected = Amp::new().connect_for_boxes(endpoint).await;
        let (mut boxes, sender) = connected.expect("it accepts");
        for message in &sent {
            sender.ready().await;
            sender.send(message).expect("the connection is open");
        }
        for message in &sent {
            assert_eq!(boxes.next().await.as_ref(), Some(message));
        }
        sender.close();
        assert_eq!(boxes.next().await, None);
        let reason = boxes.end_reason();
        assert!(matches!(reason, Some(EndReason::ClosedHere)), "{reason:?}");
    })
    .await;
}
