//! Phase truth: a delay that is put into one phase is measured in that phase, and in no other.
//!
//! A server notes how long its delay really was; the median of seven exchanges must agree with that within 3 ms,
//! and the medians of all other phases must be what they are without a delay. Other work on the machine can only
//! make measurements worse, so a case may be measured again; a systematic error would be there each time.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use doorstep::model::{Network, Phase};
use doorstep::net::{Exchange, Transport};
use futures_util::future::join_all;
use futures_util::stream;
use http::Method;
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::support::authority::Authority;
use crate::support::probe::{LIMITS, get_over, request};
use crate::support::raw_server::{RawServer, read_request};
use crate::support::resolver::StubResolver;

const REPETITIONS: usize = 7;
const ROUNDS: usize = 12;
const TOLERANCE_MICROS: i64 = 3_000;
const DELAYS_MILLIS: [u64; 3] = [50, 150, 400];

/// A delay in one phase, and how long it really took each time.
#[derive(Clone)]
struct Delay {
    phase: Option<Phase>,
    length: Duration,
    real: Arc<Mutex<Vec<Duration>>>,
}

impl Delay {
    fn new(phase: Option<Phase>, length: Duration) -> Self {
        Self { phase, length, real: Arc::default() }
    }

    async fn at(&self, phase: Phase) {
        if self.phase == Some(phase) {
            let begun = Instant::now();
            tokio::time::sleep(self.length).await;
            self.real.lock().unwrap().push(begun.elapsed());
        }
    }
}

async fn http1(mut stream: impl AsyncRead + AsyncWrite + Unpin, delay: &Delay) {
    while read_request(&mut stream).await.is_some() {
        delay.at(Phase::Wait).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
        let _ = stream.flush().await;
        delay.at(Phase::Receive).await;
        let _ = stream.write_all(b"world").await;
        let _ = stream.flush().await;
    }
}

async fn http2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, delay: &Delay) {
    let answer = service_fn(|_| {
        let delay = delay.clone();
        async move {
            delay.at(Phase::Wait).await;
            let pieces = stream::unfold(0, move |number| {
                let delay = delay.clone();
                async move {
                    let text = match number {
                        0 => "hello",
                        1 => {
                            delay.at(Phase::Receive).await;
                            "world"
                        }
                        _ => return None,
                    };
                    Some((Ok::<_, Infallible>(Frame::data(Bytes::from(text))), number + 1))
                }
            });
            Ok::<_, Infallible>(http::Response::new(StreamBody::new(Box::pin(pieces))))
        }
    });
    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let _ = server.serve_connection(TokioIo::new(stream), answer).await;
}

async fn serve(tcp: TcpStream, tls: Option<TlsAcceptor>, delay: Delay) {
    let Some(tls) = tls else { return http1(tcp, &delay).await };
    delay.at(Phase::Tls).await;
    let Ok(stream) = tls.accept(tcp).await else { return };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        http2(stream, &delay).await;
    } else {
        http1(stream, &delay).await;
    }
}

/// Exchanges one after the other's start, so that they do not fall on each other.
async fn measure(transport: &Transport, url: &str) -> Vec<Exchange> {
    join_all((0..REPETITIONS).map(|number| async move {
        tokio::time::sleep(Duration::from_millis(15) * u32::try_from(number).unwrap()).await;
        let exchange = get_over(&mut transport.connections(), url).await;
        assert_eq!(exchange.outcome.as_ref().unwrap().body, "helloworld");
        exchange
    }))
    .await
}

fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    values[values.len() / 2]
}

fn phase_median(exchanges: &[Exchange], phase: Phase) -> Option<i64> {
    let times: Option<Vec<i64>> = exchanges
        .iter()
        .map(|exchange| exchange.phases.get(phase).map(|time| i64::try_from(time.micros.0).unwrap()))
        .collect();
    times.map(median)
}

/// What is wrong with the medians, if anything.
fn complaints(phase: Phase, real: Duration, plain: &[Exchange], delayed: &[Exchange]) -> Vec<String> {
    let mut wrong = Vec::new();
    for &other in Phase::ALL {
        let (before, after) = (phase_median(plain, other), phase_median(delayed, other));
        let wanted =
            before.map(|micros| micros + if other == phase { i64::try_from(real.as_micros()).unwrap() } else { 0 });
        let error = wanted.zip(after).map(|(wanted, after)| (after - wanted).abs());
        if wanted.is_some() != after.is_some() || error.is_some_and(|micros| micros >= TOLERANCE_MICROS) {
            wrong.push(format!("{other}: {after:?} µs instead of {wanted:?} µs"));
        }
    }
    wrong
}

async fn check(network: &Network, tls: Option<TlsAcceptor>, phases: &[Phase]) {
    let transport = Transport::new(network, true).unwrap();
    for &phase in phases {
        for millis in DELAYS_MILLIS {
            let mut wrong = Vec::new();
            for _ in 0..ROUNDS {
                let (plain, _) = one(&transport, tls.clone(), Delay::new(None, Duration::ZERO)).await;
                let delay = Delay::new(Some(phase), Duration::from_millis(millis));
                let (delayed, real) = one(&transport, tls.clone(), delay).await;
                wrong = complaints(phase, real, &plain, &delayed);
                if wrong.is_empty() {
                    break;
                }
            }
            assert!(wrong.is_empty(), "{millis} ms in {phase}: {}", wrong.join("; "));
        }
    }
}

async fn one(transport: &Transport, tls: Option<TlsAcceptor>, delay: Delay) -> (Vec<Exchange>, Duration) {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let for_server = delay.clone();
    let server = RawServer::start(move |tcp, _| serve(tcp, tls.clone(), for_server.clone())).await;
    let exchanges = measure(transport, &format!("{scheme}://localhost:{}/", server.address.port())).await;
    let mut real = delay.real.lock().unwrap().clone();
    real.sort_unstable();
    (exchanges, real.get(real.len() / 2).copied().unwrap_or_default())
}

#[tokio::test]
async fn delays_over_plain_http1() {
    check(&Network::default(), None, &[Phase::Wait, Phase::Receive]).await;
}

#[tokio::test]
async fn delays_over_encrypted_http1() {
    let authority = Authority::new();
    let network = Network { certificate_authorities: vec![authority.file()], ..Network::default() };
    let acceptor = authority.server(&["localhost"], &["http/1.1"]);
    check(&network, Some(acceptor), &[Phase::Tls, Phase::Wait, Phase::Receive]).await;
}

#[tokio::test]
async fn delays_over_http2() {
    let authority = Authority::new();
    let network = Network { certificate_authorities: vec![authority.file()], ..Network::default() };
    let acceptor = authority.server(&["localhost"], &["h2"]);
    check(&network, Some(acceptor), &[Phase::Tls, Phase::Wait, Phase::Receive]).await;
}

#[tokio::test]
async fn a_slow_resolver_is_in_the_dns_phase_alone() {
    let server = RawServer::start(|tcp, _| serve(tcp, None, Delay::new(None, Duration::ZERO))).await;
    let url = format!("http://login.example:{}/", server.address.port());
    let of = async |delay| {
        let resolver = StubResolver::of_loopback(delay).await;
        let network = Network { resolver: Some(resolver.address), ..Network::default() };
        measure(&Transport::new(&network, true).unwrap(), &url).await
    };
    for millis in DELAYS_MILLIS {
        let mut wrong = Vec::new();
        for _ in 0..ROUNDS {
            let plain = of(Duration::ZERO).await;
            let delay = Duration::from_millis(millis);
            wrong = complaints(Phase::Dns, delay, &plain, &of(delay).await);
            if wrong.is_empty() {
                break;
            }
        }
        assert!(wrong.is_empty(), "{millis} ms in dns: {}", wrong.join("; "));
    }
}

#[tokio::test]
async fn a_server_that_reads_slowly_is_in_the_send_phase() {
    let authority = Authority::new();
    let network = Network { certificate_authorities: vec![authority.file()], ..Network::default() };
    for protocols in [None, Some("http/1.1"), Some("h2")] {
        let acceptor = protocols.map(|protocol| authority.server(&["localhost"], &[protocol]));
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let server = RawServer::start(move |tcp, _| {
            let acceptor = acceptor.clone();
            async move {
                let delay = Delay::new(Some(Phase::Send), Duration::from_millis(200));
                match acceptor {
                    None => {
                        delay.at(Phase::Send).await;
                        http1(tcp, &delay).await;
                    }
                    Some(acceptor) => {
                        let stream = acceptor.accept(tcp).await.unwrap();
                        delay.at(Phase::Send).await;
                        if protocols == Some("h2") { drain_http2(stream).await } else { http1(stream, &delay).await }
                    }
                }
            }
        })
        .await;
        // More than the sockets of both sides hold.
        let mut big = request(Method::POST, &format!("{scheme}://localhost:{}/", server.address.port()), "");
        big.body = vec![b'a'; 24 * 1024 * 1024].into();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        let mut run = Transport::new(&network, true).unwrap().connections();
        let exchange = run.exchange(big, &LIMITS, deadline).await;
        assert_eq!(exchange.status, Some(200), "{protocols:?} {:?}", exchange.outcome);
        let of = |phase| exchange.phases.get(phase).unwrap().micros.0;
        assert!(of(Phase::Send) >= 190_000, "{protocols:?} {:?}", exchange.phases);
        assert!(of(Phase::Wait) < of(Phase::Send) / 2, "{protocols:?} {:?}", exchange.phases);
    }
}

/// Answers when the whole body is there.
async fn drain_http2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let answer = service_fn(|request: http::Request<hyper::body::Incoming>| async move {
        let mut body = request.into_body();
        while let Some(frame) = http_body_util::BodyExt::frame(&mut body).await {
            frame?;
        }
        Ok::<_, hyper::Error>(http::Response::new(http_body_util::Full::new(Bytes::new())))
    });
    let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let _ = server.serve_connection(TokioIo::new(stream), answer).await;
}
