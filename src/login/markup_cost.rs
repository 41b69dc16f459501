//! Refuses markup that would cost the prober far more than its size: the HTML parsing rules copy every formatting
//! element that was left open into each later block, and look through all open elements at each tag, so that a few
//! hundred kilobytes can ask for gigabytes or minutes. A scan in linear time bounds both before parsing.

use std::collections::HashMap;

/// Nodes that the parser may have to make.
const MOST_NODES: u64 = 1_000_000;
/// Open elements that the parser may have to look at, summed over all tags.
const MOST_LOOKS: u64 = 50_000_000;

const FORMATTING: [&str; 14] =
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];
/// Elements that hold nothing, or that the next of their kind ends.
const SHALLOW: [&str; 33] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr", "p",
    "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup", "rp", "rt",
    "html", "head", "body", "frame",
];

/// Checks a page.
///
/// # Errors
/// A sentence when reading it would cost too much.
pub(super) fn check(html: &str) -> Result<(), String> {
    let mut open: HashMap<String, u64> = HashMap::new();
    let (mut depth, mut formatting, mut nodes, mut looks) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let closes = rest.starts_with('/');
        let name_start = &rest[usize::from(closes)..];
        let length = name_start.bytes().take_while(u8::is_ascii_alphanumeric).count();
        if length == 0 {
            continue;
        }
        let name = name_start[..length].to_ascii_lowercase();
        nodes += 1 + formatting;
        looks += 1 + depth;
        if nodes > MOST_NODES || looks > MOST_LOOKS {
            return Err("the page's markup is nested too deep or too often left open to be read".to_owned());
        }
        if SHALLOW.contains(&name.as_str()) {
            continue;
        }
        let is_formatting = u64::from(FORMATTING.contains(&name.as_str()));
        if closes {
            if let Some(count) = open.get_mut(&name).filter(|count| **count > 0) {
                *count -= 1;
                depth -= 1;
                formatting -= is_formatting;
            }
        } else {
            rest = after_raw_text(&name, rest);
            *open.entry(name).or_default() += 1;
            depth += 1;
            formatting += is_formatting;
        }
    }
    Ok(())
}

/// Moves to the end tag of an element whose content is no markup.
fn after_raw_text<'t>(name: &str, rest: &'t str) -> &'t str {
    if !matches!(name, "script" | "style" | "textarea" | "title") {
        return rest;
    }
    let mut search = rest;
    while let Some(at) = search.find("</") {
        search = &search[at..];
        if search.get(2..2 + name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return search;
        }
        search = &search[2..];
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_pages_pass() {
        let rows = "<tr><td><a href=x><b>cell</b></a><p>text<br>".repeat(20_000);
        assert_eq!(check(&format!("<html><body><table>{rows}</table><script>if (a<b) '<b>'</script>")), Ok(()));
        assert_eq!(check("<!-- <b><b> --> < 3 </"), Ok(()));
    }

    #[test]
    fn costly_pages_are_refused() {
        let copied = format!("{}{}", "<font color=1>".repeat(2_000), "<p>".repeat(2_000));
        assert!(check(&copied).is_err());
        let dodging = format!("{}{}", "<b></i>".repeat(2_000), "<p>".repeat(2_000));
        assert!(check(&dodging).is_err());
        assert!(check(&"<div>".repeat(20_000)).is_err());
    }
}
