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
    let unlocked = ListenEndpoint::unix(&path).without_lockfile();
    let other = echoing().listen_on(&unlocked).await.unwrap();
    server.shutdown(LONG).await;
    call(&Amp::new().connect_to(other.endpoint()).await.unwrap()).await;
}

/// Where nobody listens any more, as after a crash.
fn abandon(path: &Path) {
    drop(std::os::unix::net::UnixListener::bind(path).unwrap());
}

/// The process that holds the lock.
fn holder(path: &Path) -> String {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let target = fs::read_link(lock).unwrap();
    target.to_str().unwrap().to_owned()
}

fn lock(path: &Path, holder: &str) {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    std::os::unix::fs::symlink(holder, lock).unwrap();
}

fn is_locked(path: &Path) -> bool {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    fs::symlink_metadata(lock).is_ok()
}

/// The id of a process that is gone.
fn dead() -> String {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    child.id().to_string()
}

async fn listen_error(path: &Path) -> (ErrorKind, String) {
    let endpoint = ListenEndpoint::unix(path);
    let error = echoing().listen_on(&endpoint).await.unwrap_err();
    (io_kind(&error), error.source().unwrap().to_string())
}

#[tokio::test]
async fn a_socket_is_locked_while_somebody_listens() {
    let directory = Directory::new();
    let path = directory.socket();
    let server = listen(&path).await;
    let own = std::process::id().to_string();
    assert_eq!(holder(&path), own);
    let (kind, text) = listen_error(&path).await;
    assert_eq!(kind, ErrorKind::AddrInUse);
    let expected = format!("process {own} holds the lock file {}.lock", path.display());
    assert_eq!(text, expected);
    call(&Amp::new().connect_to(server.endpoint()).await.unwrap()).await;
    server.shutdown(LONG).await;
    assert!(!is_locked(&path));
}

#[tokio::test]
async fn the_lock_of_a_dead_process_is_broken() {
    let directory = Directory::new();
    let path = directory.socket();
    lock(&path, &dead());
    abandon(&path);
    let server = listen(&path).await;
    assert_eq!(holder(&path), std::process::id().to_string());
    call(&Amp::new().connect_to(server.endpoint()).await.unwrap()).await;
}

#[tokio::test]
async fn the_lock_of_a_living_process_is_not_broken() {
    let directory = Directory::new();
    let path = directory.socket();
    let mut child = std::process::Command::new("cat");
    let mut child = child.stdin(std::process::Stdio::piped()).spawn().unwrap();
    for pid in ["1".to_owned(), child.id().to_string()] {
        lock(&path, &pid);
        let (kind, text) = listen_error(&path).await;
        assert_eq!(kind, ErrorKind::AddrInUse);
        assert!(text.starts_with(&format!("process {pid} holds")), "{text}");
        assert_eq!(holder(&path), pid);
        fs::remove_file(format!("{}.lock", path.display())).unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn what_is_no_lock_file_is_left_alone() {
    let directory = Directory::new();
    let path = directory.socket();
    let file = format!("{}.lock", path.display());
    fs::write(&file, "1").unwrap();
    let (kind, text) = listen_error(&path).await;
    assert_eq!(kind, ErrorKind::InvalidData);
    let expected =
        ".lock is there and is no lock file, which is a symbolic link to the id of a process";
    assert!(text.ends_with(expected), "{text}");
    fs::remove_file(&file).unwrap();
    for target in ["/etc", "-1", "0", "x"] {
        lock(&path, target);
        assert_eq!(listen_error(&path).await.0, ErrorKind::InvalidData);
        assert_eq!(holder(&path), target);
        fs::remove_file(&file).unwrap();
    }
}

#[tokio::test]
async fn a_socket_that_nobody_listens_on_is_replaced() {
    let directory = Directory::new();
    let path = directory.socket();
    abandon(&path);
    let server = listen(&path).await;
    call(&Amp::new().connect_to(server.endpoint()).await.unwrap()).await;
}

#[tokio::test]
async fn a_socket_that_somebody_listens_on_is_not_replaced() {
    let directory = Directory::new();
    let path = directory.socket();
    let other = std::os::unix::net::UnixListener::bind(&path).unwrap();
    assert_eq!(listen_error(&path).await.0, ErrorKind::AddrInUse);
    assert!(
        !is_locked(&path),
        "a server that does not listen holds nothing"
    );
    drop(other);
    fs::remove_file(&path).unwrap();
    // Nobody can connect to it, but it is in use.
    let other = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    assert_eq!(listen_error(&path).await.0, ErrorKind::AddrInUse);
    assert!(path.exists());
    drop(other);
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_not_replaced() {
    let directory = Directory::new();
    let path = directory.socket();
    fs::write(&path, "text").unwrap();
    assert_eq!(listen_error(&path).await.0, ErrorKind::AddrInUse);
    assert_eq!(fs::read(&path).unwrap(), b"text");
}

#[tokio::test]
async fn without_a_lock_nothing_is_replaced() {
    let directory = Directory::new();
    let path = directory.socket();
    abandon(&path);
    let endpoint = ListenEndpoint::unix(&path).without_lockfile();
    let error = echoing().listen_on(&endpoint).await.unwrap_err();
    assert_eq!(io_kind(&error), ErrorKind::AddrInUse);
    assert!(path.exists() && !is_locked(&path));
    assert_eq!(refused(&path).await, ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn connecting_can_ask_for_the_lock() {
    let directory = Directory::new();
    let path = directory.socket();
    let endpoint = ListenEndpoint::unix(&path).without_lockfile();
    let _server = echoing().listen_on(&endpoint).await.unwrap();
    let locked = ConnectEndpoint::unix_with_lockfile(&path);
    let error = Amp::new().connect_to(&locked).await.unwrap_err();
    assert_eq!(io_kind(&error), ErrorKind::ConnectionRefused);
    lock(&path, &dead());
    let error = Amp::new().connect_to(&locked).await.unwrap_err();
    assert_eq!(io_kind(&error), ErrorKind::ConnectionRefused);
    fs::remove_file(format!("{}.lock", path.display())).unwrap();
    lock(&path, &std::process::id().to_string());
    call(&Amp::new().connect_to(&locked).await.unwrap()).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn abstract_sockets_have_no_file() {
    let name = format!("amp-rpc-{}", std::process::id());
    let text = format!("unix:abstract={name}");
    let server = echoing().listen(&text).await.unwrap();
    assert_eq!(server.endpoint().to_string(), text);
    let client = Amp::new().connect(&text).await.unwrap();
    call(&client).await;
    let remote = client.addresses().remote.clone();
    assert_eq!(
        remote,
        Some(Address::Unix(Some(format!("\0{name}").into())))
    );
    assert_eq!(remote.unwrap().to_string(), text);
    let endpoint = text.parse::<ListenEndpoint>().unwrap();
    let error = echoing().listen_on(&endpoint).await.unwrap_err();
    assert_eq!(io_kind(&error), ErrorKind::AddrInUse);
    // A name that begins with @ is a file like any other.
    assert_eq!(
        refused(Path::new(&format!("@{name}"))).await,
        ErrorKind::NotFound
    );
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
