//! Large values that are written from where they lie, over TLS and while the gate to it is shut.

#![cfg(feature = "tls")]

mod tls_support;

use amp_rpc::{Amp, AmpBox, Answer, Command, Fields, Responders, StartTls};
use bytes::Bytes;
use tls_support::Authority;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinSet;

const LENGTH: usize = 60_000;

/// Returns what it is given.
#[derive(Debug, Command)]
#[amp(response = Echoed)]
struct Echo {
    data: Bytes,
}

#[derive(Debug, Fields, PartialEq)]
struct Echoed {
    data: Bytes,
}

async fn echo(command: Echo) -> Answer<Echo> {
    Ok(Echoed { data: command.data })
}

fn echoing() -> Amp {
    Amp::new().locator(Responders::new().on(echo))
}

fn value(number: usize) -> Bytes {
    let bytes = (0..LENGTH).map(|place| (place * 31 + number * 7) as u8);
    bytes.collect::<Vec<_>>().into()
}

async fn read_box(stream: &mut DuplexStream) -> AmpBox {
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await.unwrap();
        if let Some(Ok(parsed)) = amp_rpc::wire::parse(&bytes).next() {
            return parsed.to_owned();
        }
    }
}

#[tokio::test]
async fn they_go_through_tls() {
    let authority = Authority::new("authority");
    let (left, right) = duplex(50_000);
    let _server = echoing().tls(authority.server()).over(left);
    let peer = Amp::new().over(right);
    peer.start_tls(authority.client()).await.unwrap();
    let mut calls = JoinSet::new();
    for number in 0..40 {
        let peer = peer.clone();
        let data = value(number);
        calls.spawn(async move {
            let echoed = peer.call(Echo { data: data.clone() }).await.unwrap();
            assert_eq!(echoed, Echoed { data });
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
}

/// The answer falls due while this side's own ask for TLS is not decided.
#[tokio::test]
async fn an_answer_that_is_held_back_is_whole() {
    let authority = Authority::new("authority");
    let (mut raw, stream) = duplex(1 << 20);
    let peer = echoing().over(stream);
    peer.set_tls(authority.client());
    let starting = peer.call(StartTls {}).start();
    let ask = read_box(&mut raw).await;
    assert_eq!(ask.get("_command").unwrap(), &b"StartTLS"[..]);

    for number in 0..2 {
        let tag = number.to_string().into_bytes();
        let pairs = [
            ("_ask", Bytes::from(tag)),
            ("_command", Bytes::from_static(b"Echo")),
            ("data", value(number)),
        ];
        let ask: AmpBox = pairs.into_iter().collect();
        raw.write_all(&ask.to_bytes().unwrap()).await.unwrap();
    }
    while peer.stats().asks_answered < 2 {
        tokio::task::yield_now().await;
    }
    while peer.stats().bytes_queued == 0 {
        tokio::task::yield_now().await;
    }
    assert!(peer.stats().bytes_queued > 2 * LENGTH);

    let tag = ask.get("_ask").unwrap().to_vec();
    let refusal: AmpBox = [
        ("_error", tag),
        ("_error_code", b"TLS_ERROR".to_vec()),
        ("_error_description", b"no".to_vec()),
    ]
    .into_iter()
    .collect();
    raw.write_all(&refusal.to_bytes().unwrap()).await.unwrap();
    starting.await.unwrap_err();
    let mut bytes = Vec::new();
    for number in 0..2 {
        let answer = loop {
            if let Some(Ok(parsed)) = amp_rpc::wire::parse(&bytes).next() {
                break parsed.to_owned();
            }
            raw.read_buf(&mut bytes).await.unwrap();
        };
        bytes.drain(..answer.to_bytes().unwrap().len());
        assert_eq!(
            answer.get("_answer").unwrap(),
            number.to_string().as_bytes()
        );
        assert_eq!(answer.get("data").unwrap(), &value(number)[..]);
    }
}
