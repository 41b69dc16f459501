//! `doorstep import prometheus`: what blackbox_exporter saw, sample by sample. A gap between samples is missing, not bad.

use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::app::prometheus::{Labels, Question, Samples, samples};
use crate::clock::Clock;
use crate::interchange::runs::{Observation, Wanted, place};
use crate::model::{BadClass, FlowName, Micros, VantageName, Verdict};

use super::configuration::ConfigurationArgs;
use super::run::duration;
use super::{CommandError, Exit, import_runs, when};

/// Import the samples of one series that is 1 when a probe succeeded and 0 when it failed.
#[derive(Debug, clap::Args)]
pub(super) struct PrometheusArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The server, such as http://prometheus:9090.
    #[arg(long, value_name = "URL")]
    url: Url,
    /// The selector of one series of successes.
    #[arg(long, value_name = "SELECTOR")]
    query: String,
    /// The selector of the same probes' durations in seconds.
    #[arg(long, value_name = "SELECTOR")]
    duration_query: Option<String>,
    /// The first instant: RFC 3339, a date, '2026-11-20 14:00', -30d or now.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: String,
    /// The end, written alike.
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    to: String,
    /// IANA zone of --from and --to.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// The scrape interval.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    step: Duration,
    /// The flow that the runs belong to.
    #[arg(long, value_name = "NAME")]
    flow: FlowName,
    /// The vantage that they were made at (--vantage names this worker's own).
    #[arg(long, value_name = "NAME")]
    at: VantageName,
    /// Say what would be imported, and import nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Imports samples as runs.
///
/// # Errors
/// Arguments that are not right, a server that does not answer or knows not exactly one series, a store that fails.
pub(super) async fn execute(args: &PrometheusArgs) -> Result<Exit, CommandError> {
    let usage = |why: String| CommandError::new(Exit::Usage, why);
    let site = args.configuration.site()?;
    let (from, to) = span(args).map_err(usage)?;
    let question = Question { url: &args.url, selector: &args.query, from, to, step: args.step };
    let lost = |why: String| CommandError::new(Exit::Lost, why);
    let (labels, successes) = only(samples(&question).await.map_err(lost)?, &args.query).map_err(usage)?;
    let took = match &args.duration_query {
        None => Samples::new(),
        Some(selector) => {
            let all = samples(&Question { selector, ..question }).await.map_err(lost)?;
            let same = all.into_iter().find(|(other, _)| unnamed(other) == unnamed(&labels));
            let missing = || usage(format!("'{selector}' has no series with the labels of '{}'", args.query));
            same.ok_or_else(missing)?.1
        }
    };
    let seen = observations(&successes, &took, &args.query).map_err(usage)?;
    let wanted =
        Wanted { flow: args.flow.clone(), vantage: args.at.clone(), interval: Some(args.step), closed_loop: false };
    import_runs::finish(&site, &place(seen, &wanted).map_err(usage)?, args.dry_run).await
}

fn span(args: &PrometheusArgs) -> Result<(Timestamp, Timestamp), String> {
    let (zone, now) = (when::zone(&args.zone)?, Clock::system().now());
    let (from, to) = (when::instant(&args.from, now, &zone)?, when::instant(&args.to, now, &zone)?);
    if to <= from {
        return Err(format!("--to {to} is not after --from {from}: exchange them"));
    }
    Ok((from, to))
}

/// The labels of a series without its name.
fn unnamed(labels: &Labels) -> Labels {
    labels.iter().filter(|(name, _)| *name != "__name__").map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The one series that is there.
fn only(all: std::collections::BTreeMap<Labels, Samples>, selector: &str) -> Result<(Labels, Samples), String> {
    if all.len() > 1 {
        let shown: Vec<String> = all.keys().take(10).map(|labels| format!("  {labels:?}")).collect();
        return Err(format!(
            "'{selector}' matches {} series; name one flow and vantage each:\n{}",
            all.len(),
            shown.join("\n")
        ));
    }
    all.into_iter().next().ok_or_else(|| format!("'{selector}' has no sample in this time"))
}

fn observations(successes: &Samples, took: &Samples, selector: &str) -> Result<Vec<Observation>, String> {
    let one = |(line, (&at, &value)): (usize, (&i64, &f64))| {
        let at_text = Timestamp::from_millisecond(at).map_err(|error| error.to_string())?;
        let verdict = match value {
            1.0 => Verdict::Good,
            0.0 => Verdict::Bad(BadClass::Unclassified),
            other => return Err(format!("'{selector}' is {other} at {at_text}: neither 0 nor 1")),
        };
        let seconds = took.get(&at).copied().filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
        let took = seconds.map(|seconds| Micros((seconds * 1e6).round() as u64));
        let message = if verdict == Verdict::Good { String::new() } else { format!("{selector} was 0") };
        Ok(Observation { line: line + 1, at: at_text, took, verdict, message })
    };
    successes.iter().enumerate().map(one).collect()
}
