//! The format of a spool file: a header line, then records that can be found again in damaged bytes. Knows no
//! directory and no run.
//!
//! ```text
//! file   = "doorstep journal 1\n" *record
//! record = marker (8 bytes)  length (u32 LE)  checksum (u32 LE)  payload (length bytes of JSON)
//! ```
//! The checksum is CRC-32 (IEEE) over the length's four bytes and the payload. The marker holds bytes that no UTF-8
//! text has, so it never occurs within a payload. A reader that meets anything but a whole, correct record searches for
//! the next marker: one bad byte costs one record, never those after it.

/// The newest version of the format.
pub(super) const VERSION: u32 = 1;
/// The largest payload. A run is bounded far below by the flow's limits; a damaged length is not believed beyond it.
pub(super) const MAX_PAYLOAD: usize = 64 << 20;

const HEADER_START: &[u8] = b"doorstep journal ";
const MARKER: [u8; 8] = [0xFF, b'D', b'S', b'R', b'U', b'N', 0xFE, b'\n'];
const PREFIX: usize = MARKER.len() + 4 + 4;

/// The first bytes of a new file.
pub(super) fn header() -> Vec<u8> {
    format!("doorstep journal {VERSION}\n").into_bytes()
}

/// Appends one record to `buffer`. `false`, with nothing appended, when the payload is larger than [`MAX_PAYLOAD`].
pub(super) fn push_record(buffer: &mut Vec<u8>, payload: &[u8]) -> bool {
    let Some(length) = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= MAX_PAYLOAD) else {
        return false;
    };
    let length = length.to_le_bytes();
    buffer.extend_from_slice(&MARKER);
    buffer.extend_from_slice(&length);
    buffer.extend_from_slice(&checksum(length, payload).to_le_bytes());
    buffer.extend_from_slice(payload);
    true
}

fn checksum(length: [u8; 4], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(payload);
    hasher.finalize()
}

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan<'a> {
    /// The payloads of all good records, in order.
    pub(super) payloads: Vec<&'a [u8]>,
    /// Bytes after the last good record: the tail that a crash tears off.
    pub(super) torn: usize,
    /// Bytes before or between good records that belong to none: the disk's fault, not a crash's.
    pub(super) damaged: usize,
    /// The version in the header, if it is a later one.
    pub(super) newer: Option<String>,
}

/// Finds all good records of a file.
pub(super) fn scan(bytes: &[u8]) -> Scan<'_> {
    let mut scan = Scan::default();
    let (mut position, newer) = match header_length(bytes) {
        Header::Known(length) => (length, None),
        Header::Newer(version) => (0, Some(version)),
        Header::Damaged => (0, None),
    };
    let mut lost = 0;
    while position < bytes.len() {
        if let Some(payload) = record_at(&bytes[position..]) {
            scan.damaged += std::mem::take(&mut lost);
            scan.payloads.push(payload);
            position += PREFIX + payload.len();
        } else {
            let next = next_marker(bytes, position + 1);
            lost += next - position;
            position = next;
        }
    }
    scan.torn = lost;
    // A later version will have another marker. With good records of ours, the number is merely damaged.
    scan.newer = newer.filter(|_| scan.payloads.is_empty());
    scan
}

enum Header {
    Known(usize),
    Newer(String),
    Damaged,
}

fn header_length(bytes: &[u8]) -> Header {
    let Some(rest) = bytes.strip_prefix(HEADER_START) else { return Header::Damaged };
    let Some(end) = rest.iter().take(11).position(|&byte| byte == b'\n') else { return Header::Damaged };
    match std::str::from_utf8(&rest[..end]).ok().and_then(|text| text.parse::<u32>().ok()) {
        Some(version) if version > VERSION => Header::Newer(version.to_string()),
        Some(_) => Header::Known(HEADER_START.len() + end + 1),
        None => Header::Damaged,
    }
}

/// The payload of the whole and correct record that `bytes` begin with.
fn record_at(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(&MARKER)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (expected, rest) = rest.split_first_chunk::<4>()?;
    let size = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|&size| size <= MAX_PAYLOAD)?;
    let payload = rest.get(..size)?;
    (checksum(*length, payload) == u32::from_le_bytes(*expected)).then_some(payload)
}

/// Where the next marker begins at or after `from`; the end when there is none.
fn next_marker(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.windows(MARKER.len()).position(|window| window == MARKER).map_or(bytes.len(), |offset| from + offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(payloads: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = header();
        for payload in payloads {
            assert!(push_record(&mut bytes, payload));
        }
        bytes
    }

    #[test]
    fn a_flipped_bit_costs_one_record() {
        let bytes = file(&[b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
        let start = header().len();
        for position in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[position] ^= 0x40;
            let scan = scan(&bad);
            let expected = if position < start { 3 } else { 2 };
            assert!(scan.payloads.len() >= expected, "{position}: {scan:?}");
            assert!(scan.torn + scan.damaged > 0, "{position}");
        }
    }

    #[test]
    fn a_torn_tail_is_told_from_damage() {
        let bytes = file(&[b"one".to_vec(), b"two".to_vec()]);
        let torn = scan(&bytes[..bytes.len() - 1]);
        assert_eq!((torn.payloads, torn.torn, torn.damaged), (vec![&b"one"[..]], PREFIX + 2, 0));
        let mut zeros = bytes.clone();
        zeros.extend([0; 4096]);
        let zeros = scan(&zeros);
        assert_eq!((zeros.payloads.len(), zeros.torn, zeros.damaged), (2, 4096, 0));
        let mut middle = bytes;
        middle[header().len() + PREFIX] ^= 1;
        let middle = scan(&middle);
        assert_eq!((middle.payloads, middle.torn, middle.damaged), (vec![&b"two"[..]], 0, PREFIX + 3));
    }

    #[test]
    fn a_later_version_is_not_guessed_at() {
        assert_eq!(scan(b"doorstep journal 2\nxyz").newer.as_deref(), Some("2"));
        assert_eq!(scan(&header()), Scan::default());
        assert_eq!(scan(b"doorstep jour").torn, 13);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20)) {
            let bytes = file(&payloads);
            let scan = scan(&bytes);
            prop_assert_eq!(scan.payloads, payloads.iter().map(Vec::as_slice).collect::<Vec<_>>());
            prop_assert_eq!((scan.torn, scan.damaged), (0, 0));
        }

        #[test]
        fn any_cut_keeps_all_whole_records(payloads in prop::collection::vec("[a-z]{0,40}", 1..10), share in 0.0..1.0) {
            let payloads: Vec<_> = payloads.into_iter().map(String::into_bytes).collect();
            let bytes = file(&payloads);
            let cut = (bytes.len() as f64 * share) as usize;
            let whole = (0..=payloads.len()).rev().find(|&count| file(&payloads[..count]).len() <= cut).unwrap_or(0);
            prop_assert_eq!(scan(&bytes[..cut]).payloads.len(), whole);
        }

        #[test]
        fn any_garbage_between_records_costs_none(
            payloads in prop::collection::vec("[a-z]{0,40}", 1..10), garbage in prop::collection::vec(any::<u8>(), 1..100),
        ) {
            let mut bytes = header();
            for payload in &payloads {
                bytes.extend(&garbage);
                push_record(&mut bytes, payload.as_bytes());
            }
            let scan = scan(&bytes);
            prop_assert_eq!(scan.payloads, payloads.iter().map(String::as_bytes).collect::<Vec<_>>());
            prop_assert_eq!(scan.damaged, garbage.len() * payloads.len());
        }
    }
}
