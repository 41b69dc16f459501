//! Ordinary exchanges: what is sent, what is understood, and what is kept between two exchanges.

use std::time::Duration;

use doorstep::model::{HttpVersion, Network, Phase};
use http::Method;
use tokio::io::AsyncWriteExt;

use crate::support::probe::{LIMITS, body, connections, fault, get, get_over, phases, request, send_over};
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

/// What a server that answers with these bytes once is understood to say.
async fn understood(answer: &str) -> doorstep::net::Exchange {
    let server = RawServer::answering_once(answer).await;
    get(&Network::default(), &server.url("/")).await
}

#[tokio::test]
async fn answers_of_every_shape_are_understood() {
    for (answer, wanted) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "hi"),
        ("HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nhi", "hi"),
        ("HTTP/1.1 200 \r\nCONTENT-LENGTH: 2\r\n\r\nhi", "hi"),
        ("HTTP/1.1 200 Sure, why not\r\nContent-Length: 2\r\n\r\nhi", "hi"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\nx: y\r\n\r\n", "hi"),
        ("HTTP/1.1 200 OK\r\n\r\nhi", "hi"),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", ""),
        ("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "hi"),
    ] {
        let exchange = understood(answer).await;
        assert_eq!(body(&exchange), wanted, "{answer}");
        assert_eq!((exchange.status, exchange.body_bytes), (Some(200), wanted.len() as u64), "{answer}");
        assert_eq!(phases(&exchange), "connect send wait receive");
    }
    let old = understood("HTTP/1.0 404 Not Found\r\n\r\ngone").await;
    assert_eq!((old.version, old.status, body(&old).as_str()), (Some(HttpVersion::Http10), Some(404), "gone"));
    for answer in ["HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n"] {
        assert_eq!(body(&understood(answer).await), "");
    }
    let cookies =
        understood("HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\ncontent-length: 0\r\n\r\n").await;
    let headers = cookies.outcome.unwrap().headers;
    assert_eq!(headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
}

#[tokio::test]
async fn the_answer_to_head_has_no_body_and_the_connection_stays() {
    let server = RawServer::answering("HTTP/1.1 200 OK\r\ncontent-length: 900000000\r\n\r\n").await;
    let mut run = connections(&Network::default());
    for reused in [false, true] {
        let exchange = send_over(&mut run, request(Method::HEAD, &server.url("/"), "")).await;
        assert_eq!((body(&exchange).as_str(), exchange.reused), ("", reused));
    }
}

#[tokio::test]
async fn interim_answers_belong_to_the_wait() {
    let server = RawServer::start(|mut stream, _| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n").await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let _ = stream.write_all(ok("hello").as_bytes()).await;
    })
    .await;
    let exchange = get(&Network::default(), &server.url("/")).await;
    assert_eq!(body(&exchange), "hello");
    assert!(exchange.phases.get(Phase::Wait).unwrap().micros.0 >= 200_000, "{:?}", exchange.phases);
    assert!(exchange.phases.get(Phase::Receive).unwrap().micros.0 < 100_000, "{:?}", exchange.phases);
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closed_is_replaced_before_anything_is_sent() {
    let (closed, mut is_closed) = tokio::sync::mpsc::unbounded_channel();
    let server = RawServer::start(move |mut stream, _| {
        let closed = closed.clone();
        async move {
            read_request(&mut stream).await;
            stream.write_all(ok("hello").as_bytes()).await.unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
    })
    .await;
    let mut run = connections(&Network::default());
    for number in 1..=3 {
        let exchange = get_over(&mut run, &server.url("/")).await;
        assert_eq!(body(&exchange), "hello");
        assert!(!exchange.reused);
        assert_eq!(phases(&exchange), "connect send wait receive");
        assert_eq!(server.accepted(), number);
        is_closed.recv().await.unwrap();
        // The end of the connection is on its way through loopback; the next poll of the reactor brings it.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_request_that_was_sent_is_never_sent_again() {
    let server = RawServer::start(|mut stream, _| async move {
        read_request(&mut stream).await;
        stream.write_all(ok("hello").as_bytes()).await.unwrap();
        // Reads the second request, and leaves.
        read_request(&mut stream).await;
    })
    .await;
    let mut run = connections(&Network::default());
    get_over(&mut run, &server.url("/")).await;
    let exchange = send_over(&mut run, request(Method::POST, &server.url("/"), "a=b")).await;
    let (verdict, phase, message) = fault(&exchange);
    assert_eq!((verdict.as_str(), phase), ("bad(protocol)", Some(Phase::Wait)));
    assert_eq!(message, "the server closed the connection without an answer");
    assert_eq!((exchange.reused, phases(&exchange).as_str()), (true, "send wait!"));
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn origins_do_not_share_connections() {
    let (one, two) = (RawServer::answering(ok("one")).await, RawServer::answering(ok("two")).await);
    let mut run = connections(&Network::default());
    for (server, text, reused) in [(&one, "one", false), (&two, "two", false), (&one, "one", true), (&two, "two", true)]
    {
        let exchange = get_over(&mut run, &server.url("/")).await;
        assert_eq!((body(&exchange).as_str(), exchange.reused), (text, reused));
    }
    // Another name of the same server is another origin.
    let by_name = format!("http://localhost:{}/", one.address.port());
    assert!(!get_over(&mut run, &by_name).await.reused);
}

#[tokio::test]
async fn nothing_is_left_behind_when_a_run_ends() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let server = RawServer::start(move |mut stream, _| {
        let tell = tell.clone();
        async move {
            read_request(&mut stream).await;
            stream.write_all(ok("hello").as_bytes()).await.unwrap();
            tell.send("answered").unwrap();
            // The second request, or the end of the connection.
            while read_request(&mut stream).await.is_some() {
                tell.send("asked").unwrap();
            }
            tell.send("closed").unwrap();
        }
    })
    .await;
    let network = Network::default();
    let mut run = connections(&network);
    get_over(&mut run, &server.url("/")).await;
    assert_eq!(told.recv().await, Some("answered"));
    drop(run);
    assert_eq!(told.recv().await, Some("closed"));

    // An exchange that is dropped on its way takes its connection with it.
    let mut run = connections(&network);
    get_over(&mut run, &server.url("/")).await;
    assert_eq!(told.recv().await, Some("answered"));
    {
        let url = server.url("/");
        let mut waiting = std::pin::pin!(get_over(&mut run, &url));
        tokio::select! {
            _ = &mut waiting => panic!("there is no second answer"),
            event = told.recv() => assert_eq!(event, Some("asked")),
        }
    }
    assert_eq!(told.recv().await, Some("closed"));
}

#[tokio::test]
async fn codings_are_undone_and_the_wire_is_what_is_counted() {
    let text = "hello, hello, hello, hello, hello, hello, hello, hello";
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    // "hello, brotli", as another implementation packed it.
    let brotli = b"\x0b\x06\x80hello, brotli\x03".to_vec();
    for (coding, packed, wanted) in
        [("gzip", packed.clone(), text), ("br", brotli, "hello, brotli"), ("identity", text.into(), text)]
    {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n", packed.len());
        let server = RawServer::answering([head.as_bytes(), &packed].concat()).await;
        let exchange = get(&Network::default(), &server.url("/")).await;
        assert_eq!(body(&exchange), wanted);
        assert_eq!(exchange.body_bytes, packed.len() as u64);
    }
}

#[tokio::test]
async fn what_cannot_be_begun_is_said_to_be_so() {
    let server = RawServer::answering(ok("hello")).await;
    let mut run = connections(&Network::default());
    let past = tokio::time::Instant::now();
    let exchange = run.exchange(request(Method::GET, &server.url("/"), ""), &LIMITS, past).await;
    let (verdict, phase, message) = fault(&exchange);
    assert_eq!((verdict.as_str(), phase), ("bad(timeout)", None));
    assert_eq!(message, "the time limit had passed before the exchange began");
    assert_eq!(server.accepted(), 0);
    let exchange = get_over(&mut run, "file:///etc/passwd").await;
    assert_eq!((fault(&exchange).0.as_str(), phases(&exchange).as_str()), ("lost(internal)", ""));
}
