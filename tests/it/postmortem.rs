//! Postmortems by the binary: the specimen, a clean one, damaged ones, and drafts.

mod budgets;
mod claims;
mod commands;
mod corpus;
mod draft;
mod lint;
mod replay;
mod variants;
