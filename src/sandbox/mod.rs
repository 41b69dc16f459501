//! An identity service that fails on a script and keeps a log of the truth.
