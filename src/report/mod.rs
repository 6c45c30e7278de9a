//! A run, or several, as one HTML page that stands by itself, and their curves as SVG.
//!
//! Everything that comes from a run is a stranger's: it reaches the page through [`html::text`] only, and the page's own
//! policy lets no script and no style run but those of this program, by their hashes.

mod chart;
mod curves;
mod groups;
mod html;
mod page;
mod read;
mod sections;
mod transcript;

pub(crate) use self::groups::ASIDE as KEYS_ASIDE;
pub use self::read::Told;

/// A report's files: `index.html`, and one SVG for each curve.
pub fn files(runs: &[Told]) -> Vec<(String, Vec<u8>)> {
    let groups = groups::of(runs);
    let curves = curves::of(runs, &groups);
    let mut files = vec![("index.html".to_owned(), page::of(runs, &groups, &curves).into_bytes())];
    files.extend(curves.iter().map(|curve| {
        let name = curve.metric.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        (format!("{name}.svg"), curve.chart.standalone().into_bytes())
    }));
    files
}

#[cfg(test)]
mod tests;
