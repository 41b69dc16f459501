//! Which flow files there are: paths, patterns, and the values of the main file that replace theirs. All reading goes
//! through [`Files`].

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::{Flow, FlowName};

use super::diagnostic::{Findings, Origin, Place, Problem};
use super::shape::{Shape, check};
use super::site::resolve;
use super::suggest::{quote, suggest};
use super::tables_flow::FLOW;
use super::view::View;
use super::yaml::{self, Node};
use super::{flow, pasted};

/// Where configuration files are read from.
pub trait Files {
    /// The text of a file.
    ///
    /// # Errors
    /// Why it cannot be read; a file that is not UTF-8 is [`io::ErrorKind::InvalidData`].
    fn read(&self, path: &Path) -> io::Result<String>;

    /// The text of a file of data, which may be larger than anybody writes by hand.
    ///
    /// # Errors
    /// As [`Files::read`].
    fn read_data(&self, path: &Path) -> io::Result<String> {
        self.read(path)
    }

    /// The paths of all files directly in a folder, in any order.
    ///
    /// # Errors
    /// Why the folder cannot be listed.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;
}

/// All flows, also those that could not be built.
#[derive(Default)]
pub(super) struct Flows {
    pub(super) built: Vec<Flow>,
    /// The effective documents.
    pub(super) documents: Vec<Node>,
    /// Each name with the place that gave it.
    names: Vec<(String, Place)>,
    /// A file is missing or no YAML, so that a name that is not known may be right.
    incomplete: bool,
}

impl Flows {
    /// Notes a reference to a flow that does not exist.
    pub(super) fn require(&self, name: &FlowName, node: &Node, findings: &mut Findings) {
        if let Some(problem) = self.unknown(name) {
            findings.error(&node.place, problem);
        }
    }

    /// What is wrong with a reference to a flow; `None` for one that exists.
    pub(super) fn unknown(&self, name: &FlowName) -> Option<Problem> {
        let known = || self.names.iter().map(|(known, _)| known.as_str());
        if self.incomplete || known().any(|known| known == name.as_str()) {
            return None;
        }
        Some(Problem::new(format!("no flow is called '{name}'")).maybe_help(suggest(name.as_str(), known())))
    }
}

/// Reads and builds all flows that the main file names.
pub(super) fn load(
    main: &Path,
    site: View<'_>,
    accounts: &[&str],
    files: &dyn Files,
    findings: &mut Findings,
) -> Flows {
    let mut flows = Flows::default();
    if let (Some(node), true) = (site.node("flows"), site.items("flows").is_empty()) {
        findings.warning(&node.place, "there is no flow, so nothing is probed");
    }
    for entry in site.items("flows") {
        let named = if entry.scalar().is_some() { Some(entry) } else { entry.get("file") };
        let Some((node, text)) = named.and_then(|node| Some((node, &node.scalar()?.text))) else {
            flows.incomplete = true;
            continue;
        };
        for path in expand(node, &resolve(node, text), main, files, findings) {
            match read(&path, node, files, findings) {
                Some(root) => add(&mut flows, root, &path, entry, accounts, findings),
                None => flows.incomplete = true,
            }
        }
    }
    flows
}

/// The files that a path or a pattern means, sorted.
fn expand(node: &Node, path: &Path, main: &Path, files: &dyn Files, findings: &mut Findings) -> Vec<PathBuf> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new(""));
    if folder.to_string_lossy().contains(['*', '?']) {
        let problem = Problem::new(format!("{} has '*' in a folder", quote(&path.display().to_string())))
            .help("use '*' and '?' in the file's name only");
        findings.error(&node.place, problem);
        return Vec::new();
    }
    if !name.contains(['*', '?']) {
        return vec![path.to_owned()];
    }
    let listed = match files.list(folder) {
        Ok(listed) => listed,
        Err(why) => {
            findings.error(&node.place, format!("cannot list the folder {}: {why}", folder.display()));
            return Vec::new();
        }
    };
    let matches = |file: &PathBuf| {
        let found = file.file_name().and_then(|found| found.to_str()).unwrap_or_default();
        wildcard(name.as_bytes(), found.as_bytes()) && file != main
    };
    let mut found: Vec<_> = listed.into_iter().filter(matches).collect();
    found.sort();
    if found.is_empty() {
        findings.error(&node.place, format!("no file matches {}", quote(&path.display().to_string())));
    }
    found
}

/// `*` matches any characters, `?` one byte. Without recursion, so that no pattern is slow.
fn wildcard(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, n));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == name[n] => (p, n) = (p + 1, n + 1),
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    (p, n) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// A document, with its structure not yet judged.
fn read(path: &Path, named: &Node, files: &dyn Files, findings: &mut Findings) -> Option<Node> {
    let text = match files.read(path) {
        Ok(text) => text,
        Err(why) => {
            let listed = files.list(path.parent().unwrap_or(Path::new(""))).unwrap_or_default();
            let names: Vec<String> = listed.iter().map(|file| file.display().to_string()).collect();
            let near = suggest(&path.display().to_string(), names.iter().map(String::as_str));
            let problem = Problem::new(format!("cannot read {}: {why}", path.display()))
                .maybe_help(near.filter(|help| help.starts_with("did")));
            findings.error(&named.place, problem);
            return None;
        }
    };
    yaml::parse(&Arc::from(path), &text, findings)
}

fn add(flows: &mut Flows, mut root: Node, path: &Path, entry: &Node, accounts: &[&str], findings: &mut Findings) {
    pasted::check(&root, findings);
    replace(&mut root, entry);
    if !root.entries().is_empty() && root.get("name").is_none() {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        root.set("name", Node::text(stem, Origin::File(Arc::from(path))));
    }
    check(&Shape::Object(&FLOW), &root, false, findings);
    if let Some(name) = root.get("name").and_then(Node::scalar) {
        // A name that follows from the file's is the doing of whoever lists the file.
        let place = root.get("name").map(|node| &node.place).filter(|place| place.line > 0).unwrap_or(&entry.place);
        match flows.names.iter().find(|(known, _)| *known == name.text) {
            Some((_, first)) => {
                let problem =
                    Problem::new(format!("two flows are called {}; the first is at {first}", quote(&name.text)))
                        .help("give one of them another name");
                findings.error(place, problem);
            }
            None => flows.names.push((name.text.clone(), place.clone())),
        }
    }
    flows.built.extend(flow::build(&root, accounts, findings));
    flows.documents.push(root);
}

/// Puts the values of an entry of `flows` in the place of the file's own: maps key by key, everything else whole.
fn replace(root: &mut Node, entry: &Node) {
    for from in entry.entries().iter().filter(|from| from.key != "file" && FLOW.key(&from.key).is_some()) {
        match from.key.as_str() {
            "account" | "accounts" => {
                root.remove("account");
                root.remove("accounts");
                root.set(&from.key, from.value.clone());
            }
            "variables" | "network" => match root.get_mut(&from.key) {
                Some(map) if !map.entries().is_empty() => {
                    for value in from.value.entries() {
                        map.set(&value.key, value.value.clone());
                    }
                }
                _ => root.set(&from.key, from.value.clone()),
            },
            key => root.set(key, from.value.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_names() {
        for (pattern, name, expected) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a.yml", false),
            ("a*b*c", "aXbYbc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
        ] {
            assert_eq!(wildcard(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
