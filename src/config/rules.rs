//! What must hold of a flow as a whole: a verdict needs positive proof, a negative login needs a sign and a budget, and
//! times must fit each other.

use std::time::Duration;

use crate::model::{AccountName, Action, Flow, LogoutProof, Step};

use super::diagnostic::{Findings, Problem};
use super::pasted;
use super::suggest::quote;
use super::values::{show_duration, web_url};
use super::view::View;
use super::yaml::Node;

/// The rules about steps. Steps with mistakes are `None`; a rule that would need them is not judged.
pub(super) fn check(view: View<'_>, steps: &[Option<Step>], accounts: &[AccountName], findings: &mut Findings) {
    first_step(view, steps, findings);
    negative(view, accounts, findings);
    let Some(steps) = steps.iter().map(Option::as_ref).collect::<Option<Vec<_>>>() else { return };
    let places: Vec<_> = view.items("steps").iter().map(|node| &node.place).collect();
    // A step that asks who is logged in counts even when its question has a mistake: that was noted.
    let asks = |node: &Node| node.get("expect").is_some_and(|expect| expect.get("user").is_some());
    let identity = view.items("steps").iter().rposition(|node| asks(node) && node.get("logout").is_none());
    let credential =
        steps.iter().position(|step| step.action.templates().any(|text| text.holes().any(|hole| hole == "password")));
    let written_out = view.items("steps").iter().any(pasted::holds_password);
    if let (false, None, false, Some(node)) = (accounts.is_empty(), credential, written_out, view.node("steps")) {
        let problem = Problem::new("the flow has an account, but no step sends {{ password }}")
            .help("fill it in a submit or a request, or remove the account");
        findings.error(&node.place, problem);
    }
    if let Some(credential) = credential
        && identity.is_none_or(|identity| identity <= credential)
    {
        let problem = Problem::new(
            "no step after this one shows who is logged in; a verdict needs positive proof, by a second request \
                 that uses the session",
        )
        .help("add a step: - open: /account with expect: {user: \"{{ username }}\"}");
        findings.error(places[credential], problem);
    }
    for (index, step) in steps.iter().enumerate() {
        let Action::Logout(logout) = &step.action else { continue };
        let repeats = matches!(logout.proof, LogoutProof::RepeatIdentity);
        if repeats && identity.is_none_or(|identity| identity > index) {
            let problem = Problem::new("the logout has no proof: no earlier step shows who is logged in")
                .help("add proof: {open: /account, expect: {url: /login}}");
            findings.error(places[index], problem);
        }
        if let (true, Some(Action::Submit(_))) = (repeats, identity.map(|identity| &steps[identity].action)) {
            let problem = Problem::new("the logout repeats the step that shows who is logged in, and that is a submit")
                .help("show it in an open, or add proof: {open: /account, expect: {url: /login}}");
            findings.error(places[index], problem);
        }
    }
}

/// The first step must know where to go.
fn first_step(view: View<'_>, steps: &[Option<Step>], findings: &mut Findings) {
    let (Some(Some(first)), Some(node)) = (steps.first(), view.items("steps").first()) else { return };
    let page = match &first.action {
        Action::Open(page) | Action::Request { page, .. } => page,
        Action::Submit(_) => {
            let problem = Problem::new("no page is open yet that could hold a form").help("begin with an open");
            return findings.error(&node.place, problem);
        }
        Action::Logout(_) => return findings.error(&node.place, "nobody is logged in yet"),
    };
    let mut variables = crate::model::Variables::default();
    for entry in view.entries("variables") {
        if let Some(scalar) = entry.value.scalar() {
            variables.set(&entry.key, &scalar.text);
        }
    }
    let url = ["open", "request"].iter().find_map(|name| node.get(name));
    let place = url.and_then(|url| url.get("url").or(Some(url))).map_or(&node.place, |url| &url.place);
    if let Ok(filled) = page.url.fill(&variables)
        && url::Url::parse(&filled) == Err(url::ParseError::RelativeUrlWithoutBase)
        && web_url(&filled).is_err()
    {
        let reason = format!("the first URL of a flow is absolute, and {} is not: no page is open yet", quote(&filled));
        let problem = Problem::new(reason).help("begin with https:// or http://");
        findings.error(place, problem);
    }
}

fn negative(view: View<'_>, accounts: &[AccountName], findings: &mut Findings) {
    let Some(negative) = view.node("negative") else { return };
    let refused = view.node("signs").is_some_and(|signs| signs.get("refused").is_some());
    if !refused {
        let problem = Problem::new("a negative login needs to know what a refusal looks like")
            .help("add signs: {refused: {text: \"the words that the page shows\"}}");
        findings.error(&negative.place, problem);
    }
    if accounts.is_empty() && !view.has("account") && !view.has("accounts") {
        findings.error(&negative.place, "a negative login needs an account, and the flow has none");
    }
}

/// How many runs can be under way at once when the service hangs: a slot lies anywhere in its interval, so that a run
/// that takes its whole time meets the slots of one interval more than its time has.
pub(super) fn overlap_needed(timeout: Duration, interval: Duration) -> u64 {
    let intervals = timeout.as_micros().div_ceil(interval.as_micros().max(1));
    u64::try_from(intervals).unwrap_or(u64::MAX).saturating_add(1)
}

/// The rules about times, for a flow without other mistakes.
pub(super) fn check_times(view: View<'_>, flow: &Flow, findings: &mut Findings) {
    let timeout = flow.limits.timeout;
    let place = |name: &str| view.node(name).map(|node| &node.place).or(view.place());
    for (step, node) in flow.steps.iter().zip(view.items("steps")) {
        if let (Some(own), Some(node)) = (step.timeout.filter(|own| *own > timeout), node.get("timeout")) {
            let reason = format!(
                "the step's {} is longer than the run's timeout of {}",
                show_duration(own),
                show_duration(timeout)
            );
            findings.error(&node.place, Problem::new(reason).help("raise the flow's timeout, or lower this one"));
        }
    }
    let needed = overlap_needed(timeout, flow.interval);
    if let (true, Some(place)) = (u64::from(flow.overlap) < needed, place("overlap")) {
        let reason = format!(
            "a run may take {}, but only {} may be under way at once, one each {}: when the service hangs, slots are missed",
            show_duration(timeout),
            flow.overlap,
            show_duration(flow.interval)
        );
        findings.warning(place, Problem::new(reason).help(format!("lower timeout, or set overlap: {needed}")));
    }
    let (Some(negative), Some(place)) = (&flow.negative, place("negative")) else { return };
    let hour = Duration::from_secs(3600).as_secs_f64();
    let attempts = hour / negative.interval.as_secs_f64() / negative.accounts.len().max(1) as f64;
    if attempts > f64::from(negative.per_hour) {
        let reason = format!(
            "one wrong attempt each {} makes {attempts:.1} per account and hour, but per_hour allows {}",
            show_duration(negative.interval),
            negative.per_hour
        );
        findings.warning(place, Problem::new(reason).help("raise interval, add accounts, or raise per_hour"));
    }
    if negative.per_hour > 5 {
        let reason = format!("{} wrong attempts per hour lock accounts at many services", negative.per_hour);
        findings.warning(place, Problem::new(reason).help("keep per_hour below the service's lockout limit"));
    }
}
