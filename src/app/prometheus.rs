//! Raw samples of a series out of a Prometheus, as they were scraped: no value is carried over a gap, as an evaluation at
//! steps would do for five minutes. Asked in windows, since a server refuses answers that are too large.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde_json::Value;
use url::Url;

use crate::model::{Redactor, Secret, chain};

/// Points of one answer, as Prometheus limits them for its range queries.
pub const MOST_POINTS: u32 = 11_000;
const TIMEOUT: Duration = Duration::from_secs(60);

/// The labels of a series, its name among them.
pub type Labels = BTreeMap<String, String>;

/// One series: its samples by their time in milliseconds.
pub type Samples = BTreeMap<i64, f64>;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question<'q> {
    /// The server.
    pub url: &'q Url,
    /// What lets us in, where not everybody may ask.
    pub token: Option<&'q Secret>,
    /// A selector such as `probe_success{job="login"}`.
    pub selector: &'q str,
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
    /// From one sample to the next.
    pub step: Duration,
}

/// All samples of all series that the selector matches.
///
/// # Errors
/// A server that cannot be reached, or what it answers, in its own words.
pub async fn samples(question: &Question<'_>) -> Result<BTreeMap<Labels, Samples>, String> {
    // Somebody else in the process may have chosen the same provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(TIMEOUT).build().map_err(|error| chain(&error))?;
    let window = SignedDuration::try_from(question.step.saturating_mul(MOST_POINTS)).unwrap_or(SignedDuration::MAX);
    let mut all: BTreeMap<Labels, Samples> = BTreeMap::new();
    let mut from = question.from;
    while from < question.to {
        let to = from.checked_add(window).map_or(question.to, |end| end.min(question.to));
        let answer = ask(&client, question, from, to).await?;
        for (labels, samples) in read(&answer)? {
            let within =
                samples.into_iter().filter(|(at, _)| (from.as_millisecond()..to.as_millisecond()).contains(at));
            all.entry(labels).or_default().extend(within);
        }
        from = to;
    }
    all.retain(|_, samples| !samples.is_empty());
    Ok(all)
}

async fn ask(
    client: &reqwest::Client,
    question: &Question<'_>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Value, String> {
    let mut url = question.url.clone();
    let path = format!("{}/api/v1/query", url.path().trim_end_matches('/'));
    url.set_path(&path);
    // A range reaches back from its end, which belongs to it.
    let range = to.as_millisecond() - from.as_millisecond();
    let end = (to.as_millisecond() - 1) as f64 / 1000.0;
    url.query_pairs_mut()
        .append_pair("query", &format!("{}[{range}ms]", question.selector))
        .append_pair("time", &format!("{end:.3}"));
    let shown = shown(question.url);
    let failed = |error: reqwest::Error| format!("{shown} cannot be asked: {}", chain(&error.without_url()));
    let mut request = client.get(url);
    if let Some(token) = question.token {
        request = request.header(AUTHORIZATION, bearer(token)?);
    }
    let answer = request.send().await.map_err(failed)?;
    let status = answer.status();
    let text = answer.text().await.map_err(failed)?;
    // A server may repeat what it was given.
    let mut redactor = Redactor::default();
    redactor.learn(question.token.map_or("", Secret::expose));
    judged(status, &text, question).map_err(|why| redactor.hide(&format!("{shown} {why}")))
}

/// The server as host and port, without a user and a password that its address may hold.
fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or("the server");
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn bearer(token: &Secret) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .map_err(|_| "the token holds signs that no header can carry".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// The answer, when it is one.
fn judged(status: StatusCode, text: &str, question: &Question<'_>) -> Result<Value, String> {
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        let way_out = match question.token {
            None => "it wants to know who asks; name a bearer token by --token-env or --token-file",
            Some(_) => "it does not take this token",
        };
        return Err(format!("answers {status}: {way_out}"));
    }
    let json: Value = serde_json::from_str(text).map_err(|_| {
        format!(
            "answers {status} with something that is no answer of Prometheus: is --url its address, without /api/v1?"
        )
    })?;
    if json["status"] != "success" {
        let why = json["error"].as_str().unwrap_or("no reason given");
        return Err(format!(
            "refuses '{}': {why}; write a plain selector such as probe_success{{job=\"login\"}}",
            question.selector
        ));
    }
    Ok(json)
}

fn read(answer: &Value) -> Result<Vec<(Labels, Samples)>, String> {
    let unreadable = || "an answer of Prometheus that is no range of samples".to_owned();
    let series = answer["data"]["result"].as_array().ok_or_else(unreadable)?;
    let one = |series: &Value| {
        let labels = series["metric"].as_object().ok_or_else(unreadable)?;
        let labels =
            labels.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect();
        let sample = |pair: &Value| {
            let at = (pair[0].as_f64().ok_or_else(unreadable)? * 1000.0).round() as i64;
            Ok((at, pair[1].as_str().and_then(|text| text.parse().ok()).ok_or_else(unreadable)?))
        };
        let values = series["values"].as_array().ok_or_else(unreadable)?;
        Ok((labels, values.iter().map(sample).collect::<Result<Samples, String>>()?))
    };
    series.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_shown_with_its_port_and_without_its_password() {
        for (url, expected) in [
            ("http://prometheus", "prometheus:80"),
            ("https://asker:secret@metrics.example/prefix", "metrics.example:443"),
            ("http://127.0.0.1:9090", "127.0.0.1:9090"),
        ] {
            assert_eq!(shown(&url.parse().unwrap()), expected);
        }
    }

    #[test]
    fn an_answer_is_read_by_series() {
        let answer = serde_json::json!({"data": {"result": [
            {"metric": {"__name__": "probe_success", "job": "x"}, "values": [[1_795_000_000.123, "1"], [1_795_000_015.123, "0"]]},
        ]}});
        let read = read(&answer).unwrap();
        assert_eq!(
            read[0].0,
            BTreeMap::from([("__name__", "probe_success"), ("job", "x")].map(|(a, b)| (a.to_owned(), b.to_owned())))
        );
        assert_eq!(read[0].1, BTreeMap::from([(1_795_000_000_123, 1.0), (1_795_000_015_123, 0.0)]));
        assert!(super::read(&serde_json::json!({"data": {"result": [{"metric": {}}]}})).is_err());
    }
}
