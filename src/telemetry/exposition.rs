//! All metrics at one moment, and the choice of the form in which a scraper gets them.

use super::histogram::Histogram;
use super::{protobuf, text};

/// What a family of metrics counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A family of metrics: declared once, so that a name cannot mean two things.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: Kind,
    pub(super) labels: &'static [&'static str],
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Number(f64),
    Histogram(Box<Histogram>),
}

/// One series: the values of its labels in the order of the definition, and its value.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) labels: Vec<String>,
    pub(super) value: Value,
}

/// All metrics at one moment.
#[derive(Debug)]
pub struct Exposition {
    pub(super) families: Vec<(&'static Definition, Vec<Sample>)>,
}

impl Exposition {
    /// The body of an answer to a scraper.
    #[must_use]
    pub fn encode(&self, format: Format) -> Vec<u8> {
        match format {
            Format::Text => text::encode(self).into_bytes(),
            Format::Protobuf => protobuf::encode(self),
        }
    }
}

/// How a scraper gets metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The text format, with classic histograms.
    Text,
    /// Delimited protobuf messages, with native histograms beside the classic buckets.
    Protobuf,
}

impl Format {
    /// What an `Accept` header asks for. Text unless the scraper says that it would rather, or as well, have protobuf.
    #[must_use]
    pub fn negotiate(accept: &str) -> Self {
        let mut best = (0.0, Self::Text);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
            let parameters: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
            let is = |name: &str, value: &str| parameters.iter().any(|&(n, v)| n == name && v == value);
            let quality = parameters.iter().find(|(name, _)| *name == "q").map_or(Ok(1.0), |(_, q)| q.parse::<f64>());
            let format = match media_type.as_str() {
                "application/vnd.google.protobuf"
                    if is("proto", "io.prometheus.client.MetricFamily") && is("encoding", "delimited") =>
                {
                    Self::Protobuf
                }
                "text/plain" | "text/*" => Self::Text,
                _ => continue,
            };
            let quality = quality.unwrap_or(0.0);
            if quality > best.0 || (quality == best.0 && quality > 0.0 && format == Self::Protobuf) {
                best = (quality, format);
            }
        }
        best.1
    }

    /// The `Content-Type` of the answer.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scraper_chooses() {
        let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        let native =
            format!("{protobuf},application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5");
        assert_eq!(Format::negotiate(&native), Format::Protobuf);
        assert_eq!(Format::negotiate(&format!("text/plain, {protobuf};q=0.5")), Format::Text);
        assert_eq!(Format::negotiate(&format!("{protobuf};q=0")), Format::Text);
        assert_eq!(Format::negotiate("application/vnd.google.protobuf"), Format::Text);
        assert_eq!(Format::negotiate("*/*"), Format::Text);
        assert_eq!(Format::negotiate(""), Format::Text);
    }
}
