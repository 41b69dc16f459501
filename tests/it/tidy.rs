//! Holds the shape of the house: who may import whom, that each file says what it is for, that no file grows without
//! somebody deciding so, and that nothing unfinished hides in the tree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each module of the crate and what it may import, in reading order. Imports of itself are free.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("script", &[]),
    ("config", &["model"]),
    ("slo", &["model"]),
    ("history", &["model", "slo"]),
    ("incident", &["model", "slo", "history"]),
    ("impact", &["model", "slo", "history", "incident"]),
    ("replication", &["model"]),
    ("audit", &["model", "replication"]),
    ("diagnosis", &["model", "slo", "history", "incident", "replication", "audit"]),
    ("report", &["model", "slo", "history", "incident", "impact", "replication", "audit", "diagnosis"]),
    ("postmortem", &["model", "slo", "history", "incident", "impact", "replication", "audit", "diagnosis", "report"]),
    ("interchange", &["model", "slo"]),
    ("simulate", &["model", "script", "slo", "history", "incident"]),
    ("clock", &[]),
    ("secrets", &["model"]),
    ("telemetry", &["model"]),
    ("net", &["model", "clock"]),
    ("login", &["model", "net", "clock"]),
    ("store", &["model", "slo", "history", "audit", "clock"]),
    ("sentinel", &["model", "audit", "clock", "net"]),
    ("serve", &["model", "telemetry"]),
    ("worker", &["model", "replication", "clock", "login", "net", "store", "sentinel", "telemetry"]),
    (
        "query",
        &[
            "model",
            "slo",
            "history",
            "incident",
            "impact",
            "replication",
            "audit",
            "diagnosis",
            "report",
            "postmortem",
            "store",
        ],
    ),
    ("sandbox", &["model", "script", "clock"]),
    ("app", &EVERY_BUT_CLI),
    ("cli", &EVERY_BUT_CLI),
];

const EVERY_BUT_CLI: [&str; 26] = [
    "model",
    "script",
    "config",
    "slo",
    "history",
    "incident",
    "impact",
    "replication",
    "audit",
    "diagnosis",
    "postmortem",
    "interchange",
    "simulate",
    "report",
    "clock",
    "secrets",
    "telemetry",
    "net",
    "login",
    "store",
    "sentinel",
    "serve",
    "worker",
    "query",
    "sandbox",
    "app",
];

/// Lines of a source file without its unit tests.
const LONGEST_FILE: usize = 400;

/// Files that are longer, with the size they have: they may only shrink. Lower the number with the file; a file that is
/// smaller than its number by more than `SLACK` fails too, so that what was won is kept.
const LONGER_FILES: &[(&str, usize)] = &[];

const SLACK: usize = 20;

/// What may stand at the top beside dot files.
const TOP: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "docs",
    "probes",
    "reports",
    "scripts",
    "src",
    "tests",
];

/// Marks of unfinished or hidden work, written apart so that this file does not hold them itself.
const FORBIDDEN: &[&str] = &[
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("FIX", "ME"),
    concat!("#[ig", "nore"),
    concat!("dbg", "!("),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder`, as paths from the root of the project.
fn files(folder: &str) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let mut names: Vec<String> = found
        .iter()
        .map(|path| path.strip_prefix(root()).expect("a path below the root").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn sources() -> Vec<(String, String)> {
    let found: Vec<_> = files("src").into_iter().filter(|name| name.ends_with(".rs")).collect();
    assert!(!found.is_empty(), "no sources found below {}", root().display());
    found.into_iter().map(|name| (name.clone(), read(&name))).collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The module of a source file: `src/net/dns.rs` is net, two deep.
fn module(name: &str) -> (String, usize) {
    let path = name.strip_prefix("src/").unwrap_or(name).trim_end_matches(".rs").trim_end_matches("/mod");
    let first = path.split('/').next().unwrap_or(path).to_owned();
    (first, path.split('/').count())
}

/// The words and marks of a source without comments and literals. `::` is one mark.
fn tokens(source: &str) -> Vec<String> {
    let text: Vec<char> = source.chars().collect();
    let (mut at, mut found) = (0, Vec::new());
    while at < text.len() {
        let c = text[at];
        let next = text.get(at + 1).copied().unwrap_or(' ');
        if c == '/' && next == '/' {
            while at < text.len() && text[at] != '\n' {
                at += 1;
            }
        } else if c == '/' && next == '*' {
            at = after(&text, at + 2, "*/");
        } else if c == 'r' && (next == '"' || next == '#') && raw_end(&text, at).is_some() {
            at = raw_end(&text, at).unwrap_or(text.len());
        } else if c == '"' {
            at = after_literal(&text, at + 1, '"');
        } else if c == '\'' && (next == '\\' || text.get(at + 2) == Some(&'\'')) {
            at = after_literal(&text, at + 1, '\'');
        } else if c.is_alphanumeric() || c == '_' {
            let start = at;
            while at < text.len() && (text[at].is_alphanumeric() || text[at] == '_') {
                at += 1;
            }
            found.push(text[start..at].iter().collect());
        } else if c == ':' && next == ':' {
            found.push("::".to_owned());
            at += 2;
        } else {
            if !c.is_whitespace() {
                found.push(c.to_string());
            }
            at += 1;
        }
    }
    found
}

/// The place after the next `end` from `at` on.
fn after(text: &[char], at: usize, end: &str) -> usize {
    let end: Vec<char> = end.chars().collect();
    (at..text.len()).find(|&i| text[i..].starts_with(&end)).map_or(text.len(), |i| i + end.len())
}

/// The place after a text or character literal whose content begins at `at`.
fn after_literal(text: &[char], mut at: usize, end: char) -> usize {
    while at < text.len() && text[at] != end {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The place after a raw text that begins at `at`; none when it is a raw identifier.
fn raw_end(text: &[char], at: usize) -> Option<usize> {
    let hashes = text[at + 1..].iter().take_while(|&&c| c == '#').count();
    if text.get(at + 1 + hashes) != Some(&'"') {
        return None;
    }
    Some(after(text, at + 2 + hashes, &format!("\"{}", "#".repeat(hashes))))
}

/// The modules of the crate that a source file names by `crate::`, or by so many `super::` that they reach the root.
fn imports(source: &str, depth: usize) -> BTreeSet<String> {
    let words = tokens(source);
    let mut found = BTreeSet::new();
    let mut at = 0;
    while at < words.len() {
        let mut climbed = 0;
        let mut end = at;
        if words[at] == "crate" {
            climbed = depth;
            end = at + 1;
        } else {
            while words.get(end).is_some_and(|word| word == "super") && words.get(end + 1).is_some_and(|w| w == "::") {
                climbed += 1;
                end += 2;
            }
            end = end.saturating_sub(usize::from(climbed > 0));
        }
        if climbed >= depth && climbed > 0 && words.get(end).is_some_and(|word| word == "::") {
            found.extend(named(&words[end + 1..]));
        }
        at = end.max(at + 1);
    }
    found
}

/// The first names of a path, or of each path of a group `{a::b, c}`.
fn named(words: &[String]) -> Vec<String> {
    if words.first().is_none_or(|word| word != "{") {
        return words.first().cloned().into_iter().collect();
    }
    let (mut found, mut level, mut first) = (Vec::new(), 0, true);
    for word in words {
        match word.as_str() {
            "{" => level += 1,
            "}" => level -= 1,
            "," if level == 1 => first = true,
            name if level == 1 && first => {
                found.push(name.to_owned());
                first = false;
            }
            _ => {}
        }
        if level == 0 {
            break;
        }
    }
    found
}

/// Lines before the unit tests, which stand at a file's end.
fn lines_of_code(source: &str) -> usize {
    source.lines().take_while(|line| *line != "#[cfg(test)]").count()
}

fn report(complaints: &[String], advice: &str) {
    assert!(complaints.is_empty(), "{advice}:\n  {}", complaints.join("\n  "));
}

#[test]
fn imports_point_down_only() {
    let mut complaints = Vec::new();
    for (name, source) in sources() {
        if name == "src/main.rs" {
            let used = tokens(&source);
            let outside = used.windows(3).filter(|w| w[0] == "doorstep" && w[1] == "::" && w[2] != "cli");
            complaints.extend(outside.map(|w| format!("{name} uses {}: it may only use cli", w[2])));
            continue;
        }
        let (own, depth) = module(&name);
        if own == "lib" {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == own) else {
            complaints.push(format!("{name}: module '{own}' has no place in the table of layers"));
            continue;
        };
        for used in imports(&source, depth) {
            let known = LAYERS.iter().any(|(layer, _)| *layer == used);
            if known && used != own && !allowed.contains(&used.as_str()) {
                complaints.push(format!("{name} imports {used}: {own} may only import {}", allowed.join(", ")));
            }
        }
    }
    report(&complaints, "imports against the table of layers (LAYERS in tests/it/tidy.rs)");
}

#[test]
fn the_map_lists_each_module() {
    let words = tokens(&read("src/lib.rs"));
    let declared: BTreeSet<&str> = words.windows(2).filter(|w| w[0] == "mod").map(|w| w[1].as_str()).collect();
    let layers: BTreeSet<&str> = LAYERS.iter().map(|(layer, _)| *layer).collect();
    assert_eq!(declared, layers, "src/lib.rs and the table of layers differ");
    let head: String = read("src/lib.rs").lines().filter(|line| line.starts_with("//!")).collect();
    let unlinked: Vec<_> = layers.iter().filter(|layer| !head.contains(&format!("[`{layer}`]"))).collect();
    assert!(unlinked.is_empty(), "the head of src/lib.rs does not link {unlinked:?}");
}

#[test]
fn each_file_says_what_it_is_for() {
    let tests = files("tests").into_iter().filter(|name| name.ends_with(".rs")).map(|name| (name.clone(), read(&name)));
    let silent: Vec<String> = sources()
        .into_iter()
        .chain(tests)
        .filter(|(_, source)| !source.starts_with("//! "))
        .map(|(name, _)| name)
        .collect();
    report(&silent, "files that do not begin with '//! ' and what they are for");
}

#[test]
fn no_file_grows_unnoticed() {
    let mut complaints = Vec::new();
    for (name, limit) in LONGER_FILES {
        if !root().join(name).is_file() {
            complaints.push(format!("{name} is gone: take it off the list"));
        } else if lines_of_code(&read(name)) + SLACK < *limit {
            let now = lines_of_code(&read(name));
            complaints
                .push(format!("{name} has shrunk to {now} lines: lower its limit of {limit}, or take it off the list"));
        }
    }
    for (name, source) in sources() {
        if name.ends_with("/tests.rs") || name.contains("/tests/") {
            continue;
        }
        let limit = LONGER_FILES.iter().find(|(file, _)| *file == name).map_or(LONGEST_FILE, |(_, limit)| *limit);
        let lines = lines_of_code(&source);
        if lines > limit {
            complaints
                .push(format!("{name} has {lines} lines without tests, allowed are {limit}: split it by purpose"));
        }
    }
    report(&complaints, "sizes of files (LONGER_FILES in tests/it/tidy.rs)");
}

#[test]
fn only_one_place_prints() {
    let macros = ["print", "println", "eprint", "eprintln"];
    let complaints: Vec<String> = sources()
        .into_iter()
        .filter(|(name, _)| name != "src/cli/print.rs")
        .filter(|(_, source)| tokens(source).windows(2).any(|w| macros.contains(&w[0].as_str()) && w[1] == "!"))
        .map(|(name, _)| name)
        .collect();
    report(&complaints, "files that print; only src/cli/print.rs does");
}

#[test]
fn nothing_is_left_unfinished() {
    let mut complaints = Vec::new();
    let texts = ["rs", "md", "yaml", "yml", "toml", "sh", "py", "mjs", "php"];
    for name in ["src", "tests", "probes", "reports", "scripts"].into_iter().flat_map(files) {
        let extension = Path::new(&name).extension().and_then(|extension| extension.to_str());
        if extension.is_some_and(|extension| !texts.contains(&extension)) {
            continue;
        }
        let Ok(text) = fs::read_to_string(root().join(&name)) else { continue };
        for word in FORBIDDEN.iter().filter(|word| text.contains(**word)) {
            complaints.push(format!("{name} holds '{word}'"));
        }
    }
    report(&complaints, "marks of unfinished work");
}

#[test]
fn the_top_holds_only_what_belongs_there() {
    let strangers: Vec<String> =
        tracked_top().into_iter().filter(|name| !name.starts_with('.') && !TOP.contains(&name.as_str())).collect();
    report(&strangers, "entries at the top level that belong into src, probes, tests, reports or scripts");
}

/// Top level entries under version control; all that are there when this is no git work tree.
fn tracked_top() -> BTreeSet<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    match listed {
        Ok(output) if output.status.success() && !output.stdout.is_empty() => String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| line.split('/').next().map(str::to_owned))
            .collect(),
        _ => fs::read_dir(root())
            .expect("a readable project folder")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name != "target")
            .collect(),
    }
}

#[test]
fn the_reader_of_imports_sees_through_groups_comments_and_climbs() {
    let source = r##"
        //! crate::comment
        use crate::{model::Run, net, slo::{self, window::Window}};
        use super::super::store::Writer; /* crate::block */
        use super::sibling::Thing;
        fn f<'a>(x: &'a str) -> crate::clock::Clock { let _ = ("crate::text", r#"crate::raw"#, '"', '\''); crate::query::go(x) }
    "##;
    let found: Vec<_> = imports(source, 2).into_iter().collect();
    assert_eq!(found, ["clock", "model", "net", "query", "slo", "store"]);
    assert_eq!(module("src/net/dns.rs"), ("net".to_owned(), 2));
    assert_eq!(module("src/net/mod.rs"), ("net".to_owned(), 1));
    assert_eq!(module("src/clock.rs"), ("clock".to_owned(), 1));
    assert_eq!(lines_of_code("a\nb\n#[cfg(test)]\nmod tests {}\n"), 2);
}
