//! The same for whoever collects metrics.

use metrics::{counter, gauge, histogram};

use super::{Counters, Stats};

/// Hands what a connection counts over to the crate `metrics`, a batch at a time.
pub(crate) struct Publisher {
    /// What it has told, by the rows.
    told: Box<[u64; ROWS.len()]>,
}

/// Where a counter stands, and what adds to the metric it is a part of.
type Row = (fn(&Stats) -> u64, fn(u64));

/// The names stand in each call of the facade as constants: made at run time, they would be allocated each time.
macro_rules! rows {
    ($($name:literal $kind:literal $counter:ident,)*) => {
        [$((|stats| stats.$counter, |more| {
            counter!($name, "kind" => $kind).increment(more);
        }),)*]
    };
}

const ROWS: [Row; 20] = rows! {
    "amp_calls_total" "answered" calls_answered,
    "amp_calls_total" "failed" calls_failed,
    "amp_calls_total" "timed_out" calls_timed_out,
    "amp_calls_total" "given_up" calls_given_up,
    "amp_calls_total" "ended" calls_ended,
    "amp_calls_total" "refused_here" calls_refused_here,
    "amp_calls_total" "told" tells_sent,
    "amp_asks_total" "answered" asks_answered,
    "amp_asks_total" "failed" asks_failed,
    "amp_asks_total" "unhandled" asks_unhandled,
    "amp_asks_total" "malformed" asks_malformed,
    "amp_asks_total" "refused" asks_refused,
    "amp_asks_total" "canceled" asks_canceled,
    "amp_asks_total" "fault" faults,
    "amp_ignored_total" "late_answer" late_answers,
    "amp_ignored_total" "unknown_answer" unknown_answers,
    "amp_ignored_total" "bad_metadata" bad_metadata,
    "amp_boxes_total" "received" boxes_received,
    "amp_bytes_total" "received" bytes_received,
    "amp_bytes_total" "sent" bytes_sent,
};

impl Publisher {
    /// For a connection that begins.
    pub(crate) fn new() -> Self {
        gauge!("amp_connections").increment(1.0);
        Self {
            told: Box::new([0; ROWS.len()]),
        }
    }

    /// Tells what has happened since the last time.
    pub(crate) fn publish(&mut self, counters: &Counters) {
        let stats = counters.stats();
        for ((read, add), told) in ROWS.into_iter().zip(self.told.iter_mut()) {
            let now = read(&stats);
            let more = now.wrapping_sub(*told);
            if more > 0 {
                add(more);
            }
            *told = now;
        }
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
