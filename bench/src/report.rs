//! Tables, as text that is also Markdown.

use crate::figures::COLUMNS;
use crate::machine;
use crate::outcome::Outcome;
use crate::plan::Plan;

/// Those whose figures the others are divided by, where they take part.
const MEASURES: [&str; 3] = ["limit", "limit-lean", "tarpc"];

/// The table of a scenario: a row for each peer, or for each point of a curve.
pub(crate) fn table(outcome: &Outcome) -> String {
    let scenario = outcome.scenario;
    let rows = match scenario.points.len() {
        1 => rows_of_peers(outcome),
        _ => rows_of_points(outcome),
    };
    format!(
        "### {}\n\n{}\n\n{}",
        scenario.name,
        scenario.about,
        aligned(&rows)
    )
}

fn rows_of_peers(outcome: &Outcome) -> Vec<Vec<String>> {
    let mut head = vec!["peer".to_owned()];
    let columns: Vec<_> = COLUMNS
        .into_iter()
        .filter(|&column| outcome.median(0, 0, column).is_some())
        .collect();
    let main = columns[0];
    for column in &columns {
        head.push(column.0.to_owned());
    }
    head.push("spread".to_owned());
    let measures: Vec<_> = MEASURES
        .into_iter()
        .filter_map(|name| Some((name, outcome.position(name)?)))
        .collect();
    head.extend(measures.iter().map(|(name, _)| format!("× {name}")));
    let mut rows = vec![head];
    for (peer, name) in outcome.peers.iter().enumerate() {
        let mut row = vec![name.clone()];
        for &column in &columns {
            let median = outcome.median(0, peer, column);
            row.push(median.map_or_else(String::new, |median| number(median, column.2)));
        }
        let (least, most) = outcome.spread(0, peer, main).unwrap_or_default();
        row.push(format!(
            "{} to {}",
            number(least, main.2),
            number(most, main.2)
        ));
        for &(_, measure) in &measures {
            let ratio = outcome.ratio(0, peer, measure, main);
            row.push(ratio.map_or_else(String::new, |ratio| number(ratio, 3)));
        }
        rows.push(row);
    }
    rows
}

fn rows_of_points(outcome: &Outcome) -> Vec<Vec<String>> {
    let main = COLUMNS[0];
    let mut head = vec![outcome.scenario.name.to_owned()];
    for name in &outcome.peers {
        head.push(format!("{name} {}", main.0));
    }
    let limit = outcome.position("limit");
    let ours = outcome.position("amp-rpc");
    head.push("amp-rpc × limit".to_owned());
    let mut rows = vec![head];
    for (point, at) in outcome.scenario.points.iter().enumerate() {
        let mut row = vec![number(at.x as f64, 0)];
        for peer in 0..outcome.peers.len() {
            let median = outcome.median(point, peer, main);
            row.push(median.map_or_else(String::new, |median| number(median, main.2)));
        }
        let ratio = ours
            .zip(limit)
            .and_then(|(ours, limit)| outcome.ratio(point, ours, limit, main));
        row.push(ratio.map_or_else(String::new, |ratio| number(ratio, 3)));
        rows.push(row);
    }
    rows
}

/// With commas between thousands.
fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, rest) = match text.split_once('.') {
        Some((whole, rest)) => (whole, format!(".{rest}")),
        None => (text.as_str(), String::new()),
    };
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + &rest
}

/// The first column to the left, the others to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|at| width(at).unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            match column {
                0 => text += &format!("| {cell:<width$} |"),
                _ => text += &format!(" {cell:>width$} |"),
            }
        }
        text.push('\n');
        if place == 0 {
            for (column, width) in widths.iter().enumerate() {
                let line = "-".repeat(*width);
                text += &(if column == 0 {
                    format!("| {line} |")
                } else {
                    format!(" {}: |", &line[1..])
                });
            }
            text.push('\n');
        }
    }
    text
}

/// Everything, with what it was measured on.
pub(crate) fn file(plan: &Plan, outcomes: &[Outcome]) -> String {
    let mut text = format!(
        "# Results of `cargo xtask bench`\n\n\
         Written by it: {} interleaved turns of {} s; medians, the spread of the first figure, and the medians of its\n\
         ratios turn by turn. Runtimes have one thread, and both processes of a peer share a core, unless a scenario says\n\
         otherwise. The peers and their versions are in [the folder above](../README.md).\n\n{}\n\
         ![calls a second](calls.svg)\n",
        plan.rounds,
        plan.seconds,
        machine::description(plan.profile),
    );
    for outcome in outcomes {
        text += "\n";
        text += &table(outcome);
        if outcome.scenario.points.len() > 1 {
            text += &format!("\n![{0}]({0}.svg)\n", outcome.scenario.name);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(number(0.0, 0), "0");
        assert_eq!(number(999.4, 0), "999");
        assert_eq!(number(1_234_567.0, 0), "1,234,567");
        assert_eq!(number(12_345.678, 2), "12,345.68");
        assert_eq!(number(-1_234.0, 0), "-1,234");
        assert_eq!(number(-123_456.0, 0), "-123,456");
    }

    #[test]
    fn columns_are_aligned() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let rows = [row(["peer", "µs"]), row(["limit", "1.25"])];
        assert_eq!(
            aligned(&rows),
            "| peer  |   µs |\n| ----- | ---: |\n| limit | 1.25 |\n"
        );
    }
}
