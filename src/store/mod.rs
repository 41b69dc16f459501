//! The spool, the segments and the object store: a recorded run is never lost and never counted twice. Knows no
//! objective and no report.
