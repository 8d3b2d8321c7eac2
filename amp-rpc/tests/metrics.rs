//! What the crate `metrics` gets, in a process of its own.
#![cfg(feature = "metrics")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use amp_rpc::{Amp, AmpBox, Peer, Responders};
use metrics::{
    Counter, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

#[derive(Default)]
struct Kept {
    numbers: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
}

impl Kept {
    fn number(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: String = key
            .labels()
            .map(|label| format!(" {}", label.value()))
            .collect();
        let name = format!("{}{labels}", key.name());
        Arc::clone(self.numbers.lock().unwrap().entry(name).or_default())
    }

    fn get(&self, name: &str) -> u64 {
        let numbers = self.numbers.lock().unwrap();
        numbers
            .get(name)
            .map_or(0, |number| number.load(Ordering::Relaxed))
    }
}

struct Number(Arc<AtomicU64>);

impl GaugeFn for Number {
    fn increment(&self, value: f64) {
        self.0.fetch_add(value as u64, Ordering::Relaxed);
    }

    fn decrement(&self, value: f64) {
        self.0.fetch_sub(value as u64, Ordering::Relaxed);
    }

    fn set(&self, value: f64) {
        self.0.store(value as u64, Ordering::Relaxed);
    }
}

impl HistogramFn for Number {
    fn record(&self, _: f64) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Recorder for &'static Kept {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.number(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::new(Number(self.number(key))))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Number(self.number(key))))
    }
}

#[tokio::test]
async fn what_connections_count_is_published() {
    let kept: &'static Kept = Box::leak(Box::default());
    metrics::set_global_recorder(kept).unwrap();
    let server = Amp::new()
        .locator(Responders::new().on_box("Echo", async |message: AmpBox, _: Peer| Ok(message)));
    let (one, other) = tokio::io::duplex(1 << 16);
    let (server, client) = (server.over(one), Amp::new().over(other));
    for _ in 0..3 {
        client.call_box("Echo", AmpBox::new()).await.unwrap();
    }
    client.call_box("Nothing", AmpBox::new()).await.unwrap_err();
    assert_eq!(kept.get("amp_connections"), 2);
    client.close();
    server.closed().await;
    client.closed().await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    for (name, number) in [
        ("amp_calls_total answered", 3),
        ("amp_calls_total failed", 1),
        ("amp_asks_total answered", 3),
        ("amp_asks_total unhandled", 1),
        ("amp_boxes_total received", 8),
        ("amp_connections", 0),
    ] {
        assert_eq!(kept.get(name), number, "{name}");
    }
    let bytes = ["amp_bytes_total sent", "amp_bytes_total received"].map(|name| kept.get(name));
    assert_eq!(bytes[0], bytes[1]);
    assert!(bytes[0] > 0);
    assert_eq!(kept.get("amp_call_seconds"), 4);
}
