//! `doorstep import prometheus`: what blackbox_exporter saw, sample by sample. A gap between samples is missing, not bad.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::app::prometheus::{Labels, Question, Samples, samples};
use crate::clock::Clock;
use crate::interchange::runs::{LineError, Observation, Wanted};
use crate::model::{BadClass, FlowName, Micros, Secret, SecretSource, VantageName, Verdict, chain};
use crate::secrets;

use super::configuration::ConfigurationArgs;
use super::import_end::{Bad, finish, place_beside};
use super::run::duration;
use super::{CommandError, Exit, when};

/// What must be said, on lines that fit.
const USAGE: &str = "\
doorstep import prometheus --url <URL> --query <SELECTOR> --from <TIME> \\
    --step <TIME> --flow <NAME> --at <NAME> [OPTIONS]";

const EXAMPLES: &str = "\
Examples:
  doorstep import prometheus --url http://prometheus:9090 \\
    --query 'probe_success{job=\"login\"}' \\
    --duration-query 'probe_duration_seconds{job=\"login\"}' \\
    --from -30d --step 15s --flow shop --at berlin
  doorstep import prometheus --url https://metrics.example \\
    --token-env METRICS_TOKEN --query 'probe_success{instance=\"shop\"}' \\
    --from 2026-11-01 --to 2026-11-08 --zone Europe/Berlin --step 1m \\
    --flow shop --at berlin --dry-run";

/// Import the samples of one series that is 1 when a probe succeeded and 0 when it failed.
#[derive(Debug, clap::Args)]
#[command(override_usage = USAGE, after_help = EXAMPLES)]
pub(super) struct PrometheusArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The server, such as http://prometheus:9090.
    #[arg(long, value_name = "URL")]
    url: Url,
    /// The environment variable that holds a bearer token for it.
    #[arg(long, value_name = "NAME", conflicts_with = "token_file")]
    token_env: Option<String>,
    /// The file that holds a bearer token for it.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
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
    /// Leave out samples that are neither 0 nor 1, and say which, instead of importing nothing.
    #[arg(long)]
    skip_bad: bool,
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
    let token = token(args)?;
    let question = Question { url: &args.url, token: token.as_ref(), selector: &args.query, from, to, step: args.step };
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
    let mut bad = Bad { what: "sample", wrong: Vec::new(), skip: args.skip_bad };
    let seen = observations(&successes, &took, &args.query, &mut bad.wrong);
    bad.tell(&args.query)?;
    let wanted =
        Wanted { flow: args.flow.clone(), vantage: args.at.clone(), interval: Some(args.step), closed_loop: false };
    finish(&site, &place_beside(&site, seen, &wanted).await?, args.dry_run).await
}

/// The token is never on the command line, which every user of the machine may read.
fn token(args: &PrometheusArgs) -> Result<Option<Secret>, CommandError> {
    let named = args.token_env.clone().map(SecretSource::Environment);
    let source = named.or_else(|| args.token_file.clone().map(SecretSource::File));
    let read = source.as_ref().map(secrets::resolve).transpose();
    read.map_err(|why| CommandError::new(Exit::Usage, format!("there is no token: {}", chain(&why))))
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

fn observations(successes: &Samples, took: &Samples, selector: &str, wrong: &mut Vec<LineError>) -> Vec<Observation> {
    let mut seen = Vec::with_capacity(successes.len());
    for (index, (&at, &value)) in successes.iter().enumerate() {
        let line = index + 1;
        match observation(at, value, selector) {
            Ok((began, verdict, message)) => {
                let seconds = took.get(&at).copied().filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
                let took = seconds.map(|seconds| Micros((seconds * 1e6).round() as u64));
                seen.push(Observation { line, at: began, took, verdict, message });
            }
            Err(reason) => wrong.push(LineError { line, reason }),
        }
    }
    seen
}

/// When it began, what it says, and why it failed.
fn observation(at: i64, value: f64, selector: &str) -> Result<(Timestamp, Verdict, String), String> {
    let began = Timestamp::from_millisecond(at).map_err(|error| error.to_string())?;
    match value {
        1.0 => Ok((began, Verdict::Good, String::new())),
        0.0 => Ok((began, Verdict::Bad(BadClass::Unclassified), format!("{selector} was 0"))),
        other => Err(format!("is {other} at {began}: neither 0 nor 1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_that_is_neither_costs_itself_only() {
        let successes = Samples::from([(1000, 1.0), (2000, f64::NAN), (3000, 0.0), (4000, 0.5)]);
        let took = Samples::from([(1000, 0.25), (3000, f64::NAN)]);
        let mut wrong = Vec::new();
        let seen = observations(&successes, &took, "probe_success", &mut wrong);
        let told: Vec<_> = seen.iter().map(|one| (one.line, one.took, one.verdict, one.message.as_str())).collect();
        let good = (1, Some(Micros(250_000)), Verdict::Good, "");
        assert_eq!(told, [good, (3, None, Verdict::Bad(BadClass::Unclassified), "probe_success was 0")]);
        let told: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "2: is NaN at 1970-01-01T00:00:02Z: neither 0 nor 1",
                "4: is 0.5 at 1970-01-01T00:00:04Z: neither 0 nor 1"
            ]
        );
    }
}
