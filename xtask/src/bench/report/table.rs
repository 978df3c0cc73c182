//! A row's figures as a plain table.

use std::fmt::Write;

use super::{Entry, Row, figures};
use crate::bench::workload::{Beside, Sample};

const NONE: &str = "-";

/// The table, a line for each server.
pub(super) fn of(row: &Row) -> String {
    aligned(&cells(row))
}

/// What else was measured, a line for each server that has it.
pub(super) fn beside(row: &Row) -> String {
    let mut text = String::new();
    for entry in &row.entries {
        let told: Vec<_> = Beside::ALL
            .iter()
            .filter_map(|what| Some(format!("{} {}", what.name(), what.told(entry.beside(*what)?))))
            .collect();
        if !told.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {}: {}", entry.target, told.join(", "));
        }
    }
    text
}

/// The cells of the table, its head first.
pub(super) fn cells(row: &Row) -> Vec<[String; 10]> {
    let cost = format!("CPU/{}", row.unit.name());
    let mut lines = vec![
        ["server", "rate", "p50", "p99", &cost, "RSS", "others", "rate/1st", "CPU/1st", "checked"]
            .map(str::to_owned),
    ];
    lines.extend(row.entries.iter().map(|entry| line(row, entry)));
    lines
}

fn line(row: &Row, entry: &Entry) -> [String; 10] {
    let mut cells = [NONE; 10].map(str::to_owned);
    let [name, rate, p50, p99, cost, memory, others, rate_ratio, cost_ratio, checked] = &mut cells;
    name.clone_from(&entry.target);
    if let Some(medians) = entry.medians() {
        *rate = figures::rate(medians.rate, row.unit);
        *p50 = or_none(medians.p50.map(figures::time));
        *p99 = or_none(medians.p99.map(figures::time));
        *cost = or_none(medians.server_nanos.map(figures::time));
        *memory = or_none(medians.resident.map(figures::memory));
        *others = or_none(medians.others.map(figures::others));
    }
    if let Some(first) = row.entries.first() {
        let ratio = |value: fn(&Sample) -> Option<f64>| {
            or_none(entry.ratio_to(first, value).map(figures::ratio))
        };
        *rate_ratio = ratio(|sample| Some(sample.rate()));
        *cost_ratio = ratio(|sample| sample.server_nanos);
    }
    *checked = state(entry);
    cells
}

fn state(entry: &Entry) -> String {
    if entry.failure.is_some() {
        return "FAILED".to_owned();
    }
    let checked = entry.samples.iter().filter(|sample| sample.faults.is_some()).count();
    match (checked, entry.faults().is_none()) {
        (0, _) => NONE.to_owned(),
        (_, true) => "all there".to_owned(),
        (_, false) => "FAULTS".to_owned(),
    }
}

fn or_none(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| NONE.to_owned())
}

/// The first and the last column to the left, the others to the right.
fn aligned<const N: usize>(lines: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let mut text = String::new();
    for line in lines {
        let mut out = String::from(" ");
        for (column, cell) in line.iter().enumerate() {
            let width = width(column);
            // Writing to a string cannot fail.
            let _ = match column {
                0 => write!(out, " {cell:<width$}"),
                _ if column + 1 == N => write!(out, "  {cell}"),
                _ => write!(out, "  {cell:>width$}"),
            };
        }
        text.push_str(out.trim_end());
        text.push('\n');
    }
    text
}
