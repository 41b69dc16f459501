//! Slots, permits and rates: when which login is run, and what becomes of the result.
