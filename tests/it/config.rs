//! Configurations from files on disk to the model: the examples, and what they become.

use std::path::Path;

use doorstep::app::DiskFiles;
use doorstep::config::{Loaded, Overrides, load};

fn examples() -> Loaded {
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("probes/doorstep.yaml");
    load(&main, &DiskFiles, &Overrides::default())
}

#[test]
fn the_examples_are_right() {
    let loaded = examples();
    assert!(loaded.diagnostics.is_empty(), "{}", shown(&loaded));
    let site = loaded.site.expect("a configuration without mistakes");
    let names: Vec<_> = site.flows.iter().map(|flow| flow.name.as_str()).collect();
    assert_eq!(names, ["form-login", "api-login", "two-page"]);
    assert_eq!(site.objectives.len(), 2);
    assert_eq!(site.population.segments().len(), 4);
    assert_eq!(site.flows[2].interval.as_secs(), 300, "the main file replaces the flow's interval");
    assert_eq!(site.flows[2].variables["shop"], "https://www.shop.example");
    assert_eq!(site.flows[2].variables["identity"], "https://id.shop.example");
    let steps: Vec<_> = site.flows[0].steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(steps, ["open", "submit", "open-2", "logout"]);
    for flow in &site.flows {
        assert!(flow.identity_step() > flow.credential_step(), "{}", flow.name);
    }
}

fn shown(loaded: &Loaded) -> String {
    loaded.diagnostics.iter().map(|finding| format!("{finding}\n")).collect()
}
