//! From an address to a connection on which a PostgreSQL server speaks: TCP, TLS where it is asked for, and a look at
//! the first bytes, since anything may listen on a port.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use crate::model::{Unknown, chain};
use crate::net::Secure;

use super::failure::Failure;

/// Asks the server to go on with TLS: its length, and a number that is no version of the protocol.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A connection, protected or not.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// Connects to the first address of the host that answers; each has its part of the time.
pub(super) async fn connect(host: &str, port: u16, limit: Duration) -> Result<TcpStream, Failure> {
    let unreachable = |message| Failure::new(Unknown::Unreachable, message);
    let found = tokio::net::lookup_host((host, port)).await;
    let addresses: Vec<_> = match found {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Err(unreachable(format!("the host {host} has no address: {}", chain(&error)))),
    };
    let part = limit / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut last = format!("the host {host} has no address");
    for address in addresses {
        match tokio::time::timeout(part, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Without this small messages wait for one another.
                stream.set_nodelay(true).map_err(|error| unreachable(chain(&error)))?;
                return Ok(stream);
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                last = format!("nothing listens at {address}: is the server running, and is this its port?");
            }
            Ok(Err(error)) => last = format!("cannot connect to {address}: {}", chain(&error)),
            Err(_) => last = silent(&address.to_string(), limit),
        }
    }
    Err(unreachable(last))
}

/// Nobody answers an attempt to connect.
pub(super) fn silent(place: &str, limit: Duration) -> String {
    format!(
        "no answer to attempts to connect to {place} within {} s: is the machine up, and does a firewall let us through?",
        limit.as_secs_f64()
    )
}

/// Goes on with TLS, as PostgreSQL asks for it: one message in plain text, one byte of answer, then the handshake.
pub(super) async fn protect(mut tcp: TcpStream, host: &str, secure: &Secure) -> Result<Box<dyn Wire>, Failure> {
    let cut = |error: io::Error| {
        let reason = format!("the connection broke when it was to be protected: {}", chain(&error));
        Failure::new(Unknown::Tls, reason)
    };
    tcp.write_all(&TLS_REQUEST).await.map_err(cut)?;
    let mut answer = [0];
    tcp.read_exact(&mut answer).await.map_err(cut)?;
    match answer[0] {
        b'S' => match secure.handshake(host, tcp).await {
            Ok(stream) => Ok(stream),
            Err(reason) => Err(Failure::new(Unknown::Tls, format!("no TLS session: {reason}"))),
        },
        b'N' => {
            let reason = "the server refuses TLS: set ssl = on there (ssl_cert_file, ssl_key_file); on this machine \
                          alone, tls: off will do";
            Err(Failure::new(Unknown::Tls, reason))
        }
        other => Err(Failure::new(Unknown::Garbled, foreign(&[other]))),
    }
}

/// What answered is another kind of server.
fn foreign(bytes: &[u8]) -> String {
    let shown: String = bytes.iter().flat_map(|byte| byte.escape_ascii()).map(char::from).collect();
    format!("no PostgreSQL server answers \"{shown}\" at first; is this the right port?")
}

/// Lets the bytes of a PostgreSQL server through, and breaks off when the first ones cannot be its: a foreign answer
/// would otherwise be taken for the beginning of a very long message.
pub(super) struct Checked {
    wire: Box<dyn Wire>,
    /// The kind and the length of the first message, as far as they came; `None` when they were good.
    first: Option<Vec<u8>>,
}

/// A server's first message is short.
const LONGEST_FIRST: u32 = 30_000;

impl Checked {
    pub(super) fn new(wire: Box<dyn Wire>) -> Self {
        Self { wire, first: Some(Vec::new()) }
    }

    /// Looks at what just came.
    fn look(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(first) = &mut self.first else { return Ok(()) };
        first.extend(bytes.iter().take(5 - first.len()));
        // Asks for a password, refuses, tells the protocol, tells something.
        let kind = first.first().is_none_or(|kind| b"REvN".contains(kind));
        let length = first.get(1..5).map(|length| length.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)));
        if !kind || length.is_some_and(|length| !(4..=LONGEST_FIRST).contains(&length)) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, foreign(first)));
        }
        if length.is_some() {
            self.first = None;
        }
        Ok(())
    }
}

impl AsyncRead for Checked {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut self.wire).poll_read(cx, buffer))?;
        Poll::Ready(self.look(&buffer.filled()[before..]))
    }
}

impl AsyncWrite for Checked {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(pieces: &[&[u8]]) -> io::Result<()> {
        let mut checked = Checked::new(Box::new(tokio::io::duplex(1).0));
        pieces.iter().try_for_each(|piece| checked.look(piece))
    }

    #[test]
    fn a_foreign_server_is_known_by_its_first_bytes() {
        assert!(looked(&[b"R\0\0\0\x08\0\0\0\0"]).is_ok());
        assert!(looked(&[b"R", b"\0\0", b"\0\x08\0\0\0\0S\xff\xff\xff\xff"]).is_ok());
        assert!(looked(&[b"E\0\0\0\x64SFATAL\0"]).is_ok());
        for pieces in
            [&[&b"HTTP/1.1 400"[..]][..], &[b"J\0\0\0\n8.0"], &[b"SSH-2.0"], &[b"R\0\0\0\x01"], &[b"E", b"rror"]]
        {
            let why = looked(pieces).unwrap_err().to_string();
            assert!(why.starts_with("no PostgreSQL server answers \""), "{why}");
        }
    }
}
