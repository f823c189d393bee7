//! What was measured, as a table and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::backend::Backend;

/// What a ratio or a figure is to reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    must: f64,
    aim: f64,
    at_least: bool,
}

impl Target {
    /// A ratio that is to be at least so much.
    pub(crate) fn at_least(must: f64, aim: f64) -> Self {
        Self {
            must,
            aim,
            at_least: true,
        }
    }

    /// A figure that is to be at most so much.
    pub(crate) fn at_most(must: f64, aim: f64) -> Self {
        Self {
            must,
            aim,
            at_least: false,
        }
    }

    fn verdict(self, value: f64) -> &'static str {
        let reaches = |bound: f64| {
            if self.at_least {
                value >= bound
            } else {
                value <= bound
            }
        };
        match (reaches(self.must), reaches(self.aim)) {
            (false, _) => "missed",
            (true, false) => "met",
            (true, true) => "aim met",
        }
    }
}

/// One line: a figure of the server, the floors that it was measured in turn with, and its target.
#[derive(Debug)]
pub(crate) struct Comparison {
    name: String,
    backend: Backend,
    unit: &'static str,
    target: Option<Target>,
    measured: Vec<f64>,
    floor: Vec<f64>,
    other_floor: Vec<f64>,
    other_floor_name: &'static str,
    processor: Vec<f64>,
}

impl Comparison {
    /// An empty line.
    pub(crate) fn new(
        name: impl Into<String>,
        backend: Backend,
        unit: &'static str,
        target: Option<Target>,
    ) -> Self {
        Self {
            name: name.into(),
            backend,
            unit,
            target,
            measured: Vec::new(),
            floor: Vec::new(),
            other_floor: Vec::new(),
            other_floor_name: "",
            processor: Vec::new(),
        }
    }

    /// A repetition's figure of the server.
    pub(crate) fn measured(&mut self, value: f64) {
        self.measured.push(value);
    }

    /// A repetition's figure of the floor.
    pub(crate) fn floor(&mut self, value: f64) {
        self.floor.push(value);
    }

    /// A repetition's figure of a second floor, which has no target.
    pub(crate) fn other_floor(&mut self, name: &'static str, value: f64) {
        self.other_floor_name = name;
        self.other_floor.push(value);
    }

    /// The processor time that the server process took for one event, in microseconds. Other programs on
    /// the machine change it much less than they change a rate.
    pub(crate) fn processor(&mut self, microseconds: f64) {
        self.processor.push(microseconds);
    }

    /// The median over the repetitions of figure to floor, each within one repetition.
    fn ratio(&self) -> Option<f64> {
        let pairs = self.measured.iter().zip(&self.floor);
        median(
            &pairs
                .map(|(measured, floor)| measured / floor)
                .collect::<Vec<_>>(),
        )
    }

    /// What the target is about: a ratio that is to be large, or a figure that is to be small.
    fn judged(&self, target: Target) -> Option<f64> {
        if target.at_least {
            self.ratio()
        } else {
            median(&self.measured)
        }
    }

    fn verdict(&self) -> Option<&'static str> {
        let target = self.target?;
        Some(target.verdict(self.judged(target)?))
    }

    fn row(&self) -> [String; 8] {
        let target = self.target.map_or_else(String::new, |target| {
            let sign = if target.at_least { '≥' } else { '≤' };
            format!("{sign} {} (aim {})", target.must, target.aim)
        });
        [
            self.name.clone(),
            self.backend.name().to_owned(),
            shown(median(&self.measured)) + " " + self.unit,
            shown(median(&self.floor)),
            self.ratio()
                .map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            target,
            self.verdict().unwrap_or_default().to_owned(),
            shown(median(&self.processor)),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "backend": self.backend.name(),
            "unit": self.unit,
            "measured": {"median": median(&self.measured), "all": self.measured},
            "floor": {"median": median(&self.floor), "all": self.floor},
            "ratio": self.ratio(),
            "otherFloor": {
                "name": self.other_floor_name,
                "median": median(&self.other_floor),
                "all": self.other_floor,
            },
            "processorMicrosecondsPerEvent": median(&self.processor),
            "target": self.target.map(|target| json!({"must": target.must, "aim": target.aim})),
            "verdict": self.verdict(),
        })
    }
}

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    seconds: f64,
    repetitions: usize,
    databases: Vec<String>,
    lines: Vec<Comparison>,
}

impl Report {
    /// An empty report.
    pub(crate) fn new(arguments: &Arguments) -> Self {
        Self {
            seconds: arguments.time.as_secs_f64(),
            repetitions: arguments.repetitions,
            databases: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Notes the version of a database.
    pub(crate) fn database(&mut self, version: String) {
        self.databases.push(version);
    }

    /// Adds a line; it is also told at once on the standard error, since a run takes minutes.
    pub(crate) fn add(&mut self, line: Comparison) {
        eprint(&line.row().join("  "));
        self.lines.push(line);
    }

    /// The table for people, in Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text = String::from(
            "| measure | backend | server | floor | ratio | target | | µs/event |\n|---|---|---:|---:|---:|---|---|---:|\n",
        );
        for line in &self.lines {
            let _ = writeln!(text, "| {} |", line.row().join(" | "));
        }
        text
    }

    /// The whole report for programs.
    pub(crate) fn json(&self) -> Value {
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        json!({
            "cores": cores,
            "secondsPerMeasurement": self.seconds,
            "repetitions": self.repetitions,
            "databases": self.databases,
            "lines": self.lines.iter().map(Comparison::json).collect::<Vec<_>>(),
        })
    }
}

/// The value in the middle; of an even number of values the upper one of the two.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    percentile(values, 0.5)
}

/// The value below which this part of the values lies.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "an index between zero and the number of values"
)]
pub(crate) fn percentile(values: &[f64], part: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (values.len() as f64 * part) as usize;
    sorted
        .get(index.min(values.len().saturating_sub(1)))
        .copied()
}

fn shown(value: Option<f64>) -> String {
    match value {
        None => String::new(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.2}"),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the progress of a run that takes minutes"
)]
fn eprint(line: &str) {
    eprintln!("{line}");
}
