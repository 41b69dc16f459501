//! Reads secrets from where the configuration says they are.
