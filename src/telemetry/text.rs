//! The Prometheus text format, version 0.0.4.

use std::fmt::Write as _;

use super::exposition::{Definition, Exposition, Kind, Sample, Value};
use super::histogram::{BOUNDS, Histogram};

pub(super) fn encode(exposition: &Exposition) -> String {
    let mut out = String::new();
    for (definition, samples) in &exposition.families {
        let kind = match definition.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let _ = writeln!(out, "# HELP {0} {1}\n# TYPE {0} {kind}", definition.name, definition.help);
        for sample in samples {
            match &sample.value {
                Value::Number(number) => line(&mut out, definition, "", sample, None, *number),
                Value::Histogram(histogram) => buckets(&mut out, definition, sample, histogram),
            }
        }
    }
    out
}

fn buckets(out: &mut String, definition: &Definition, sample: &Sample, histogram: &Histogram) {
    let mut cumulative = 0;
    for (bound, count) in BOUNDS.iter().zip(histogram.classic) {
        cumulative += count;
        line(out, definition, "_bucket", sample, Some(&bound.to_string()), cumulative as f64);
    }
    line(out, definition, "_bucket", sample, Some("+Inf"), histogram.count as f64);
    line(out, definition, "_sum", sample, None, histogram.sum);
    line(out, definition, "_count", sample, None, histogram.count as f64);
}

fn line(out: &mut String, definition: &Definition, suffix: &str, sample: &Sample, bound: Option<&str>, value: f64) {
    out.push_str(definition.name);
    out.push_str(suffix);
    let labels = definition.labels.iter().copied().zip(sample.labels.iter().map(String::as_str));
    let mut opening = '{';
    for (name, text) in labels.chain(bound.map(|bound| ("le", bound))) {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(out, "{opening}{name}=\"{text}\"");
        opening = ',';
    }
    if opening == ',' {
        out.push('}');
    }
    let _ = writeln!(out, " {value}");
}
