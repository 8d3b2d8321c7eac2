//! Every argument type, every kind of error and both directions, called by Twisted.

mod support;

use amp_rpc::{Amp, Compat};
use interop::types::service::service;
use support::{python, succeed};

/// Serves all commands for one run of the checks of `types_peer.py`.
async fn check(compat: Compat, options: &'static [&'static str]) {
    let amp = Amp::new().compat(compat).locator_for_each(|_| service());
    let server = amp.listen("tcp:0:interface=127.0.0.1").await;
    let endpoint = server.as_ref().expect("a free port").endpoint().to_string();
    let port = endpoint.rsplit(':').next().expect("a port").to_owned();
    let checking = move || {
        let mut checker = python("types_peer.py");
        // The program ends by itself when its time is over.
        checker.args(["connect", "--time-limit", "120"]);
        succeed(checker.args(options).arg(port))
    };
    let out = tokio::task::spawn_blocking(checking)
        .await
        .expect("all checks pass");
    println!("{}", out.lines().last().unwrap_or_default());
}

#[tokio::test]
async fn twisted_gets_what_it_would_from_twisted() {
    check(Compat::twisted(), &[]).await;
}

#[tokio::test]
async fn twisted_gets_the_same_in_native_mode() {
    check(Compat::default(), &["--native"]).await;
}
