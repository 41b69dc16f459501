//! The same promises in a bucket, kept by a server that others wrote. `DOORSTEP_TEST_S3` names its program
//! (`scripts/tools s3` installs one); without it these tests say that they did nothing, and fail where `CI=true`.

use std::io::Write;

use super::contract;
use super::server::Server;
use super::support::*;

/// The server; `None`, said aloud, where there is none and nobody insists.
fn server(test: &str) -> Option<Server> {
    let server = Server::start();
    if server.is_none() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{test}: DOORSTEP_TEST_S3 must be set where CI=true");
        let _ = writeln!(std::io::stderr(), "skipped: {test}: DOORSTEP_TEST_S3 names no server");
    }
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_keeps_the_contract() {
    let Some(server) = server("a_bucket_keeps_the_contract") else { return };
    contract::suite(&server.store("")).await;
    contract::suite(&server.store("team/doorstep")).await;
    assert_eq!(all_runs(&server.store("team/doorstep")).await.len(), 344, "a prefix is a store of its own");
}

/// Three workers record and ship at the same time; the store goes away in the middle, and comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_workers_meet_in_a_bucket_that_was_away() {
    let Some(server) = server("three_workers_meet_in_a_bucket_that_was_away") else { return };
    let scratch = tempfile::tempdir().unwrap();
    let (store, gate) = server.gated_store("shared").await;
    let places = ["berlin", "tokyo", "lima"];
    let spools = places.map(|place| fresh_spool(&scratch.path().join(place)));
    let mut recorded = Vec::new();
    for round in 0..3_u64 {
        let away = round == 1;
        gate.set_open(!away);
        let workers = places.iter().zip(&spools).map(|(place, spool)| {
            let store = store.clone();
            async move {
                let runs: Vec<_> = (round * 100..round * 100 + 100).map(|number| run(place, number)).collect();
                append_all(spool, &runs).await;
                (runs, shipper(spool, &store).ship_all().await)
            }
        });
        for (runs, shipped) in futures_util::future::join_all(workers).await {
            recorded.extend(runs);
            assert_eq!(shipped.errors.is_empty(), !away, "round {round}: {shipped}: {:?}", shipped.errors);
            assert_eq!(shipped.waiting > 0, away, "round {round}: {shipped}");
        }
    }
    assert_eq!(recorded.len(), 900);
    assert_eq!(all_runs(&store).await, by_id(&recorded));
    for spool in &spools {
        let (_, summary) = rows(
            &store.clone().with_spool(spool.dir()),
            &doorstep::store::RunFilter::everything(),
            doorstep::store::Columns::Summary,
        )
        .await;
        assert_eq!((summary.runs, summary.duplicates), (900, 0), "nothing is left in the spools");
    }
}
