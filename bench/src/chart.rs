//! Charts: calls a second in all scenarios, and the curves.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::figures::COLUMNS;
use crate::outcome::Outcome;

const SIZE: (u32, u32) = (960, 540);

/// Writes them as SVG files.
pub(crate) fn draw(folder: &Path, outcomes: &[Outcome]) -> Result<(), Box<dyn Error>> {
    let has_calls = |outcome: &&Outcome| outcome.median(0, 0, COLUMNS[0]).is_some();
    let (curves, bars): (Vec<_>, Vec<_>) = outcomes
        .iter()
        .filter(has_calls)
        .partition(|outcome| outcome.scenario.points.len() > 1);
    for curve in curves {
        let file = folder.join(format!("{}.svg", curve.scenario.name));
        draw_curve(&file, curve)?;
    }
    if bars.is_empty() {
        return Ok(());
    }
    draw_bars(&folder.join("calls.svg"), &bars)
}

/// Each name has its color in all charts.
fn color(names: &[String], name: &str) -> RGBColor {
    let place = names.iter().position(|known| known == name).unwrap_or(0);
    let (red, green, blue) = Palette99::pick(place).rgb();
    RGBColor(red, green, blue)
}

fn draw_bars(file: &Path, outcomes: &[&Outcome]) -> Result<(), Box<dyn Error>> {
    let mut names: Vec<String> = Vec::new();
    for name in outcomes.iter().flat_map(|outcome| &outcome.peers) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("calls a second", ("sans-serif", 20))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(70)
        .build_cartesian_2d(0f64..outcomes.len() as f64, (1e3..2e7).log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(0)
        .y_label_formatter(&short)
        .draw()?;
    let width = 0.9 / names.len() as f64;
    for (place, name) in names.iter().enumerate() {
        let fill = color(&names, name).filled();
        let bars = outcomes.iter().enumerate().filter_map(|(column, outcome)| {
            let calls = outcome.median(0, outcome.position(name)?, COLUMNS[0])?;
            let left = column as f64 + 0.05 + place as f64 * width;
            Some(Rectangle::new([(left, 1e3), (left + width, calls)], fill))
        });
        chart
            .draw_series(bars)?
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 4), (x + 10, y + 4)], fill));
    }
    for (column, outcome) in outcomes.iter().enumerate() {
        let (x, y) = chart.backend_coord(&(column as f64 + 0.05, 1e3));
        let style = ("sans-serif", 12).into_text_style(&root);
        root.draw_text(outcome.scenario.name, &style, (x, y + 8))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    root.present()?;
    Ok(())
}

fn draw_curve(file: &Path, outcome: &Outcome) -> Result<(), Box<dyn Error>> {
    let points = outcome.scenario.points;
    let greatest = points.iter().map(|point| point.x).max().unwrap_or(1) as f64;
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(outcome.scenario.about, ("sans-serif", 20))
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d((1f64..greatest).log_scale(), (1e3..2e7).log_scale())?;
    chart
        .configure_mesh()
        .x_label_formatter(&short)
        .y_label_formatter(&short)
        .x_desc(outcome.scenario.name)
        .y_desc("calls a second")
        .draw()?;
    for (peer, name) in outcome.peers.iter().enumerate() {
        let color = color(&outcome.peers, name);
        let line = points.iter().enumerate().filter_map(|(at, point)| {
            Some((point.x as f64, outcome.median(at, peer, COLUMNS[0])?))
        });
        chart
            .draw_series(LineSeries::new(line, color.stroke_width(2)).point_size(3))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 15, y)], color));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .draw()?;
    root.present()?;
    Ok(())
}

/// 1500 as `1.5 k`.
fn short(value: &f64) -> String {
    match *value {
        value if value >= 1e6 => format!("{} M", value / 1e6),
        value if value >= 1e3 => format!("{} k", value / 1e3),
        value => value.to_string(),
    }
}
