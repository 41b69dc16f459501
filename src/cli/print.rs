//! The only place that writes to standard output and standard error. Data goes to standard output, words about the
//! work to standard error. A reader that went away (a closed pipe) is no error.

use std::io::{self, Write};

/// Writes `text` to standard output as it is.
pub fn out(text: &str) {
    write_all(&mut io::stdout().lock(), text);
}

/// Writes a line to standard error.
pub fn note(line: &str) {
    let mut stderr = io::stderr().lock();
    write_all(&mut stderr, line);
    write_all(&mut stderr, "\n");
}

fn write_all(stream: &mut impl Write, text: &str) {
    // There is nobody left to tell when standard output or standard error is gone.
    let _gone = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
