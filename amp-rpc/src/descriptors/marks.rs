use std::collections::VecDeque;
use std::sync::Arc;

use super::Exchange;

/// A place in a buffer where a box with descriptors begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    at: usize,
    /// All descriptors with lower ordinals have to leave with the byte there, or before it.
    before: u64,
}

impl Mark {
    pub(crate) fn new(at: usize, before: u64) -> Self {
        Self { at, before }
    }
}

/// The marks of what is being written.
///
/// A descriptor may leave with any byte before its box's second one. It leaves with the first: the
/// peer bounds how many it holds without their boxes.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    exchange: Option<Arc<Exchange>>,
    marks: VecDeque<Mark>,
}

impl Marks {
    /// Sets whose descriptors they are about.
    #[inline]
    pub(crate) fn set_exchange(&mut self, exchange: Option<Arc<Exchange>>) {
        self.exchange = exchange;
    }

    /// Takes over the marks of a buffer that is appended at `base`.
    #[inline]
    pub(crate) fn append(&mut self, base: usize, marks: &mut Vec<Mark>) {
        let moved = |mark: Mark| Mark::new(base + mark.at, mark.before);
        self.marks.extend(marks.drain(..).map(moved));
    }

    /// Lets the descriptors go whose boxes are put elsewhere.
    #[inline]
    pub(crate) fn release(&mut self, marks: &mut Vec<Mark>) {
        for mark in marks.drain(..) {
            self.let_go(mark);
        }
    }

    /// Lets the descriptors go whose boxes begin where the writing is, and says how far may be
    /// written; `None` means to the end.
    #[inline]
    pub(crate) fn reach(&mut self, written: usize) -> Option<usize> {
        match self.marks.is_empty() {
            true => None,
            false => self.reach_some(written),
        }
    }

    #[inline(never)]
    fn reach_some(&mut self, written: usize) -> Option<usize> {
        while let Some(&mark) = self.marks.front() {
            if mark.at > written {
                return Some(mark.at);
            }
            self.marks.pop_front();
            self.let_go(mark);
        }
        None
    }

    fn let_go(&self, mark: Mark) {
        if let Some(exchange) = &self.exchange {
            exchange.release(mark.before);
        }
    }
}
