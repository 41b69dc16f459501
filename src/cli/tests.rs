//! The help of every command: examples that the program itself takes, and that no terminal breaks.

use super::*;

/// The narrowest terminal that people have, in columns.
const NARROW: usize = 80;
/// The widest that help makes use of.
const WIDE: usize = 100;

/// Every command below this one with its path, this one first.
fn all<'c>(path: &str, command: &'c clap::Command) -> Vec<(String, &'c clap::Command)> {
    let own = command.get_subcommands().filter(|below| below.get_name() != "help");
    let below = own.flat_map(|below| all(&format!("{path} {}", below.get_name()), below));
    std::iter::once((path.to_owned(), command)).chain(below).collect()
}

fn program() -> clap::Command {
    let mut command = Arguments::command();
    command.build();
    command
}

fn after(command: &clap::Command) -> String {
    assert!(command.get_after_long_help().is_none(), "-h and --help say the same");
    command.get_after_help().map(ToString::to_string).unwrap_or_default()
}

/// The lines of the examples, in the order of the text, with those that go on under a backslash.
fn examples(text: &str) -> Vec<Vec<&str>> {
    let (mut found, mut goes_on) = (Vec::<Vec<&str>>::new(), false);
    for line in text.lines().skip_while(|line| *line != "Examples:") {
        match found.last_mut() {
            Some(last) if goes_on => last.push(line),
            _ if line.starts_with("  doorstep") => found.push(vec![line]),
            _ => continue,
        }
        goes_on = line.ends_with('\\');
    }
    found
}

/// The words of an example as a shell would take them, up to where its output goes; what stands behind two spaces is
/// for people.
fn words(example: &[&str]) -> Vec<String> {
    let line = example.iter().map(|line| line.trim().trim_end_matches('\\').trim_end()).collect::<Vec<_>>().join(" ");
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        let last = words.last_mut().expect("at least one word");
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted && last.is_empty() => {
                words.pop();
                break;
            }
            ' ' if !quoted => words.push(String::new()),
            '>' | '|' if !quoted => {
                words.pop();
                break;
            }
            _ => last.push(c),
        }
    }
    assert!(!quoted, "{line}: a quote is open");
    words
}

#[test]
fn every_command_has_examples_that_it_takes() {
    let program = program();
    let mut told = 0;
    for (path, command) in all("doorstep", &program) {
        let text = after(command);
        let examples = examples(&text);
        assert!(!examples.is_empty(), "'{path} --help' has no examples");
        for example in &examples {
            let words = words(example);
            if let Err(error) = Arguments::try_parse_from(&words) {
                panic!("'{path} --help' has an example that is refused: {example:#?}\n{error}");
            }
            let shown = words.join(" ");
            assert!(shown == path || shown.starts_with(&format!("{path} ")), "'{path} --help' tells of: {shown}");
            told += 1;
        }
    }
    assert!(told > 60, "only {told} examples");
}

#[test]
fn no_terminal_breaks_an_example_and_no_line_is_too_wide() {
    let program = program();
    let mut complaints = Vec::new();
    for (path, command) in all("doorstep", &program) {
        let text = after(command);
        for (line, next) in text.lines().zip(text.lines().skip(1).chain([""])) {
            let indented = line.starts_with(' ');
            if indented && line.chars().count() > NARROW {
                complaints.push(format!("{path}: an example of more than {NARROW} columns: {line}"));
            }
            // A paragraph is one line, so that it is broken once: by the terminal's width.
            let ends = line.is_empty() || line.ends_with(':') || next.is_empty() || next.starts_with(' ');
            if !indented && !ends {
                complaints.push(format!("{path}: a paragraph that is broken by hand: {line}"));
            }
        }
        let shown = |width: usize| command.clone().term_width(width).render_long_help().to_string();
        for line in shown(WIDE).lines().filter(|line| line.chars().count() > WIDE) {
            complaints.push(format!("{path}: more than {WIDE} columns: {line}"));
        }
        let (narrow, wide) = (shown(NARROW), shown(WIDE));
        for line in examples(&text).concat().into_iter().filter(|line| !narrow.contains(*line) || !wide.contains(*line))
        {
            complaints.push(format!("{path}: an example is broken: {line}"));
        }
    }
    assert!(complaints.is_empty(), "in what --help prints:\n{}", complaints.join("\n"));
}
