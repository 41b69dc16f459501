//! The tables against the model and against themselves.

use std::io;

use super::*;
use crate::model::{Network, RunLimits};

struct Smallest;

impl Files for Smallest {
    fn read(&self, path: &Path) -> io::Result<String> {
        let flow = "steps: [{ open: https://x.example }]";
        Ok(if path.ends_with("doorstep.yaml") { "flows: [x.yaml]" } else { flow }.to_owned())
    }
    fn list(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }
}

#[test]
fn the_defaults_of_the_tables_are_those_of_the_model() {
    let loaded = load(Path::new("etc/doorstep.yaml"), &Smallest, &Overrides::default());
    assert_eq!(loaded.diagnostics, []);
    let site = loaded.site.unwrap();
    assert_eq!(site.policy, Policy::default());
    assert_eq!(site.limits, WorkerLimits::default());
    assert_eq!(site.flows[0].limits, RunLimits::default());
    assert_eq!(site.flows[0].network, Network::default());
    assert_eq!(site.store, StoreLocation::Folder(PathBuf::from("etc/doorstep-data/store")));
    assert_eq!(site.spool, PathBuf::from("etc/doorstep-data/spool"));
}

#[test]
fn each_default_can_be_read_and_each_title_stands_for_one_table() {
    let mut seen: Vec<&'static shape::Object> = Vec::new();
    let mut left = vec![&SITE, &tables_flow::FLOW];
    while let Some(table) = left.pop() {
        if seen.iter().any(|known| std::ptr::eq(*known, table)) {
            continue;
        }
        assert!(!seen.iter().any(|known| known.title == table.title), "two tables are called {}", table.title);
        seen.push(table);
        for key in table.keys {
            assert!(!key.about.is_empty(), "{}", key.name);
            if let Some(default) = key.default {
                let mut findings = Findings::default();
                let file: Arc<Path> = Arc::from(Path::new("x.yaml"));
                let text = if default == "{}" { "{}".to_owned() } else { format!("{default:?}") };
                let node = yaml::parse(&file, &text, &mut findings).unwrap();
                shape::check(key.shape, &node, false, &mut findings);
                assert!(findings.no_errors(), "{}", key.name);
            }
            inner(key.shape, &mut left);
        }
        for name in table.one_of {
            assert!(table.key(name).is_some(), "{name}");
        }
    }
    assert!(seen.len() > 20, "{}", seen.len());
}

fn inner(shape: &'static Shape, found: &mut Vec<&'static shape::Object>) {
    match shape {
        Shape::Object(table) => found.push(table),
        Shape::ObjectOrMap(table, value) => {
            found.push(table);
            inner(value, found);
        }
        Shape::List(value) | Shape::Map(value) => inner(value, found),
        Shape::Either(short, long) => {
            inner(short, found);
            inner(long, found);
        }
        Shape::Leaf(_) | Shape::Word(_) | Shape::Json => {}
    }
}
