//! Zooming and panning: which part of the horizontal axis is shown.

/// The first and the last x of an axis.
pub(super) type Range = (f64, f64);

/// How much of what is shown a step of zooming leaves.
pub(super) const CLOSER: f64 = 0.7;
/// How far a key pans, as a share of what is shown.
pub(super) const A_PAN: f64 = 0.25;
/// The smallest part of an axis that can be shown.
const LEAST: f64 = 1e-3;

/// The part of `whole` that is shown; `None` in `window` is all of it.
pub(super) fn shown(window: Option<Range>, whole: Range) -> Range {
    let Some((first, last)) = window else { return whole };
    let span = (last - first).min(whole.1 - whole.0);
    // A run that was cut back may end before what was shown of it.
    let first = first.min(whole.1 - span).max(whole.0);
    let moved = (first, first + span);
    if moved.0 < moved.1 && moved.0.is_finite() && moved.1.is_finite() { moved } else { whole }
}

/// Shows `factor` times as much, so that `about` stays where it is.
pub(super) fn zoom(window: Option<Range>, whole: Range, about: f64, factor: f64) -> Option<Range> {
    let (first, last) = shown(window, whole);
    let all = whole.1 - whole.0;
    let span = ((last - first) * factor).max(all * LEAST);
    // Zooming out as often as in shows all of it again, whatever was rounded between.
    if span.is_nan() || span >= all * (1.0 - 1e-9) {
        return None;
    }
    let share = if about.is_finite() { ((about - first) / (last - first)).clamp(0.0, 1.0) } else { 0.5 };
    let first = first + share * ((last - first) - span);
    Some(shown(Some((first, first + span)), whole))
}

/// Goes on by a share of what is shown.
pub(super) fn pan(window: Option<Range>, whole: Range, by: f64) -> Option<Range> {
    let (first, last) = shown(Some(window?), whole);
    let by = by * (last - first);
    Some(shown(Some((first + by, last + by)), whole))
}

/// Goes so far that `x` is shown.
pub(super) fn follow(window: Option<Range>, whole: Range, x: f64) -> Option<Range> {
    let (first, last) = shown(Some(window?), whole);
    let by = if x < first { x - first } else { (x - last).max(0.0) };
    if by == 0.0 { Some((first, last)) } else { Some(shown(Some((first + by, last + by)), whole)) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_zoomed_at_stays_and_all_of_it_is_no_zoom() {
        let whole = (1.0, 101.0);
        let close = zoom(None, whole, 26.0, 0.5).unwrap();
        assert_eq!(close, (13.5, 63.5));
        assert_eq!(((26.0 - close.0) / 50.0, zoom(Some(close), whole, 26.0, 2.0)), (0.25, None));
        assert_eq!(pan(Some(close), whole, 0.5), Some((38.5, 88.5)));
        assert_eq!(pan(Some(close), whole, 9.0), Some((51.0, 101.0)), "no farther than the end");
        assert_eq!(pan(None, whole, 0.5), None);
        assert_eq!(follow(Some(close), whole, 5.0), Some((5.0, 55.0)));
        assert_eq!(follow(Some(close), whole, 20.0), Some(close));
        assert_eq!(shown(Some((60.0, 90.0)), (1.0, 40.0)), (10.0, 40.0), "the run was cut back");
    }

    proptest! {
        #[test]
        fn whatever_is_asked_the_range_is_ordered_and_inside(
            whole in (-1e6f64..1e6, 1e-3f64..1e6).prop_map(|(first, span)| (first, first + span)),
            moves in prop::collection::vec((0u8..4, any::<f64>(), 0.01f64..100.0), 0..60),
        ) {
            let mut window = None;
            for (what, value, factor) in moves {
                window = match what {
                    0 => zoom(window, whole, value, factor),
                    1 => zoom(window, whole, whole.0 + factor, CLOSER),
                    2 => pan(window, whole, if value.is_finite() { value % 10.0 } else { factor }),
                    _ => follow(window, whole, if value.is_finite() { value } else { 0.0 }),
                };
                let (first, last) = shown(window, whole);
                prop_assert!(first < last, "{} {}", first, last);
                let slack = 1e-6 * (whole.1 - whole.0).max(whole.1.abs());
                prop_assert!(first >= whole.0 - slack && last <= whole.1 + slack, "{:?} in {:?}", (first, last), whole);
            }
        }
    }
}
