//! What a run leaves behind for people: lines of evidence, and the run itself with every text passed through the
//! run's own redactor at the very end, when all its secrets are known.

use super::Task;
use super::classify::challenge_mark;
use super::page::{Page, Reading};
use super::secrecy::{Secrets, mask_words, show_url};
use super::session::CookieNotes;
use crate::model::{Failure, Hop, Micros, Run, RunId, StepName, StepRecord, StepRole, Verdict};

/// Lines of evidence of one step, and characters of one line.
const MOST_LINES: usize = 12;
const LONGEST_LINE: usize = 300;
/// A URL in a record.
const LONGEST_URL: usize = 2_000;
/// A failure's message.
const LONGEST_MESSAGE: usize = 1_000;
/// How much of a page an excerpt is taken from; far more than is shown, so that hiding never meets a cut secret.
const EXCERPT_FROM: usize = 20_000;

/// A step as it goes, texts still raw.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// Name.
    pub(super) name: StepName,
    /// What it means for a user.
    pub(super) role: StepRole,
    /// When it began.
    pub(super) offset: Micros,
    /// It succeeded.
    pub(super) done: bool,
    /// Evidence.
    pub(super) lines: Vec<String>,
}

/// What came: status, kind, size, place and title.
pub(super) fn arrival(page: &Page) -> String {
    let kind = page.header("content-type").unwrap_or_else(|| "no content type".to_owned());
    let mut line =
        format!("got {} from {} ({kind}, {} characters", page.status, show_url(&page.url), page.body.chars().count());
    if page.hops > 1 {
        line.push_str(&format!(", after {} requests", page.hops));
    }
    line.push(')');
    if let Some(location) = &page.location {
        line.push_str(&format!(", Location {}", show_url(location)));
    }
    if let Some(title) = Reading::new(page).title() {
        line.push_str(&format!(", title '{}'", mask_words(&title)));
    }
    line
}

/// What happened to cookies, by name.
pub(super) fn cookies(notes: &CookieNotes) -> Option<String> {
    let mut parts = Vec::new();
    for (what, names) in [("set", &notes.set), ("deleted", &notes.deleted), ("ignored", &notes.ignored)] {
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.dedup();
        if !names.is_empty() {
            parts.push(format!("{what} {}", names.join(", ")));
        }
    }
    (!parts.is_empty()).then(|| format!("cookies: {}", parts.join("; ")))
}

/// What explains a failure: telling headers, and the beginning of what the page says.
pub(super) fn explanation(page: &Page) -> Vec<String> {
    const TELLING: [&str; 7] =
        ["retry-after", "x-retry-after", "www-authenticate", "server", "via", "x-request-id", "cf-ray"];
    let mut lines = Vec::new();
    let headers: Vec<String> = TELLING
        .iter()
        .filter_map(|name| page.header(name).map(|value| format!("{name}: {}", mask_words(&value))))
        .collect();
    if !headers.is_empty() {
        lines.push(format!("headers: {}", headers.join("; ")));
    }
    if let Some(mark) = challenge_mark(page) {
        lines.push(format!("the mark of a CAPTCHA or firewall page: '{mark}'"));
    }
    let excerpt = excerpt(page);
    lines.push(if excerpt.is_empty() {
        "the page says nothing".to_owned()
    } else {
        format!("the page says: {excerpt}")
    });
    lines
}

/// The beginning of what the page says, without anything that looks like a token.
pub(super) fn excerpt(page: &Page) -> String {
    let reading = Reading::new(page);
    let text = reading.text();
    let end = text.char_indices().map(|(at, _)| at).nth(EXCERPT_FROM);
    mask_words(end.map_or(text, |end| &text[..end]))
}

/// Makes the record of a run.
pub(super) fn seal(
    task: &Task<'_>,
    started: jiff::Timestamp,
    elapsed: Micros,
    (drafts, hops): (Vec<Draft>, Vec<Hop>),
    secrets: &Secrets,
    (verdict, failure): (Verdict, Option<Failure>),
) -> Run {
    let hops: Vec<Hop> = hops.into_iter().map(|hop| Hop { url: secrets.hide(&hop.url, LONGEST_URL), ..hop }).collect();
    let steps = drafts.into_iter().enumerate().map(|(number, draft)| {
        let own = hops.iter().filter(|hop| usize::from(hop.step) == number);
        StepRecord {
            name: draft.name,
            role: draft.role,
            offset: draft.offset,
            micros: own.map(|hop| hop.phases.total()).sum(),
            done: draft.done,
            evidence: bounded(draft.lines).iter().map(|line| secrets.hide(line, LONGEST_LINE)).collect(),
        }
    });
    Run {
        id: RunId::new(task.kind, &task.flow.name, &task.vantage, task.slot, task.attempt),
        kind: task.kind,
        flow: task.flow.name.clone(),
        revision: task.flow.revision.clone(),
        vantage: task.vantage.clone(),
        slot: task.slot,
        attempt: task.attempt,
        started,
        elapsed,
        lag: Micros(0),
        verdict,
        failure: failure.map(|failure| Failure { message: secrets.hide(&failure.message, LONGEST_MESSAGE), ..failure }),
        account: task.credentials.map(|credentials| credentials.account.clone()),
        steps: steps.collect(),
        hops,
    }
}

/// No more lines than a record holds: the first and the last ones, and how many are left out.
fn bounded(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > MOST_LINES {
        let first = 5;
        let last = MOST_LINES - first - 1;
        let left_out = lines.len() - first - last;
        lines.splice(first..first + left_out, [format!("({left_out} lines left out)")]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_bounded() {
        let lines: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        let kept = bounded(lines);
        assert_eq!(kept, ["0", "1", "2", "3", "4", "(29 lines left out)", "34", "35", "36", "37", "38", "39"]);
        assert_eq!(bounded(vec!["a".to_owned()]), ["a"]);
    }
}
