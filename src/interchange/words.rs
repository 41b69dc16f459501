//! Counts as people say them. Knows nothing of what is counted.

/// `1 run`, `0 runs`, `2 runs`.
#[must_use]
pub fn counted(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|number| counted(number, "run", "runs")), ["0 runs", "1 run", "2 runs"]);
    }
}
