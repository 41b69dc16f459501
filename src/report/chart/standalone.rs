//! A chart as a file of its own: with the colours that a report's page would give it, light and dark.

const STYLE: &str = "<style>\
svg { --chart-text: #1c2330; --chart-faint: #5f6a79; --chart-grid: #e3e7ec; --chart-gap: #8a94a3; \
--chart-good: #4fae8e; --chart-slow: #d99a1c; --chart-bad: #b3261e; --chart-line-0: #14509c; \
background: #ffffff; font-family: system-ui, sans-serif } \
@media (prefers-color-scheme: dark) { svg { --chart-text: #e6eaf0; --chart-faint: #a7b1bf; --chart-grid: #2a323e; \
--chart-gap: #7d8896; --chart-good: #2f8f70; --chart-slow: #c98f1f; --chart-bad: #ff7b70; --chart-line-0: #8dbdff; \
background: #12161c } }\
</style>\n";

/// The colours of a heat map, which other charts do not need.
const HEAT: &str = "<style>\
svg { --chart-heat-0: transparent; --chart-heat-1: #d6e6f5; --chart-heat-2: #b5d2ec; --chart-heat-3: #90bae0; \
--chart-heat-4: #699fd0; --chart-heat-5: #4783bd; --chart-heat-6: #2b67a5; --chart-heat-7: #164a86; \
--chart-heat-8: #082f63 } \
@media (prefers-color-scheme: dark) { svg { --chart-heat-1: #16293f; --chart-heat-2: #1a324e; --chart-heat-3: #1f3d60; \
--chart-heat-4: #254a74; --chart-heat-5: #2b5788; --chart-heat-6: #31649c; --chart-heat-7: #3870ad; \
--chart-heat-8: #3f7cbd } }\
</style>\n";

/// The SVG of a chart with its colours.
#[must_use]
pub fn standalone(svg: &str) -> String {
    let inside = svg.find(">\n").map_or(0, |end| end + 2);
    let heat = if svg.contains("var(--chart-heat-") { HEAT } else { "" };
    format!("{}{STYLE}{heat}{}\n", &svg[..inside], svg[inside..].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_of_the_drawing_is_given() {
        let svg = standalone("<svg viewBox=\"0 0 1 1\">\n<title>t</title>\n<rect fill=\"var(--chart-bad)\"/></svg>\n");
        assert!(svg.starts_with("<svg viewBox=\"0 0 1 1\">\n<style>"), "{svg}");
        assert!(svg.contains("--chart-bad: #b3261e") && svg.ends_with("</svg>\n"), "{svg}");
        assert!(!svg.contains("--chart-heat"), "{svg}");
        let svg = standalone("<svg viewBox=\"0 0 1 1\">\n<rect fill=\"var(--chart-heat-3)\"/></svg>\n");
        assert!(svg.contains("--chart-heat-3: #90bae0") && svg.contains("--chart-heat-3: #1f3d60"), "{svg}");
    }
}
