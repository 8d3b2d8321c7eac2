//! Listening and connecting over Unix sockets, and what becomes of their files.
#![cfg(unix)]

use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use amp_rpc::{
    Address, Amp, AmpBox, ConnectEndpoint, Failure, ListenEndpoint, Peer, Responders, Server,
};

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(20);

/// A directory that is removed with all that is in it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("amp-rpc-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("a:b=c.sock")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn echo(message: AmpBox, _: Peer) -> Result<AmpBox, Failure> {
    Ok(message)
}

fn echoing() -> Amp {
    Amp::new().locator(Responders::new().on_box("Echo", echo))
}

async fn listen(path: &Path) -> Server {
    let endpoint = ListenEndpoint::unix(path);
    echoing().listen_on(&endpoint).await.unwrap()
}

async fn call(peer: &Peer) {
    let call = peer.call_box("Echo", AmpBox::from([("text", "hello")]));
    let answer = tokio::time::timeout(LONG, call).await.unwrap().unwrap();
    assert_eq!(answer.get("text").unwrap(), b"hello");
}

fn io_kind(error: &dyn Error) -> ErrorKind {
    let source = error.source().expect("an error with a source");
    source.downcast_ref::<io::Error>().unwrap().kind()
}

async fn refused(path: &Path) -> ErrorKind {
    let endpoint = ConnectEndpoint::unix(path);
    io_kind(&Amp::new().connect_to(&endpoint).await.unwrap_err())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn unix_sockets_serve_calls() {
    let directory = Directory::new();
    let path = directory.socket();
    let endpoint = ListenEndpoint::unix(&path).to_string();
    assert!(endpoint.ends_with(r"/a\:b\=c.sock"), "{endpoint}");
    let server = echoing().listen(&endpoint).await.unwrap();
    assert_eq!(server.endpoint().to_string(), endpoint);
    let client = Amp::new().connect(&endpoint).await.unwrap();
    call(&client).await;
    let accepted = &server.peers()[0];
    let name = Some(Address::Unix(Some(path)));
    assert_eq!(client.addresses().remote, name);
    assert_eq!(accepted.addresses().local, name);
    assert_eq!(client.addresses().local, Some(Address::Unix(None)));
    assert_eq!(accepted.addresses().remote, Some(Address::Unix(None)));
}

#[tokio::test]
async fn the_file_has_the_mode_that_is_asked_for() {
    let directory = Directory::new();
    let path = directory.socket();
    let _server = listen(&path).await;
    assert_eq!(mode(&path), 0o666);
    let other = directory.0.join("other");
    let endpoint = format!("unix:{}:mode=620", other.display());
    let _server = echoing().listen(&endpoint).await.unwrap();
    assert_eq!(mode(&other), 0o620);
}

#[tokio::test]
async fn the_file_goes_with_the_server() {
    let directory = Directory::new();
    let path = directory.socket();
    let server = listen(&path).await;
    assert!(path.exists());
    server.shutdown(LONG).await;
    assert!(!path.exists());
    assert_eq!(refused(&path).await, ErrorKind::NotFound);
    let server = listen(&path).await;
    call(&Amp::new().connect_to(server.endpoint()).await.unwrap()).await;
}

#[tokio::test]
async fn another_s_file_stays() {
    let directory = Directory::new();
    let path = directory.socket();
    let server = listen(&path).await;
    // Kept, so that the system cannot give the same inode to the new file.
    fs::rename(&path, directory.0.join("old")).unwrap();
    let other = listen(&path).await;
    server.shutdown(LONG).await;
    call(&Amp::new().connect_to(other.endpoint()).await.unwrap()).await;
}

#[tokio::test]
async fn a_file_that_is_there_already_is_an_error_and_stays() {
    let directory = Directory::new();
    let path = directory.socket();
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let endpoint = ListenEndpoint::unix(&path);
    let error = echoing().listen_on(&endpoint).await.unwrap_err();
    assert_eq!(io_kind(&error), ErrorKind::AddrInUse);
    assert!(path.exists());
    assert_eq!(refused(&path).await, ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_path_that_is_too_long_is_an_error() {
    let directory = Directory::new();
    let path = directory.0.join("a".repeat(200));
    let error = echoing()
        .listen_on(&ListenEndpoint::unix(&path))
        .await
        .unwrap_err();
    assert_eq!(io_kind(&error), ErrorKind::InvalidInput);
    assert_eq!(refused(&path).await, ErrorKind::InvalidInput);
}
