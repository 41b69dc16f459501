//! What a worker tells over HTTP about itself: metrics and health. Answers GET on `/metrics` and `/healthz` only, and
//! holds nothing that is secret.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::telemetry::{Format, Telemetry};

/// A listening server. It ends when its token is cancelled.
#[derive(Debug)]
pub struct Server {
    /// The address that it listens on; with the port that the system chose, when it was to choose.
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<io::Result<()>>,
}

impl Server {
    /// Listens on `address` and answers until `stop`.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(address: SocketAddr, telemetry: Arc<Telemetry>, stop: CancellationToken) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let router =
            Router::new().route("/metrics", get(metrics)).route("/healthz", get(healthz)).with_state(telemetry);
        let serving = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        let task = tokio::spawn(serving.into_future());
        Ok(Self { address, task })
    }

    /// Ends at once, answers under way included.
    pub fn end(self) {
        self.task.abort();
    }
}

async fn metrics(State(telemetry): State<Arc<Telemetry>>, headers: HeaderMap) -> Response {
    let accept: Vec<_> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let format = Format::negotiate(&accept.join(","));
    let body = telemetry.metrics.exposition().encode(format);
    ([(CONTENT_TYPE, format.content_type())], body).into_response()
}

async fn healthz(State(telemetry): State<Arc<Telemetry>>) -> Response {
    let (ok, body) = telemetry.health.tell();
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body + "\n").into_response()
}
