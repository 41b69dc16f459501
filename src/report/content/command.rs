//! Commands that a report prints to be typed in the folder in which it was made: they name the same configuration and
//! the same store as the command that made the report.

/// The command alone, without the program's version before it.
pub(super) fn of(made_by: &str) -> &str {
    made_by.split_once(": ").map_or(made_by, |(_, command)| command)
}

/// Another command over the same data: `words` with the options by which the report's own command found them.
pub(super) fn beside(made_by: &str, words: &str) -> String {
    const PLACES: [&str; 4] = ["--config", "--vantage", "--store", "--spool"];
    let own = words_of(of(made_by));
    let options = own.windows(2).filter(|pair| PLACES.contains(&pair[0]));
    options.fold(words.to_owned(), |command, pair| format!("{command} {} {}", pair[0], pair[1]))
}

/// The words of a command with their quotation marks: a blank parts them unless it is quoted or stands after a backslash.
fn words_of(command: &str) -> Vec<&str> {
    let (mut words, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, letter) in command.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if !quoted => escaped = true,
            '\'' => quoted = !quoted,
            ' ' if !quoted => {
                words.push(&command[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    words.push(&command[start..]);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_command_finds_the_same_data() {
        let made_by = r"doorstep 0.1.0: doorstep report --config 'it'\''s our/door step.yaml' --store s3://a --week 2026-W47 --title 'a --spool b'";
        assert_eq!(
            beside(made_by, "doorstep explain 1"),
            r"doorstep explain 1 --config 'it'\''s our/door step.yaml' --store s3://a"
        );
        assert_eq!(beside("doorstep test", "doorstep explain 1"), "doorstep explain 1");
    }
}
