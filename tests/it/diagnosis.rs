//! What is said of why logins failed, held against truths that were measured on real servers: the signature and the course
//! of each, what it looks like, and never a word too many.

mod evidence;
mod fit;
mod signatures;
mod told;
mod truth;
