//! Postmortems by the binary: the specimen, a clean one, damaged ones, and drafts.

mod draft;
mod lint;
mod replay;
