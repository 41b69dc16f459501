//! Finds message frames in a stream of HTTP/2 bytes, so that settings, window updates and pings are never taken for
//! a request or an answer. Knows the nine bytes of a frame's head and nothing about what is inside a frame.
//!
//! Frame layout, types and flags: RFC 9113, sections 4.1 and 6.

/// Every client's side begins with this many bytes that are no frame (RFC 9113, section 3.4).
const PREFACE: usize = 24;
const HEAD: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;

/// What a piece of the stream held.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// A byte of a HEADERS, CONTINUATION or DATA frame.
    pub(super) message: bool,
    /// A DATA frame.
    pub(super) data: bool,
    /// HEADERS frames that began.
    pub(super) heads: usize,
    /// Bytes of HEADERS and CONTINUATION frames, as they are on the wire.
    pub(super) head_bytes: usize,
    /// A frame that ends its stream was seen to its last byte.
    pub(super) ended: bool,
}

/// Walks one direction of a connection, in pieces of any size.
#[derive(Debug)]
pub(super) struct FrameScanner {
    /// Bytes that belong to no frame and are still to come.
    preface: usize,
    head: [u8; HEAD],
    have: usize,
    /// Bytes of the current frame's payload that are still to come.
    rest: usize,
    kind: u8,
    ends: bool,
}

impl FrameScanner {
    /// For what a client writes.
    pub(super) fn client() -> Self {
        Self { preface: PREFACE, ..Self::server() }
    }

    /// For what a server writes.
    pub(super) fn server() -> Self {
        Self { preface: 0, head: [0; HEAD], have: 0, rest: 0, kind: u8::MAX, ends: false }
    }

    /// Walks over the next piece.
    pub(super) fn scan(&mut self, mut bytes: &[u8]) -> Seen {
        let mut seen = Seen::default();
        let skipped = self.preface.min(bytes.len());
        self.preface -= skipped;
        bytes = &bytes[skipped..];
        while !bytes.is_empty() {
            if self.rest == 0 {
                let taken = (HEAD - self.have).min(bytes.len());
                self.head[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
                self.have += taken;
                bytes = &bytes[taken..];
                if self.have == HEAD {
                    self.begin_frame(&mut seen);
                }
            } else {
                let taken = self.rest.min(bytes.len());
                self.rest -= taken;
                bytes = &bytes[taken..];
                self.note_payload(taken, &mut seen);
            }
        }
        seen
    }

    fn begin_frame(&mut self, seen: &mut Seen) {
        self.have = 0;
        self.rest = usize::from(self.head[0]) << 16 | usize::from(self.head[1]) << 8 | usize::from(self.head[2]);
        self.kind = self.head[3];
        self.ends = matches!(self.kind, DATA | HEADERS) && self.head[4] & END_STREAM != 0;
        seen.heads += usize::from(self.kind == HEADERS);
        self.note_payload(0, seen);
    }

    fn note_payload(&self, bytes: usize, seen: &mut Seen) {
        match self.kind {
            DATA => seen.data = true,
            HEADERS | CONTINUATION => seen.head_bytes += bytes,
            _ => return,
        }
        seen.message = true;
        seen.ended |= self.ends && self.rest == 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &1_u32.to_be_bytes(), payload].concat()
    }

    fn conversation() -> Vec<u8> {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        bytes.extend(frame(4, 0, &[0; 12]));
        bytes.extend(frame(8, 0, &[0; 4]));
        bytes.extend(frame(HEADERS, 4, &[7; 30]));
        bytes.extend(frame(CONTINUATION, 4, &[7; 5]));
        bytes.extend(frame(DATA, 0, &[1; 300]));
        bytes.extend(frame(DATA, END_STREAM, &[]));
        bytes.extend(frame(6, 0, &[0; 8]));
        bytes
    }

    #[test]
    fn settings_and_pings_are_no_message() {
        let mut scanner = FrameScanner::server();
        let noise = [frame(4, 0, &[0; 12]), frame(4, 1, &[]), frame(8, 0, &[0; 4]), frame(6, 0, &[0; 8])].concat();
        assert_eq!(scanner.scan(&noise), Seen::default());
        let seen = scanner.scan(&frame(HEADERS, 4, &[1; 10]));
        assert_eq!(seen, Seen { message: true, data: false, heads: 1, head_bytes: 10, ended: false });
        assert!(scanner.scan(&frame(DATA, END_STREAM, &[1; 3])).ended);
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_see_the_same(cuts in proptest::collection::vec(1..60_usize, 1..60)) {
            let bytes = conversation();
            let (mut scanner, mut left, mut total) = (FrameScanner::client(), &bytes[..], Seen::default());
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (piece, rest) = left.split_at(cut.min(left.len()));
                let seen = scanner.scan(piece);
                total.message |= seen.message;
                total.data |= seen.data;
                total.ended |= seen.ended;
                total.heads += seen.heads;
                total.head_bytes += seen.head_bytes;
                left = rest;
            }
            prop_assert_eq!(total, Seen { message: true, data: true, heads: 1, head_bytes: 35, ended: true });
        }
    }
}
