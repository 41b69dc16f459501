//! The accept loop, which opens and closes by the timetable, and the life of one connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, server};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, sleep_until, timeout};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::script::Fault;
use super::service::{Peer, Service};
use super::timetable::Strike;
use super::wire::{Knife, Wire};

/// A client that says nothing for this long after connecting is let go.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);
/// Between two attempts to have the port back, or to accept when the process is out of descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Everything that the accept loop needs; owned by its task.
pub(super) struct Listening {
    pub(super) service: Arc<Service>,
    pub(super) address: SocketAddr,
    pub(super) acceptor: Option<Arc<ServerConfig>>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Listening {
    /// Runs until stopped; the listener is closed while a `refuse` rule is in force.
    pub(super) async fn run(self, mut listener: Option<TcpListener>) {
        let (service, stop) = (Arc::clone(&self.service), self.stop.clone());
        let mut connections = 0;
        loop {
            let elapsed = service.start.elapsed();
            match (service.timetable.is_closed(elapsed), listener.is_some()) {
                (true, true) => {
                    listener = None;
                    service.truth.listener("closed");
                }
                (false, false) => listener = self.reopen().await,
                _ => {}
            }
            let change = async {
                match service.timetable.next_change(elapsed) {
                    Some(time) => sleep_until(service.start + time).await,
                    None => std::future::pending().await,
                }
            };
            let accept = async {
                match &listener {
                    Some(listener) => listener.accept().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = change => {}
                accepted = accept => match accepted {
                    Ok((stream, client)) => {
                        connections += 1;
                        self.take(stream, client, connections);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "failed to accept a connection");
                        sleep(PAUSE).await;
                    }
                },
            }
        }
    }

    /// Listens on the same port again; somebody may have taken it meanwhile, and may give it back.
    async fn reopen(&self) -> Option<TcpListener> {
        let mut complained = false;
        loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => {
                    self.service.truth.listener("opened");
                    return Some(listener);
                }
                Err(error) if !complained => {
                    complained = true;
                    tracing::error!(address = %self.address, %error, "failed to listen again; trying on");
                }
                Err(_) => {}
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = sleep(PAUSE) => {}
            }
        }
    }

    fn take(&self, stream: TcpStream, client: SocketAddr, number: u64) {
        // Small pieces of a body must leave when they are due, not when the client acknowledges the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "small pieces may be late");
        }
        let knife = Knife::default();
        let wire = Wire::new(stream, knife.clone());
        let strike = self.service.timetable.at_connection(self.service.start.elapsed(), client.ip());
        if let Some(strike) = &strike {
            self.service.truth.connection_struck(number, client.ip(), strike);
        }
        if matches!(&strike, Some(Strike { fault: Fault::ResetOnAccept, .. })) {
            knife.reset();
            return;
        }
        let peer = Peer { connection: number, client: client.ip(), knife };
        let (service, acceptor, stop) = (Arc::clone(&self.service), self.acceptor.clone(), self.stop.clone());
        let streams = Streams { stop: stop.clone(), tasks: self.tasks.clone() };
        self.tasks.spawn(async move {
            let connection = async {
                match acceptor {
                    None => serve_plain(TokioIo::new(wire), service, peer).await,
                    Some(config) => {
                        serve_tls(handshake(wire, config, strike.as_ref()).await, streams, service, peer).await;
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = connection => {}
            }
        });
    }
}

/// The TLS session, late by as much as the rule that struck the connection says.
async fn handshake(wire: Wire, config: Arc<ServerConfig>, strike: Option<&Strike>) -> io::Result<TlsStream<Wire>> {
    let delay = match strike {
        Some(Strike { fault: Fault::Slow(slow), .. }) => slow.tls,
        _ => Duration::ZERO,
    };
    let handshake = async {
        let hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), wire).await?;
        sleep(delay).await;
        hello.into_stream(config).await
    };
    timeout(HANDSHAKE_LIMIT + delay, handshake).await?
}

/// HTTP/2 or HTTP/1.1, as agreed in the handshake.
async fn serve_tls(session: io::Result<TlsStream<Wire>>, streams: Streams, service: Arc<Service>, peer: Peer) {
    let stream = match session {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!(client = %peer.client, %error, "no TLS session"),
    };
    let speaks_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(stream);
    if !speaks_http2 {
        return serve_plain(io, service, peer).await;
    }
    let answer = service_fn(|request: Request<Incoming>| Arc::clone(&service).answer(peer.clone(), request));
    let mut builder = server::conn::http2::Builder::new(streams);
    end(builder.timer(TokioTimer::new()).serve_connection(io, answer).await);
}

/// Runs the streams of HTTP/2 connections as tasks that a stop ends and waits for.
#[derive(Clone)]
struct Streams {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                _ = stream => {}
            }
        });
    }
}

/// HTTP/1.1.
async fn serve_plain<S>(io: TokioIo<S>, service: Arc<Service>, peer: Peer)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = service_fn(|request: Request<Incoming>| Arc::clone(&service).answer(peer.clone(), request));
    let mut builder = server::conn::http1::Builder::new();
    end(builder.timer(TokioTimer::new()).serve_connection(io, answer).await);
}

/// Connections end in every way here, by script or by the client; the truth has what matters.
fn end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}
