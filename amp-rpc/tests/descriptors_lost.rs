//! Descriptors that the system drops, since the process has as many open as it may. In a file of its
//! own, since the limit is the whole process's.
#![cfg(target_os = "linux")]

#[path = "descriptors/support.rs"]
#[allow(dead_code, reason = "it is for other tests too")]
mod support;

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Socket;

use amp_rpc::CloseReason;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::{Open, closed_elsewhere, pair, read_all, reason, serving, with_raw};

#[tokio::test]
async fn descriptors_that_the_system_drops_end_their_connection() {
    let amp = serving();
    let (peer, raw) = with_raw(&amp);
    let (_other, untouched) = pair(&amp);
    let (here, file) = Socket::pair().unwrap();
    let file = OwnedFd::from(file);
    let limit = getrlimit(Resource::Nofile);
    // The next one that is opened gets the lowest number that is free.
    let next = std::os::fd::AsRawFd::as_raw_fd(&file.try_clone().unwrap());
    let scarce = Rlimit {
        current: Some(next as u64 + 2),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, scarce).unwrap();
    raw.send(b"\0", &[&file; 5]);
    drop(file);
    assert_eq!(reason(&peer).await, CloseReason::DescriptorsLost);
    setrlimit(Resource::Nofile, limit).unwrap();
    closed_elsewhere(here).await;
    let open = Open {
        text: "untouched".into(),
        padding: 0,
    };
    let opened = untouched.call(open).await.unwrap();
    assert_eq!(read_all(opened.file).await, "untouched");
}
