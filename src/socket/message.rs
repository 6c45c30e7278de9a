//! The messages of the socket: the engine's own commands and events as JSON, and a few messages around them.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::protocol::{Command, Event};

/// The request that the server handles itself.
const WATCH: &str = "watch";

/// One line from a client: `{"command":"watch"}`, or one of the engine's commands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Request {
    /// Send me all events from now on.
    Watch(Watch),
    /// For the engine.
    Command(Command),
}

/// `{"command":"watch"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Watch {
    command: &'static str,
}

impl Request {
    /// The request to receive events.
    pub const WATCH: Self = Self::Watch(Watch { command: WATCH });
}

impl From<Command> for Request {
    fn from(command: Command) -> Self {
        Self::Command(command)
    }
}

impl<'de> Deserialize<'de> for Request {
    // Looks at the name first: for a mistyped command an untagged enum would only say that nothing matched.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = serde_json::Value::deserialize(deserializer)?;
        if object.get("command").is_some_and(|name| name == WATCH) {
            return Ok(Self::WATCH);
        }
        Command::deserialize(object).map(Self::Command).map_err(de::Error::custom)
    }
}

/// One line from the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The greeting.
    Hello {
        /// `aha-lab`.
        program: String,
        /// The number of the process.
        process: u32,
    },
    /// The request was passed on; a sentence.
    Done(String),
    /// The request was refused; a sentence.
    Refused(String),
    /// An event that the journal does not have; sent only to watchers.
    Told(Event),
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_people_write_them() {
        let read = |text: &str| serde_json::from_str::<Request>(text).map_err(|error| error.to_string());
        assert_eq!(read(r#"{"command":"watch"}"#), Ok(Request::WATCH));
        assert_eq!(read(r#"{"command":"pause"}"#), Ok(Request::Command(Command::Pause)));
        let inspect = |group| Ok(Request::Command(Command::Inspect { group }));
        assert_eq!(read(r#"{"command":"inspect","group":3}"#), inspect(Some(3)));
        assert_eq!(read(r#"{"command":"inspect"}"#), inspect(None));
        let said = read(r#"{"command":"puase"}"#).unwrap_err();
        assert!(said.contains("puase") && said.contains("pause"), "{said}");
        for wrong in [r#"{"command":"step"}"#, r#"{"command":"step","phases":1,"steps":1}"#, "[]", "3", "{}"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let written = serde_json::to_string(&Request::WATCH).unwrap();
        assert_eq!(written, r#"{"command":"watch"}"#);
    }
}
