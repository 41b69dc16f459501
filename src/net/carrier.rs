//! A connection that speaks HTTP: the library's two kinds behind one face.
//!
//! An HTTP/1 connection has no task of its own: it is driven by the exchange that uses it, on the same task, so
//! nothing is handed from thread to thread within an exchange and nothing can outlive it. An HTTP/2 connection must
//! answer pings also between exchanges; its tasks end with it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::TokioIo;
use tokio::task::AbortHandle;

use crate::model::{ExchangeLimits, HttpVersion};

use super::wire::{Socket, TimedStream, Wire};

/// Headers of one answer. A session may hold a few hundred cookies, and one answer may set them all.
pub(super) const MOST_HEADERS: usize = 1000;

type Body = Full<Bytes>;
type Http1Connection = http1::Connection<TokioIo<TimedStream>, Body>;

/// An open connection.
pub(super) struct Carrier {
    pub(super) wire: Arc<Wire>,
    kind: Kind,
}

enum Kind {
    Http1 {
        sender: http1::SendRequest<Body>,
        /// `None` once the connection has ended.
        connection: Option<Box<Http1Connection>>,
    },
    Http2 {
        sender: http2::SendRequest<Body>,
        tasks: Tasks,
    },
}

impl Carrier {
    /// Begins to speak `version` over a connected socket.
    pub(super) async fn open(socket: Socket, version: HttpVersion, limits: &ExchangeLimits) -> hyper::Result<Self> {
        if version != HttpVersion::Http2 {
            let wire = Wire::http1(limits.head_bytes);
            let io = TokioIo::new(TimedStream::new(socket, Arc::clone(&wire)));
            let (sender, connection) = http1::Builder::new()
                .max_headers(MOST_HEADERS)
                .max_header_size(limits.head_bytes)
                .handshake(io)
                .await?;
            return Ok(Self { wire, kind: Kind::Http1 { sender, connection: Some(Box::new(connection)) } });
        }
        let wire = Wire::http2(limits.head_bytes);
        let io = TokioIo::new(TimedStream::new(socket, Arc::clone(&wire)));
        let tasks = Tasks::default();
        let (sender, connection) = http2::Builder::new(tasks.clone())
            // What counts is the head as it is on the wire, and once more when it is there: so a head that is too
            // large can be told from a broken one. The library's own bound only keeps memory in hand.
            .max_header_list_size(u32::try_from(limits.head_bytes.saturating_mul(64)).unwrap_or(u32::MAX))
            .handshake(io)
            .await?;
        hyper::rt::Executor::execute(&tasks, async move {
            if let Err(error) = connection.await {
                tracing::trace!(%error, "an HTTP/2 connection ended");
            }
        });
        Ok(Self { wire, kind: Kind::Http2 { sender, tasks } })
    }

    /// The version that is spoken.
    pub(super) fn version(&self) -> HttpVersion {
        match self.kind {
            Kind::Http1 { .. } => HttpVersion::Http11,
            Kind::Http2 { .. } => HttpVersion::Http2,
        }
    }

    /// Whether the connection can carry another request, as far as is known without asking the server.
    pub(super) async fn is_usable(&mut self) -> bool {
        match &mut self.kind {
            Kind::Http1 { sender, connection } => {
                if drive(connection, sender.ready()).await.is_err() {
                    return false;
                }
                // The server's goodbye may have come since the last exchange.
                settle(connection).await;
                connection.is_some() && sender.is_ready()
            }
            Kind::Http2 { sender, .. } => sender.ready().await.is_ok() && !sender.is_closed(),
        }
    }

    /// Sends a request and waits for the answer's head. The request comes back when nothing of it was sent.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Body>>> {
        match &mut self.kind {
            Kind::Http1 { sender, connection } => {
                let answer = sender.try_send_request(request);
                drive(connection, answer).await
            }
            Kind::Http2 { sender, .. } => sender.try_send_request(request).await,
        }
    }

    /// Keeps the connection going while `work`, which depends on it, is done.
    pub(super) async fn drive<F: Future>(&mut self, work: F) -> F::Output {
        match &mut self.kind {
            Kind::Http1 { connection, .. } => drive(connection, work).await,
            Kind::Http2 { .. } => work.await,
        }
    }

    /// Lets the connection take note of the end of an answer. False: it cannot be used again.
    pub(super) async fn settle(&mut self) -> bool {
        match &mut self.kind {
            Kind::Http1 { sender, connection } => {
                settle(connection).await;
                // A request that was answered before it was sent to its end is still being sent.
                connection.is_some() && sender.is_ready()
            }
            Kind::Http2 { sender, .. } => !sender.is_closed(),
        }
    }
}

/// Polls `work` and the connection under it together.
async fn drive<F: Future>(connection: &mut Option<Box<Http1Connection>>, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if let Some(alive) = connection
            && Pin::new(alive).poll(cx).is_ready()
        {
            // Its error, if any, reaches `work`, which has the context for it.
            *connection = None;
        }
        work.as_mut().poll(cx)
    })
    .await
}

/// Polls the connection once.
async fn settle(connection: &mut Option<Box<Http1Connection>>) {
    poll_fn(|cx| {
        if let Some(alive) = connection
            && Pin::new(alive).poll(cx).is_ready()
        {
            *connection = None;
        }
        Poll::Ready(())
    })
    .await;
}

/// The tasks of one HTTP/2 connection.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<Vec<AbortHandle>>>);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, future: F) {
        let handle = tokio::spawn(future).abort_handle();
        let mut handles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        handles.retain(|handle| !handle.is_finished());
        handles.push(handle);
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        if let Kind::Http2 { tasks, .. } = &self.kind {
            for handle in tasks.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                handle.abort();
            }
        }
    }
}
