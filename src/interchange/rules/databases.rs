//! Alerts on the databases behind the logins: what is critical, what is a warning for a while, and silence.

use serde_json::{Value, json};

use super::alert;
use crate::model::DatabaseName;

/// How long a warning may hold, or silence last, before somebody is told.
const PATIENCE: &str = "5m";

/// Any rule that is critical pages at once: it has been seen often enough before it holds.
pub(super) fn rules(databases: &[DatabaseName]) -> Vec<Value> {
    databases.iter().flat_map(|database| [critical(database), warning(database), silent(database)]).collect()
}

fn critical(database: &DatabaseName) -> Value {
    let summary = "{{ $labels.database }}: {{ $labels.rule }} on {{ $labels.server }}: logins fail, hang or lie; \
                   doorstep runbook {{ $labels.rule }}";
    alert("DoorstepDatabaseCritical", &holding(database, "critical"), None, &labels("page", database), summary)
}

fn warning(database: &DatabaseName) -> Value {
    let summary = "{{ $labels.database }}: {{ $labels.rule }} on {{ $labels.server }}: logins work, something that \
                   protects them is gone; doorstep runbook {{ $labels.rule }}";
    let labels = labels("ticket", database);
    alert("DoorstepDatabaseWarning", &holding(database, "warning"), Some(PATIENCE), &labels, summary)
}

/// The database is named though its series name it too: alerts with the same name and labels are one to promtool.
fn labels(severity: &str, database: &DatabaseName) -> Value {
    json!({ "severity": severity, "database": database.as_str() })
}

/// One alert however many vantages see it.
fn holding(database: &DatabaseName, severity: &str) -> String {
    let series = format!("doorstep_database_rule{{database=\"{database}\",severity=\"{severity}\"}}");
    format!("max by (database, server, rule) ({series}) == 1")
}

/// Nothing known of a server from any vantage, or nobody who says.
fn silent(database: &DatabaseName) -> Value {
    let facts = format!("doorstep_database_samples_total{{database=\"{database}\",outcome=\"facts\"}}");
    let expr = format!("sum by (database, server) (increase({facts}[{PATIENCE}])) == 0 or absent({facts})");
    let labels = labels("ticket", database);
    let summary =
        format!("{database}: nothing is known of {{{{ $labels.server }}}} for {PATIENCE}: it may be well or not");
    alert("DoorstepDatabaseUnknown", &expr, Some(PATIENCE), &labels, &summary)
}
