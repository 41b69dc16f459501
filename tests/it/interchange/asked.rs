//! How a Prometheus is asked: by a token that nobody sees, and what is said when it does not answer as one.

use doorstep::model::Verdict;
use tokio::io::AsyncWriteExt as _;
use tokio::task::block_in_place;

use super::{configure, doorstep, texts};
use crate::support::raw_server::{RawServer, read_request};

const TOKEN: &str = "s3cret-of-metrics";

/// Three samples, one of which is no outcome, for whoever has the token.
async fn guarded() -> RawServer {
    let start = 1_700_000_000;
    let values: Vec<String> =
        ["1", "NaN", "0"].iter().enumerate().map(|(at, value)| format!("[{},\"{value}\"]", start + at * 60)).collect();
    let body = format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{"__name__":"probe_success"}},"values":[{}]}}]}}}}"#,
        values.join(",")
    );
    RawServer::start(move |mut stream, _| {
        let body = body.clone();
        async move {
            while let Some(request) = read_request(&mut stream).await {
                let authorized = request.contains(&format!("authorization: Bearer {TOKEN}\r\n"));
                let refused = format!(r#"{{"status":"error","error":"who is '{}'?"}}"#, authorization(&request));
                let (status, body) = match (authorized, request.contains("query=broken")) {
                    (true, false) => ("200 OK", body.as_str()),
                    (true, true) => ("400 Bad Request", refused.as_str()),
                    (false, _) => ("401 Unauthorized", "<html>"),
                };
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

fn authorization(request: &str) -> &str {
    request.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_lets_us_in_and_is_never_shown() {
    let server = guarded().await;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    configure(place, "");
    std::fs::write(place.join("token"), format!("{TOKEN}\n")).unwrap();
    std::fs::write(place.join("other"), "another-token\n").unwrap();
    let url = server.url("");
    let ask = |query: &str, more: &[&str]| {
        let span = ["--from", "2023-11-14", "--to", "2023-11-15", "--step", "1m", "--flow", "shop", "--at", "outside"];
        let done = block_in_place(|| {
            let command = ["import", "prometheus", "--url", &url, "--query", query];
            doorstep(place, &[&command[..], &span, more].concat())
        });
        let (out, err) = texts(&done);
        assert!(!format!("{out}{err}").contains(TOKEN), "{out}{err}");
        (done.status.code(), out, err)
    };
    let shown = url.trim_start_matches("http://");
    let (code, _, err) = ask("probe_success", &[]);
    assert_eq!(code, Some(3));
    assert_eq!(
        err,
        format!(
            "error: {shown} answers 401 Unauthorized: it wants to know who asks; name a bearer token by --token-env or \
             --token-file\n"
        )
    );
    let (_, _, err) = ask("probe_success", &["--token-file", "other"]);
    assert_eq!(err, format!("error: {shown} answers 401 Unauthorized: it does not take this token\n"));
    let (code, _, err) = ask("probe_success", &["--token-file", "nowhere"]);
    assert!(code == Some(2) && err.contains("there is no token: cannot read the secret file nowhere"), "{err}");
    let (_, _, err) = ask("broken", &["--token-file", "token"]);
    assert!(err.contains(&format!("{shown} refuses 'broken': who is 'Bearer ***'?")), "{err}");

    let (code, out, err) = ask("probe_success", &["--token-file", "token"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("probe_success:2: is NaN at 2023-11-14T22:14:20Z: neither 0 nor 1"), "{err}");
    assert!(err.contains("correct this sample, or leave it out with --skip-bad"), "{err}");
    let (code, out, err) = ask("probe_success", &["--token-file", "token", "--skip-bad"]);
    assert_eq!((code, out.starts_with("imported 2 runs (0 known already)")), (Some(0), true), "{out}{err}");
    assert!(err.contains("left out 1 sample\n"), "{err}");
    let runs = super::good(place, &["runs", "--from", "2023-11-14", "--to", "2023-11-15", "--format", "jsonl"]).0;
    let verdicts: Vec<bool> =
        runs.lines().map(|line| line.contains(&format!("\"{}\"", Verdict::Good.as_str()))).collect();
    assert_eq!(verdicts, [true, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_prometheus_is_named_with_its_port() {
    let server = RawServer::answering_once("HTTP/1.1 404 Not Found\r\ncontent-length: 6\r\n\r\n<html>").await;
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), "");
    let ask = |url: &str| {
        let done = block_in_place(|| {
            let command = ["import", "prometheus", "--url", url, "--query", "up", "--from", "2023-11-14"];
            let more = ["--to", "2023-11-15", "--step", "1m", "--flow", "shop", "--at", "outside"];
            doorstep(folder.path(), &[&command[..], &more[..]].concat())
        });
        assert_eq!(done.status.code(), Some(3));
        texts(&done).1
    };
    let url = server.url("/");
    let shown = server.address.to_string();
    let said = ask(&url);
    assert!(said.contains(&format!("{shown} answers 404 Not Found with something that is no answer of Pro")), "{said}");
    assert!(said.contains("is --url its address, without /api/v1?"), "{said}");
    drop(server);
    assert!(ask(&url).contains(&format!("{shown} cannot be asked: ")), "{}", ask(&url));
}
