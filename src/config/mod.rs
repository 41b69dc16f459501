//! From YAML text to model values: every mistake at once, each with its place and a way out. Knows no environment and no
//! network; its caller brings the text of files.
//!
//! The way of a value: `yaml` gives every value its place; `shape` checks structure against the tables (`tables_site`,
//! `tables_flow`, ..), which also give defaults and the JSON Schema; `view` reads single values, once; `site`, `flow`,
//! `steps`, `expectations`, `databases`, `audit_terms`, `population` and `demand` build the model; `rules` judges a
//! flow as a whole.

mod audit_terms;
mod clauses;
mod databases;
mod demand;
mod detection;
mod diagnostic;
mod expectations;
mod files;
mod flow;
mod pasted;
mod population;
mod print;
mod revision;
mod rules;
mod schema;
mod shape;
mod sheet;
mod sign_in_log;
mod site;
mod steps;
mod suggest;
mod tables_databases;
mod tables_flow;
mod tables_population;
mod tables_site;
#[cfg(test)]
mod tests;
mod values;
mod view;
mod yaml;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::model::{
    Account, AuditTerms, Database, DatabaseName, DetectionRules, Flow, Objective, Policy, Population, StoreLocation,
    Vantage, VantageName, WorkerLimits,
};

pub use diagnostic::{Diagnostic, Origin, Place, Severity};
pub use files::Files;
pub use schema::{flow_schema, population_schema, site_schema};
pub use suggest::nearest;

use diagnostic::Findings;
use files::Flows;
use shape::Shape;
use tables_site::SITE;
use view::View;
use yaml::Node;

/// Everything that a configuration says, validated, with all defaults filled in.
#[derive(Debug, Clone)]
pub struct Site {
    /// Where this worker runs; `None` when the configuration serves several and nobody said which one this is. Use
    /// [`Site::local_vantage`].
    pub vantage: Option<VantageName>,
    /// All vantages, in their configured order.
    pub vantages: Vec<Vantage>,
    /// Where runs are kept.
    pub store: StoreLocation,
    /// The folder of this worker's journal.
    pub spool: PathBuf,
    /// How often runs go from the spool to the store.
    pub flush: Duration,
    /// All flows, in their configured order.
    pub flows: Vec<Flow>,
    /// All test accounts.
    pub accounts: Vec<Account>,
    /// The databases behind the logins, in their configured order.
    pub databases: Vec<Database>,
    /// What the audit of each of them is held against beside its rules.
    pub audit_terms: BTreeMap<DatabaseName, AuditTerms>,
    /// What was promised.
    pub objectives: Vec<Objective>,
    /// Who the users are.
    pub population: Population,
    /// The rules by which runs become a report.
    pub policy: Policy,
    /// When failures are an incident.
    pub detection: DetectionRules,
    /// What one worker may take and do.
    pub limits: WorkerLimits,
    /// Where `/metrics` and `/healthz` answer.
    pub listen: Option<SocketAddr>,
    /// A folder for HdrHistogram interval logs.
    pub histogram_log: Option<PathBuf>,
}

/// Nobody said at which vantage this worker runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("which vantage is this worker? set DOORSTEP_VANTAGE, --vantage, or 'vantage:' in doorstep.yaml to one of: {0}")]
pub struct UnknownVantage(String);

impl Site {
    /// The vantage of this worker.
    ///
    /// # Errors
    /// [`UnknownVantage`] when the configuration serves several workers and nobody said which one this is.
    pub fn local_vantage(&self) -> Result<&Vantage, UnknownVantage> {
        let found = self.vantages.iter().find(|vantage| Some(&vantage.name) == self.vantage.as_ref());
        let names = || self.vantages.iter().map(|vantage| vantage.name.as_str()).collect::<Vec<_>>().join(", ");
        found.ok_or_else(|| UnknownVantage(names()))
    }
}

/// A value that replaces one of the main file, so that one `doorstep.yaml` serves all workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The key of the main file: `vantage`, `store`, `spool` or `listen`.
    pub key: &'static str,
    /// As it was given.
    pub value: String,
    /// The flag or the environment variable.
    pub origin: Origin,
}

/// What flags and environment variables replace; of two for the same key the later one holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides(pub Vec<Override>);

/// A configuration as it was found.
#[derive(Debug)]
pub struct Loaded {
    /// The whole configuration; `None` when anything in it is wrong.
    pub site: Option<Site>,
    /// All mistakes and warnings, in the order of their places.
    pub diagnostics: Vec<Diagnostic>,
    /// The effective documents: the main file, then each flow.
    documents: Vec<Node>,
}

impl Loaded {
    /// The effective configuration as YAML, with the origin of each value behind it; secrets are hidden. Empty when the
    /// main file is no YAML at all.
    #[must_use]
    pub fn effective(&self) -> String {
        print::print(&self.documents)
    }

    /// Whether there is a mistake that forbids the use of the configuration.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.site.is_none()
    }
}

/// Reads the main file and all files that it names. Every mistake of all files is in [`Loaded::diagnostics`].
#[must_use]
pub fn load(main: &Path, files: &dyn Files, overrides: &Overrides) -> Loaded {
    let mut findings = Findings::default();
    let file: Arc<Path> = Arc::from(main);
    let root = match files.read(main) {
        Ok(text) => yaml::parse(&file, &text, &mut findings),
        Err(why) => {
            let place = Place::whole(Origin::File(Arc::clone(&file)));
            findings.error(&place, format!("cannot read the file: {why}"));
            None
        }
    };
    let Some(mut root) = root else {
        return Loaded { site: None, diagnostics: findings.finish(&[]), documents: Vec::new() };
    };
    for one in &overrides.0 {
        root.set(one.key, Node::text(&one.value, one.origin.clone()));
    }
    pasted::check(&root, &mut findings);
    shape::check(&Shape::Object(&SITE), &root, false, &mut findings);
    let view = View::of(&SITE, &root);
    let parts = site::build(view, main, &mut findings);
    let accounts: Vec<&str> = view.entries("accounts").iter().map(|entry| entry.key.as_str()).collect();
    let flows = files::load(main, view, &accounts, files, &mut findings);
    let databases = databases::build(view, &flows, &mut findings);
    let databases = (databases, audit_terms::build(view, &mut findings));
    let objectives = site::objectives(view, &flows, &mut findings);
    let known = population::Known { vantages: &parts.vantages, flows: &flows, files };
    let (population, population_file) = population::build(view, &known, &mut findings);
    let Flows { built, documents, .. } = flows;
    let site = findings.no_errors().then(|| assemble(parts, built, databases, objectives, population)).flatten();
    let documents: Vec<Node> = std::iter::once(root).chain(documents).chain(population_file).collect();
    Loaded { site, diagnostics: findings.finish(&documents), documents }
}

fn assemble(
    parts: site::Parts,
    flows: Vec<Flow>,
    (databases, audit_terms): (Vec<Database>, BTreeMap<DatabaseName, AuditTerms>),
    objectives: Vec<Objective>,
    population: Option<Population>,
) -> Option<Site> {
    Some(Site {
        vantage: parts.vantage,
        vantages: parts.vantages,
        store: parts.store?,
        spool: parts.spool?,
        flush: parts.flush?,
        flows,
        accounts: parts.accounts,
        databases,
        audit_terms,
        objectives,
        population: population?,
        policy: parts.policy?,
        detection: parts.detection?,
        limits: parts.limits?,
        listen: parts.listen,
        histogram_log: parts.histogram_log,
    })
}
