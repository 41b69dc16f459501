//! The socket under an HTTP connection, and the instants at which a request left and its answer came. Knows bytes
//! and frames, no requests.
//!
//! The instants are taken above TLS and next to the read or write itself, so that neither the HTTP library's work nor
//! a late wake-up of whoever waits for the answer is measured.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::frames::FrameScanner;
use super::tls;

/// Interim (1xx) answers before the real one. More than that is no conversation but an attack.
const MOST_INTERIM: usize = 16;

/// What happened on the wire since the current exchange began.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Just before the first byte of the request was handed to the socket.
    pub(super) first_write: Option<Instant>,
    /// Just after the last byte so far was handed over.
    pub(super) last_write: Option<Instant>,
    /// The whole request was handed over.
    pub(super) sent: bool,
    first_read: Option<Instant>,
    /// The last byte of the answer so far.
    pub(super) last_read: Option<Instant>,
    /// The server closed its side.
    pub(super) closed: Option<Instant>,
    /// Why reading or writing failed.
    pub(super) broken: Option<Broken>,
    interim: usize,
    head_bytes: usize,
    data: bool,
}

impl Marks {
    /// The first byte of the answer, interim answers aside.
    pub(super) fn first_read(&self) -> Option<Instant> {
        // After an interim answer that came in one read with the real one, that read is the first.
        self.first_read.or(self.last_read.filter(|_| self.interim > 0))
    }
}

/// Why the wire failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// A limit of ours: the words say which.
    TooLarge(String),
    /// TLS ended the connection.
    Tls(tls::Reason),
    /// The operating system's words.
    Io(String),
}

/// The marks of one connection, shared between its socket and the exchange that uses it.
#[derive(Debug)]
pub(super) struct Wire {
    marks: Mutex<Marks>,
    frames: Option<Mutex<Frames>>,
    head_limit: usize,
}

#[derive(Debug)]
struct Frames {
    written: FrameScanner,
    read: FrameScanner,
}

impl Wire {
    /// For an HTTP/1 connection: every byte belongs to a message.
    pub(super) fn http1(head_limit: usize) -> Arc<Self> {
        Arc::new(Self { marks: Mutex::default(), frames: None, head_limit })
    }

    /// For an HTTP/2 connection: messages are found by their frames.
    pub(super) fn http2(head_limit: usize) -> Arc<Self> {
        let frames = Frames { written: FrameScanner::client(), read: FrameScanner::server() };
        Arc::new(Self { marks: Mutex::default(), frames: Some(Mutex::new(frames)), head_limit })
    }

    /// Forgets the exchange before.
    pub(super) fn begin(&self) {
        *self.marks() = Marks::default();
    }

    /// The marks. Nothing that can fail is done while they are held, so a poisoned lock is still right.
    pub(super) fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An HTTP/1 interim answer was read: the real one is still to come.
    pub(super) fn interim_answer(&self) {
        let mut marks = self.marks();
        marks.interim += 1;
        marks.first_read = None;
        if marks.interim > MOST_INTERIM {
            marks.broken = Some(Broken::TooLarge(format!("more than {MOST_INTERIM} interim (1xx) answers")));
        }
    }

    fn wrote<'a>(&self, started: Instant, pieces: impl Iterator<Item = &'a [u8]>) {
        let (message, ended) = match &self.frames {
            None => (true, false),
            Some(frames) => {
                let mut frames = frames.lock().unwrap_or_else(PoisonError::into_inner);
                pieces
                    .map(|piece| frames.written.scan(piece))
                    .fold((false, false), |(message, ended), seen| (message | seen.message, ended | seen.ended))
            }
        };
        if message {
            let now = Instant::now();
            let mut marks = self.marks();
            marks.first_write.get_or_insert(started);
            marks.last_write = Some(now);
            // Of HTTP/1 the request is whole when it is flushed; a frame says so itself.
            marks.sent = ended;
        }
    }

    fn flushed(&self) {
        if self.frames.is_none() {
            let mut marks = self.marks();
            if !marks.sent && marks.first_write.is_some() {
                marks.sent = true;
                marks.last_write = Some(Instant::now());
            }
        }
    }

    fn read(&self, bytes: &[u8]) -> io::Result<()> {
        let now = Instant::now();
        if bytes.is_empty() {
            self.marks().closed.get_or_insert(now);
            return Ok(());
        }
        let Some(frames) = &self.frames else {
            let mut marks = self.marks();
            marks.first_read.get_or_insert(now);
            marks.last_read = Some(now);
            return Ok(());
        };
        let seen = frames.lock().unwrap_or_else(PoisonError::into_inner).read.scan(bytes);
        if !seen.message {
            return Ok(());
        }
        let mut marks = self.marks();
        if marks.first_read.is_none() || (seen.heads > 0 && !marks.data) {
            // Of several heads before the body, all but the last are interim.
            marks.first_read = Some(now);
        }
        marks.last_read = Some(now);
        marks.data |= seen.data;
        marks.interim += seen.heads;
        marks.head_bytes += seen.head_bytes;
        if marks.head_bytes > self.head_limit {
            marks.broken = Some(Broken::TooLarge(format!("a head of more than {} bytes", self.head_limit)));
        } else if marks.interim > MOST_INTERIM + 2 {
            marks.broken = Some(Broken::TooLarge(format!("more than {MOST_INTERIM} interim (1xx) answers")));
        } else {
            return Ok(());
        }
        Err(over_limit())
    }

    fn failed(&self, error: &io::Error) {
        let mut marks = self.marks();
        if marks.broken.is_none() {
            marks.broken = Some(tls::reason_of(error).map_or_else(|| Broken::Io(error.to_string()), Broken::Tls));
        }
    }

    fn is_over_limit(&self) -> bool {
        matches!(self.marks().broken, Some(Broken::TooLarge(_)))
    }
}

fn over_limit() -> io::Error {
    io::Error::other("the answer is larger than the limits allow")
}

/// A connected socket.
#[derive(Debug)]
pub(super) enum Socket {
    /// TCP alone.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A socket that marks its reads and writes.
#[derive(Debug)]
pub(super) struct TimedStream {
    socket: Socket,
    wire: Arc<Wire>,
}

impl TimedStream {
    pub(super) fn new(socket: Socket, wire: Arc<Wire>) -> Self {
        Self { socket, wire }
    }

    fn note<T>(&self, done: io::Result<T>) -> io::Result<T> {
        done.inspect_err(|error| self.wire.failed(error))
    }

    /// A server that ends a TLS session says why, and then closes: the write that fails comes first, and its error
    /// says nothing. The reason is waiting to be read.
    fn note_write<T>(&mut self, cx: &mut Context<'_>, done: io::Result<T>) -> io::Result<T> {
        let error = match done {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if let Socket::Tls(tls) = &mut self.socket {
            let mut space = [0; 256];
            if let Poll::Ready(Err(reason)) = Pin::new(tls).poll_read(cx, &mut ReadBuf::new(&mut space))
                && tls::reason_of(&reason).is_some()
            {
                self.wire.failed(&reason);
            }
        }
        self.wire.failed(&error);
        Err(error)
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.wire.is_over_limit() {
            return Poll::Ready(Err(over_limit()));
        }
        let before = buf.filled().len();
        let done = match &mut self.socket {
            Socket::Plain(tcp) => ready!(Pin::new(tcp).poll_read(cx, buf)),
            // Many servers close without the goodbye of TLS. Browsers take it for the end of the stream; an answer
            // that announced its length and is shorter is found out by the HTTP library all the same.
            Socket::Tls(tls) => match ready!(Pin::new(tls).poll_read(cx, buf)) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
                done => done,
            },
        };
        Poll::Ready(self.note(done).and_then(|()| self.wire.read(&buf.filled()[before..])))
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let started = Instant::now();
        let done = match &mut self.socket {
            Socket::Plain(tcp) => ready!(Pin::new(tcp).poll_write(cx, buf)),
            Socket::Tls(tls) => ready!(Pin::new(tls).poll_write(cx, buf)),
        };
        let written = self.note_write(cx, done)?;
        self.wire.wrote(started, std::iter::once(&buf[..written]));
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let started = Instant::now();
        let done = match &mut self.socket {
            Socket::Plain(tcp) => ready!(Pin::new(tcp).poll_write_vectored(cx, bufs)),
            Socket::Tls(tls) => ready!(Pin::new(tls).poll_write_vectored(cx, bufs)),
        };
        let written = self.note_write(cx, done)?;
        let mut left = written;
        let pieces = bufs.iter().map_while(|buf| {
            let piece = &buf[..left.min(buf.len())];
            left -= piece.len();
            (!piece.is_empty() || left > 0).then_some(piece)
        });
        self.wire.wrote(started, pieces);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.socket {
            Socket::Plain(tcp) => tcp.is_write_vectored(),
            Socket::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = match &mut self.socket {
            Socket::Plain(tcp) => ready!(Pin::new(tcp).poll_flush(cx)),
            Socket::Tls(tls) => ready!(Pin::new(tls).poll_flush(cx)),
        };
        self.note_write(cx, done)?;
        self.wire.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Socket::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
