//! The socket under a connection, with a way to cut it from inside a request: closed or reset.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

const OPEN: u8 = 0;
const CLOSED: u8 = 1;
const RESET: u8 = 2;

/// The knife: held by the requests of a connection. Once used, every operation on the wire fails and the connection
/// ends; a reset makes the system send RST instead of FIN.
#[derive(Clone, Default)]
pub(super) struct Knife(Arc<AtomicU8>);

impl Knife {
    pub(super) fn close(&self) {
        self.0.store(CLOSED, Ordering::SeqCst);
    }

    pub(super) fn reset(&self) {
        self.0.store(RESET, Ordering::SeqCst);
    }

    fn check(&self) -> io::Result<()> {
        match self.0.load(Ordering::SeqCst) {
            OPEN => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the script cuts this connection")),
        }
    }
}

pub(super) struct Wire {
    stream: TcpStream,
    knife: Knife,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, knife: Knife) -> Self {
        Self { stream, knife }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.knife.0.load(Ordering::SeqCst) == RESET {
            // A socket that cannot be reset is closed all the same; there is nobody to tell.
            let _closed_instead = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.knife.check()?;
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.knife.check()?;
        Pin::new(&mut self.stream).poll_write(cx, from)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.knife.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, from)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.knife.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.knife.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
