//! Cuts a growing stream of bytes into lines, with a bound on how much of an endless line is kept.

/// One whole line, without its line break.
pub(crate) struct RawLine<'a> {
    /// From 1.
    pub number: u64,
    /// Offset of its first byte in the stream.
    pub offset: u64,
    /// The line; `None` if it was longer than the bound and was not kept.
    pub content: Option<&'a [u8]>,
}

/// Takes the stream in pieces of any size.
#[derive(Debug)]
pub(crate) struct LineSplitter {
    longest: usize,
    /// The start of a line whose end has not arrived yet.
    partial: Vec<u8>,
    /// That line is already too long and is being skipped.
    overlong: bool,
    line_offset: u64,
    lines: u64,
    /// Bytes taken so far.
    position: u64,
}

impl LineSplitter {
    pub fn new(longest: usize) -> Self {
        Self { longest, partial: Vec::new(), overlong: false, line_offset: 0, lines: 0, position: 0 }
    }

    /// For a stream whose first `position` bytes, up to a line break, were skipped. Lines are numbered from
    /// there.
    pub fn from(position: u64, longest: usize) -> Self {
        Self { line_offset: position, position, ..Self::new(longest) }
    }

    /// Bytes taken so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether the stream so far ends within a line.
    pub(crate) fn is_within_line(&self) -> bool {
        self.position > self.line_offset
    }

    pub fn feed(&mut self, mut bytes: &[u8], mut on_line: impl FnMut(RawLine<'_>)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            self.position += end as u64 + 1;
            self.lines += 1;
            let whole: &[u8] = if self.partial.is_empty() {
                line
            } else {
                self.partial.extend_from_slice(line);
                &self.partial
            };
            let fits = !self.overlong && whole.len() <= self.longest;
            on_line(RawLine {
                number: self.lines,
                offset: self.line_offset,
                content: fits.then(|| whole.strip_suffix(b"\r").unwrap_or(whole)),
            });
            self.partial.clear();
            self.overlong = false;
            self.line_offset = self.position;
            bytes = rest;
        }
        self.position += bytes.len() as u64;
        if !self.overlong && self.partial.len() + bytes.len() > self.longest {
            self.overlong = true;
            self.partial = Vec::new();
        }
        if !self.overlong {
            self.partial.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Seen = Vec<(u64, u64, Option<Vec<u8>>)>;

    fn split(splitter: &mut LineSplitter, pieces: &[&[u8]]) -> Seen {
        let mut seen = vec![];
        for piece in pieces {
            splitter
                .feed(piece, |line| seen.push((line.number, line.offset, line.content.map(<[u8]>::to_vec))));
        }
        seen
    }

    #[test]
    fn a_line_over_the_bound_is_skipped_without_being_kept() {
        let mut splitter = LineSplitter::new(4);
        let seen = split(&mut splitter, &[b"ab\n123", b"456789", b"0\nabcd\nabcde\r\n", b"xy"]);
        assert_eq!(
            seen,
            vec![(1, 0, Some(b"ab".to_vec())), (2, 3, None), (3, 14, Some(b"abcd".to_vec())), (4, 19, None),]
        );
        assert!(splitter.is_within_line());
        assert!(splitter.partial.len() <= 4);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            stream in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a')], 0..60),
            cuts in prop::collection::vec(0usize..60, 0..6),
            longest in 0usize..8,
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
            let (mut whole, mut cut) = (LineSplitter::new(longest), LineSplitter::new(longest));
            prop_assert_eq!(split(&mut whole, &[&stream]), split(&mut cut, &pieces));
            prop_assert_eq!(cut.position(), stream.len() as u64);
            prop_assert_eq!(cut.is_within_line(), !stream.is_empty() && !stream.ends_with(b"\n"));
        }
    }
}
