//! Words as a POSIX shell takes them, for commands that are printed to be typed again.

/// The word as it is where it has no letter that a shell takes apart, else in single quotes.
pub(super) fn word(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@%+=,".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The words as one command.
pub(super) fn command(words: &[String]) -> String {
    words.iter().map(|text| word(text)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_shell_would_take_apart_is_quoted() {
        let shown = ["2026-W47", "s3://runs/a", "", "Shop & Co", "it's $HOME"].map(word);
        assert_eq!(shown, ["2026-W47", "s3://runs/a", "''", "'Shop & Co'", r"'it'\''s $HOME'"]);
    }
}
