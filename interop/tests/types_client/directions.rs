//! Calls without an answer, very many calls, and both directions on one connection.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use interop::types::commands::{AskFor, Bounce, Double, DoubleAll, Hold, Release, Tell, Told};

use crate::{modes, usable, with_twisted};

/// The result of a future that is ready.
fn ready<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("not ready"),
    }
}

#[tokio::test]
async fn tells_are_carried_out_in_order() {
    with_twisted(async |twisted| {
        let texts: Vec<_> = (0..500).map(|n| format!("text {n}")).collect();
        for mode in modes() {
            let peer = twisted.connect(mode).await;
            for text in texts.clone() {
                peer.tell(Tell { text }).await.expect("it is sent");
            }
            assert_eq!(peer.call(Told).await.expect("an answer").texts, texts);
        }
    })
    .await;
}

#[tokio::test]
async fn a_tell_may_also_be_called() {
    with_twisted(async |twisted| {
        let peer = twisted.connect(modes()[0]).await;
        let text = "one".to_owned();
        peer.call(Tell { text }).await.expect("an empty answer");
        assert_eq!(peer.call(Told).await.expect("an answer").texts, ["one"]);
    })
    .await;
}

#[tokio::test]
async fn thousands_of_calls_under_way_are_answered_newest_first() {
    with_twisted(async |twisted| {
        let peer = twisted.connect(modes()[0]).await;
        let hold = |number: usize| Hold {
            number: number.into(),
        };
        let calls: Vec<_> = (0..3_000)
            .map(|number| peer.call(hold(number)).start())
            .collect();
        let released = peer.call(Release).await.expect("an answer");
        assert_eq!(released.count, calls.len());
        // Twisted answers the Release after the others, so they are all here.
        for (number, call) in calls.into_iter().enumerate() {
            assert_eq!(ready(call).expect("an answer"), hold(number));
        }
        usable(&peer).await;
    })
    .await;
}

#[tokio::test]
async fn a_dropped_call_harms_no_other() {
    with_twisted(async |twisted| {
        for mode in modes() {
            let peer = twisted.connect(mode).await;
            let hold = |number: i32| Hold {
                number: number.into(),
            };
            let first = peer.call(hold(1)).start();
            drop(peer.call(hold(2)).start());
            let third = peer.call(hold(3)).start();
            assert_eq!(peer.call(Release).await.expect("an answer").count, 3);
            assert_eq!(first.await.expect("an answer"), hold(1));
            assert_eq!(third.await.expect("an answer"), hold(3));
            usable(&peer).await;
        }
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_calls_without_waiting() {
    with_twisted(async |twisted| {
        let peer = twisted.connect(modes()[0]).await;
        let double = |number: i32| Double {
            number: number.into(),
        };
        let calls: Vec<_> = (0..10_000)
            .map(|number| peer.call(double(number)).start())
            .collect();
        for (number, call) in (0..).zip(calls) {
            assert_eq!(call.await.expect("an answer"), double(2 * number));
        }
    })
    .await;
}

#[tokio::test]
async fn twisted_calls_its_caller_thousands_of_times() {
    with_twisted(async |twisted| {
        for mode in modes() {
            let peer = twisted.connect(mode).await;
            for count in [0, 1, 2_000] {
                let answer = peer.call(DoubleAll { count }).await;
                let total = answer.expect("an answer").total;
                assert_eq!(total, (count * (count + 1)).into());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn calls_within_calls() {
    with_twisted(async |twisted| {
        let peer = twisted.connect(modes()[0]).await;
        for left in [0, 1, 2, 100] {
            let answer = peer.call(Bounce { left }).await;
            assert_eq!(answer.expect("an answer").depth, left);
        }
        let depths = (0..300).map(|n| n % 10);
        let calls: Vec<_> = depths
            .map(|left| (left, peer.call(Bounce { left }).start()))
            .collect();
        for (left, call) in calls {
            assert_eq!(call.await.expect("an answer").depth, left);
        }
    })
    .await;
}

#[tokio::test]
async fn twisted_sees_the_errors_of_its_caller() {
    with_twisted(async |twisted| {
        for mode in modes() {
            let peer = twisted.connect(mode).await;
            for (text, outcome) in [("", "found"), ("no ü", "NOT_THERE no ü")] {
                let text = text.to_owned();
                let answer = peer.call(AskFor { text }).await;
                assert_eq!(answer.expect("an answer").outcome, outcome);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_hundred_connections() {
    with_twisted(async |twisted| {
        let mut peers = Vec::new();
        for n in 0..100_u32 {
            let peer = twisted.connect(modes()[n as usize % 2]).await;
            let held = peer.call(Hold { number: n.into() }).start().owned();
            let doubled = peer.call(DoubleAll { count: n }).start().owned();
            peers.push((n, peer, held, doubled));
        }
        for (n, peer, held, doubled) in peers {
            let total = doubled.await.expect("an answer").total;
            assert_eq!(total, (n * (n + 1)).into());
            assert_eq!(peer.call(Release).await.expect("an answer").count, 1);
            assert_eq!(held.await.expect("an answer").number, n.into());
        }
    })
    .await;
}
