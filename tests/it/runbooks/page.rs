//! A runbook as its reader sees it: what stands at its top, its sections, their commands and the answers shown.

use std::fs;

use super::{folder, names};

/// Begins what differs on MariaDB.
const MARIADB: &str = "## On MariaDB";

/// A page as its reader sees it.
pub(super) struct Page {
    pub(super) name: String,
    /// What stands between the two lines of dashes at its top, as name and value.
    head: Vec<(String, String)>,
    pub(super) title: String,
    pub(super) sections: Vec<Section>,
    /// What differs on MariaDB, in sections of its own; none where the rule is another server's alone.
    pub(super) mariadb: Vec<Section>,
}

pub(super) struct Section {
    pub(super) title: String,
    pub(super) blocks: Vec<Block>,
}

/// A fenced block with the answer that the page shows under it.
pub(super) struct Block {
    pub(super) kind: String,
    pub(super) text: String,
    pub(super) answer: Option<String>,
}

impl Page {
    pub(super) fn read(name: &str) -> Self {
        let text = fs::read_to_string(folder().join(format!("{name}.md"))).unwrap_or_else(|e| panic!("{name}: {e}"));
        let (head, body) = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")).expect("a head");
        let head = head.lines().map(|line| line.split_once(": ").expect("'Name: value'"));
        let mut page = Self {
            name: name.to_owned(),
            head: head.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            title: String::new(),
            sections: Vec::new(),
            mariadb: Vec::new(),
        };
        let mut lines = body.lines();
        let mut halved = false;
        while let Some(line) = lines.next() {
            let half = if halved { &mut page.mariadb } else { &mut page.sections };
            if let Some(title) = line.strip_prefix("# ") {
                title.clone_into(&mut page.title);
            } else if line == MARIADB {
                halved = true;
            } else if let Some(title) = line.strip_prefix(if halved { "### " } else { "## " }) {
                half.push(Section { title: title.to_owned(), blocks: Vec::new() });
            } else if let Some(kind) = line.strip_prefix("```") {
                let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
                half.last_mut().expect("a section before a block").add(kind, text.join("\n"));
            }
        }
        page
    }

    pub(super) fn all() -> Vec<Self> {
        names().iter().map(|name| Self::read(name)).collect()
    }

    pub(super) fn head(&self, name: &str) -> Option<&str> {
        self.head.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn section(&self, title: &str) -> &Section {
        named(&self.sections, title)
    }

    /// A section of what is for MariaDB: the whole page, or its half.
    pub(super) fn on_mariadb(&self, title: &str) -> &Section {
        named(if self.mariadb.is_empty() { &self.sections } else { &self.mariadb }, title)
    }
}

fn named<'a>(sections: &'a [Section], title: &str) -> &'a Section {
    sections.iter().find(|section| section.title == title).expect("a section of this name")
}

impl Section {
    fn add(&mut self, kind: &str, text: String) {
        if kind == "text" {
            let before = self.blocks.last_mut().expect("an answer follows what was asked");
            assert!(before.answer.is_none(), "two answers to '{}'", before.text);
            before.answer = Some(text);
        } else {
            self.blocks.push(Block { kind: kind.to_owned(), text, answer: None });
        }
    }
}
