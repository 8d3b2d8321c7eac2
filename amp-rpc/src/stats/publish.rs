//! The same for whoever collects metrics.

use metrics::{counter, gauge, histogram};

use super::{Counters, Stats};

/// Hands what a connection counts over to the crate `metrics`, a batch at a time.
pub(crate) struct Publisher {
    told: Stats,
}

/// A counter's name, its label, and where it stands.
type Row = (&'static str, &'static str, fn(&Stats) -> u64);

const ROWS: [Row; 18] = [
    ("amp_calls_total", "answered", |it| it.calls_answered),
    ("amp_calls_total", "failed", |it| it.calls_failed),
    ("amp_calls_total", "timed_out", |it| it.calls_timed_out),
    ("amp_calls_total", "given_up", |it| it.calls_given_up),
    ("amp_calls_total", "ended", |it| it.calls_ended),
    ("amp_calls_total", "refused_here", |it| {
        it.calls_refused_here
    }),
    ("amp_calls_total", "told", |it| it.tells_sent),
    ("amp_asks_total", "answered", |it| it.asks_answered),
    ("amp_asks_total", "failed", |it| it.asks_failed),
    ("amp_asks_total", "unhandled", |it| it.asks_unhandled),
    ("amp_asks_total", "malformed", |it| it.asks_malformed),
    ("amp_asks_total", "refused", |it| it.asks_refused),
    ("amp_asks_total", "canceled", |it| it.asks_canceled),
    ("amp_asks_total", "fault", |it| it.faults),
    ("amp_ignored_total", "late_answer", |it| it.late_answers),
    ("amp_ignored_total", "unknown_answer", |it| {
        it.unknown_answers
    }),
    ("amp_ignored_total", "bad_metadata", |it| it.bad_metadata),
    ("amp_boxes_total", "received", |it| it.boxes_received),
];

impl Publisher {
    /// For a connection that begins.
    pub(crate) fn new() -> Self {
        gauge!("amp_connections").increment(1.0);
        Self {
            told: Stats::default(),
        }
    }

    /// Tells what has happened since the last time.
    pub(crate) fn publish(&mut self, counters: &Counters) {
        let stats = counters.stats();
        for (name, kind, read) in ROWS {
            let new = read(&stats).wrapping_sub(read(&self.told));
            if new > 0 {
                counter!(name, "kind" => kind).increment(new);
            }
        }
        let bytes = [
            ("received", stats.bytes_received - self.told.bytes_received),
            ("sent", stats.bytes_sent - self.told.bytes_sent),
        ];
        for (kind, new) in bytes {
            if new > 0 {
                counter!("amp_bytes_total", "kind" => kind).increment(new);
            }
        }
        self.told = stats;
    }

    /// A call took so long.
    pub(crate) fn took(seconds: f64) {
        histogram!("amp_call_seconds").record(seconds);
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        gauge!("amp_connections").decrement(1.0);
    }
}
