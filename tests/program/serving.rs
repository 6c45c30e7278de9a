//! `score --serve`: a child process or a socket that answers each line at once.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixStream,
    },
    process::{Child, ChildStdin, ChildStdout, Stdio},
    thread,
    time::{Duration, Instant},
};

use aha_lab::runs::RunDirectory;
use serde_json::Value;
use tempfile::TempDir;

use super::{lab, refusal, succeeds, text};

const PATIENCE: Duration = Duration::from_secs(60);
const RIGHT: &str = r#"{"numbers":[2,3],"target":6,"completion":"<answer>2 * 3</answer>"}"#;

/// A server, ended with this whatever happens.
struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    fn start(more: &[&str]) -> Self {
        let mut command = lab(&[&["score", "--serve"], more].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    /// The answer to one line, while the input stays open.
    fn ask(&mut self, line: &str) -> Value {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// The exit code once its input has ended.
    fn ended(mut self) -> Option<i32> {
        drop(self.stdin.take());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn each_line_is_answered_before_the_next_and_a_bad_one_ends_nothing() {
    let mut server = Server::start(&["--reward-format", "0.25"]);
    assert_eq!(server.ask(RIGHT)["reward"], 1.0);
    let bad = server.ask("nonsense");
    assert!(bad["error"].as_str().unwrap().contains("not a JSON object") && bad["line"] == 2, "{bad}");
    let long = server.ask(&"(".repeat(9 << 20));
    assert!(long["error"].as_str().unwrap().contains("8388608 bytes"), "{long}");
    let wrong =
        server.ask(r#"{"numbers":[2,3],"target":6,"completion":"<answer>2 + 3</answer>","analyze":true}"#);
    assert_eq!(wrong["reward"], 0.25);
    assert_eq!(wrong["analysis"]["attempts"], 0);
    assert_eq!(server.ask(r#"{"readings":true}"#)["readings"]["reasoning/checks"], 0.0);
    assert_eq!(server.ended(), Some(0), "bad lines were answered");
}

#[test]
fn it_gives_what_score_gives() {
    let run = RunDirectory::open("runs/first-aha".as_ref()).unwrap();
    let lines = fs::read_to_string(run.rollouts_path()).unwrap();
    let lines: Vec<&str> = lines.lines().take(2_000).collect();
    assert!(lines.len() > 100, "{}", lines.len());
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("completions.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    let scored = text(&succeeds(lab(&["score"]).arg(&file)).stdout);
    let served = text(&succeeds(lab(&["score", "--serve"]).stdin(fs::File::open(&file).unwrap())).stdout);
    assert!(scored == served && scored.lines().count() == lines.len());
}

#[test]
fn a_socket_serves_several_clients_of_its_owner_until_the_input_ends() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rewards.sock");
    let place = path.to_str().unwrap();
    let server = Server::start(&["--socket", place]);
    let began = Instant::now();
    while !path.exists() {
        assert!(began.elapsed() < PATIENCE, "there is no socket");
        thread::sleep(Duration::from_millis(10));
    }
    let found = fs::symlink_metadata(&path).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the private folder is gone");

    let mut clients = [0, 1].map(|_| BufReader::new(UnixStream::connect(&path).unwrap()));
    for line in ["{}", RIGHT] {
        for client in &mut clients {
            writeln!(client.get_mut(), "{line}").unwrap();
            let mut answer = String::new();
            client.read_line(&mut answer).unwrap();
            assert_eq!(answer.contains("\"error\""), line == "{}", "{answer}");
        }
    }
    let said = refusal(lab(&["score", "--serve", "--socket", place]).stdin(Stdio::null()));
    assert!(said.contains("another process serves it"), "{said}");

    assert_eq!(server.ended(), Some(0));
    assert!(!path.exists());
    let mut rest = Vec::new();
    assert_eq!(clients[0].read_to_end(&mut rest).unwrap_or(0), 0);

    fs::write(&path, "mine").unwrap();
    let said = refusal(lab(&["score", "--serve", "--socket", place]).stdin(Stdio::null()));
    assert!(said.contains("something else is there"), "{said}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}
