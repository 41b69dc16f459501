//! Helpers that several topics share.

pub(crate) mod authority;
pub(crate) mod lab;
pub(crate) mod ledger;
pub(crate) mod mariadb;
pub(crate) mod outside;
pub(crate) mod postgres;
pub(crate) mod probe;
pub(crate) mod raw_server;
pub(crate) mod resolver;
pub(crate) mod targets;
pub(crate) mod worker;
