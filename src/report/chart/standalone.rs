//! A chart as a file of its own: with the colours that a report's page would give it, light and dark.

const STYLE: &str = "<style>\
svg { --chart-text: #1c2330; --chart-faint: #5f6a79; --chart-grid: #e3e7ec; --chart-gap: #8a94a3; \
--chart-good: #4fae8e; --chart-slow: #d99a1c; --chart-bad: #b3261e; --chart-line-0: #14509c; \
background: #ffffff; font-family: system-ui, sans-serif } \
@media (prefers-color-scheme: dark) { svg { --chart-text: #e6eaf0; --chart-faint: #a7b1bf; --chart-grid: #2a323e; \
--chart-gap: #7d8896; --chart-good: #2f8f70; --chart-slow: #c98f1f; --chart-bad: #ff7b70; --chart-line-0: #8dbdff; \
background: #12161c } }\
</style>\n";

/// The SVG of a chart with its colours.
#[must_use]
pub fn standalone(svg: &str) -> String {
    let inside = svg.find(">\n").map_or(0, |end| end + 2);
    format!("{}{STYLE}{}\n", &svg[..inside], svg[inside..].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_of_the_drawing_is_given() {
        let svg = standalone("<svg viewBox=\"0 0 1 1\">\n<title>t</title>\n<rect fill=\"var(--chart-bad)\"/></svg>\n");
        assert!(svg.starts_with("<svg viewBox=\"0 0 1 1\">\n<style>"), "{svg}");
        assert!(svg.contains("--chart-bad: #b3261e") && svg.ends_with("</svg>\n"), "{svg}");
    }
}
