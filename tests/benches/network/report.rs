//! The figures, as a table for people and as JSON for programs.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

/// Figures of one kind of work.
pub(crate) struct Row {
    pub(crate) title: String,
    pub(crate) baseline: &'static str,
    pub(crate) lines: Vec<Line>,
}

/// One figure: that of ChatApp and that of the baseline in each round, and how to compare them.
pub(crate) struct Line {
    pub(crate) what: &'static str,
    pub(crate) ours: Vec<f64>,
    pub(crate) baseline: Vec<f64>,
    pub(crate) score: Score,
    pub(crate) goal: Goal,
}

/// Comparison of the two figures of one round.
#[derive(Clone, Copy)]
pub(crate) enum Score {
    /// The figure of ChatApp divided by that of the baseline.
    Ratio,
    /// The figure of ChatApp minus that of the baseline, in units of this size.
    Excess { unit: f64, name: &'static str },
}

#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Line {
    /// Returns the median of the scores of all rounds.
    fn score(&self) -> f64 {
        let pairs = self.ours.iter().zip(&self.baseline);
        median(pairs.map(|(ours, baseline)| match self.score {
            Score::Ratio => ours / baseline,
            Score::Excess { unit, .. } => (ours - baseline) / unit,
        }))
    }

    fn is_met(&self) -> bool {
        match self.goal {
            Goal::AtLeast(least) => self.score() >= least,
            Goal::AtMost(most) => self.score() <= most,
        }
    }
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Formats a figure: large numbers without decimals, small ones with two.
fn figure(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place != 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

pub(crate) fn print(rows: &[Row]) {
    let mut table = String::new();
    for row in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(table, "\n{}   (baseline: {})", row.title, row.baseline);
        let _ = writeln!(
            table,
            "  {:<34} {:>12} {:>12} {:>12}   wanted",
            "", "ChatApp", "baseline", "compared"
        );
        for line in &row.lines {
            let unit = match line.score {
                Score::Ratio => "times",
                Score::Excess { name, .. } => name,
            };
            let (relation, limit) = match line.goal {
                Goal::AtLeast(least) => (">=", least),
                Goal::AtMost(most) => ("<=", most),
            };
            let verdict = if line.is_met() { "" } else { "   NOT REACHED" };
            let _ = writeln!(
                table,
                "  {:<34} {:>12} {:>12} {:>12.2}   {relation} {limit} {unit}{verdict}",
                line.what,
                figure(median(line.ours.iter().copied())),
                figure(median(line.baseline.iter().copied())),
                line.score(),
            );
        }
    }
    println!("{table}");
}

pub(crate) fn write_json(file: &Path, rows: &[Row]) -> std::io::Result<()> {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let lines: Vec<_> = row
                .lines
                .iter()
                .map(|line| {
                    let (goal, limit) = match line.goal {
                        Goal::AtLeast(least) => ("at least", least),
                        Goal::AtMost(most) => ("at most", most),
                    };
                    let compared = match line.score {
                        Score::Ratio => "ratio",
                        Score::Excess { name, .. } => name,
                    };
                    json!({
                        "what": line.what,
                        "ours": line.ours,
                        "baseline": line.baseline,
                        "compared": compared,
                        "median": line.score(),
                        "goal": { goal: limit },
                        "met": line.is_met(),
                    })
                })
                .collect();
            json!({ "title": row.title, "baseline": row.baseline, "lines": lines })
        })
        .collect();
    std::fs::write(file, format!("{:#}\n", json!(rows)))
}
