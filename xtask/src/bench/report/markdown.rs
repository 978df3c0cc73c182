//! The report as tables in markdown, as `docs/benchmarks.md` has them.

use super::{Report, table};

impl Report {
    /// All rows, and at the end the table of the goals, if there is one.
    pub(crate) fn markdown(&self, goals: Option<&str>) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let mut title = row.title.clone();
            if let Some(first) = title.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            text.push_str(&format!("### {title}\n\n"));
            for (nth, cells) in table::cells(row).iter().enumerate() {
                text.push_str(&format!("| {} |\n", cells.join(" | ")));
                if nth == 0 {
                    // All but the name and the verdict are numbers.
                    text.push_str(&format!("|---|{}---|\n", "---:|".repeat(cells.len() - 2)));
                }
            }
            let beside = table::beside(row);
            if !beside.is_empty() {
                text.push('\n');
                beside.lines().for_each(|line| text.push_str(&format!("- {}\n", line.trim())));
            }
            text.push('\n');
        }
        if let Some(goals) = goals {
            text.push_str(&format!("### To reach\n\n{goals}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, report};
    use crate::bench::workload::Beside;

    #[test]
    fn rows_are_tables_with_a_heading() {
        let mut ours = entry("headwater-journal", &[1000], 20_000.0);
        ours.samples[0].beside.push(Beside::Files.of(12.0));
        let text = report(vec![ours, entry("dsr", &[500], 10_000.0)]).markdown(Some("| work |"));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[..2], ["### Work", ""], "{text}");
        assert!(lines[2].starts_with("| server | rate |"), "{text}");
        assert_eq!(lines[3], "|---|---:|---:|---:|---:|---:|---:|---:|---:|---|");
        let columns: Vec<_> = lines[2..6].iter().map(|line| line.matches('|').count()).collect();
        assert_eq!(columns, [11; 4], "{text}");
        assert_eq!(lines[7], "- headwater-journal: files 12", "{text}");
        assert!(text.ends_with("\n### To reach\n\n| work |"), "{text}");
    }
}
