//! Text as HTML.

/// Text in which nothing is markup, neither between tags nor in a quoted attribute. What HTML and XML have no character for
/// becomes a replacement character, so that an SVG with it can be read.
pub(super) fn text(given: &str) -> String {
    let mut escaped = String::with_capacity(given.len());
    for c in given.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            // They turn round what stands beside them.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => escaped.push('\u{fffd}'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A row of tabs and their panels; without scripts all panels are shown. The labels are text, the panels markup.
pub(super) fn tabs(name: &str, label: &str, panels: &[(String, String)]) -> String {
    if let [(_, only)] = panels {
        return only.clone();
    }
    let mut row = String::new();
    let mut bodies = String::new();
    for (i, (title, body)) in panels.iter().enumerate() {
        let selected = i == 0;
        row.push_str(&format!(
            "<button type=\"button\" role=\"tab\" id=\"{name}-tab-{i}\" aria-controls=\"{name}-{i}\" \
             aria-selected=\"{selected}\"{}>{}</button>",
            if selected { "" } else { " tabindex=\"-1\"" },
            text(title)
        ));
        bodies.push_str(&format!(
            "<div role=\"tabpanel\" id=\"{name}-{i}\" aria-labelledby=\"{name}-tab-{i}\">{body}</div>"
        ));
    }
    format!(
        "<div class=\"tabs\"><div role=\"tablist\" aria-label=\"{}\">{row}</div>{bodies}</div>",
        text(label)
    )
}

/// A table; its cells are markup. Wide ones scroll by themselves.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |tag: &str, content: &str| format!("<{tag}>{content}</{tag}>");
    let head: String = head.iter().map(|title| cell("th", &text(title))).collect();
    let rows: String = rows
        .iter()
        .map(|row| {
            let cells: String = row.iter().map(|content| cell("td", content)).collect();
            format!("<tr>{cells}</tr>")
        })
        .collect();
    format!("<div class=\"wide\"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            text("<a href='x'>&\"\u{1b}\u{202e}\n"),
            "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{fffd}\u{fffd}\n"
        );
    }
}
