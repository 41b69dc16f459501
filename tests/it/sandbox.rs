//! The sandbox as its visitors see it, over real sockets.

mod examples;
mod faults;
mod known_truth;
mod styles;
mod tls;
mod visitor;
