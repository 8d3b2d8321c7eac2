//! What endpoint strings mean, and what is wrong with those that mean nothing.
//!
//! The strings of the tests named `twisted_…` were given to Twisted 26.10's `_parse`,
//! `clientFromString` and `serverFromString`; the values are what it read from them.

use std::error::Error;
use std::io;
use std::time::Duration;

use super::{ConnectEndpoint, ConnectError, ListenEndpoint, ListenError};

fn connecting(text: &str) -> ConnectEndpoint {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn listening(text: &str) -> ListenEndpoint {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The string means this, and what is written for it means it too.
#[track_caller]
fn check_connect(text: &str, expected: &ConnectEndpoint) {
    assert_eq!(connecting(text), *expected);
    assert_eq!(connecting(&expected.to_string()), *expected);
}

#[track_caller]
fn check_listen(text: &str, expected: &ListenEndpoint) {
    assert_eq!(listening(text), *expected);
    assert_eq!(listening(&expected.to_string()), *expected);
}

#[track_caller]
fn check_connect_error(text: &str, expected: &str) {
    let error = text.parse::<ConnectEndpoint>().unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[track_caller]
fn check_listen_error(text: &str, expected: &str) {
    let error = text.parse::<ListenEndpoint>().unwrap_err();
    assert_eq!(error.to_string(), expected);
}

fn port_80() -> ConnectEndpoint {
    ConnectEndpoint::tcp("h", 80)
}

#[test]
fn twisted_connects_over_tcp() {
    check_connect("tcp:h:80", &port_80());
    check_connect("TCP:h:80", &port_80());
    check_connect("tcp:host=h:port=80", &port_80());
    check_connect("tcp:port=80:host=h", &port_80());
    check_connect("tcp:host=h:80", &port_80());
    check_connect("tcp:80:host=h", &port_80());
    check_connect("tcp:h:port=80", &port_80());
}

#[test]
fn twisted_connects_to_escaped_hosts() {
    check_connect(r"tcp:\:\:1:80", &ConnectEndpoint::tcp("::1", 80));
    check_connect(r"tcp:host=\:\:1:80", &ConnectEndpoint::tcp("::1", 80));
}

#[test]
fn twisted_connects_with_a_timeout() {
    let five = Duration::from_secs(5);
    check_connect("tcp:h:80:timeout=5", &port_80().timeout(five));
    check_connect("timeout=5:tcp:h:80", &port_80().timeout(five));
    check_connect(
        "unix:path=/a:timeout=5",
        &ConnectEndpoint::unix("/a").timeout(five),
    );
}

#[test]
fn twisted_connects_from_an_address() {
    let expected = ConnectEndpoint::tcp_from([127, 0, 0, 2].into(), "h", 80);
    check_connect("tcp:h:80:bindAddress=127.0.0.2", &expected);
}

#[test]
fn twisted_connects_to_unix_sockets() {
    check_connect("unix:/a", &ConnectEndpoint::unix("/a"));
    check_connect("unix:path=/a", &ConnectEndpoint::unix("/a"));
    check_connect(r"unix:/a\:b\=c\\d", &ConnectEndpoint::unix(r"/a:b=c\d"));
    check_connect(r"unix:\a", &ConnectEndpoint::unix("a"));
    check_connect("unix:path=a=b", &ConnectEndpoint::unix("a=b"));
}

#[test]
fn names_in_memory() {
    check_connect("memory:a", &ConnectEndpoint::memory("a"));
    check_connect("memory:name=a", &ConnectEndpoint::memory("a"));
    check_listen("memory:a", &ListenEndpoint::memory("a"));
    check_listen(
        r"memory:a\:ö:backlog=1",
        &ListenEndpoint::memory("a:ö").backlog(1),
    );
}

#[test]
fn parts_of_seconds() {
    let with = |nanoseconds| port_80().timeout(Duration::from_nanos(nanoseconds));
    check_connect("tcp:h:80:timeout=0.5", &with(500_000_000));
    check_connect("tcp:h:80:timeout=1.000000001", &with(1_000_000_001));
    check_connect("tcp:h:80:timeout=0.050", &with(50_000_000));
    check_connect("tcp:h:80:timeout=0", &with(0));
    check_connect("tcp:h:80", &port_80().timeout(Duration::from_secs(30)));
    let longest = Duration::new(u64::MAX, 999_999_999);
    check_connect(
        "tcp:h:80:timeout=18446744073709551615.999999999",
        &port_80().timeout(longest),
    );
}

#[test]
fn twisted_listens_over_tcp() {
    check_listen("tcp:80", &ListenEndpoint::tcp("", 80));
    check_listen("tcp:port=80", &ListenEndpoint::tcp("", 80));
    check_listen("tcp:0:backlog=7", &ListenEndpoint::tcp("", 0).backlog(7));
    let local = ListenEndpoint::tcp("127.0.0.1", 80);
    check_listen("tcp:80:interface=127.0.0.1", &local);
    check_listen("tcp:interface=127.0.0.1:port=80", &local);
    check_listen("tcp:interface=127.0.0.1:80", &local);
    check_listen("tcp:80:127.0.0.1", &local);
    check_listen("tcp:80:127.0.0.1:10", &local.backlog(10));
}

#[test]
fn no_host_is_this_one() {
    check_connect("tcp::80", &ConnectEndpoint::tcp("", 80));
}

#[test]
fn twisted_listens_over_ipv6() {
    let expected = ListenEndpoint::tcp("::1", 80).backlog(5);
    check_listen(r"tcp:80:interface=\:\:1:backlog=5", &expected);
    check_listen(r"tcp6:80:interface=\:\:1:backlog=5", &expected);
    check_listen(r"tcp6:80:5:\:\:1", &expected);
    check_listen("tcp6:80", &ListenEndpoint::tcp("::", 80));
    check_listen(
        "tcp6:port=0:backlog=9",
        &ListenEndpoint::tcp("::", 0).backlog(9),
    );
    check_listen(
        r"tcp6:80:interface=fe80\:\:1%2",
        &ListenEndpoint::tcp("fe80::1%2", 80),
    );
}

#[test]
fn listening_with_the_host_first() {
    check_listen("tcp:127.0.0.1:80", &ListenEndpoint::tcp("127.0.0.1", 80));
    check_listen("tcp:localhost:0", &ListenEndpoint::tcp("localhost", 0));
    check_listen(r"tcp:\:\::80", &ListenEndpoint::tcp("::", 80));
    check_listen("tcp::80", &ListenEndpoint::tcp("", 80));
    let backlog = ListenEndpoint::tcp("localhost", 80).backlog(9);
    check_listen("tcp:localhost:80:backlog=9", &backlog);
    check_listen("tcp:localhost:80:9", &backlog);
}

#[test]
fn twisted_listens_on_unix_sockets() {
    check_listen("unix:/a", &ListenEndpoint::unix("/a"));
    check_listen("unix:address=/a", &ListenEndpoint::unix("/a"));
    check_listen("unix:/a:mode=666", &ListenEndpoint::unix("/a"));
    check_listen("unix:/a:600", &ListenEndpoint::unix_with_mode("/a", 0o600));
    let both = ListenEndpoint::unix_with_mode("/a", 0o660).backlog(3);
    check_listen("unix:/a:mode=660:backlog=3", &both);
    check_listen(r"unix:/a\:b\=c", &ListenEndpoint::unix("/a:b=c"));
}

#[test]
fn endpoints_are_written_as_short_as_they_can_be() {
    assert_eq!(
        connecting("tcp:port=80:host=h:timeout=30").to_string(),
        "tcp:h:80"
    );
    assert_eq!(connecting("unix:path=/a=b").to_string(), r"unix:/a\=b");
    assert_eq!(
        listening("tcp:h:80:backlog=50").to_string(),
        "tcp:80:interface=h"
    );
    assert_eq!(listening("tcp::80").to_string(), "tcp:80");
    assert_eq!(
        connecting("tcp:h:80:timeout=0.50:bindAddress=\\:\\:1").to_string(),
        r"tcp:h:80:bindAddress=\:\:1:timeout=0.5"
    );
    assert_eq!(
        listening("unix:/a:660:3").to_string(),
        "unix:/a:mode=660:backlog=3"
    );
}

fn kinds(kinds: &[&str]) -> String {
    kinds.join(", ")
}

#[test]
fn unknown_kinds() {
    let connecting = kinds(super::kinds::CONNECTING);
    assert!(connecting.starts_with("tcp, unix, memory"), "{connecting}");
    for (text, kind) in [("", ""), ("port=80", ""), ("udp:80", "udp")] {
        let expected = format!("unknown kind {kind:?}; the kinds are {connecting}");
        check_connect_error(text, &expected);
    }
    let listening = kinds(super::kinds::LISTENING);
    assert!(listening.starts_with("tcp, unix, memory"), "{listening}");
    for kind in ["udp", "8080"] {
        let expected = format!("unknown kind {kind:?}; the kinds are {listening}");
        check_listen_error(kind, &expected);
    }
}

#[cfg(not(feature = "process"))]
#[test]
fn kinds_that_need_a_feature() {
    for (kind, feature) in [("process", "process"), ("STDIO", "process")] {
        let expected = format!(
            "the kind {kind:?} needs the feature {feature:?} of amp-rpc, and a system that has it"
        );
        check_connect_error(&format!("{kind}:x:1"), &expected);
        check_listen_error(&format!("{kind}:x:1"), &expected);
    }
}

#[test]
fn a_backslash_at_the_end() {
    let expected = r"the backslash at the end escapes nothing; a backslash itself is written \\";
    check_connect_error(r"unix:/a\", expected);
    check_listen_error(r"unix:/a\\\", expected);
}

#[test]
fn unknown_options() {
    check_connect_error(
        "tcp:h:80:interface=x",
        "tcp: unknown option \"interface\"; the options are host, port, timeout, bindAddress",
    );
    check_listen_error(
        "unix:path=/a",
        "unix: unknown option \"path\"; the options are address, mode, backlog, lockfile, abstract",
    );
    check_listen_error(
        "memory:a:=",
        "memory: unknown option \"\"; the options are name, backlog",
    );
}

#[test]
fn twisted_locks_unix_sockets() {
    let unlocked = ListenEndpoint::unix("/a").without_lockfile();
    check_listen("unix:/a:lockfile=0", &unlocked);
    check_listen("unix:/a:666:50:0", &unlocked);
    check_listen("unix:/a:lockfile=1", &ListenEndpoint::unix("/a"));
    check_connect(
        "unix:/a:lockfile=1",
        &ConnectEndpoint::unix_with_lockfile("/a"),
    );
    check_connect("unix:/a:lockfile=0", &ConnectEndpoint::unix("/a"));
    let expected = "unix: \"yes\" is no value for the option \"lockfile\"; expected 0 or 1";
    check_connect_error("unix:/a:lockfile=yes", expected);
    check_listen_error("unix:/a:lockfile=yes", expected);
}

#[test]
fn abstract_sockets() {
    check_connect("unix:abstract=a", &ConnectEndpoint::unix("\0a"));
    check_connect("unix:\0a", &ConnectEndpoint::unix("\0a"));
    check_connect(r"unix:abstract=a\:b", &ConnectEndpoint::unix("\0a:b"));
    check_listen("unix:abstract=a", &ListenEndpoint::unix("\0a"));
    check_listen(
        "unix:abstract=a:backlog=3",
        &ListenEndpoint::unix("\0a").backlog(3),
    );
    check_connect("unix:@a", &ConnectEndpoint::unix("@a"));
    check_connect_error(
        "unix:abstract=",
        "unix: \"\" is no value for the option \"abstract\"; expected a name",
    );
    check_listen_error(
        "unix:abstract=a:mode=600",
        "unix: unknown option \"mode\"; the options are abstract, backlog",
    );
    check_connect_error(
        "unix:/a:abstract=a",
        "unix: the argument \"/a\" is one too many; without a name there may be none \
         (a colon within one is written \\:)",
    );
}

#[test]
fn twisted_listens_behind_proxies() {
    let tcp = || ListenEndpoint::tcp("", 80);
    check_listen("haproxy:tcp:80", &ListenEndpoint::haproxy(tcp()));
    check_listen("HAPROXY:TCP:port=80", &ListenEndpoint::haproxy(tcp()));
    let local = ListenEndpoint::tcp("::1", 80).backlog(3);
    check_listen(
        r"haproxy:tcp6:80:interface=\:\:1:backlog=3",
        &ListenEndpoint::haproxy(local),
    );
    let unix = ListenEndpoint::unix_with_mode("/a:b", 0o600).without_lockfile();
    check_listen(
        r"haproxy:unix:/a\:b:mode=600:lockfile=0",
        &ListenEndpoint::haproxy(unix),
    );
    let quick = ListenEndpoint::haproxy(tcp()).header_timeout(Duration::from_millis(500));
    check_listen("haproxy:tcp:80:headerTimeout=0.5", &quick);
    let inner = kinds(super::kinds::BEHIND_PROXY);
    assert!(!inner.contains("haproxy"));
    let unknown = format!("unknown kind \"\"; the kinds are {inner}");
    check_listen_error("haproxy", &unknown);
    check_listen_error("haproxy:", &unknown);
    check_listen_error(
        "haproxy:tcp:x",
        "tcp: \"x\" is no value for the option \"port\"; expected a number from 0 to 65535",
    );
    check_listen_error(
        "haproxy:tcp:80:headerTimeout=x",
        "haproxy: \"x\" is no value for the option \"headerTimeout\"; \
         expected seconds, more than 0, such as 30 or 0.5",
    );
    check_listen_error(
        "haproxy:tcp:80:headerTimeout=1:headerTimeout=1",
        "haproxy: the option \"headerTimeout\" is given twice",
    );
}

/// However deep, it is an error and not more.
#[test]
fn proxies_are_not_behind_proxies() {
    let text = format!("{}tcp:80", "haproxy:".repeat(100_000));
    check_listen_error(
        &text,
        &format!(
            "the kind \"haproxy\" is only there to stand in front, once; the kinds here are {}",
            kinds(super::kinds::BEHIND_PROXY)
        ),
    );
}

#[test]
fn too_many_arguments() {
    check_connect_error(
        "tcp:h:80:9",
        "tcp: the argument \"9\" is one too many; without a name there may be host, port (a colon within one is written \\:)",
    );
    check_connect_error(
        "tcp:::1:80",
        "tcp: the argument \"1\" is one too many; without a name there may be host, port (a colon within one is written \\:)",
    );
    check_listen_error(
        "unix:C:\\\\a:b:c:d",
        "unix: the argument \"d\" is one too many; without a name there may be address, mode, backlog, lockfile (a colon within one is written \\:)",
    );
    check_listen_error(
        "memory:a:b",
        "memory: the argument \"b\" is one too many; without a name there may be name (a colon within one is written \\:)",
    );
}

#[test]
fn options_that_are_given_twice() {
    check_connect_error(
        "unix:/a:path=/b",
        "unix: the option \"path\" is given twice",
    );
    check_connect_error(
        "tcp:h:80:timeout=1:timeout=2",
        "tcp: the option \"timeout\" is given twice",
    );
    check_listen_error("tcp:80:port=80", "tcp: the option \"port\" is given twice");
}

#[test]
fn options_that_are_missing() {
    let written = "it is written as in \"tcp:localhost:8080\"";
    check_connect_error(
        "tcp",
        &format!("tcp: the option \"host\" is missing; {written}"),
    );
    check_connect_error(
        "tcp:h",
        &format!("tcp: the option \"port\" is missing; {written}"),
    );
    check_connect_error(
        "tcp:port=80",
        &format!("tcp: the option \"host\" is missing; {written}"),
    );
    check_listen_error(
        "tcp:interface=h",
        "tcp: the option \"port\" is missing; it is written as in \"tcp:8080\"",
    );
}

#[test]
fn ports_that_are_none() {
    for port in [
        "",
        "0",
        "x",
        "-1",
        "+1",
        " 1",
        "1_0",
        "65536",
        "99999999999999999999",
        "٣",
    ] {
        let expected = format!(
            "tcp: {port:?} is no value for the option \"port\"; expected a number from 1 to 65535"
        );
        check_connect_error(&format!("tcp:h:{port}"), &expected);
    }
    check_listen_error(
        "tcp:localhost",
        "tcp: \"localhost\" is no value for the option \"port\"; expected a number from 0 to 65535",
    );
}

#[test]
fn timeouts_that_are_none() {
    for timeout in [
        "",
        "x",
        "-1",
        ".",
        ".5",
        "1.",
        "1e3",
        "inf",
        "0.0000000001",
        "1.2.3",
    ] {
        let expected = format!(
            "tcp: {timeout:?} is no value for the option \"timeout\"; \
             expected seconds, such as 30 or 0.5"
        );
        check_connect_error(&format!("tcp:h:80:timeout={timeout}"), &expected);
    }
}

#[test]
fn modes_that_are_none() {
    for mode in ["", "8", "rw", "0o600", "1000", "-1"] {
        let expected = format!(
            "unix: {mode:?} is no value for the option \"mode\"; \
             expected octal digits from 0 to 777, such as 660"
        );
        check_listen_error(&format!("unix:/a:mode={mode}"), &expected);
    }
}

#[test]
fn other_values_that_are_none() {
    check_connect_error(
        "tcp:h:80:bindAddress=localhost",
        "tcp: \"localhost\" is no value for the option \"bindAddress\"; expected an IP address",
    );
    for interface in ["", "127.0.0.1", "localhost"] {
        let expected = format!(
            "tcp6: {interface:?} is no value for the option \"interface\"; \
             expected an IPv6 address, such as \\:\\:1"
        );
        check_listen_error(&format!("tcp6:80:interface={interface}"), &expected);
    }
    check_connect_error(
        "tcp6:h:80",
        &format!(
            "the kind \"tcp6\" is only there to listen; the kinds here are {}",
            kinds(super::kinds::CONNECTING)
        ),
    );
    check_connect_error(
        "unix:",
        "unix: \"\" is no value for the option \"path\"; expected a path",
    );
    check_listen_error(
        "memory:",
        "memory: \"\" is no value for the option \"name\"; expected a name",
    );
    check_listen_error(
        "tcp:80:backlog=many",
        "tcp: \"many\" is no value for the option \"backlog\"; expected a number",
    );
}

/// Whatever the string, reading it ends in an endpoint that can be written, or in an error.
#[test]
fn any_short_string() {
    let alphabet = [
        ":", "=", "\\", "1", "a", "tcp:", "unix:", "memory:", "port=",
    ];
    let count = alphabet.len();
    for number in 0..count.pow(5) {
        let text: String = (0..5)
            .map(|position| alphabet[number / count.pow(position) % count])
            .collect();
        if let Ok(endpoint) = text.parse::<ConnectEndpoint>() {
            assert_eq!(connecting(&endpoint.to_string()), endpoint, "{text}");
        }
        if let Ok(endpoint) = text.parse::<ListenEndpoint>() {
            assert_eq!(listening(&endpoint.to_string()), endpoint, "{text}");
        }
    }
}

#[tokio::test]
async fn connecting_names_the_endpoint_and_the_system_s_error() {
    let error = connecting("memory:nobody").connect().await.err().unwrap();
    assert_eq!(error.to_string(), "cannot connect to memory:nobody");
    assert_eq!(
        error.source().unwrap().to_string(),
        "nobody listens on this name"
    );
    assert!(matches!(&error, ConnectError::Io { source, .. }
        if source.kind() == io::ErrorKind::ConnectionRefused));
}

#[tokio::test]
async fn listening_names_the_endpoint_and_the_system_s_error() {
    let _listener = listening("memory:twice").bind().await.unwrap();
    let error = listening("memory:twice").bind().await.unwrap_err();
    assert_eq!(error.to_string(), "cannot listen on memory:twice");
    assert_eq!(
        error.source().unwrap().to_string(),
        "somebody listens on this name already"
    );
    assert!(matches!(&error, ListenError::Io { source, .. }
        if source.kind() == io::ErrorKind::AddrInUse));
}

#[tokio::test]
async fn a_full_backlog_makes_connecting_wait_until_its_timeout() {
    let mut listener = listening("memory:full:backlog=2").bind().await.unwrap();
    let _one = connecting("memory:full").connect().await.unwrap();
    let _two = connecting("memory:full").connect().await.unwrap();
    let error = connecting("memory:full:timeout=0.05")
        .connect()
        .await
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "cannot connect to memory:full:timeout=0.05: no answer within 50ms"
    );
    assert!(matches!(error, ConnectError::TimedOut { .. }));
    listener.accept().await.unwrap().unwrap().await.unwrap();
    connecting("memory:full").connect().await.unwrap();
}

#[tokio::test]
async fn a_listener_that_goes_refuses_those_that_wait() {
    let listener = listening("memory:going:backlog=1").bind().await.unwrap();
    let endpoint = listener.endpoint();
    let _one = endpoint.connect().await.unwrap();
    let mut waiting = Box::pin(endpoint.connect());
    let early = tokio::time::timeout(Duration::from_millis(1), &mut waiting).await;
    assert!(early.is_err());
    drop(listener);
    let error = waiting.await.err().unwrap();
    assert!(matches!(&error, ConnectError::Io { source, .. }
        if source.kind() == io::ErrorKind::ConnectionRefused));
}
