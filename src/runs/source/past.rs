//! The recorded history of a run and its ancestors, as the events that their engines sent.

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{rereading::Rereading, telling::recorded_events};
use crate::{
    protocol::{Event, MOST_COMPLETIONS, Started},
    record::EventRecord,
    runs::{Ancestor, FrontierWatch, Reader, RunDirectory, RunError, Segment, ancestors, edits, segments},
};

/// Bound of the event channel: reading is faster than drawing, and a run can be larger than memory.
pub(super) const MOST_WAITING: usize = 4096;

/// Reads, in a thread of its own, the history of a resumed or forked run: its own directory up to the
/// checkpoint, and those of its ancestors. `None` if there is no such directory.
pub fn before(started: &Started) -> Option<Receiver<Event>> {
    let run = RunDirectory::open(&started.run).ok()?;
    let (feed, events) = bounded(MOST_WAITING);
    let last = started.step;
    std::thread::Builder::new()
        .name("past".into())
        .spawn(move || {
            let ancestors = ancestors(&run);
            // The engine itself reports its own run's measurements.
            let told = tell(&segments(&run, &ancestors, Some(last)), Some(&run), &feed);
            if let Err(error) = told {
                let _ = feed.send(Event::Warning(error.to_string()));
            }
            tell_missing(&ancestors, &feed);
        })
        .ok()?;
    Some(events)
}

/// Sends the segments of a history, oldest first: the charts at once, then the completions, which are many
/// more. `measured` is the run whose measurements somebody else sends.
///
/// # Errors
/// When a log cannot be read.
pub(super) fn tell(
    parts: &[Segment],
    measured: Option<&RunDirectory>,
    feed: &Sender<Event>,
) -> Result<(), RunError> {
    let mut bad = Vec::new();
    for Segment { run, last } in parts {
        let mut steps = Vec::new();
        bad.extend(Reader::new(run).steps_until(*last, |step| steps.push(step))?);
        for event in recorded_events(steps, []) {
            let _ = feed.send(event);
        }
        if measured != Some(run) {
            tell_measured(&mut FrontierWatch::new(run), *last, feed)?;
        }
        let (pinned, reading) = (run.pinned()?, Rereading::of(run));
        bad.extend(pinned.bad);
        for answer in pinned.records.into_iter().filter(|answer| last.is_none_or(|last| answer.step <= last))
        {
            let _ = feed.send(Event::PinnedAnswered(Box::new(reading.pinned(answer))));
        }
    }
    for Segment { run, last } in parts {
        let reading = Rereading::of(run);
        let (passed_over, broken) = Reader::new(run).newest_rollouts(*last, MOST_COMPLETIONS, |record| {
            let _ = feed.send(Event::RolloutScored(Box::new(reading.rollout(record))));
        })?;
        bad.extend(broken);
        tell_passed_over(passed_over, run, feed);
    }
    for bad in bad {
        let _ = feed.send(Event::Warning(bad.to_string()));
    }
    Ok(())
}

/// Sends the measurements that are new, of steps up to this one.
///
/// # Errors
/// When they cannot be read.
pub(super) fn tell_measured(
    watch: &mut FrontierWatch,
    last: Option<u64>,
    feed: &Sender<Event>,
) -> Result<(), RunError> {
    let (measured, bad) = watch.poll()?;
    let known = measured.into_iter().filter(|found| last.is_none_or(|last| found.step <= last));
    let told = known.map(|found| Event::Measured(Box::new(found)));
    for event in told.chain(bad.into_iter().map(Event::Warning)) {
        let _ = feed.send(event);
    }
    Ok(())
}

/// Reports that there are older completions than those shown.
pub(super) fn tell_passed_over(bytes: u64, run: &RunDirectory, feed: &Sender<Event>) {
    if bytes > 0 {
        let _ = feed.send(Event::Warning(format!(
            "The newest {MOST_COMPLETIONS} completions are loaded; older ones ({} MB) stay in {}.",
            bytes.div_ceil(1_000_000),
            run.rollouts_path().display()
        )));
    }
}

/// Reports ancestors whose directories are missing.
pub(super) fn tell_missing(ancestors: &[Ancestor], feed: &Sender<Event>) {
    if let Some(missing) = ancestors.iter().find(|ancestor| ancestor.run.is_none()) {
        let _ = feed.send(Event::Warning(format!(
            "The steps up to {} belong to {}, which no longer exists; they are not shown.",
            missing.step, missing.name
        )));
    }
}

/// Sends the edits made during the run: its `config.toml` only says how it began.
pub(super) fn tell_edits(events: &[EventRecord], feed: &Sender<Event>) {
    for edited in events.iter().filter_map(edits::told) {
        let _ = feed.send(edited);
    }
}
