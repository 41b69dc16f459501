//! Content codings: the answer's body as the service meant it. Pure; bounded in memory whatever the input says.

use std::io::{BufRead, Read};

use brotli_decompressor::Decompressor;
use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// Codings stacked on each other; real services use one.
const MOST_CODINGS: usize = 4;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why a body cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CodingError {
    /// It grows beyond the limit.
    TooLarge,
    /// It is not what it says, or says something that was not asked for.
    Invalid(String),
}

/// Undoes the codings that the headers name, last one first. No stage yields more than `limit` bytes.
pub(super) fn decode(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, CodingError> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        let text = value.to_str().map_err(|_| CodingError::Invalid("the content coding is not text".to_owned()))?;
        let names = text.split(',').map(|name| name.trim().to_ascii_lowercase());
        codings.extend(names.filter(|name| !name.is_empty() && name != "identity"));
    }
    if codings.len() > MOST_CODINGS {
        return Err(CodingError::Invalid(format!("{} content codings on top of each other", codings.len())));
    }
    // Servers name a coding for empty bodies too.
    if body.is_empty() {
        return Ok(body);
    }
    codings.iter().rev().try_fold(body, |body, coding| undo(coding, &body, limit))
}

fn undo(coding: &str, body: &[u8], limit: usize) -> Result<Bytes, CodingError> {
    match coding {
        "gzip" | "x-gzip" => gzip(body, limit),
        // The name means zlib, but some servers send the bare stream. A zlib head is a multiple of 31 (RFC 1950).
        "deflate" if is_zlib(body) => read_all(coding, ZlibDecoder::new(body), limit),
        "deflate" => read_all(coding, DeflateDecoder::new(body), limit),
        "br" => read_all(coding, Decompressor::new(body, 4096), limit),
        other => Err(CodingError::Invalid(format!("the content coding {other:?} was not asked for"))),
    }
}

/// A gzip body may have several members; what follows the last one is padding, as browsers take it.
fn gzip(mut body: &[u8], limit: usize) -> Result<Bytes, CodingError> {
    let mut all = Vec::new();
    loop {
        let mut decoder = GzDecoder::new(&mut body);
        fill(&mut all, "gzip", &mut decoder, limit)?;
        if body.fill_buf().is_ok_and(|rest| !rest.starts_with(&GZIP_MAGIC)) {
            return Ok(all.into());
        }
    }
}

fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [first, second, ..] if first & 0x0f == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0)
}

fn read_all(coding: &str, decoder: impl Read, limit: usize) -> Result<Bytes, CodingError> {
    let mut all = Vec::new();
    fill(&mut all, coding, decoder, limit)?;
    Ok(all.into())
}

fn fill(all: &mut Vec<u8>, coding: &str, decoder: impl Read, limit: usize) -> Result<(), CodingError> {
    let room = limit.saturating_sub(all.len());
    let most = u64::try_from(room).unwrap_or(u64::MAX).saturating_add(1);
    let broken = |error| CodingError::Invalid(format!("the body is not valid {coding}: {error}"));
    decoder.take(most).read_to_end(all).map_err(broken)?;
    if all.len() > limit { Err(CodingError::TooLarge) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
