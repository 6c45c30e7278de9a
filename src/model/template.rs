//! Jinja templates of strangers: a model's chat template, or the file of a prompt. They are rendered as transformers
//! renders them, with an end to their time and their output, and without any file. Fuel bounds the memory of what they make step by step;
//! one step that lists or joins values which share their parts can take much until its time is over.

use std::{
    borrow::Cow,
    fmt::{self, Write},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Duration,
};

use crossbeam_channel::RecvTimeoutError;
use jiff::civil::date;
use minijinja::{
    Environment, Error, ErrorKind, Output, State, Value, context, escape_formatter,
    syntax::SyntaxConfig,
    value::{Kwargs, ValueKind},
};
use minijinja_contrib::pycompat::unknown_method_callback;
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use crate::system::quoting::shortened;

/// Largest template that is read, bytes. Those in use have up to 20 KB.
pub const MOST_BYTES: usize = 256 << 10;
/// Longest text that is taken from one, bytes.
const MOST_OUTPUT: usize = 64 << 10;
/// Steps of a template; 64 bytes that it makes cost one too, which bounds its memory. Those in use take a few hundred.
const FUEL: u64 = 200_000;
/// Most letters and items that a method may be given.
const MOST_GIVEN: usize = 1 << 20;
/// How deep a template may call itself.
const DEPTH: usize = 50;
/// How long one may take. Fuel is not enough: comparing, joining and listing values that share their parts costs no more
/// than one step, whatever their size. Those in use take a thousandth of this.
const PATIENCE: Duration = Duration::from_secs(2);
/// The stack of the thread that renders, bytes. Fuel lets values be nested 120,000 levels deep and more, and each level takes a
/// piece of it where they are compared, sorted or dropped; there are some 4 KB for each. Only what is used takes memory.
const STACK: usize = 512 << 20;
/// The name that its errors have.
const NAME: &str = "template";

/// A template that was parsed.
#[derive(Debug)]
pub struct Template {
    environment: Arc<Environment<'static>>,
    /// What its errors call it.
    called: String,
}

impl Template {
    /// Parses a template; `called` begins its errors, such as `The chat template`.
    ///
    /// # Errors
    /// A sentence that names its line.
    pub fn parse(source: &str, called: &str) -> Result<Self, String> {
        if source.len() > MOST_BYTES {
            return Err(format!("{called} has {} bytes; at most {MOST_BYTES} are read.", source.len()));
        }
        let mut environment = Environment::new();
        // As transformers sets them.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| in_words(called, &error))?);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_unknown_method_callback(method);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(DEPTH);
        environment.set_formatter(print);
        environment.add_filter("tojson", to_json);
        environment.add_filter("pprint", pretty);
        // Jinja's own, which transformers does not have either: it prints everything there is, however deep.
        environment.remove_global("debug");
        environment.add_function("raise_exception", raise);
        environment.add_function("strftime_now", on_a_fixed_day);
        let source = without_generation(source).into_owned();
        fenced(called, || environment.add_template_owned(NAME, source))?;
        Ok(Self { environment: Arc::new(environment), called: called.to_owned() })
    }

    /// The text that it makes of these variables.
    ///
    /// # Errors
    /// A sentence that names the line at which it failed. After one that took too long, a thread is left that still
    /// computes: whoever hears of it should end the program.
    pub fn render(&self, variables: Value) -> Result<String, String> {
        let (environment, called) = (Arc::clone(&self.environment), self.called.clone());
        let (done, result) = crossbeam_channel::bounded(1);
        let render = move || fenced(&called, || environment.get_template(NAME)?.render(variables));
        let started = thread::Builder::new().name("template".into()).stack_size(STACK).spawn(move || {
            // Nobody waits for one that took too long.
            let _ = done.send(render());
        });
        started.map_err(|error| format!("{} cannot be used: {error}.", self.called))?;
        let text = result.recv_timeout(PATIENCE).map_err(|error| match error {
            RecvTimeoutError::Timeout => endless(&self.called, ""),
            RecvTimeoutError::Disconnected => format!("{} cannot be used: it broke its thread.", self.called),
        })??;
        match text.len() {
            0..=MOST_OUTPUT => Ok(text),
            length => {
                Err(format!("{} makes {length} bytes of text; at most {MOST_OUTPUT} are taken.", self.called))
            }
        }
    }

    /// The beginning of a conversation in which a person asks this, up to where the model answers.
    ///
    /// # Errors
    /// As for [`Self::render`].
    pub fn conversation(&self, question: &str, others: Value) -> Result<String, String> {
        let messages = [context! { role => "user", content => question }];
        self.render(context! {
            messages => messages, add_generation_prompt => true, tools => (), documents => (), ..others
        })
    }
}

/// The methods of Python's values. Those of strings read lists that they are given without an end to their steps, and
/// write them without one to their memory; so a list that has none is refused first.
fn method(state: &mut State<'_, '_>, value: &Value, name: &str, given: &[Value]) -> Result<Value, Error> {
    let mut left = MOST_GIVEN;
    match given.iter().all(|value| is_small(value, &mut left, Bounded::DEPTH)) {
        true => unknown_method_callback(state, value, name, given),
        false => Err(Bounded::refused()),
    }
}

/// Whether a value has no more than this many letters and items, and is not nested more deeply than this.
fn is_small(value: &Value, left: &mut usize, depth: usize) -> bool {
    let cost = value.as_str().map_or(1, |text| text.len().max(1));
    let Some(rest) = left.checked_sub(cost).filter(|_| depth > 0) else { return false };
    *left = rest;
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::Iterable) {
        return true;
    }
    let Ok(mut items) = value.try_iter() else { return true };
    items.all(|item| {
        let of_key = match value.kind() {
            ValueKind::Map => value.get_item(&item).ok(),
            _ => None,
        };
        is_small(&item, left, depth - 1) && of_key.is_none_or(|value| is_small(&value, left, depth - 1))
    })
}

fn raise(message: String) -> Result<String, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// Lists and maps are shared, so that a few steps can make one whose text has no end; this one is cut off.
#[derive(Default)]
struct Bounded {
    text: String,
    depth: usize,
}

impl Bounded {
    /// Deeper than anything in use; every level takes a piece of the thread's stack.
    const DEPTH: usize = 64;

    fn add(&mut self, piece: &str) -> Result<(), ()> {
        self.depth += piece.matches(['[', '{']).count();
        if self.depth > Self::DEPTH || self.text.len() + piece.len() > MOST_OUTPUT {
            return Err(());
        }
        self.depth = self.depth.saturating_sub(piece.matches([']', '}']).count());
        self.text.push_str(piece);
        Ok(())
    }

    fn refused() -> Error {
        Error::new(ErrorKind::InvalidOperation, "a list or a map is nested too deeply, or too long")
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.add(piece).map_err(|()| fmt::Error)
    }
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.add(piece).map_err(|()| io::Error::other("too long"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Prints a value as Python does.
fn print(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {}
        ValueKind::None => return Ok(out.write_str("None")?),
        ValueKind::Bool => return Ok(out.write_str(if value.is_true() { "True" } else { "False" })?),
        _ => return escape_formatter(out, state, value),
    }
    let mut bounded = Bounded::default();
    write!(bounded, "{value}").map_err(|_| Bounded::refused())?;
    Ok(out.write_str(&bounded.text)?)
}

/// A value over several lines. The filter of Jinja itself has no end to its output and its depth.
fn pretty(value: &Value) -> Result<String, Error> {
    let mut bounded = Bounded::default();
    write!(bounded, "{value:#?}").map_err(|_| Bounded::refused())?;
    Ok(bounded.text)
}

/// JSON as Python writes it: the filter of Jinja itself escapes what means something in HTML.
fn to_json(value: &Value, options: Kwargs) -> Result<String, Error> {
    struct Spaced;
    impl Formatter for Spaced {
        fn begin_array_value<W: ?Sized + io::Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
            if first { Ok(()) } else { to.write_all(b", ") }
        }
        fn begin_object_key<W: ?Sized + io::Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
            if first { Ok(()) } else { to.write_all(b", ") }
        }
        fn begin_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
            to.write_all(b": ")
        }
    }
    let indent: Option<usize> = options.get("indent")?;
    let mut bounded = Bounded::default();
    match indent {
        None => value.serialize(&mut Serializer::with_formatter(&mut bounded, Spaced)),
        Some(width) => {
            let indent = " ".repeat(width.min(16));
            let pretty = PrettyFormatter::with_indent(indent.as_bytes());
            value.serialize(&mut Serializer::with_formatter(&mut bounded, pretty))
        }
    }
    .map_err(|_| Bounded::refused())?;
    Ok(bounded.text)
}

/// A prompt that says today's date would be another one when a step is made again. This is the date that Llama's own
/// templates fall back to.
fn on_a_fixed_day(format: &str) -> Result<String, Error> {
    let day = date(2024, 7, 26).at(0, 0, 0, 0);
    jiff::fmt::strtime::format(format, day)
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, format!("strftime_now: {error}")))
}

/// Without the marks of what a model itself wrote, which only trainers of other kinds need: transformers has a tag for
/// them, `generation`, that Jinja does not know.
fn without_generation(source: &str) -> Cow<'_, str> {
    if !source.contains("generation") {
        return source.into();
    }
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("{%") {
        // After the `{%`: in `{%}` the percent sign is only there once.
        let Some(end) = rest[at + 2..].find("%}").map(|end| at + 2 + end) else { break };
        let tag = &rest[at + 2..end];
        let word = match tag.trim_matches(['-', '+']).trim() {
            "generation" => Some(("generation", "if true")),
            "endgeneration" => Some(("endgeneration", "endif")),
            _ => None,
        };
        text.push_str(&rest[..at + 2]);
        match word {
            Some((from, to)) => text.push_str(&tag.replacen(from, to, 1)),
            None => text.push_str(tag),
        }
        rest = &rest[end..];
    }
    text.push_str(rest);
    text.into()
}

/// Calls the dependency that reads a stranger's text: a panic in it is an error.
fn fenced<T>(called: &str, work: impl FnOnce() -> Result<T, Error>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| in_words(called, &error)),
        Err(_) => Err(format!("{called} cannot be used: its parser panicked.")),
    }
}

fn endless(called: &str, line: &str) -> String {
    format!("{called} was stopped{line}: it computes for longer than any in use, and may have no end.")
}

/// A sentence of an error: what failed, in which line, and why.
fn in_words(called: &str, error: &Error) -> String {
    let line = error.line().map_or(String::new(), |line| format!(" at line {line}"));
    if error.kind() == ErrorKind::OutOfFuel {
        return endless(called, &line);
    }
    let reason = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let reason = shortened(reason.trim_end_matches('.'));
    match error.kind() {
        ErrorKind::SyntaxError => format!("{called} cannot be read{line}: {reason}."),
        _ => format!("{called} failed{line}: {reason}."),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rendered(source: &str) -> Result<String, String> {
        Template::parse(source, "The template")?.conversation("Why?", context! { bos_token => "<s>" })
    }

    #[test]
    fn a_conversation_is_laid_out() {
        let source = "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m['content'].strip() }}\n{% endfor %}\
                      {% if add_generation_prompt and not tools %}[model]{% endif %}";
        assert_eq!(rendered(source).unwrap(), "<s>[user] Why?\n[model]");
        assert_eq!(rendered("{%- generation -%} a {%- endgeneration %}").unwrap(), "a");
        assert_eq!(rendered("{{ strftime_now('%d %b %Y') }}").unwrap(), "26 Jul 2024");
        assert_eq!(rendered("{{ ['<a>', 'é'] | tojson }}").unwrap(), "[\"<a>\", \"é\"]");
        assert_eq!(
            rendered("{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}")
                .unwrap(),
            "01"
        );
    }

    #[test]
    fn what_fails_is_told_with_its_line() {
        for (source, said) in [
            ("a\n{{ raise_exception('Roles must alternate') }}", "failed at line 2: Roles must alternate."),
            ("\n\n{% if %}", "cannot be read at line 3"),
            ("{{ messages[0].content.no_such() }}", "failed at line 1"),
            ("{% include 'other' %}", "The template cannot be read"),
            ("{{ debug() }}", "failed at line 1"),
            ("{{ strftime_now('%Q%!') }}", "failed at line 1: strftime_now"),
        ] {
            let error = rendered(source).unwrap_err();
            assert!(error.contains(said) && error.ends_with('.'), "{source}: {error}");
        }
        assert!(rendered(&" ".repeat(MOST_BYTES + 1)).unwrap_err().contains("at most"));
    }

    #[test]
    fn values_nested_as_deeply_as_fuel_allows_are_compared_and_dropped() {
        let (open, close) = ("[".repeat(60), "]".repeat(60));
        let nested = format!(
            "{{% set n = namespace(x=1) %}}{{% for i in range(2000) %}}{{% set n.x = {open}n.x{close} %}}{{% endfor %}}"
        );
        for use_of_it in [
            "{{ n.x == [n.x] }}",
            "{{ [n.x, [n.x]] | sort | length }}",
            "{{ [[n.x], n.x] | unique | list | length }}",
        ] {
            assert!(
                rendered(&format!("{nested}{use_of_it}")).is_ok_and(|text| !text.is_empty()),
                "{use_of_it}"
            );
        }
    }

    #[test]
    fn the_percent_sign_that_opens_a_tag_does_not_close_it() {
        assert!(rendered("{%}generation").unwrap_err().contains("cannot be read at line 1"));
    }

    #[test]
    fn templates_without_an_end_are_cut_off() {
        for source in [
            "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
            "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
            "{{ 'a' * 100000000 }}",
            "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
            // Each of these would double what is in memory sixty times.
            "{% set n = namespace(x=[1, 2]) %}{% for i in range(60) %}{% set n.x = (n.x + n.x) | list %}{% endfor %}",
            "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x | tojson }}",
            "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
            // Nested as deeply as fuel allows, each level on a line of its own.
            "{% set n = namespace(x=1) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x | pprint }}",
            "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
            "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x * 2 %}{% endfor %}",
            "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x.replace('a', 'aa') %}{% endfor %}",
            "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x %}{{ n.x }}{{ n.x }}{% endset %}{% endfor %}",
            "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = '%s%s' | format(n.x, n.x) %}{% endfor %}",
            "{{ [1, 2] * 10000000000 }}",
            "{{ ['a'] | join('b' * 1000000000) }}{{ 'a'.join(range(99999999) | list) }}",
            "{{ 'a' | center(99999999999) }}{{ 'a'.ljust(99999999999) }}",
            "{{ 'a' | indent(99999999999) }}{{ '%99999999999d' | format(1) }}",
            "{{ range(99999999999) | list }}",
            // Methods of Python's strings, which pay for less than the filters.
            "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ ''.join([n.x]) }}",
            "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ '{}'.format(n.x) }}",
            "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = {'a': n.x, 'b': n.x} %}{% endfor %}\
             {{ '{}'.format(n.x) }}",
            "{{ ('a' * 3000000).replace('a', 'b' * 3000000) }}",
        ] {
            let began = std::time::Instant::now();
            let error = rendered(source).unwrap_err();
            assert!(error.ends_with('.') && began.elapsed().as_secs() < 20, "{source}: {error}");
        }
        assert!(rendered("{{ 'a' * 100000 }}").unwrap_err().contains("at most 65536 are taken"));
    }
}
