//! The example scripts are right, and the example flows for the sandbox are, too.

use std::path::Path;

use doorstep::app::DiskFiles;
use doorstep::config::{Overrides, load};
use doorstep::sandbox::Script;

#[test]
fn every_example_script_is_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("probes/sandbox/faults");
    let mut faults = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        let script = Script::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(!script.rules.is_empty(), "{}", path.display());
        faults.extend(script.rules.iter().map(|rule| rule.fault.name()));
    }
    assert_eq!(faults.len(), 15, "the examples show every fault: {faults:?}");
}

#[test]
fn the_example_site_is_right() {
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("probes/sandbox/doorstep.yaml");
    let loaded = load(&main, &DiskFiles, &Overrides::default());
    let findings: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    let site = loaded.site.expect("a configuration without mistakes");
    assert_eq!(site.flows.len(), 3);
    for flow in &site.flows {
        assert!(flow.identity_step() > flow.credential_step(), "{}", flow.name);
        assert!(flow.negative.is_some(), "{}", flow.name);
    }
}
