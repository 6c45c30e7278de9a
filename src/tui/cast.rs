//! A playback as an asciicast: the screen drawn without a terminal, frame by frame, in the format of asciinema's
//! recordings, version 2 (<https://docs.asciinema.org/manual/asciicast/v2/>).

use std::{
    cell::RefCell,
    env,
    io::{self, Write},
    ops::RangeInclusive,
    rc::Rc,
    time::Duration,
};

use ratatui::{
    Terminal, TerminalOptions, Viewport,
    backend::CrosstermBackend,
    layout::{Rect, Size},
};
use serde_json::json;

use super::shell::{
    app::{Action, App},
    theme::Theme,
    update::update,
    view::view,
};
use crate::{
    protocol::{Event, Playing, RunFacts, Speed, Temporality},
    runs::playback::Recording,
};

/// Between two frames.
const FRAME: Duration = Duration::from_millis(50);
/// How long the last frame stays.
const LAST_FRAME: Duration = Duration::from_secs(3);
/// About so many steps have a marker, which a player can jump to.
const MARKERS: usize = 10;

/// What is recorded, and how.
#[derive(Debug, Clone)]
pub struct CastOptions {
    /// Columns and rows.
    pub size: Size,
    /// How fast the record is played.
    pub speed: Speed,
    /// The steps that are played; earlier ones are there from the start.
    pub steps: RangeInclusive<u64>,
    /// Which screen is in front, as in the registry.
    pub front: usize,
    /// How it is drawn.
    pub theme: Theme,
}

/// The theme of a cast: that of the environment, on a terminal that shows everything and, if nothing else is said, is
/// dark, as a player is.
pub fn theme() -> Theme {
    Theme::detect(|name| match name {
        "TERM" => Some("xterm-256color".to_owned()),
        "AHA_BACKGROUND" => Some(env::var(name).unwrap_or_else(|_| "dark".to_owned())),
        _ => env::var(name).ok(),
    })
}

/// The place of a screen in the registry, whatever the case of its name.
pub fn place_of(name: &str) -> Option<usize> {
    names().iter().position(|known| known.eq_ignore_ascii_case(name))
}

/// The names of all screens.
pub fn names() -> Vec<&'static str> {
    super::screens::REGISTRY.iter().map(|make| make().name()).collect()
}

/// Writes the playback of a recording; returns how long it is. `progress` gets each step that was played.
///
/// # Errors
/// If `out` cannot be written to.
pub fn write(
    recording: &Recording,
    facts: RunFacts,
    options: &CastOptions,
    out: &mut impl Write,
    mut progress: impl FnMut(u64),
) -> io::Result<Duration> {
    let mut cast = Cast::new(facts, options, out)?;
    let steps: Vec<u64> = recording.steps().filter(|step| options.steps.contains(step)).collect();
    let before = recording.steps().take_while(|step| step < options.steps.start()).last().unwrap_or(0);
    let (first, last) = recording.ends().unwrap_or_default();
    let playing =
        |seconds, over| Event::Playing(Playing { speed: options.speed, first, last, seconds, over });
    let run = recording.started_after(0).run;
    cast.header(&run.file_name().unwrap_or_default().to_string_lossy())?;
    cast.hear(Event::Started(Box::new(recording.started_after(before))));
    recording.told(0, before).for_each(|event| cast.hear(event));
    cast.hear(playing(recording.seconds_until(before), false));
    cast.app.message = None;
    let every = steps.len().div_ceil(MARKERS).max(1);
    let mut seconds = recording.seconds_until(before);
    for (number, step) in steps.iter().enumerate() {
        let begins = cast.now;
        cast.hear(playing(seconds, false));
        if number % every == 0 {
            cast.mark(&format!("step {step}"))?;
        }
        for cue in recording.cues(*step) {
            let at = begins + cue.at.div_f64(options.speed.times());
            cast.go_on_until(at)?;
            if let Some(event) = cue.event {
                let is_phase = matches!(event, Event::PhaseChanged { done: 0, .. });
                cast.hear(event);
                if is_phase {
                    cast.hear(playing(seconds + cue.at.as_secs_f64(), false));
                }
            }
        }
        cast.mark_aha()?;
        seconds = recording.seconds_until(*step);
        progress(*step);
    }
    cast.hear(playing(seconds, steps.last() == Some(&last)));
    cast.hear(Event::Temporality(Temporality::Paused));
    cast.draw()?;
    cast.go_on_until(cast.now + LAST_FRAME)?;
    // Without a last event the last frame would not stay.
    cast.event("o", "")?;
    Ok(cast.now)
}

/// Where the terminal's backend writes to.
#[derive(Debug, Clone, Default)]
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A screen without a terminal, and its own time.
struct Cast<'a, W> {
    app: App,
    terminal: Terminal<CrosstermBackend<Sink>>,
    drawn: Sink,
    now: Duration,
    /// When the next frame is due.
    next: Duration,
    size: Size,
    marked: Option<u64>,
    out: &'a mut W,
}

impl<'a, W: Write> Cast<'a, W> {
    fn new(facts: RunFacts, options: &CastOptions, out: &'a mut W) -> io::Result<Self> {
        let mut app = App::new(options.theme.clone(), facts.played_again());
        app.front = options.front.min(app.screens().len().saturating_sub(1));
        let drawn = Sink::default();
        let area = Rect { x: 0, y: 0, width: options.size.width, height: options.size.height };
        // The size is known: no terminal is asked for it.
        let viewport = TerminalOptions { viewport: Viewport::Fixed(area) };
        let terminal = Terminal::with_options(CrosstermBackend::new(drawn.clone()), viewport)?;
        let (now, next) = (Duration::ZERO, Duration::ZERO);
        Ok(Self { app, terminal, drawn, now, next, size: options.size, marked: None, out })
    }

    fn header(&mut self, run: &str) -> io::Result<()> {
        let header = json!({
            "version": 2,
            "width": self.size.width,
            "height": self.size.height,
            "title": format!("aha-lab: {run}"),
            "env": {"TERM": "xterm-256color"},
        });
        writeln!(self.out, "{header}")?;
        self.event("o", "\x1b[2J\x1b[H")
    }

    fn event(&mut self, kind: &str, data: &str) -> io::Result<()> {
        let seconds = self.now.as_micros() as f64 / 1e6;
        writeln!(self.out, "{}", json!([seconds, kind, data]))
    }

    fn mark(&mut self, label: &str) -> io::Result<()> {
        self.event("m", label)
    }

    /// Marks where the aha mark is first seen.
    fn mark_aha(&mut self) -> io::Result<()> {
        match self.app.run().aha() {
            Some(step) if self.marked.is_none() => {
                self.marked = Some(step);
                self.mark(&format!("aha at step {step}"))
            }
            _ => Ok(()),
        }
    }

    fn hear(&mut self, event: Event) {
        // A screen that nobody touches asks for nothing.
        let _ = update(&mut self.app, Action::Engine(0, event));
    }

    /// Lets time pass, with a frame whenever one is due.
    fn go_on_until(&mut self, time: Duration) -> io::Result<()> {
        while self.next <= time {
            self.now = self.next;
            self.draw()?;
            // Where nothing changes for a while, nothing is looked at.
            let change = self.app.next_change().unwrap_or(time);
            let quiet = time.min(change).saturating_sub(self.next);
            let frames = (quiet.as_millis() / FRAME.as_millis()).max(1);
            self.next += FRAME * u32::try_from(frames).unwrap_or(u32::MAX);
        }
        self.now = time.max(self.now);
        Ok(())
    }

    /// Draws what changed.
    fn draw(&mut self) -> io::Result<()> {
        let _ = update(&mut self.app, Action::Clock(self.now));
        if !std::mem::take(&mut self.app.dirty) {
            return Ok(());
        }
        self.terminal.draw(|frame| view(frame, &mut self.app))?;
        let drawn = self.drawn.0.take();
        match drawn.is_empty() {
            true => Ok(()),
            false => self.event("o", &String::from_utf8_lossy(&drawn)),
        }
    }
}
