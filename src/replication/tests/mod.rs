//! The rules over samples made by hand: each says in its name what the servers were like.

mod faults;
mod quiet;
mod stories;
