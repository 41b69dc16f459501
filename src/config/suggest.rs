//! Did you mean: the known word that is nearest to an unknown one.

/// `did you mean 'x'?`, or the whole choice when nothing is near and it is short.
pub(super) fn suggest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(unknown, known.iter().copied()) {
        return Some(format!("did you mean '{near}'?"));
    }
    match known.len() {
        0 => None,
        1 => Some(format!("the only choice is {}", known[0])),
        _ => Some(format!("choose one of {}", known.join(", "))),
    }
}

/// The known word that an unknown one was most likely meant to be; `None` when none is near.
#[must_use]
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if unknown.len() > 64 {
        return None;
    }
    let folded = fold(unknown);
    let distance = |word: &&'a str| strsim::damerau_levenshtein(&folded, &fold(word));
    let near = known.into_iter().min_by_key(distance)?;
    let allowed = match near.len() {
        0..3 => 0,
        length => (length / 3).max(1),
    };
    (distance(&near) <= allowed).then_some(near)
}

/// The offending text, short enough to read and without control characters.
pub(super) fn quote(text: &str) -> String {
    let shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    let shown = shown.replace("\\'", "'").replace("\\\"", "\"");
    if text.chars().count() > 60 { format!("'{shown}…'") } else { format!("'{shown}'") }
}

/// Spelling that people mix up: case, and what stands between words.
fn fold(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        let known = ["interval", "timeout", "no_text"];
        assert_eq!(suggest("intervall", known).unwrap(), "did you mean 'interval'?");
        assert_eq!(suggest("noText", known).unwrap(), "did you mean 'no_text'?");
        assert_eq!(suggest("zebra", known).unwrap(), "choose one of interval, timeout, no_text");
        assert_eq!(suggest("x", ["y"]).unwrap(), "the only choice is y");
        assert_eq!(suggest("x", []), None);
    }
}
