//! What a scenario's turns showed.

use std::error::Error;

use indicatif::ProgressBar;

use crate::figures::{Column, Figures};
use crate::plan::Plan;
use crate::scenario::Scenario;

/// All figures of a scenario.
pub(crate) struct Outcome {
    pub(crate) scenario: &'static Scenario,
    pub(crate) peers: Vec<String>,
    /// By point, peer and turn.
    turns: Vec<Vec<Vec<Figures>>>,
}

impl Outcome {
    /// Lets the peers take turns.
    pub(crate) fn measure(
        scenario: &'static Scenario,
        plan: &Plan,
        bar: &ProgressBar,
    ) -> Result<Self, Box<dyn Error>> {
        let peers: Vec<_> = plan.peers_of(scenario).collect();
        let mut turns = Vec::new();
        for point in scenario.points {
            let mut of_point = vec![Vec::new(); peers.len()];
            for _ in 0..plan.rounds {
                for (peer, figures) in peers.iter().zip(&mut of_point) {
                    bar.set_message(format!("{} {}", scenario.name, peer.name));
                    figures.push(peer.measure(scenario, point, plan.seconds)?);
                    bar.inc(1);
                }
            }
            turns.push(of_point);
        }
        Ok(Self {
            scenario,
            peers: peers.iter().map(|peer| peer.name.clone()).collect(),
            turns,
        })
    }

    /// Which of the peers has that name.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.peers.iter().position(|peer| peer == name)
    }

    /// A figure's median over the turns.
    pub(crate) fn median(&self, point: usize, peer: usize, column: Column) -> Option<f64> {
        median(self.turns[point][peer].iter().filter_map(column.1))
    }

    /// A figure's least and greatest value.
    pub(crate) fn spread(&self, point: usize, peer: usize, column: Column) -> Option<(f64, f64)> {
        let values = self.turns[point][peer].iter().filter_map(column.1);
        values.fold(None, |range, value| match range {
            None => Some((value, value)),
            Some((least, most)) => Some((value.min(least), value.max(most))),
        })
    }

    /// The median over the turns of what a figure is to that of another peer in the same turn.
    pub(crate) fn ratio(
        &self,
        point: usize,
        peer: usize,
        other: usize,
        column: Column,
    ) -> Option<f64> {
        let turns = self.turns[point][peer]
            .iter()
            .zip(&self.turns[point][other]);
        median(turns.filter_map(|(one, other)| Some(column.1(one)? / column.1(other)?)))
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::COLUMNS;

    #[test]
    fn a_ratio_is_the_median_turn_by_turn() {
        let calls = |calls: [f64; 3]| {
            let turn = |calls| Figures {
                calls_per_second: Some(calls),
                ..Figures::default()
            };
            calls.map(turn).to_vec()
        };
        let outcome = Outcome {
            scenario: &crate::scenario::ALL[0],
            peers: vec!["limit".to_owned(), "amp-rpc".to_owned()],
            // The machine was slow in the second turn.
            turns: vec![vec![calls([100.0, 10.0, 90.0]), calls([50.0, 6.0, 36.0])]],
        };
        let rate = COLUMNS[0];
        assert_eq!(outcome.median(0, 0, rate), Some(90.0));
        assert_eq!(outcome.spread(0, 1, rate), Some((6.0, 50.0)));
        assert_eq!(outcome.ratio(0, 1, 0, rate), Some(0.5));
        assert_eq!(outcome.median(0, 0, COLUMNS[1]), None);
    }
}
