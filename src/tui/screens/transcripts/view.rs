//! Draws the Transcripts screen: the filter bar, the list, and the search line. The transcript itself is in
//! `view_detail`.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, BorderType, Widget},
};

use super::{
    detail::{Detail, Shown},
    state::{Focus, Hits, Transcripts},
    view_detail,
};
use crate::tui::{
    panels::Panel,
    screens::{
        Scene,
        listing::{Listing, Row, entry_of, group_of},
    },
    shell::theme::Theme,
    store::{
        completions::{Completions, Entry, Group},
        filter::{Filter, Sort, underived},
    },
    widgets::{
        figures::{figure, grouped, signed_bar},
        frames::{ASCII_BORDER, draw_thumb, on_border},
        highlight::Meaning,
        lines::{justified, lone, problem_text},
        numbers::counted,
        wrap::wrap,
    },
};

/// Smallest width with the panes side by side.
const SIDE_BY_SIDE: u16 = 76;
/// Smallest height at which they are stacked on narrow screens; below it, one is shown at a time.
const STACKED: u16 = 18;
/// Width of a list row with and without the advantage bar.
const ROW: u16 = 35;
const ROW_WITH_BAR: u16 = 43;
/// Half the advantage's bar, in cells.
const BAR: usize = 3;

/// Draws the screen into `area`. Only rows and lines on screen are built; the transcript is wrapped again only if it,
/// the width, the theme or the search changed.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, transcripts: &Transcripts, scene: &Scene<'_>) -> Hits {
    let (theme, all, listing) = (scene.theme, &scene.store.completions, scene.listing);
    let mut hits = Hits::default();
    if area.is_empty() {
        return hits;
    }
    if all.is_empty() {
        scene.panels.note(Panel::List, area);
        draw_empty(buffer, area, theme);
        return hits;
    }
    let search_rows = u16::from(transcripts.search.typing || !transcripts.search.query.is_empty());
    let bar_rows = u16::from(area.height > 4);
    let [bar, panes, search] =
        Layout::vertical([Constraint::Length(bar_rows), Constraint::Min(1), Constraint::Length(search_rows)])
            .areas(area);
    hits.filters = draw_filter_bar(buffer, bar, (listing, all), theme);
    let (list, detail) = panes_of(panes, transcripts);
    hits.panes = (list, detail);
    scene.panels.note(Panel::List, list);
    scene.panels.note(Panel::Transcript, detail);
    if let Some((rows, top)) = draw_list(buffer, list, transcripts, scene) {
        (hits.list, hits.top) = (rows, Some(top));
    }
    if let Some((text, shown)) = view_detail::draw(buffer, detail, transcripts, scene) {
        (hits.detail, hits.text) = (text, Some(shown));
    }
    draw_search(buffer, search, transcripts, (listing, hits.text), theme);
    hits
}

/// Where the list and the transcript go; either may be empty.
fn panes_of(area: Rect, transcripts: &Transcripts) -> (Rect, Rect) {
    let focus = transcripts.focus;
    if area.width >= SIDE_BY_SIDE {
        let usual = if area.width >= 110 { ROW_WITH_BAR } else { ROW } + 2;
        let columns = transcripts.split.0.map_or(usual, |wanted| wanted.clamp(16, area.width - 24));
        let [list, detail] =
            Layout::horizontal([Constraint::Length(columns), Constraint::Min(20)]).areas(area);
        (list, detail)
    } else if area.height >= STACKED {
        let list = match transcripts.split.1 {
            Some(wanted) => Constraint::Length(wanted.clamp(5, area.height - 8)),
            None => Constraint::Percentage(40),
        };
        let [list, detail] = Layout::vertical([list, Constraint::Min(8)]).areas(area);
        (list, detail)
    } else if focus == Focus::List {
        (area, Rect::default())
    } else {
        (Rect::default(), area)
    }
}

/// A bordered pane; the border of the focused one is highlighted.
pub(super) fn pane(title: Line<'static>, focused: bool, theme: &Theme) -> Block<'static> {
    let style = if focused { theme.accent } else { theme.border };
    let block = Block::bordered().border_style(style).title_top(title);
    if theme.ascii { block.border_set(ASCII_BORDER) } else { block.border_type(BorderType::Rounded) }
}

fn draw_empty(buffer: &mut Buffer, area: Rect, theme: &Theme) {
    let block = pane(on_border(vec![Span::styled(" transcripts ", theme.title)]), false, theme);
    let inner = block.inner(area);
    block.render(area, buffer);
    draw_message(
        buffer,
        inner,
        "No completion has been scored yet.",
        "They appear here by step and group, to filter, search and read.",
        theme,
    );
}

/// Two sentences in the middle of a pane.
fn draw_message(buffer: &mut Buffer, area: Rect, first: &str, second: &str, theme: &Theme) {
    let mut lines = wrap(&[Span::styled(first.to_owned(), theme.text)], area.width);
    lines.extend(wrap(&[Span::styled(second.to_owned(), theme.dim)], area.width));
    let above = usize::from(area.height).saturating_sub(lines.len()) / 2;
    for (line, y) in lines.into_iter().zip(area.rows().skip(above)) {
        line.centered().render(y, buffer);
    }
}

/// `1 all 4,096  2 right 812 …`, the current filter reversed; only that one if there is no room.
fn draw_filter_bar(
    buffer: &mut Buffer,
    area: Rect,
    (listing, all): (&Listing, &Completions),
    theme: &Theme,
) -> Vec<(Rect, Filter)> {
    let mut places = Vec::new();
    if area.is_empty() {
        return places;
    }
    let counts = *all.counts();
    let current = listing.filter();
    let item = |filter: Filter, key: String| {
        let label = format!(" {} {} ", filter.name(), grouped(counts.of(filter)));
        let style = if filter == current { theme.selection } else { theme.dim };
        [Span::styled(key, theme.hint_key), Span::styled(label, style)]
    };
    let items: Vec<[Span; 2]> =
        (1..).zip(Filter::ALL).map(|(key, filter)| item(filter, format!(" {key}"))).collect();
    let width = |item: &[Span]| item.iter().map(Span::width).sum::<usize>();
    let mut x = area.x;
    if items.iter().map(|item| width(item)).sum::<usize>() <= usize::from(area.width) {
        for (item, filter) in items.into_iter().zip(Filter::ALL) {
            let start = x;
            for span in &item {
                (x, _) = buffer.set_span(x, area.y, span, area.right() - x);
            }
            places.push((Rect::new(start, area.y, x - start, 1), filter));
        }
    } else {
        let all = grouped(counts.of(Filter::All));
        let [key, label] = item(current, " f".to_owned());
        let of = Span::styled(format!(" of {all}"), theme.dim);
        buffer.set_line(area.x, area.y, &Line::from(vec![key, label, of]), area.width);
    }
    places
}

/// Draws the list; where its rows are, and which is the first.
fn draw_list(
    buffer: &mut Buffer,
    area: Rect,
    transcripts: &Transcripts,
    scene: &Scene<'_>,
) -> Option<(Rect, usize)> {
    if area.is_empty() {
        return None;
    }
    let (theme, library, listing) = (scene.theme, &scene.store.completions, scene.listing);
    let focused = transcripts.focus == Focus::List;
    let (shown, all) = (library.counts().of(listing.filter()), library.len());
    let title = on_border(vec![
        Span::styled(" transcripts ", theme.title),
        Span::styled(format!("{} of {} ", grouped(shown), grouped(all)), theme.dim),
    ]);
    let mut block = pane(title, focused, theme);
    if library.dropped() > 0 {
        let note = format!(" {} older ones dropped ", grouped(library.dropped()));
        block = block.title_bottom(on_border(vec![Span::styled(note, theme.dim)]));
    }
    if let Some(order) = listing.sort().name() {
        block = block.title_bottom(on_border(vec![Span::styled(format!(" {order} "), theme.dim)]));
    }
    if listing.follow {
        let mark = Span::styled(format!(" {} ", theme.glyph("●", "*")), theme.accent);
        let following = on_border(vec![mark, Span::styled("newest ", theme.dim)]);
        block = block.title_bottom(following.right_aligned());
    }
    let inner = block.inner(area);
    block.render(area, buffer);
    if shown == 0 {
        let none = format!("The filter hides all {} completions.", grouped(all));
        draw_message(buffer, inner, &none, "f or 1 to 6 changes it.", theme);
        return None;
    }
    let with_bar = inner.width >= ROW_WITH_BAR;
    let heading_rows = u16::from(inner.height > 6);
    let [heading, rows] =
        Layout::vertical([Constraint::Length(heading_rows), Constraint::Min(0)]).areas(inner);
    if heading_rows > 0 {
        buffer.set_line(heading.x, heading.y, &column_names(listing.sort(), with_bar, theme), heading.width);
    }
    let top = transcripts.top_for(usize::from(rows.height), listing);
    for (offset, place) in rows.rows().enumerate() {
        let at = top + offset;
        let Some(row) = listing.rows().get(at).copied() else { break };
        let Some(group) = group_of(library, row) else { break };
        // The heading of a group stays while its completions scroll under it.
        let is_heading = matches!(row, Row::Heading(_)) || (offset == 0 && rows.height > 1);
        match entry_of(library, row) {
            Some(entry) if !is_heading => {
                let selected = listing.cursor() == Some(at);
                let line =
                    completion_row(entry, group, (selected, listing.finds(at, library)), with_bar, theme);
                buffer.set_line(place.x, place.y, &line, place.width);
                if selected {
                    let style = if focused { theme.selection } else { theme.selection.patch(theme.dim) };
                    buffer.set_style(place, style);
                }
            }
            _ => {
                let heading = group_heading(group, scene.store.is_inherited(group.step), place.width, theme);
                buffer.set_line(place.x, place.y, &heading, place.width);
            }
        }
    }
    draw_thumb(buffer, area, rows, top, listing.rows().len(), theme);
    Some((rows, top))
}

fn column_names(sort: Sort, with_bar: bool, theme: &Theme) -> Line<'static> {
    let name = |text: &'static str, sorted: bool| {
        Span::styled(text, if sorted { theme.dim.add_modifier(Modifier::UNDERLINED) } else { theme.dim })
    };
    let gap = |cells: usize| Span::raw(" ".repeat(cells));
    let check =
        |check: Meaning| [gap(2), Span::styled(check.mark(theme).unwrap_or(" "), lone(check.style(theme)))];
    let mut spans = vec![gap(2), name("reward", sort == Sort::Reward), gap(2)];
    if with_bar {
        spans.extend([name("advantage", sort == Sort::Advantage), gap(6)]);
    } else {
        spans.extend([gap(2), name("adv", sort == Sort::Advantage), gap(2)]);
    }
    spans.push(name("tok", sort == Sort::Length));
    spans.extend(check(Meaning::TrueCheck));
    spans.extend(check(Meaning::MisledCheck));
    spans.extend(check(Meaning::FalseCheck));
    spans.extend(check(Meaning::SuperficialCheck));
    Line::from(spans)
}

/// `step 12 · 4 1 16 → 19 ───── 5/16 right`; `parent 12` for a step of the run from which this one was forked.
fn group_heading(group: &Group, inherited: bool, width: u16, theme: &Theme) -> Line<'static> {
    let whose = if inherited { "parent" } else { "step" };
    let left = vec![
        Span::styled(format!("{whose} {} {} ", group.step, theme.glyph("·", "-")), theme.dim),
        Span::styled(problem_text(&group.problem, theme), theme.title),
    ];
    let style = if group.right > 0 { theme.right } else { theme.dim };
    let cells: usize = left.iter().map(Span::width).sum();
    let digits = format!("{}/{}", group.right, group.entries.len()).len();
    let noun = if cells + digits + " right".len() < usize::from(width) { " right" } else { "" };
    let right = vec![
        Span::styled(group.right.to_string(), style),
        Span::styled(format!("/{}{noun}", group.entries.len()), theme.dim),
    ];
    justified(left, right, width, Span::styled(theme.glyph("─", "-"), theme.border))
}

/// One completion: match, verdict, reward, advantage, tokens, checks, marks.
fn completion_row(
    entry: &Entry,
    group: &Group,
    (selected, found): (bool, bool),
    with_bar: bool,
    theme: &Theme,
) -> Line<'static> {
    let record = entry.record.as_ref();
    let analysis = &record.analysis;
    // The selected row is one even bar: colours inside a reversed row would be backgrounds.
    let styled = |text: String, style: Style| Span::styled(text, if selected { theme.text } else { style });
    let (mark, verdict) = theme.answer(record.correct);
    let count = |count: usize, style: Style| match count {
        0 => styled(format!("  {}", theme.glyph("·", ".")), theme.dim),
        _ => styled(format!("{:>3}", count.min(99)), lone(style)),
    };
    let found = if found {
        Span::styled(theme.glyph("▸", ">"), if selected { theme.text } else { theme.warning })
    } else {
        Span::raw(" ")
    };
    let mut spans = vec![
        found,
        // `✓?`: right but unfaithful.
        styled(mark.to_owned(), verdict),
        if underived(record) { styled("?".to_owned(), theme.warning) } else { Span::raw(" ") },
        styled(
            format!("{:>5} ", figure(record.reward, false)),
            if record.is_right() { theme.text } else { theme.dim },
        ),
        styled(format!(" {:>5} ", figure(record.advantage(), true)), theme.text),
    ];
    if with_bar {
        let [below, middle, above] = signed_bar(record.advantage(), group.advantage_scale, BAR, theme);
        spans.extend([styled(below, theme.dim), styled(middle, theme.border), styled(above, theme.reward)]);
        spans.push(Span::raw(" "));
    }
    spans.push(styled(format!("{:>4}", counted(entry.length.map(|length| length.min(9999)))), theme.text));
    spans.push(count(analysis.true_checks, theme.true_check));
    spans.push(count(analysis.misled_checks, theme.misled_check));
    spans.push(count(analysis.false_checks, theme.false_check));
    spans.push(count(analysis.superficial_checks, theme.superficial));
    spans.push(Span::raw(" "));
    if analysis.self_corrections > 0 {
        spans.push(styled(Meaning::Correction.mark(theme).unwrap_or(" ").into(), lone(theme.aha)));
    } else {
        spans.push(Span::raw(" "));
    }
    spans.push(if record.truncated { styled(theme.cut_off().into(), theme.warning) } else { Span::raw(" ") });
    Line::from(spans)
}

/// `/wait▏  17 transcripts`.
fn draw_search(
    buffer: &mut Buffer,
    area: Rect,
    transcripts: &Transcripts,
    (listing, text): (&Listing, Option<Shown>),
    theme: &Theme,
) {
    if area.is_empty() {
        return;
    }
    let search = &transcripts.search;
    let mut left = vec![Span::styled(" /", theme.hint_key), Span::styled(search.query.clone(), theme.text)];
    if search.typing {
        left.push(Span::styled(theme.glyph("▏", "_"), theme.accent));
    }
    left.push(Span::raw("  "));
    let found = listing.matching();
    if let Some(complaint) = &search.complaint {
        left.push(Span::styled(complaint.clone(), theme.warning));
    } else if search.query.is_empty() {
        let examples = "words, or false>0 misled>0 wrong cut step:9..12 len>150 reward<1; #12 goes to a step";
        left.push(Span::styled(examples, theme.dim));
    } else if search.query.starts_with('#') {
        left.push(Span::styled("goes to this step", theme.dim));
    } else if found == 0 {
        left.push(Span::styled("nothing found", theme.warning));
    } else {
        let noun = if found == 1 { "transcript" } else { "transcripts" };
        left.push(Span::styled(format!("{} {noun}", grouped(found)), theme.text));
        if let Some((at, count)) = text.and_then(Detail::match_position) {
            left.push(Span::styled(format!("  {} of {count} in this one", at + 1), theme.dim));
        }
    }
    let keys: &[(&str, &str)] = if search.typing {
        &[("Enter", "keep"), ("Esc", "give up")]
    } else {
        &[("n", "next"), ("N", "previous"), ("Esc", "end")]
    };
    let mut right = Vec::new();
    for (key, does) in keys {
        right.push(Span::styled(*key, theme.hint_key));
        right.push(Span::styled(format!(" {does}  "), theme.hint_text));
    }
    buffer.set_line(area.x, area.y, &justified(left, right, area.width, Span::raw(" ")), area.width);
}
