//! Content codings: what comes back, what is refused, and that the limit holds.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::*;

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn named(coding: &str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_ENCODING, coding.parse().unwrap())])
}

fn decoded(coding: &str, body: Vec<u8>) -> Result<Bytes, CodingError> {
    decode(&named(coding), body.into(), 1000)
}

#[test]
fn several_codings_are_undone_from_the_last() {
    assert_eq!(decoded("deflate, gzip", gz(&zlib(b"hello"))).unwrap(), "hello");
    let mut headers = named("deflate");
    headers.append(CONTENT_ENCODING, "GZIP".parse().unwrap());
    assert_eq!(decode(&headers, gz(&raw(b"hello")).into(), 1000).unwrap(), "hello");
    let error = decoded("gzip, gzip, gzip, gzip, gzip", gz(b"x")).unwrap_err();
    assert_eq!(error, CodingError::Invalid("5 content codings on top of each other".to_owned()));
}

#[test]
fn an_unknown_coding_is_named() {
    let error = decoded("zstd", b"x".to_vec()).unwrap_err();
    assert_eq!(error, CodingError::Invalid("the content coding \"zstd\" was not asked for".to_owned()));
}

#[test]
fn members_padding_and_empty_bodies() {
    assert_eq!(decoded("gzip", [gz(b"one "), gz(b"two")].concat()).unwrap(), "one two");
    assert_eq!(decoded("gzip", [gz(b"one"), vec![0; 9]].concat()).unwrap(), "one");
    assert_eq!(decoded("gzip", Vec::new()).unwrap(), "");
    assert_eq!(decoded("identity", b"as it is".to_vec()).unwrap(), "as it is");
    assert_eq!(decode(&HeaderMap::new(), Bytes::from_static(b"plain"), 2).unwrap(), "plain");
}

#[test]
fn a_cut_or_foreign_body_is_invalid() {
    let whole = gz(b"hello, hello, hello");
    for body in [whole[..whole.len() - 3].to_vec(), b"not compressed".to_vec()] {
        assert!(matches!(decoded("gzip", body), Err(CodingError::Invalid(_))));
    }
    for coding in ["br", "deflate"] {
        assert!(matches!(decoded(coding, vec![0xff; 40]), Err(CodingError::Invalid(_))), "{coding}");
    }
}

#[test]
fn the_limit_holds_for_each_stage_and_over_members() {
    assert_eq!(decoded("gzip", gz(&[b'a'; 1000])).unwrap().len(), 1000);
    assert_eq!(decoded("gzip", gz(&[b'a'; 1001])), Err(CodingError::TooLarge));
    assert_eq!(decoded("gzip", [gz(&[b'a'; 600]), gz(&[b'a'; 600])].concat()), Err(CodingError::TooLarge));
    // The outer stage alone breaks the limit, although the inner one would be small again.
    let nested = gz(&gz(&vec![b'a'; 10_000_000]));
    assert_eq!(decoded("gzip, gzip", nested), Err(CodingError::TooLarge));
}

proptest! {
    #[test]
    fn what_was_encoded_comes_back(body in proptest::collection::vec(any::<u8>(), 1..900)) {
        prop_assert_eq!(&decoded("gzip", gz(&body)).unwrap()[..], &body[..]);
        prop_assert_eq!(&decoded("deflate", zlib(&body)).unwrap()[..], &body[..]);
    }

    #[test]
    fn no_input_breaks_it(coding in "gzip|deflate|br", body in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(bytes) = decoded(&coding, body) {
            prop_assert!(bytes.len() <= 1000);
        }
    }
}
