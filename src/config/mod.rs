//! From YAML text to model values: every mistake at once, each with its place and a way out. Knows no file system, no
//! environment and no network: whoever calls it brings the text.
