//! `doorstep runbook`: the pages of `docs/runbooks`, within the program, so that they are at hand where it is.

use crate::model::{Engine, Rule};

use super::{CommandError, Exit, print};

const EXAMPLES: &str = "\
Examples:
  doorstep runbook                               which page is for what
  doorstep runbook sync-wait                     see, confirm, fix, verify
  doorstep runbook sync-wait --engine mariadb    the commands for MariaDB only

'doorstep database check' names the command beside each finding. The pages are those of docs/runbooks.";

/// Print what to do about a finding of the databases.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct RunbookArgs {
    /// The rule, as a finding names it; when not given, which page is for what, and the names that pages use.
    #[arg(value_parser = rule)]
    rule: Option<Rule>,
    /// Only for this kind of server: postgresql or mariadb.
    #[arg(long, value_parser = engine, requires = "rule")]
    engine: Option<Engine>,
}

fn rule(text: &str) -> Result<Rule, String> {
    Rule::from_spelling(text).ok_or_else(|| "no rule is called so: 'doorstep runbook' lists them".to_owned())
}

fn engine(text: &str) -> Result<Engine, String> {
    Engine::from_spelling(text).ok_or_else(|| "write postgresql or mariadb".to_owned())
}

/// Prints a page, or the list.
///
/// # Errors
/// A rule that servers of this kind do not have, with [`Exit::Usage`].
pub fn execute(args: &RunbookArgs) -> Result<Exit, CommandError> {
    let Some(rule) = args.rule else {
        print::out(INDEX);
        return Ok(Exit::Good);
    };
    let page = match args.engine {
        None => Some(Page::of(rule).whole()),
        Some(engine) => Page::of(rule).of_engine(engine),
    };
    let Some(page) = page else {
        let engine = args.engine.map_or("this", Engine::as_str);
        let message = format!("servers of kind {engine} have no rule {rule}: leave --engine out");
        return Err(CommandError::new(Exit::Usage, message));
    };
    print::out(&page);
    Ok(Exit::Good)
}

const INDEX: &str = include_str!("../../docs/runbooks/README.md");

/// What stands before the commands for MariaDB.
const MARIADB: &str = "\n## On MariaDB\n";

/// A page without what tests read at its top.
struct Page {
    rule: Rule,
    /// `sync-wait: commits wait for a standby`.
    title: &'static str,
    /// What is true of PostgreSQL; of MariaDB, where no other kind of server has the rule.
    body: &'static str,
    mariadb: Option<&'static str>,
}

impl Page {
    fn of(rule: Rule) -> Self {
        let text = text(rule);
        let text = text.split_once("\n---\n\n# ").map_or(text, |(_, page)| page);
        let (title, page) = text.split_once('\n').unwrap_or((text, ""));
        let (body, mariadb) = page.split_once(MARIADB).map_or((page, None), |(body, half)| (body, Some(half)));
        Self { rule, title, body, mariadb }
    }

    fn whole(&self) -> String {
        let mariadb = self.mariadb.map_or_else(String::new, |half| format!("{MARIADB}{half}"));
        format!("# {}\n{}{mariadb}", self.title, self.body)
    }

    /// `None` where servers of this kind do not have the rule.
    fn of_engine(&self, engine: Engine) -> Option<String> {
        match (engine, self.rule.is_mariadbs_own()) {
            (Engine::PostgreSql, false) | (Engine::MariaDb, true) => Some(format!("# {}\n{}", self.title, self.body)),
            (Engine::PostgreSql, true) => None,
            (Engine::MariaDb, false) => self.mariadb.map(|half| format!("# {}\n\nOn MariaDB.\n{half}", self.title)),
        }
    }
}

macro_rules! page {
    ($name:literal) => {
        include_str!(concat!("../../docs/runbooks/", $name, ".md"))
    };
}

fn text(rule: Rule) -> &'static str {
    match rule {
        Rule::SyncWait => page!("sync-wait"),
        Rule::SyncHang => page!("sync-hang"),
        Rule::QuorumShort => page!("quorum-short"),
        Rule::StaleReply => page!("stale-reply"),
        Rule::SlowReplay => page!("slow-replay"),
        Rule::StandbyAbsent => page!("standby-absent"),
        Rule::SlotIdle => page!("slot-idle"),
        Rule::SlotLost => page!("slot-lost"),
        Rule::ConnectionsExhausted => page!("connections-exhausted"),
        Rule::NoReceiver => page!("no-receiver"),
        Rule::ReplayPaused => page!("replay-paused"),
        Rule::ReplayBlocked => page!("replay-blocked"),
        Rule::LaggingReads => page!("lagging-reads"),
        Rule::ReplayLag => page!("replay-lag"),
        Rule::TimelineDiffers => page!("timeline-differs"),
        Rule::SystemDiffers => page!("system-differs"),
        Rule::TwoPrimaries => page!("two-primaries"),
        Rule::WrongRole => page!("wrong-role"),
        Rule::WrongEndpoint => page!("wrong-endpoint"),
        Rule::ReadOnly => page!("read-only"),
        Rule::Unknown => page!("unknown"),
        Rule::SemiSyncOff => page!("semi-sync-off"),
        Rule::ReplicaStopped => page!("replica-stopped"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::rules_of;

    #[test]
    fn each_rule_of_each_kind_of_server_has_its_page() {
        for engine in Engine::ALL {
            for rule in Rule::ALL {
                let page = Page::of(*rule).of_engine(*engine);
                assert_eq!(page.is_some(), rules_of(*engine).contains(rule), "{rule} on {engine}");
                let Some(page) = page else { continue };
                assert!(page.starts_with(&format!("# {rule}: ")) && page.contains("# Confirm"), "{page}");
                let (ours, others) = match engine {
                    Engine::PostgreSql => ("sql primary", "mariadb"),
                    Engine::MariaDb => ("mariadb", "sql primary"),
                };
                let commands =
                    |kind: &str| page.contains(&format!("```{kind}")) || page.contains(&format!("```sql {kind}"));
                assert!(!commands(others), "{rule} on {engine} has commands for {others}");
                assert!(page.contains(ours) || *engine == Engine::PostgreSql, "{rule} has nothing for {engine}");
                assert!(!page.contains("\n---\n") && !page.contains("Lab:"), "{page}");
            }
        }
    }

    #[test]
    fn the_index_names_each_rule() {
        for rule in Rule::ALL {
            assert!(INDEX.contains(&format!("`{rule}`")), "{rule}");
        }
    }
}
