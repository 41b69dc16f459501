//! Imported objectives as the part of `doorstep.yaml` that they become, with what was lost as comments above each.

use super::super::yaml::scalar;
use super::import::Imported;

/// The key `objectives` with all of them; remarks that belong to none stand on top.
#[must_use]
pub fn objectives_yaml(imported: &Imported) -> String {
    let mut text = String::new();
    for remark in &imported.remarks {
        comment(&mut text, "", remark);
    }
    if imported.objectives.is_empty() {
        return text;
    }
    text.push_str("objectives:\n");
    for objective in &imported.objectives {
        for remark in &objective.remarks {
            comment(&mut text, "  ", remark);
        }
        text.push_str(&format!("  {}:\n", scalar(&objective.name)));
        let mut line = |key: &str, value: &str| text.push_str(&format!("    {key}: {value}\n"));
        if !objective.description.is_empty() {
            line("description", &scalar(&objective.description));
        }
        line("flow", &scalar(&objective.flow));
        line("target", &percent(objective.target));
        if let Some(under) = &objective.under {
            line("under", &scalar(under));
        }
        line("zone", &objective.zone);
    }
    text
}

/// A text of others stays on its line: a line break in it must not end the comment.
fn comment(text: &mut String, indent: &str, remark: &str) {
    let plain: String = remark.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.push_str(&format!("{indent}# {plain}\n"));
}

/// The shortest percentage that is read back as the same share.
fn percent(share: f64) -> String {
    let exact = |text: &String| format!("{text}e-2").parse() == Ok(share);
    let found = (0..18).map(|digits| format!("{:.digits$}", share * 100.0)).find(exact);
    format!("{}%", found.unwrap_or_else(|| (share * 100.0).to_string()))
}
