//! Descriptors below TLS.

use std::os::unix::net::UnixStream as Socket;

use amp_rpc::{Identity, Tls, Trust};
use futures::future::join_all;
use tokio::net::UnixStream;

use crate::support::{LONG, Open, Write1, read_all, serving};

#[tokio::test]
async fn files_travel_beside_tls() {
    let (left, right) = UnixStream::pair().unwrap();
    let certificate = Identity::temporary().unwrap();
    let server = serving().tls(Tls::new().identity(certificate)).over(left);
    let peer = serving().over(right);
    // Some before and some behind its beginning, in both directions.
    let early = peer.call(open(0)).await.unwrap();
    peer.start_tls(Tls::new().trust(Trust::anyone()))
        .await
        .unwrap();
    assert_eq!(read_all(early.file).await, "0");
    let calls = (1..60).map(|number: u32| {
        let peer = if number % 2 == 0 { &peer } else { &server };
        async move {
            let opened = peer.call(open(number)).await.unwrap();
            assert_eq!(read_all(opened.file).await, number.to_string());
            let (here, file) = Socket::pair().unwrap();
            let write = Write1 {
                file: file.into(),
                text: number.to_string(),
            };
            peer.call(write).await.unwrap();
            assert_eq!(read_all(here.into()).await, number.to_string());
        }
    });
    let done = tokio::time::timeout(LONG, join_all(calls)).await;
    done.unwrap();
    assert!(server.tls().is_some());
}

fn open(number: u32) -> Open {
    Open {
        text: number.to_string(),
        padding: number * 1_000,
    }
}
