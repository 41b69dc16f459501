//! Servers that mean harm, or are broken: every exchange ends within its limits, with the right class and phase.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use doorstep::model::{Network, Phase};
use tokio::io::AsyncWriteExt;

use crate::support::probe::{LIMITS, fault, get, get_within, phases};
use crate::support::raw_server::{RawServer, read_request, write_forever};

/// What sockets on both sides may hold on top of what was read.
const SOCKET_SLACK: u64 = 8 * 1024 * 1024;

/// A server that answers with `start`, then with `piece` for ever. Returns what it got rid of.
async fn endless(start: &'static str, piece: &'static [u8]) -> (RawServer, Arc<AtomicU64>) {
    let written = Arc::new(AtomicU64::new(0));
    let total = Arc::clone(&written);
    let server = RawServer::start(move |mut stream, _| {
        let total = Arc::clone(&total);
        async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(start.as_bytes()).await;
            total.fetch_add(write_forever(&mut stream, piece).await, Ordering::SeqCst);
        }
    })
    .await;
    (server, written)
}

async fn check(start: &'static str, piece: &'static [u8], verdict: &str, phase: Phase) {
    let (server, written) = endless(start, piece).await;
    let begun = Instant::now();
    let exchange = get(&Network::default(), &server.url("/")).await;
    let (seen, at, message) = fault(&exchange);
    assert_eq!((seen.as_str(), at), (verdict, Some(phase)), "{start:?}: {message}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{start:?} took {:?}", begun.elapsed());
    assert!(exchange.body_bytes <= LIMITS.body_bytes as u64 + 1024 * 1024);
    // The server notices that the connection is gone, having written little more than the limit.
    let patience = Instant::now();
    while written.load(Ordering::SeqCst) == 0 && patience.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let total = written.load(Ordering::SeqCst);
    assert!(total > 0 && total < SOCKET_SLACK, "{start:?}: the server got rid of {total} bytes");
}

#[tokio::test]
async fn endless_answers_end_at_the_limits() {
    static PIECE: [u8; 4096] = [b'a'; 4096];
    let receive = Phase::Receive;
    check("HTTP/1.1 200 OK\r\n", b"x-filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", "bad(too_large)", receive)
        .await;
    check("HTTP/1.1 200 OK\r\nx: ", &PIECE, "bad(too_large)", receive).await;
    check("HTTP/1.1 200 ", &PIECE, "bad(too_large)", receive).await;
    check("HTTP/1.1 200 OK\r\n\r\n", &PIECE, "bad(too_large)", receive).await;
    check("HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n", &PIECE, "bad(too_large)", receive).await;
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"4\r\naaaa\r\n", "bad(too_large)", receive).await;
    check("", b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", "bad(too_large)", receive).await;
}

#[tokio::test]
async fn slow_drip_is_cut_in_the_middle_of_the_answer() {
    let server = RawServer::start(|mut stream, _| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
        while stream.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let exchange = get_within(&Network::default(), &server.url("/"), Duration::from_millis(200)).await;
    let (verdict, phase, _) = fault(&exchange);
    assert_eq!((verdict.as_str(), phase), ("bad(timeout)", Some(Phase::Receive)));
    assert_eq!(phases(&exchange), "connect send wait receive!");
    assert_eq!(exchange.status, Some(200));
}
