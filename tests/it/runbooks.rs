//! The runbooks: one for each rule, all of one shape, and every command in them run on a real pair with the fault in it.

mod answer;
mod mariadb;
mod page;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use doorstep::model::{Engine, Rule};
use doorstep::replication::rules_of;

use page::{Page, Section};

/// What each page has, in this order.
const SECTIONS: [&str; 7] =
    ["What users see", "What fires", "Confirm", "Fix", "Verify", "Do not", "What people get wrong"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbooks")
}

/// The pages, by file name; the index is none.
fn names() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).expect("the folder of runbooks");
    let names = files.map(|file| file.unwrap().file_name().into_string().expect("a name in UTF-8"));
    names.filter(|name| name != "README.md").map(|name| name.trim_end_matches(".md").to_owned()).collect()
}

#[test]
fn each_rule_has_its_runbook_and_each_runbook_its_rule() {
    let rules: BTreeSet<String> = Rule::ALL.iter().map(|rule| rule.as_str().to_owned()).collect();
    assert_eq!(names(), rules);
    let index = fs::read_to_string(folder().join("README.md")).unwrap();
    let listed: Vec<&str> =
        index.lines().filter_map(|line| line.split("| `").nth(1)?.split_once("` | [")).map(|l| l.0).collect();
    assert_eq!(listed.len(), rules.len(), "the index lists each page once");
    assert_eq!(listed.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), rules);
}

#[test]
fn each_page_has_all_sections_in_order_and_links_that_lead_somewhere() {
    let of_mariadb = rules_of(Engine::MariaDb);
    for page in Page::all() {
        assert!(page.title.starts_with(&format!("{}: ", page.name)), "{}: '{}'", page.name, page.title);
        let titles = |sections: &[Section]| -> Vec<String> { sections.iter().map(|it| it.title.clone()).collect() };
        assert_eq!(titles(&page.sections), SECTIONS, "{}", page.name);
        // A rule that MariaDB has too says there what differs, and is walked there.
        let rule = Rule::from_spelling(&page.name).expect("a rule");
        let shared = of_mariadb.contains(&rule) && !rule.is_mariadbs_own();
        let half = titles(&page.mariadb);
        assert_eq!(
            shared,
            half.starts_with(&["Confirm", "Fix", "Verify"].map(str::to_owned)),
            "{}: {half:?}",
            page.name
        );
        assert!(half.len() <= 3 || half[3..] == ["Do not"], "{}: {half:?}", page.name);
        assert_eq!(shared, page.head("MariaDB").is_some(), "{}", page.name);
        let text = text(&page.name);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            assert!(folder().join(link).is_file(), "{} links {link}", page.name);
        }
    }
}

fn text(name: &str) -> String {
    fs::read_to_string(folder().join(format!("{name}.md"))).unwrap()
}

#[test]
fn each_page_can_be_acted_on() {
    const MARIADB: &[&str] = &["sql mariadb-primary", "sql mariadb-replica", "sh"];
    for page in Page::all() {
        let known =
            if page.head("Engine") == Some("mariadb") { MARIADB } else { &["sql primary", "sql standby", "sh"] };
        for (sections, known) in [(&page.sections, known), (&page.mariadb, MARIADB)] {
            for section in sections {
                let acts = ["Confirm", "Fix", "Verify"].contains(&section.title.as_str());
                assert_eq!(acts, !section.blocks.is_empty(), "{}: commands in '{}'", page.name, section.title);
                for block in &section.blocks {
                    assert!(known.contains(&block.kind.as_str()), "{}: a block of kind '{}'", page.name, block.kind);
                }
            }
        }
    }
}

/// A fault of the lab, as its list has it.
struct Fault {
    id: String,
    name: String,
}

/// All faults of both labs, from the tables that they are made of.
fn faults() -> Vec<Fault> {
    let lab =
        |file: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab").join(file)).unwrap();
    let quoted = |line: &str| -> Vec<String> { line.split('"').skip(1).step_by(2).map(str::to_owned).collect() };
    let found = lab("faults.py");
    let found = found.lines().filter_map(|line| line.trim().strip_prefix("Fault(")).map(quoted);
    found.map(|words| Fault { id: words[0].clone(), name: words[1].clone() }).collect()
}

/// Each fault that the lab has is one that somebody meets: what users see of it stands in the index, with its page, and
/// the page knows it; what an operator is sent to after a game day is that page.
#[test]
fn each_fault_of_the_lab_has_its_symptom_and_its_page() {
    let index = text("README");
    let rows: BTreeMap<String, (String, String)> = index
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
            let (id, name) = cells[0].trim_end_matches('`').split_once(' ')?;
            let page = cells[2].split_once("](")?.1.split_once(".md")?.0;
            Some((format!("{id} {name}"), (cells[1].to_owned(), page.to_owned())))
        })
        .collect();
    let faults = faults();
    assert_eq!(faults.len(), 28);
    let listed: BTreeSet<String> = faults.iter().map(|fault| format!("{} {}", fault.id, fault.name)).collect();
    assert_eq!(rows.keys().cloned().collect::<BTreeSet<_>>(), listed, "the index lists each fault of the lab once");
    for (fault, (symptom, page)) in faults.iter().map(|fault| (fault, &rows[&format!("{} {}", fault.id, fault.name)])) {
        assert!(symptom.split_whitespace().count() >= 3, "{}: '{symptom}'", fault.id);
        assert!(names().contains(page), "{}: no page {page}", fault.id);
        let told = Page::read(page).head("Lab") == Some(&fault.id) || text(page).contains(&format!("`{}`", fault.id));
        assert!(told, "{page}.md does not name the fault {}", fault.id);
    }
    let causes = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/causes.py")).unwrap();
    let causes: Vec<&str> = causes.lines().filter_map(|line| line.trim().strip_prefix("Cause(\"")).collect();
    assert!(causes.len() > 10, "{causes:?}");
    for cause in causes {
        let words: Vec<&str> = cause.split('"').skip(2).step_by(2).collect();
        let (page, faults) = words.split_last().expect("a page");
        for fault in faults {
            let (_, (_, listed)) = rows.iter().find(|(key, _)| key.split(' ').next() == Some(fault)).expect("a fault");
            assert_eq!(listed, page, "after a game day with {fault}");
        }
    }
}
