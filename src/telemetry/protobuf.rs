//! The Prometheus protobuf format (`io.prometheus.client`): the only one that carries native histograms to a scraper of
//! any version. Field numbers are those of the published `metrics.proto`.

use prost::Message;

use super::exposition::{Definition, Exposition, Kind, Sample, Value};
use super::histogram::{BOUNDS, Histogram, SCHEMA};

#[derive(Clone, PartialEq, Message)]
struct MetricFamily {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    help: Option<String>,
    /// 0 counter, 1 gauge, 4 histogram.
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Number>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Number>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<HistogramMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelPair {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    value: Option<String>,
}

/// `Gauge` and `Counter` are alike.
#[derive(Clone, Copy, PartialEq, Message)]
struct Number {
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct HistogramMessage {
    #[prost(uint64, optional, tag = "1")]
    count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    buckets: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    zero_count: Option<u64>,
    #[prost(message, repeated, tag = "12")]
    positive_spans: Vec<Span>,
    #[prost(sint64, repeated, tag = "13")]
    positive_deltas: Vec<i64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Bucket {
    #[prost(uint64, optional, tag = "1")]
    cumulative_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    upper_bound: Option<f64>,
}

/// Buckets that follow each other, after a gap.
#[derive(Clone, Copy, PartialEq, Message)]
struct Span {
    #[prost(sint32, optional, tag = "1")]
    offset: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    length: Option<u32>,
}

pub(super) fn encode(exposition: &Exposition) -> Vec<u8> {
    let mut out = Vec::new();
    for (definition, samples) in &exposition.families {
        let family = MetricFamily {
            name: Some(definition.name.to_owned()),
            help: Some(definition.help.to_owned()),
            kind: Some(match definition.kind {
                Kind::Counter => 0,
                Kind::Gauge => 1,
                Kind::Histogram => 4,
            }),
            metrics: samples.iter().map(|sample| metric(definition, sample)).collect(),
        };
        // A family without a single series is an error to some scrapers.
        if !family.metrics.is_empty() {
            out.extend_from_slice(&family.encode_length_delimited_to_vec());
        }
    }
    out
}

fn metric(definition: &Definition, sample: &Sample) -> Metric {
    let labels = definition.labels.iter().zip(&sample.labels);
    let mut metric = Metric {
        labels: labels
            .map(|(name, value)| LabelPair { name: Some((*name).to_owned()), value: Some(value.clone()) })
            .collect(),
        ..Metric::default()
    };
    match (&sample.value, definition.kind) {
        (Value::Number(number), Kind::Counter) => metric.counter = Some(Number { value: Some(*number) }),
        (Value::Number(number), _) => metric.gauge = Some(Number { value: Some(*number) }),
        (Value::Histogram(histogram), _) => metric.histogram = Some(histogram_message(histogram)),
    }
    metric
}

fn histogram_message(histogram: &Histogram) -> HistogramMessage {
    let mut cumulative = 0;
    let buckets = BOUNDS.iter().zip(histogram.classic).map(|(&bound, count)| {
        cumulative += count;
        Bucket { cumulative_count: Some(cumulative), upper_bound: Some(bound) }
    });
    let (spans, deltas) = spans(histogram);
    HistogramMessage {
        count: Some(histogram.count),
        sum: Some(histogram.sum),
        buckets: buckets.collect(),
        schema: Some(SCHEMA),
        zero_threshold: Some(f64::MIN_POSITIVE),
        zero_count: Some(histogram.zero),
        positive_spans: spans,
        positive_deltas: deltas,
    }
}

/// Runs of neighbouring buckets, each with its distance from the end of the one before (the first: from zero), and the
/// difference of each count to the one before.
fn spans(histogram: &Histogram) -> (Vec<Span>, Vec<i64>) {
    // A histogram without any bucket would be taken for a classic one: an empty span marks it as native.
    let mut spans: Vec<Span> = vec![Span { offset: Some(0), length: Some(0) }];
    let (mut deltas, mut end, mut previous) = (Vec::new(), 0, 0_i64);
    for (&index, &count) in &histogram.native {
        match spans.last_mut() {
            Some(Span { length: Some(length), .. }) if index == end && *length > 0 => *length += 1,
            _ => spans.push(Span { offset: Some(index - end), length: Some(1) }),
        }
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        deltas.push(count - previous);
        (previous, end) = (count, index + 1);
    }
    if spans.len() > 1 {
        spans.remove(0);
    }
    (spans, deltas)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn spans_hold_every_count(values in prop::collection::vec(1e-6_f64..100.0, 0..60)) {
            let mut histogram = Histogram::default();
            for value in &values {
                histogram.observe(*value);
            }
            let (spans, deltas) = spans(&histogram);
            let (mut index, mut count, mut deltas) = (0, 0, deltas.into_iter());
            let mut read = std::collections::BTreeMap::new();
            for span in spans {
                index += span.offset.unwrap();
                for _ in 0..span.length.unwrap() {
                    count += deltas.next().unwrap();
                    read.insert(index, count as u64);
                    index += 1;
                }
            }
            prop_assert_eq!(deltas.next(), None);
            prop_assert_eq!(read, histogram.native);
        }
    }
}
