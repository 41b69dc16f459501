//! Servers that mean harm, or are broken: every exchange ends within its limits, with the right class and phase.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use doorstep::model::{Network, Phase};
use doorstep::net::Exchange;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

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

async fn answered(answer: &[u8]) -> Exchange {
    let server = RawServer::answering_once(answer).await;
    get(&Network::default(), &server.url("/")).await
}

#[tokio::test]
async fn broken_answers_are_told_apart_from_missing_ones() {
    let (wait, receive) = (Some(Phase::Wait), Some(Phase::Receive));
    let no_http = "the answer is not valid HTTP";
    let closed_within = "the server closed the connection in the middle of the answer";
    for (answer, phase, words) in [
        ("", wait, "the server closed the connection without an answer"),
        ("SSH-2.0-OpenSSH_9.9\r\n\r\n", receive, no_http),
        ("HTTP/1.1 2x0 OK\r\n\r\n", receive, no_http),
        ("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", receive, no_http),
        ("HTTP/1.1 200 OK\r\ncontent-length: ten\r\n\r\n", receive, no_http),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", receive, no_http),
        ("HTTP/1.1 200 OK\r\nx: y\r\n", receive, closed_within),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort", receive, closed_within),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", receive, closed_within),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n", receive, "the exchange broke off"),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
            receive,
            "the exchange broke off",
        ),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhello\r\n", receive, "the exchange broke off"),
    ] {
        let exchange = answered(answer.as_bytes()).await;
        let (verdict, at, message) = fault(&exchange);
        assert_eq!((verdict.as_str(), at), ("bad(protocol)", phase), "{answer:?}: {message}");
        assert!(message.starts_with(words), "{answer:?}: {message}");
        let last = exchange.phases.iter().last().unwrap();
        assert!(Some(last.0) == phase && last.1.cut, "{answer:?}: {}", phases(&exchange));
    }
}

#[tokio::test]
async fn floods_of_headers_are_too_large() {
    let many: String = (0..1100).map(|number| format!("a{number}:b\r\n")).collect();
    let exchange = answered(format!("HTTP/1.1 200 OK\r\n{many}\r\n").as_bytes()).await;
    assert_eq!((fault(&exchange).0.as_str(), fault(&exchange).1), ("bad(too_large)", Some(Phase::Receive)));
    let few: String = (0..900).map(|number| format!("a{number}:b\r\n")).collect();
    assert_eq!(answered(format!("HTTP/1.1 200 OK\r\n{few}\r\n").as_bytes()).await.outcome.unwrap().headers.len(), 900);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn compressed_bombs_do_not_go_off() {
    // 32 MiB of zeros pack to some 150 KB; packed again, to a few hundred bytes.
    let once = gzip(&vec![0; 32 * 1024 * 1024]);
    let bombs = [
        ("gzip", once.clone()),
        ("gzip, gzip", gzip(&once)),
        ("gzip, gzip, gzip", gzip(&gzip(&once))),
        ("br", include_bytes!("support/zeros-1-gib.br").to_vec()),
        ("br, gzip", gzip(include_bytes!("support/zeros-1-gib.br"))),
    ];
    for (coding, bomb) in bombs {
        assert!(bomb.len() < LIMITS.body_bytes, "{coding} takes {} bytes on the wire", bomb.len());
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n", bomb.len());
        let begun = Instant::now();
        let exchange = answered(&[head.as_bytes(), &bomb].concat()).await;
        let (verdict, phase, message) = fault(&exchange);
        assert_eq!((verdict.as_str(), phase), ("bad(too_large)", Some(Phase::Receive)), "{coding}: {message}");
        assert!(message.ends_with("after decompression"), "{message}");
        // To unpack the whole gigabyte takes seconds.
        assert!(begun.elapsed() < Duration::from_secs(2), "{coding} took {:?}", begun.elapsed());
        assert_eq!(phases(&exchange), "connect send wait receive");
    }
    let exchange = answered(b"HTTP/1.1 200 OK\r\ncontent-encoding: zstd\r\ncontent-length: 1\r\n\r\nx").await;
    assert_eq!(fault(&exchange).0, "bad(protocol)");
}

#[tokio::test]
async fn a_reset_is_blamed_on_the_phase_that_it_hits() {
    for (answer, phase) in [("", Phase::Wait), ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort", Phase::Receive)] {
        let server = RawServer::start(move |mut stream, _| async move {
            read_request(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            if !answer.is_empty() {
                // The answer must be read before the reset, which would overtake it: wait until it is acknowledged.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            stream.set_zero_linger().unwrap();
        })
        .await;
        let (verdict, at, message) = fault(&get(&Network::default(), &server.url("/")).await);
        assert_eq!((verdict.as_str(), at), ("bad(protocol)", Some(phase)), "{message}");
        assert!(message.to_lowercase().contains("reset"), "{message}");
    }
    // In the TLS handshake.
    let server = RawServer::start(|mut stream, _| async move {
        let _ = stream.read(&mut [0; 64]).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    let (verdict, at, message) = fault(&get(&Network::default(), &server.url("/").replace("http:", "https:")).await);
    assert_eq!((verdict.as_str(), at), ("bad(tls)", Some(Phase::Tls)), "{message}");
    // Nobody listens.
    let address = server.address;
    drop(server);
    tokio::task::yield_now().await;
    let (verdict, at, message) = fault(&get(&Network::default(), &format!("http://{address}/")).await);
    assert_eq!((verdict.as_str(), at), ("bad(connect)", Some(Phase::Connect)));
    assert_eq!(message, format!("cannot connect to {address}: connection refused"));
}

#[tokio::test]
async fn a_server_that_never_answers_is_left_at_the_deadline() {
    let server = RawServer::start(|mut stream, _| async move {
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let exchange = get_within(&Network::default(), &server.url("/"), Duration::from_millis(150)).await;
    let (verdict, phase, message) = fault(&exchange);
    assert_eq!((verdict.as_str(), phase), ("bad(timeout)", Some(Phase::Wait)));
    assert_eq!(message, "the time limit passed without an answer");
    let cut = exchange.phases.get(Phase::Wait).unwrap();
    assert!(cut.cut && (100_000..2_000_000).contains(&cut.micros.0), "{cut:?}");
}
