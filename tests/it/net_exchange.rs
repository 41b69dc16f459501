//! Ordinary exchanges: what is sent, what is understood, and what is kept between two exchanges.

use doorstep::model::{HttpVersion, Network};
use http::Method;
use tokio::io::AsyncWriteExt;

use crate::support::probe::{body, connections, get, get_over, phases, request, send_over};
use crate::support::raw_server::{RawServer, ok, read_request};

#[tokio::test]
async fn a_plain_exchange_has_its_phases_and_its_answer() {
    let server = RawServer::answering(ok("hello")).await;
    let exchange = get(&Network::default(), &server.url("/")).await;
    assert_eq!(body(&exchange), "hello");
    assert_eq!(phases(&exchange), "connect send wait receive");
    assert_eq!(exchange.status, Some(200));
    assert_eq!(exchange.version, Some(HttpVersion::Http11));
    assert_eq!(exchange.address, Some(server.address.ip()));
    assert_eq!(exchange.body_bytes, 5);
    assert!(!exchange.reused);
}

#[tokio::test]
async fn a_connection_is_kept_within_a_run_and_never_across_runs() {
    let server = RawServer::answering(ok("hello")).await;
    let network = Network::default();
    let mut run = connections(&network);
    get_over(&mut run, &server.url("/one")).await;
    let second = get_over(&mut run, &server.url("/two")).await;
    assert!(second.reused);
    assert_eq!(phases(&second), "send wait receive");
    assert_eq!(body(&second), "hello");
    assert_eq!(second.address, Some(server.address.ip()));
    assert_eq!(server.accepted(), 1);
    assert!(!get(&network, &server.url("/")).await.reused);
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn only_the_headers_that_belong_to_the_exchange_are_added() {
    let server = RawServer::start(|mut stream, _| async move {
        while let Some(request) = read_request(&mut stream).await {
            let _ = stream.write_all(ok(&request).as_bytes()).await;
        }
    })
    .await;
    let network = Network::default();
    let host = server.address;
    let seen = |method, text| {
        let url = server.url("/x?y=1#z");
        let network = network.clone();
        async move { body(&send_over(&mut connections(&network), request(method, &url, text)).await) }
    };
    assert_eq!(seen(Method::GET, "").await, format!("GET /x?y=1 HTTP/1.1\r\nhost: {host}\r\n\r\n"));
    assert_eq!(
        seen(Method::POST, "").await,
        format!("POST /x?y=1 HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n\r\n")
    );
    assert_eq!(
        seen(Method::PUT, "a=b").await,
        format!("PUT /x?y=1 HTTP/1.1\r\nhost: {host}\r\ncontent-length: 3\r\n\r\na=b")
    );
}
