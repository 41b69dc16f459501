//! Documents without headings and labels, such as an e-mail: which parts of a postmortem their paragraphs cover, by the
//! words in them. Knows words only: a part that is covered in other words is not found.

use std::sync::LazyLock;

use super::amount::shares;
use super::document::{Block, Shape};
use super::heading::Part;
use super::pattern::{Pattern, compiled};

static WORDS: LazyLock<Vec<(Part, Pattern)>> = LazyLock::new(|| {
    vec![
        (
            Part::Impact,
            LazyLock::new(|| {
                compiled(
                    r"(?i)\b(?:affected|impact\w*|could not (?:log|sign) in|unable to (?:log|sign) in|(?:logins?|sign-ins?)\b[^.]*\bfail\w*|fail\w*[^.]*\b(?:logins?|sign-ins?)|locked out)\b",
                )
            }),
        ),
        (Part::RootCause, LazyLock::new(|| compiled(r"(?i)\b(?:cause[sd]?|because|due to|root of)\b"))),
        (
            Part::Trigger,
            LazyLock::new(|| {
                compiled(r"(?i)\b(?:trigger\w*|set off|set (?:it|this) off|prompted by|brought (?:it|this) on)\b")
            }),
        ),
        (
            Part::Detection,
            LazyLock::new(|| compiled(r"(?i)\b(?:detect\w*|notic\w+|alert\w*|alarm\w*|paged|monitoring)\b")),
        ),
        (
            Part::Resolution,
            LazyLock::new(|| {
                compiled(
                    r"(?i)\b(?:roll(?:ed|ing)? (?:\w+ ){0,3}back|revert\w*|restored|fixed|mitigat\w*|resolved|recovered|work(?:ed|s)? again)\b",
                )
            }),
        ),
        (
            Part::Lessons,
            LazyLock::new(|| compiled(r"(?i)\b(?:learn\w*|lessons?|went well|next time|hindsight|takeaways?)\b")),
        ),
        (
            Part::Actions,
            LazyLock::new(|| {
                compiled(r"(?i)\b(?:will|action items?|follow-ups?|to prevent|from happening again|going forward)\b")
            }),
        ),
    ]
});

/// Labels of so many parts make a document that announces its parts.
pub(super) const ENOUGH: usize = 4;

/// The least words of a paragraph that may be a summary.
const SUMMARY: usize = 8;

/// The most words of an entry of a timeline; longer paragraphs that begin with a date are told, not listed.
const ENTRY: usize = 24;

/// Says of each block what it covers, and takes the first paragraph for the summary. `timed`: the blocks that begin with a
/// date or time.
pub(super) fn assign(blocks: &mut [Block], timed: &[bool]) {
    let mut summary = false;
    for (block, timed) in blocks.iter_mut().zip(timed).filter(|(block, _)| !block.is_heading()) {
        let timed = *timed && block.text.split_whitespace().count() <= ENTRY;
        if timed || block.text.matches(':').count() >= 2 && block.text.chars().filter(char::is_ascii_digit).count() >= 8
        {
            block.covers.push(Part::Timeline);
        }
        let speaks = WORDS.iter().filter(|(_, words)| words.is_match(&block.text)).map(|(part, _)| *part);
        block.covers.extend(speaks);
        let shares = !shares(&block.text).is_empty();
        block.covers.extend(shares.then_some(Part::Impact));
        let spoken = |part| block.covers.contains(&part);
        if !block.parts.is_empty() {
            continue;
        }
        if timed {
            block.parts.push(Part::Timeline);
        } else if !summary && block.shape == Shape::Paragraph && block.text.split_whitespace().count() >= SUMMARY {
            summary = true;
            block.covers.push(Part::Summary);
            block.parts.push(Part::Summary);
        } else if spoken(Part::Impact) {
            block.parts.push(Part::Impact);
        } else if let Some(part) = [Part::Lessons, Part::Actions].into_iter().find(|part| spoken(*part)) {
            block.parts.push(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::blocks;
    use super::*;

    #[test]
    fn paragraphs_cover_what_their_words_speak_of() {
        let text = "Dear all,\n\nyesterday logins to the shop failed from 09:31 to 10:51 CET for most.\n\nThe cause was a \
                    setting; a change triggered it.\n\nAda will check names.\n";
        let all = blocks(text);
        assert!(all[0].parts.is_empty() && all[0].covers.is_empty());
        assert_eq!(all[1].parts, [Part::Summary]);
        assert!(all[1].covers.contains(&Part::Impact) && all[1].covers.contains(&Part::Timeline));
        assert!(all[2].covers.contains(&Part::RootCause) && all[2].covers.contains(&Part::Trigger));
        assert_eq!(all[3].parts, [Part::Actions]);
    }
}
