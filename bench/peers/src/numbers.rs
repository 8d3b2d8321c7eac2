//! What is added.

/// The arguments of a call that adds many numbers. Each has three digits, so that all such calls are of the same length on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Numbers(Vec<i64>);

impl Numbers {
    pub(crate) fn new(count: usize) -> Self {
        Self(vec![0; count])
    }

    /// Makes them those of the caller's next call.
    pub(crate) fn set(&mut self, call: i64) -> &[i64] {
        let first = 100 + call % 700;
        for (number, place) in self.0.iter_mut().zip(first..) {
            *number = place;
        }
        &self.0
    }

    /// What the answer has to be.
    pub(crate) fn total(&self) -> i64 {
        self.0.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::COUNTS;

    #[test]
    fn all_have_three_digits() {
        let most = COUNTS.iter().max().copied().unwrap_or_default();
        let mut numbers = Numbers::new(most);
        for call in 0..1_500 {
            let numbers = numbers.set(call);
            assert!(numbers.iter().all(|number| (100..1_000).contains(number)));
        }
    }

    #[test]
    fn they_are_not_the_same_in_the_next_call() {
        let mut numbers = Numbers::new(5);
        assert_eq!(numbers.set(1), [101, 102, 103, 104, 105]);
        assert_eq!(numbers.total(), 515);
        assert_eq!(numbers.set(2), [102, 103, 104, 105, 106]);
    }
}
