//! `doorstep check`: every mistake of the configuration at once, and what holds in the end.

use serde_json::json;

use crate::config::{Loaded, Severity, Site};

use super::configuration::ConfigurationArgs;
use super::print::out;
use super::{CommandError, Exit};

const EXAMPLES: &str = "\
Examples:
  doorstep check                    every mistake, with its place and a way out
  doorstep check --config /etc/doorstep/doorstep.yaml --format json
  doorstep check --print            each value in force, and where it is from

Exit codes: 0 right, 2 mistakes. Warnings end with 0.";

/// Say what is wrong in doorstep.yaml and the flows that it names.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Print the effective configuration, each value with its origin; secrets are hidden.
    #[arg(long)]
    print: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Checks the configuration: [`Exit::Good`] when it can be used, [`Exit::Usage`] when not.
///
/// # Errors
/// None: mistakes are what the command is for, and are printed.
pub fn execute(args: &CheckArgs) -> Result<Exit, CommandError> {
    let loaded = args.configuration.load();
    out(&match args.format {
        Format::Text => text(&loaded, args.print),
        Format::Json => json_text(&loaded, args.print),
    });
    Ok(if loaded.has_errors() { Exit::Usage } else { Exit::Good })
}

fn count(loaded: &Loaded, severity: Severity) -> usize {
    loaded.diagnostics.iter().filter(|finding| finding.severity == severity).count()
}

fn number(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// With the effective configuration, findings become comments below it, so that the whole stays YAML.
fn text(loaded: &Loaded, print: bool) -> String {
    let (mut text, sign) = if print { (loaded.effective(), "# ") } else { (String::new(), "") };
    let findings = loaded.diagnostics.iter().map(ToString::to_string);
    for line in findings
        .chain(extra_logins(loaded))
        .chain([summary(loaded)])
        .flat_map(|all| all.lines().map(str::to_owned).collect::<Vec<_>>())
    {
        text.push_str(&format!("{sign}{line}\n"));
    }
    text
}

/// The most extra logins within an hour, over all flows and vantages; `None` when they are off. A flow whose overlap is 1
/// has no place for them.
fn worst_hour(site: &Site) -> Option<u64> {
    let rules = site.limits.reprobe?;
    let flows = site.flows.iter().filter(|flow| flow.overlap > 1).count() as u64;
    Some(u64::from(rules.worst_hour()) * flows * site.vantages.len() as u64)
}

/// Extra probes are real logins, so their worst case is said before the first of them.
fn extra_logins(loaded: &Loaded) -> Option<String> {
    let site = loaded.site.as_ref()?;
    let rules = site.limits.reprobe?;
    let worst = worst_hour(site)?;
    Some(format!(
        "extra probes after failed logins: at most {} an hour per flow and vantage, {worst} in all (limits.reprobe)",
        rules.worst_hour()
    ))
}

fn summary(loaded: &Loaded) -> String {
    let errors = number(count(loaded, Severity::Error), "error", "errors");
    let warnings = number(count(loaded, Severity::Warning), "warning", "warnings");
    let Some(site) = &loaded.site else { return format!("wrong: {errors}, {warnings}") };
    let flows = number(site.flows.len(), "flow", "flows");
    let accounts = number(site.accounts.len(), "account", "accounts");
    let vantages = number(site.vantages.len(), "vantage", "vantages");
    let objectives = number(site.objectives.len(), "objective", "objectives");
    format!("right: {flows}, {accounts}, {vantages}, {objectives}; {warnings}")
}

fn json_text(loaded: &Loaded, print: bool) -> String {
    let findings: Vec<_> = loaded.diagnostics.iter().map(crate::config::Diagnostic::to_json).collect();
    let mut answer = json!({
        "right": !loaded.has_errors(),
        "errors": count(loaded, Severity::Error),
        "warnings": count(loaded, Severity::Warning),
        "findings": findings,
        "extra_logins_per_hour": loaded.site.as_ref().map(|site| worst_hour(site).unwrap_or(0)),
    });
    if print {
        answer["effective"] = loaded.effective().into();
    }
    format!("{answer:#}\n")
}
