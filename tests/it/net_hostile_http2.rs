//! Servers that mean harm, over HTTP/2: frames written by hand.

use std::time::{Duration, Instant};

use doorstep::model::{HttpVersion, Network, Phase};
use doorstep::net::Exchange;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::support::authority::Authority;
use crate::support::probe::{LIMITS, body, connections, fault, get_over, get_within, phases};
use crate::support::raw_server::RawServer;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:status: 200` by its index in HPACK's static table.
const STATUS_200: u8 = 0x88;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header field, not indexed and not compressed.
fn field(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).unwrap();
    assert!(name.len() < 127 && value.len() < 127);
    [&[0, length(name)], name.as_bytes(), &[length(value)], value.as_bytes()].concat()
}

fn status(code: &str) -> Vec<u8> {
    field(":status", code)
}

/// What a server writes once the request is there: first, then (if not empty) again and again.
#[derive(Clone)]
struct Script {
    first: Vec<u8>,
    again: Vec<u8>,
}

/// Waits for the frame that ends the first request. The rest of what the client says is read and dropped.
async fn read_first_request(stream: &mut TlsStream<TcpStream>) {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.unwrap();
    // Its own settings, and the acknowledgement of the client's, without which its windows are not open.
    stream.write_all(&[frame(SETTINGS, 0, 0, &[]), frame(SETTINGS, ACK, 0, &[])].concat()).await.unwrap();
    stream.flush().await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        if head[3] == HEADERS && head[4] & END_STREAM != 0 {
            return;
        }
    }
}

async fn serve(authority: &Authority, script: Script) -> RawServer {
    let acceptor = authority.server(&["localhost"], &["h2"]);
    RawServer::start(move |tcp, _| {
        let (acceptor, script) = (acceptor.clone(), script.clone());
        async move {
            let mut stream = acceptor.accept(tcp).await.unwrap();
            read_first_request(&mut stream).await;
            let (mut reader, mut writer) = tokio::io::split(stream);
            // The client's acknowledgements must not fill the socket.
            let drain = async move { tokio::io::copy(&mut reader, &mut tokio::io::sink()).await };
            let write = async move {
                let mut open = writer.write_all(&script.first).await.is_ok() && writer.flush().await.is_ok();
                while open && !script.again.is_empty() {
                    open = writer.write_all(&script.again).await.is_ok();
                }
                std::future::pending::<()>().await;
            };
            tokio::select! { _ = drain => {}, () = write => {} }
        }
    })
    .await
}

fn trusting(authority: &Authority) -> Network {
    Network { certificate_authorities: vec![authority.file()], only_these_authorities: true, ..Network::default() }
}

async fn answered(first: Vec<u8>, again: Vec<u8>) -> Exchange {
    let authority = Authority::new();
    let server = serve(&authority, Script { first, again }).await;
    let url = format!("https://localhost:{}/", server.address.port());
    let begun = Instant::now();
    let exchange = get_over(&mut connections(&trusting(&authority)), &url).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "took {:?}", begun.elapsed());
    assert_eq!(exchange.version, Some(HttpVersion::Http2));
    exchange
}

#[tokio::test]
async fn noise_interim_answers_and_trailers_do_not_disturb() {
    let noise = [frame(PING, 0, 0, &[1; 8]), frame(SETTINGS, 0, 0, &[])].concat();
    let first = [
        noise.clone(),
        frame(HEADERS, END_HEADERS, 1, &status("103")),
        noise.clone(),
        frame(HEADERS, END_HEADERS, 1, &[STATUS_200]),
        frame(DATA, 0, 1, b"hello"),
        noise,
        frame(HEADERS, END_HEADERS | END_STREAM, 1, &field("x", "y")),
    ]
    .concat();
    let exchange = answered(first, Vec::new()).await;
    assert_eq!(body(&exchange), "hello");
    assert_eq!(phases(&exchange), "dns connect tls send wait receive");
}

#[tokio::test]
async fn endless_answers_end_at_the_limits() {
    let head = frame(HEADERS, END_HEADERS, 1, &[STATUS_200]);
    let fields = field("x-filler", &"a".repeat(100)).repeat(100);
    for (first, again) in [
        // A body beyond the limit, within what flow control allows.
        ([head.clone(), frame(DATA, 0, 1, &[0; 16_000]).repeat(40)].concat(), Vec::new()),
        // A head without end.
        (frame(HEADERS, 0, 1, &[STATUS_200]), frame(CONTINUATION, 0, 1, &fields)),
        // Interim answers without end.
        (Vec::new(), frame(HEADERS, END_HEADERS, 1, &status("103"))),
        // Many fields in one head that ends.
        (
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &[&[STATUS_200][..], &field("a", "b").repeat(3000)].concat()),
            Vec::new(),
        ),
    ] {
        let exchange = answered(first, again).await;
        let (verdict, phase, message) = fault(&exchange);
        assert_eq!((verdict.as_str(), phase), ("bad(too_large)", Some(Phase::Receive)), "{message}");
        assert!(exchange.body_bytes <= LIMITS.body_bytes as u64 + 1024 * 1024);
        assert!(exchange.phases.get(Phase::Receive).unwrap().cut);
    }
}

#[tokio::test]
async fn broken_conversations_are_protocol_faults() {
    let wait = Some(Phase::Wait);
    let receive = Some(Phase::Receive);
    let head = frame(HEADERS, END_HEADERS, 1, &[STATUS_200]);
    for (first, phase) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), wait),
        (frame(RST_STREAM, 0, 1, &[0, 0, 0, 2]), wait),
        (frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 2]), wait),
        (frame(DATA, 0, 1, b"no head"), receive),
        (frame(HEADERS, END_HEADERS, 1, &[0xff; 30]), receive),
        ([head.clone(), frame(RST_STREAM, 0, 1, &[0, 0, 0, 2])].concat(), receive),
        ([head.clone(), frame(DATA, 0, 3, b"another stream")].concat(), receive),
        (
            [
                frame(HEADERS, END_HEADERS, 1, &[&[STATUS_200][..], &field("content-length", "99")].concat()),
                frame(DATA, END_STREAM, 1, b"short"),
            ]
            .concat(),
            receive,
        ),
    ] {
        let exchange = answered(first.clone(), Vec::new()).await;
        let (verdict, at, message) = fault(&exchange);
        assert_eq!((verdict.as_str(), at), ("bad(protocol)", phase), "{first:?}: {message}");
    }
}

#[tokio::test]
async fn a_body_that_ignores_flow_control_ends_one_way_or_the_other() {
    let head = frame(HEADERS, END_HEADERS, 1, &[STATUS_200]);
    let exchange = answered(head, frame(DATA, 0, 1, &[0; 16_000])).await;
    // Whichever is noticed first: the limit of the body or the broken rule.
    let (verdict, phase, message) = fault(&exchange);
    assert!(["bad(too_large)", "bad(protocol)"].contains(&verdict.as_str()), "{verdict} {message}");
    assert_eq!(phase, Some(Phase::Receive));
    assert!(exchange.body_bytes <= LIMITS.body_bytes as u64 + 1024 * 1024);
}

#[tokio::test]
async fn silence_and_drip_end_at_the_deadline() {
    let authority = Authority::new();
    let head = frame(HEADERS, END_HEADERS, 1, &[STATUS_200]);
    for (first, phase, seen) in [
        (Vec::new(), Phase::Wait, "dns connect tls send wait!"),
        (head, Phase::Receive, "dns connect tls send wait receive!"),
    ] {
        let server = serve(&authority, Script { first, again: Vec::new() }).await;
        let url = format!("https://localhost:{}/", server.address.port());
        let exchange = get_within(&trusting(&authority), &url, Duration::from_millis(400)).await;
        let (verdict, at, _) = fault(&exchange);
        assert_eq!((verdict.as_str(), at), ("bad(timeout)", Some(phase)));
        assert_eq!(phases(&exchange), seen);
    }
}

#[tokio::test]
async fn a_kept_connection_that_said_goodbye_is_replaced() {
    let authority = Authority::new();
    let answer = [
        frame(HEADERS, END_HEADERS, 1, &[STATUS_200]),
        frame(DATA, END_STREAM, 1, b"hello"),
        frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]),
    ]
    .concat();
    let server = serve(&authority, Script { first: answer, again: Vec::new() }).await;
    let url = format!("https://localhost:{}/", server.address.port());
    let mut run = connections(&trusting(&authority));
    for number in 1..=3 {
        let exchange = get_over(&mut run, &url).await;
        assert_eq!(body(&exchange), "hello");
        assert_eq!((exchange.reused, server.accepted()), (false, number));
    }
}

#[tokio::test]
async fn nothing_is_left_behind_when_a_run_ends() {
    let authority = Authority::new();
    let acceptor = authority.server(&["localhost"], &["h2"]);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let server = RawServer::start(move |tcp, _| {
        let (acceptor, tell) = (acceptor.clone(), tell.clone());
        async move {
            let mut stream = acceptor.accept(tcp).await.unwrap();
            read_first_request(&mut stream).await;
            stream.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &[STATUS_200])).await.unwrap();
            stream.flush().await.unwrap();
            while stream.read(&mut [0; 1024]).await.is_ok_and(|length| length > 0) {}
            tell.send("closed").unwrap();
        }
    })
    .await;
    let url = format!("https://localhost:{}/", server.address.port());
    let mut run = connections(&trusting(&authority));
    assert_eq!(body(&get_over(&mut run, &url).await), "");
    assert!(told.try_recv().is_err());
    drop(run);
    assert_eq!(told.recv().await, Some("closed"));
}
