//! Action items: who, until when, how urgent; and whether two say the same.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::super::amount::shares;
use super::super::claim;
use super::super::document::{Block, Shape};
use super::super::finding::{Rule, Severity, Verdict};
use super::super::heading::Part;
use super::super::pattern::{Pattern, compiled};
use super::super::reading::{Read, Reading};
use super::shares::{Of, denominator};

static OWNER: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i:\b(?:owner|owned by|assignee|assigned to|responsible|dri)\b\s*[:=]?\s*\w)|@\w+|[(\[–—-]\s*[A-Z][a-z]+(?: [A-Z][a-z]+)?\s*[,;)\]–—]|[–—-]\s*[A-Z][a-z]+ [A-Z][a-z]+\s*(?:--|\.?\s*$)",
    )
});
static DUE: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\bdue\b\s*[:=]?\s*\w|\bby (?:end of|the end|mon|tue|wed|thu|fri|next|q[1-4])|\bdeadline\b|\bQ[1-4] ?\d{4}\b|\bdone\b",
    )
});
static HIGHEST: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)\bP0\b|priority\s*[:=]?\s*(?:P?0|highest|high|critical|urgent|blocker)\b|\b(?:highest|high|critical|top|urgent) priority\b|\[(?:high|highest|critical|urgent)\]",
    )
});
/// The highest where priorities begin at P1.
static FIRST: Pattern = LazyLock::new(|| compiled(r"(?i)\bP-?1\b|priority\s*[:=]?\s*P?1\b"));
static ZERO: Pattern = LazyLock::new(|| compiled(r"(?i)\bP-?0\b"));
/// Words in the place of an owner that name nobody.
static NOBODY: Pattern = LazyLock::new(|| {
    compiled(
        r"(?i)^\W*(?:n/?a|none|nobody|unassigned|unknown|tbc|tbd|open|everyone|all|\?+)\W*$|\b(?:owner|assignee|assigned to|dri)\b\s*[:=]?\s*(?:n/a|none|nobody|unassigned|unknown|tbc|tbd|\?)",
    )
});

static SOMEBODY: Pattern = LazyLock::new(|| {
    compiled(r"\b[A-Z][a-z]+(?: [A-Z][a-z]+)? will\b|^[A-Z][a-z]+ [A-Z][a-z]+: |\([A-Z][a-z]+(?: [A-Z][a-z]+)?\)")
});

/// Columns of a table of actions.
const OWNERS: &[&str] = &["owner", "who", "assignee", "responsible", "dri", "assigned"];
const DUES: &[&str] = &["due", "when", "deadline", "until", "date"];

/// The share of the error budget of four weeks from which on one incident obliges to an action of the highest priority (the
/// Site Reliability Workbook's example policy, appendix B).
const LARGE_SHARE: f64 = 0.2;

/// The way out of a large share without an action of the highest priority.
pub(in crate::postmortem::lint) const HIGHEST_PRIORITY: &str =
    "mark at least one action P0, or P1 where priorities begin at P1";

/// A budget of one week.
static WEEKLY: Pattern = LazyLock::new(|| {
    compiled(r"(?i)\bweek(?:ly|'s)\s+(?:\w+\s+)?budget|\bbudget\b[^.|]{0,20}\bweek\b|\b\d{4}-W\d\d\b")
});

pub(super) fn check(reading: &Reading, measured_budgets: bool, verdict: &mut Verdict) {
    let items = items(reading);
    // Documents without headings tell their actions in prose.
    let prose = reading.blocks.iter().any(|read| !read.block.covers.is_empty());
    let head = reading.blocks.iter().find(|read| read.block.is(Part::Actions) && !prose);
    if let Some(head) = head.filter(|_| items.is_empty()) {
        let message = "the section lists no action".to_owned();
        let way_out = "write each as a list item or table row with owner and due date, or say why none is needed";
        verdict.find(Severity::Warning, Rule::MissingSection, head.block.whole(), message, way_out);
    }
    for read in &items {
        answered_for(read, verdict);
    }
    duplicates(&items, verdict);
    done_and_to_do(reading, &items, verdict);
    if !measured_budgets {
        budget(reading, &items, verdict);
    }
}

/// The outermost list items and the rows of the section.
fn items(reading: &Reading) -> Vec<&Read> {
    let outermost = |read: &&Read| match &read.block.shape {
        Shape::Item(indent) => *indent < 2,
        Shape::Row(heads) => heads.len() > 1,
        _ => false,
    };
    reading.part(Part::Actions).filter(outermost).collect()
}

/// Whether an item says who, or until when: in a column of that name, or in its own words.
fn says(block: &Block, columns: &[&str], words: &Pattern) -> bool {
    if let Shape::Row(heads) = &block.shape {
        let named = |head: &String| {
            let head = head.to_lowercase();
            head.split(|c: char| !c.is_alphanumeric()).any(|word| columns.contains(&word))
        };
        if let Some(column) = heads.iter().position(named) {
            let cells = block.cells();
            return cells
                .get(column)
                .is_some_and(|cell| cell.chars().any(char::is_alphanumeric) && !NOBODY.is_match(cell));
        }
    }
    words.is_match(&block.text) && !NOBODY.is_match(&block.text)
}

fn answered_for(read: &Read, verdict: &mut Verdict) {
    let block = &read.block;
    let owner = says(block, OWNERS, &OWNER) || names_somebody(block);
    let due = says(block, DUES, &DUE) || read.moments.iter().any(|moment| moment.date.is_some());
    if !owner {
        let message = if due {
            "nobody answers for this action"
        } else {
            "nobody answers for this action, and it has no due date"
        };
        let way_out = "name one person and a day: (owner: Ada, due 2024-04-01)";
        verdict.find(Severity::Error, Rule::ActionWithoutOwner, block.whole(), message.to_owned(), way_out);
    } else if !due {
        let message = "this action has no due date".to_owned();
        verdict.find(Severity::Note, Rule::ActionWithoutDue, block.whole(), message, "name a day: due 2024-04-01");
    }
}

/// Whether an item says who will do it: "Ada Byron will ...", "Ada: ...".
fn names_somebody(block: &Block) -> bool {
    matches!(block.shape, Shape::Item(_)) && SOMEBODY.is_match(&block.text) && !NOBODY.is_match(&block.text)
}

/// Two actions that share at least half of the shorter one's words.
fn duplicates(items: &[&Read], verdict: &mut Verdict) {
    let words: Vec<BTreeSet<String>> = items.iter().map(|read| content(&read.block)).collect();
    for (later, second) in words.iter().enumerate() {
        let same = words[..later].iter().position(|first| {
            let common = first.intersection(second).count();
            common >= 4 && common * 2 >= first.len().min(second.len())
        });
        if let Some(first) = same {
            let common: Vec<&str> = words[first].intersection(second).map(String::as_str).collect();
            let other = &items[first].block;
            let message = format!(
                "may be the action of line {} again ('{}'): both speak of {}",
                other.line,
                other.whole().quote,
                common.join(", ")
            );
            let way_out = "keep one of the two, or say how they differ";
            verdict.find(Severity::Note, Rule::DuplicateAction, items[later].block.whole(), message, way_out);
        }
    }
}

/// The words of an action that say what it is about, without their endings.
fn content(block: &Block) -> BTreeSet<String> {
    let text = match &block.shape {
        Shape::Row(_) => block.cells().first().copied().unwrap_or_default().to_owned(),
        _ => block.text.clone(),
    };
    let plain = ["with", "from", "that", "this", "into", "when", "which", "regarding", "owner", "additional", "their"];
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 3 && !plain.contains(word))
        .map(|word| word.trim_end_matches('s').to_owned())
        .collect()
}

/// What the resolution says was done already, and an action still asks for.
fn done_and_to_do(reading: &Reading, items: &[&Read], verdict: &mut Verdict) {
    let subjects =
        ["monitoring", "alerting", "alert", "training", "documentation", "runbook", "test", "check", "audit"];
    for read in reading.part(Part::Resolution).filter(|read| !read.block.is(Part::Actions)) {
        let Some((range, sentence)) = done(&read.block) else { continue };
        let sentence = sentence.to_lowercase();
        let before = sentence.split(" were ").next().and_then(|text| text.split(" was ").next()).unwrap_or_default();
        let again = items.iter().find(|item| {
            let item = item.block.text.to_lowercase();
            subjects.iter().any(|subject| before.contains(subject) && item.contains(subject))
        });
        if let Some(item) = again {
            let message = "said to be done already, and an action still asks for it".to_owned();
            let way_out = "say what was done, and let the action ask only for the rest";
            let place = read.block.place(&range);
            verdict.find_against(Rule::DoneAndToDo, place, message, item.block.whole(), way_out);
        }
    }
}

/// The sentence that says that something was improved.
fn done(block: &Block) -> Option<(std::ops::Range<usize>, &str)> {
    let verbs = ["enhanced", "added", "improved", "implemented", "extended", "introduced", "updated", "put in place"];
    let found = verbs.iter().find_map(|verb| {
        ["were ", "was ", "have been ", "has been "].iter().find_map(|be| {
            let phrase = format!("{be}{verb}");
            block.text.find(&phrase).map(|at| at..at + phrase.len())
        })
    })?;
    let sentence = block.sentence(&found);
    let start = sentence.as_ptr() as usize - block.text.as_ptr() as usize;
    let start = start + sentence.len() - sentence.trim_start().len();
    Some((start..found.end, sentence))
}

/// The Workbook's policy: over 20 % of the four-week budget obliges a postmortem with at least one P0 action.
fn budget(reading: &Reading, items: &[&Read], verdict: &mut Verdict) {
    if has_highest(reading, items) {
        return;
    }
    for read in reading.blocks.iter().filter(|read| !read.block.is(Part::Actions) && !read.block.is_heading()) {
        for share in shares(&read.block.text) {
            let sentence = read.block.sentence(&share.range);
            // Another cell of a row may name the period.
            let of = if matches!(read.block.shape, Shape::Row(_)) { read.block.text.as_str() } else { sentence };
            let spent = denominator(&read.block, &share.range) == Of::Budget && !claim::left(sentence);
            let of_four_weeks = if WEEKLY.is_match(of) { share.share / 4.0 } else { share.share };
            if spent && of_four_weeks > LARGE_SHARE {
                let message =
                    "over 20 % of the error budget of four weeks, and no action has the highest priority".to_owned();
                let way_out = format!("{HIGHEST_PRIORITY} (the Site Reliability Workbook's error budget policy)");
                let place = read.block.place(&share.range);
                verdict.find(Severity::Error, Rule::BudgetWithoutPriority, place, message, &way_out);
                return;
            }
        }
    }
}

/// Whether a document names an action of the highest priority.
pub(in crate::postmortem::lint) fn names_highest_priority(reading: &Reading) -> bool {
    has_highest(reading, &items(reading))
}

/// In the words of the document: P0; P1 where priorities begin at P1; "high" where people use words.
fn has_highest(reading: &Reading, items: &[&Read]) -> bool {
    let from_zero = reading.part(Part::Actions).any(|read| ZERO.is_match(&read.block.text));
    items
        .iter()
        .map(|read| priority_text(&read.block))
        .any(|text| HIGHEST.is_match(&text) || !from_zero && FIRST.is_match(&text))
}

/// The words of an item in which a priority may stand; a column of that name may hold a bare number.
fn priority_text(block: &Block) -> String {
    let Shape::Row(heads) = &block.shape else { return block.text.clone() };
    let column = heads.iter().position(|head| head.to_lowercase().contains("priority"));
    let cell = column.and_then(|column| block.cells().get(column).map(|cell| format!("priority {cell}")));
    cell.unwrap_or_else(|| block.text.clone())
}
