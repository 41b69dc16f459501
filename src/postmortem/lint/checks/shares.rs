//! Shares, counts and sweeping words: of what, from where, and whether they go together.

use std::ops::Range;

use super::super::amount::{Share, counts, shares};
use super::super::claim;
use super::super::document::{Block, Shape};
use super::super::finding::{Place, Rule, Severity, Verdict};
use super::super::heading::Part;
use super::super::reading::Reading;

/// What a percentage may be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::postmortem::lint) enum Of {
    /// Logins, sign-ins, requests: what can be measured.
    Logins,
    /// The failed logins: what share of them went one way.
    Failures,
    /// Users who tried, customers, people.
    Users,
    /// Everybody there is, whether they tried or not.
    Everybody,
    /// The error budget.
    Budget,
    /// Availability, success rate: the share that worked.
    Working,
    /// Something else that is named.
    Other,
    /// Nothing named.
    Nothing,
}

/// From here on a share is as good as the whole.
const WHOLE: f64 = 0.995;

/// What is said about impact: the parts whose figures are claims about the outage.
fn tells_impact(block: &Block) -> bool {
    let apart = [Part::Actions, Part::Lessons, Part::Timeline];
    !block.is_heading() && block.shape != Shape::TableHead && !apart.iter().any(|part| block.is(*part))
}

pub(super) fn check(reading: &Reading, verdict: &mut Verdict) {
    let mut partial: Option<Place> = None;
    let mut whole: Option<Place> = None;
    for read in reading.blocks.iter().filter(|read| tells_impact(&read.block)) {
        for share in shares(&read.block.text) {
            let of = denominator(&read.block, &share.range);
            each(&read.block, &share, of, verdict);
            let of_users = matches!(of, Of::Logins | Of::Users | Of::Everybody | Of::Nothing);
            let sentence = read.block.sentence(&share.range);
            let slow = claim::forewarned(sentence) || claim::usual(sentence);
            let own = !is_end_of_interval(&read.block, &share.range) && !is_of_a_part(&read.block);
            if of_users && own && !share.up_to && !slow && claim::unscoped(&read.block.text, &share.range) {
                let kept = if share.share < WHOLE { &mut partial } else { &mut whole };
                kept.get_or_insert_with(|| read.block.place(&share.range));
            }
        }
        sourceless_counts(&read.block, verdict);
    }
    wholes(reading, partial.as_ref(), verdict);
    if let (Some(whole), Some(partial)) = (whole, partial) {
        against_the_whole(whole, partial, verdict);
    }
    latency(reading, verdict);
}

/// Whether a percentage is one end of "76 % to 84 %".
fn is_end_of_interval(block: &Block, range: &Range<usize>) -> bool {
    let after = block.text[range.end..].trim_start();
    block.text[..range.start].trim_end().ends_with("% to")
        || after.strip_prefix("to ").is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit()))
}

/// Rows of a wide table are about a vantage, a step, a stretch of time.
fn is_of_a_part(block: &Block) -> bool {
    matches!(block.shape, Shape::Row(_)) && block.cells().len() > 2
}

fn each(block: &Block, share: &Share, of: Of, verdict: &mut Verdict) {
    let place = || block.place(&share.range);
    match of {
        Of::Nothing => {
            let message = "a percentage of nothing named: of logins, of users who tried, of requests?".to_owned();
            let way_out = "say of what, for example '80 % of logins'";
            verdict.find(Severity::Error, Rule::ShareWithoutDenominator, place(), message, way_out);
        }
        Of::Everybody => {
            let message = "a share of everybody, whether they tried to log in or not: only those who try can fail, and \
                           probes and logs see nobody else";
            let way_out = "give the share of logins that failed, and the number of people who tried";
            verdict.find(Severity::Warning, Rule::ShareOfEverybody, place(), message.to_owned(), way_out);
        }
        Of::Logins | Of::Failures | Of::Users | Of::Working | Of::Budget | Of::Other => {}
    }
    if share.share > 1.0 + 1e-9 && !matches!(of, Of::Budget | Of::Other) {
        let message = "more than the whole".to_owned();
        verdict.find(
            Severity::Error,
            Rule::ImpossibleShare,
            place(),
            message,
            "correct the figure, or say of what it is",
        );
    }
    if share.about && !sourced(block) && !matches!(of, Of::Budget) {
        let message = "an estimate without a source".to_owned();
        let way_out = "say where it comes from: a query, a figure, a file, or who estimated it and how";
        verdict.find(Severity::Warning, Rule::NumberWithoutSource, place(), message, way_out);
    }
}

fn sourceless_counts(block: &Block, verdict: &mut Verdict) {
    for count in counts(&block.text).into_iter().filter(|count| count.about && !sourced(block)) {
        let message = "an estimate without a source".to_owned();
        let way_out = "say where it comes from: a query, a figure, a file, or who estimated it and how";
        verdict.find(Severity::Warning, Rule::NumberWithoutSource, block.place(&count.range), message, way_out);
    }
}

/// Whether a block says where its figures come from.
fn sourced(block: &Block) -> bool {
    let text = block.text.to_lowercase();
    let words = [
        "measured",
        "according to",
        "source:",
        "from the log",
        "logs",
        " log)",
        " log,",
        " log.",
        "dashboard",
        "metric",
        "probe",
        "figure",
        "query",
        "doorstep",
        "grafana",
        "prometheus",
        "datadog",
        "kibana",
        "cloudwatch",
        "honeycomb",
        "splunk",
        "new relic",
        "analytics",
        "counted",
        ".csv",
        "computed",
    ];
    block.linked || words.iter().any(|word| text.contains(word))
}

/// What a percentage is of: the words after it, then those before it in its sentence, then the head of its column.
pub(in crate::postmortem::lint) fn denominator(block: &Block, range: &Range<usize>) -> Of {
    // "rose by 400 %" is of what it was before.
    if block.text[..range.start].trim_end().to_lowercase().ends_with(" by") {
        return Of::Other;
    }
    let after = block.text.get(range.end..).unwrap_or_default();
    let words: String = after.chars().take(60).collect::<String>().to_lowercase();
    let clause = words.split(['.', ';', ',', '(', ')', '|', ':']).next().unwrap_or_default().replace('\n', " ");
    let own = clause.trim();
    if let Some(named) = own.strip_prefix("of ").or_else(|| own.split_once(" of ").map(|(_, named)| named)) {
        return if of_failures(named) { Of::Failures } else { kind(named).unwrap_or(Of::Other) };
    }
    if let Some(kind) = kind(own) {
        return kind;
    }
    let sentence_start = block.text[..range.start].rfind(['.', ';', '\n', '|']).map_or(0, |at| at + 1);
    let before = block.text[sentence_start..range.start].to_lowercase();
    let row = || matches!(block.shape, Shape::Row(_)).then(|| block.text.split(" | ").next()).flatten();
    if column(block, range.start).is_some_and(|head| head.to_lowercase().contains("share of the failed")) {
        return Of::Failures;
    }
    kind(&before)
        .or_else(|| column(block, range.start).and_then(|head| kind(&head.to_lowercase())))
        .or_else(|| row().and_then(|first| kind(&first.to_lowercase())))
        .unwrap_or(Of::Nothing)
}

/// Whether a phrase names failures, of which a share went one way.
fn of_failures(named: &str) -> bool {
    let named =
        ["the ", "all ", "these "].iter().fold(named.trim(), |named, word| named.strip_prefix(word).unwrap_or(named));
    ["failed ", "failing ", "failures", "errors"].iter().any(|word| named.starts_with(word))
}

/// What a phrase speaks of.
fn kind(phrase: &str) -> Option<Of> {
    let words: Vec<&str> = phrase.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let says = |stems: &[&str]| {
        stems.iter().any(|stem| {
            if stem.contains(' ') || stem.contains('-') { phrase.contains(stem) } else { begins(&words, stem) }
        })
    };
    if says(&["user base", "userbase", "customer base", "all users", "all customers", "total users", "all our users"]) {
        return Some(Of::Everybody);
    }
    if says(&["budget"]) {
        return Some(Of::Budget);
    }
    if says(&["availability", "success rate", "succeed", "successful", "uptime", "objective"])
        || whole(&words, &["slo", "slos", "good"])
    {
        return Some(Of::Working);
    }
    if says(&["users", "customers", "people", "tenants", "accounts"]) {
        return Some(Of::Users);
    }
    let logins = [
        "login",
        "sign-in",
        "sign in",
        "signin",
        "log in",
        "request",
        "attempt",
        "probe",
        "traffic",
        "error rate",
        "failing",
        "failure",
    ];
    if says(&logins) || whole(&words, &["run", "runs", "authentication", "authentications"]) {
        return Some(Of::Logins);
    }
    let other = [
        "cpu",
        "memory",
        "disk",
        "capacity",
        "pods",
        "nodes",
        "instances",
        "servers",
        "packet",
        "confidence",
        "interval",
        "percentile",
        "coverage",
        "utilisation",
        "utilization",
        "latency",
        "demand",
        "pool",
        "connections",
        "hits",
        "share of",
    ];
    (says(&other) || whole(&words, &["load"])).then_some(Of::Other)
}

/// Whether a word begins so: "login" in "logins", and not "slo" in "slow" or "run" in "truncated".
fn begins(words: &[&str], stem: &str) -> bool {
    words.iter().any(|word| word.starts_with(stem))
}

fn whole(words: &[&str], known: &[&str]) -> bool {
    words.iter().any(|word| known.contains(word))
}

/// The head of the column that holds a place.
fn column(block: &Block, at: usize) -> Option<&str> {
    let Shape::Row(heads) = &block.shape else { return None };
    let index = block.text[..at].matches(" | ").count();
    heads.get(index).map(String::as_str)
}

/// Sweeping words against the first share below the whole.
fn wholes(reading: &Reading, partial: Option<&Place>, verdict: &mut Verdict) {
    let Some(partial) = partial else { return };
    for read in reading.blocks.iter().filter(|read| tells_impact(&read.block) || read.block.is_heading()) {
        for range in claim::wholes(&read.block.text) {
            against_the_whole(read.block.place(&range), partial.clone(), verdict);
        }
    }
}

fn against_the_whole(place: Place, partial: Place, verdict: &mut Verdict) {
    let message = "says that everything failed, against a share below the whole".to_owned();
    let way_out = "keep the measured share, with its denominator and interval, and drop the sweeping words";
    verdict.find_against(Rule::WholeAgainstShare, place, message, partial, way_out);
}

/// A complete outage is not noticed by slow answers: when nothing answers, nothing is slow.
fn latency(reading: &Reading, verdict: &mut Verdict) {
    let Some(detected) = reading.timeline.detected() else { return };
    let text = detected.text.to_lowercase();
    let slow = text.contains("latency") || text.contains("slow");
    let Some(start) = reading.stated.start.as_ref().filter(|_| slow) else { return };
    let outage = reading.blocks.iter().filter(|read| tells_impact(&read.block)).find_map(|read| {
        let words = claim::wholes(&read.block.text);
        words.first().map(|range| read.block.place(range))
    });
    if let Some(outage) = outage.filter(|_| detected.at <= start.at) {
        let message = "noticed as slowness at the stated start of a complete outage: slow logins are not failed ones, so \
                       either the outage was not complete or it began later";
        let way_out = "give the slow and the failing stretch apart, each with its own start";
        verdict.find_against(Rule::OutageAgainstLatency, detected.place.clone(), message.to_owned(), outage, way_out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_share_is_of_is_read_by_whole_words() {
        for (phrase, of) in [
            ("logins failed", Some(Of::Logins)),
            ("slow pages", None),
            ("slow logins", Some(Of::Logins)),
            ("slo met", Some(Of::Working)),
            ("the goods", None),
            ("truncated files", None),
            ("a problem of uploads", None),
            ("the monthly error budget", Some(Of::Budget)),
            ("cpu load", Some(Of::Other)),
        ] {
            assert_eq!(kind(phrase), of, "{phrase}");
        }
    }
}
