//! Pictures: for each fault the share of payments that the ill PSP gets from each contender.

use crate::Asked;
use crate::table::{Cell, Table};
use anyhow::{Context, Result};
use std::fmt::Write;
use std::path::Path;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 220.0;
const COLOURS: [&str; 7] =
    ["#0b6e4f", "#c1121f", "#e07a5f", "#7f8c8d", "#b08968", "#5e60ce", "#f4a261"];

pub fn write(folder: &Path, asked: &Asked, table: &Table) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    for (index, fault) in asked.faults.iter().enumerate() {
        let lines: Vec<(&str, &Cell)> =
            table.rows.iter().map(|row| (row.name, &row.cells[index])).collect();
        let file = folder.join(format!("{}.svg", fault.name()));
        std::fs::write(&file, draw(fault.name(), asked.world.fault_s, &lines))
            .with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

/// The mean share over all runs, step by step.
fn shares(cell: &Cell) -> Vec<f64> {
    let steps = cell.runs.iter().map(|run| run.share.len()).max().unwrap_or(0);
    (0..steps)
        .map(|step| {
            let at = cell.runs.iter().filter_map(|run| run.share.get(step));
            let (there, all) =
                at.fold((0.0, 0.0), |(there, all), run| (there + run.0, all + run.1));
            there / f64::max(all, 1.0)
        })
        .collect()
}

fn draw(title: &str, fault_s: f64, lines: &[(&str, &Cell)]) -> String {
    let longest = lines.iter().map(|(_, cell)| shares(cell).len()).max().unwrap_or(1) as f64;
    let x = |step: f64| 50.0 + (WIDTH - 70.0) * step / longest;
    let y = |share: f64| 30.0 + (HEIGHT - 70.0) * (1.0 - share);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"50\" y=\"18\" font-size=\"13\">{title}: share of payments that the best PSP gets</text>\n\
         <rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"#f3e9e2\"/>\n",
        HEIGHT + 20.0 * lines.len() as f64 / 3.0,
        x(0.0),
        y(1.0),
        x(fault_s / 5.0) - x(0.0),
        y(0.0) - y(1.0)
    );
    for share in [0.0, 0.5, 1.0] {
        let _ = writeln!(
            svg,
            "<text x=\"44\" y=\"{:.1}\" text-anchor=\"end\">{:.0} %</text><line x1=\"50\" x2=\"{:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/>",
            y(share) + 4.0,
            share * 100.0,
            WIDTH - 20.0,
            y(share),
            y(share)
        );
    }
    for (index, (name, cell)) in lines.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let points: Vec<String> = shares(cell)
            .iter()
            .enumerate()
            .map(|(step, share)| format!("{:.1},{:.1}", x(step as f64 + 0.5), y(*share)))
            .collect();
        let (column, line) = (index % 3, index / 3);
        let (at_x, at_y) = (50.0 + 220.0 * column as f64, HEIGHT - 8.0 + 20.0 * line as f64);
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\n<text x=\"{at_x}\" y=\"{at_y}\" fill=\"{colour}\">{name}: {:.0} lost</text>",
            points.join(" "),
            cell.lost
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#666\">shaded: the fault, {fault_s:.0} s</text>",
        WIDTH - 20.0,
        HEIGHT - 26.0
    );
    svg.push_str("</svg>\n");
    svg
}
