//! Faults that take more than a setting, made by the lab on real servers: a slot that has lost its log, a standby of another
//! system, one of another timeline. Each is one critical finding that a healthy lab does not have.

use std::time::{Duration, Instant};

use doorstep::audit::{AuditFinding, audit};
use doorstep::clock::Clock;
use doorstep::model::{AuditRule, AuditTerms, Database, Severity};
use doorstep::sentinel::{Session, take_round};

use crate::support::lab::{Lab, password};

/// What is critical now.
async fn critical(database: &Database) -> Vec<AuditFinding> {
    let session = |server: &doorstep::model::Server| {
        (server.name.clone(), Session::new(database, &server.name, Some(&password())).unwrap())
    };
    let mut sessions: Vec<_> = database.servers.iter().map(session).collect();
    let round = take_round(database, &mut sessions, &Clock::system()).await;
    let found = audit(database, &round, &AuditTerms::default()).findings;
    found.into_iter().filter(|finding| finding.severity == Severity::Critical).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_slot_another_system_and_another_timeline_are_found_on_real_servers() {
    let Some(script) = Lab::script() else { return };
    let lab = Lab::init(&script);
    let (_, site) = lab.configuration(false);
    let database = &site.databases[0];
    assert_eq!(critical(database).await, [], "a healthy lab");
    for (fault, rule, words, value) in [
        ("c2", AuditRule::StandbySlot, "has lost log that the standby needs", "lost"),
        ("f2", AuditRule::Copies, "the system identifier of standby1 is not that of primary1", ""),
        ("f1", AuditRule::Copies, "the timeline of standby1 is not that of primary1", ""),
    ] {
        lab.run(&["fault", fault]);
        let deadline = Instant::now() + Duration::from_secs(30);
        let found = loop {
            let found = critical(database).await;
            if let Some(it) = found.iter().find(|it| it.rule == rule && it.seen.contains(words)) {
                break it.clone();
            }
            assert!(Instant::now() < deadline, "{fault}: {found:#?}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        assert_eq!(found.values.len(), 2, "both values: {found:#?}");
        assert!(found.values[1].value.contains(value), "{found:#?}");
        assert_ne!(found.values[0].value, found.values[1].value, "{found:#?}");
        lab.run(&["heal"]);
    }
}
