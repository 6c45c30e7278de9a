//! Requests to the hub.

use std::{io, time::Duration};

use ureq::{
    Agent, Body,
    config::RedirectAuthHeaders,
    http::{Response, header},
};

use super::{
    HubError, Name,
    settings::{Settings, Token},
};
use crate::system::quoting::shortened;

/// How long a connection may take, and each sign of life of the server.
const PATIENCE: Duration = Duration::from_secs(20);
/// Redirects that a file may take: to another name, and to where the files lie.
const REDIRECTS: u32 = 5;
/// Largest answer other than a file.
const MOST_ANSWER: u64 = 16 << 20;

/// Asks the hub.
#[derive(Debug)]
pub(super) struct Client {
    following: Agent,
    staying: Agent,
    token: Option<Token>,
    pub(super) endpoint: String,
}

/// Why a request got no answer, or a file no end.
#[derive(Debug, Clone)]
pub(super) struct NoAnswer(pub(super) String);

impl Client {
    pub(super) fn new(settings: &Settings) -> Result<Self, HubError> {
        let agent = |redirects: u32| {
            let config = Agent::config_builder()
                .timeout_resolve(Some(PATIENCE))
                .timeout_connect(Some(PATIENCE))
                .timeout_recv_response(Some(PATIENCE))
                .timeout_per_read(Some(PATIENCE))
                .http_status_as_error(false)
                .max_redirects(redirects)
                // The token is for the hub, not for the host that keeps the files.
                .redirect_auth_headers(RedirectAuthHeaders::SameHost)
                .user_agent(concat!("aha-lab/", env!("CARGO_PKG_VERSION")));
            Agent::new_with_config(config.build())
        };
        Ok(Self {
            following: agent(REDIRECTS),
            staying: agent(0),
            token: settings.token.clone(),
            endpoint: settings.endpoint.clone(),
        })
    }

    /// Asks for what is at a path of the hub, from a byte on.
    pub(super) fn get(&self, path: &str, from: Option<u64>) -> Result<Response<Body>, NoAnswer> {
        let range = from.map(|from| format!("bytes={from}-"));
        self.ask(&self.following, path, range)
    }

    /// Asks for the first byte of what is at a path, and follows no redirect: its headers say what the file is.
    pub(super) fn about(&self, path: &str) -> Result<Response<Body>, NoAnswer> {
        self.ask(&self.staying, path, Some("bytes=0-0".into()))
    }

    /// The same, where the file lies.
    pub(super) fn about_followed(&self, path: &str) -> Result<Response<Body>, NoAnswer> {
        self.ask(&self.following, path, Some("bytes=0-0".into()))
    }

    fn ask(&self, agent: &Agent, path: &str, range: Option<String>) -> Result<Response<Body>, NoAnswer> {
        let mut request = agent.get(format!("{}/{path}", self.endpoint));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token.header());
        }
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        request.call().map_err(|error| NoAnswer(reason(&error)))
    }

    /// The whole of a small answer.
    pub(super) fn whole(&self, mut response: Response<Body>) -> Result<Vec<u8>, HubError> {
        let read = response.body_mut().with_config().limit(MOST_ANSWER).read_to_vec();
        read.map_err(|error| self.unreachable(NoAnswer(reason(&error))))
    }

    pub(super) fn unreachable(&self, NoAnswer(reason): NoAnswer) -> HubError {
        HubError::Unreachable { endpoint: self.endpoint.clone(), reason }
    }

    pub(super) fn unusable_answer(&self, reason: impl Into<String>) -> HubError {
        HubError::Answer { endpoint: self.endpoint.clone(), reason: reason.into() }
    }

    /// What a status other than success means of a part of a model, such as a revision or a file.
    pub(super) fn refused(&self, name: &Name, what: &str, response: &Response<Body>) -> HubError {
        let status = response.status().as_u16();
        let code = response.headers().get("x-error-code").and_then(|code| code.to_str().ok());
        let what = match (what.is_empty(), code) {
            (_, Some("RepoNotFound")) | (true, _) => name.repository.clone(),
            (false, _) => format!("{what} of {}", name.repository),
        };
        let name = name.repository.clone();
        match (status, &self.token) {
            (404 | 410, _) => HubError::NotFound { what },
            (401 | 403, None) => HubError::NeedsToken { name },
            (401 | 403, Some(_)) => HubError::Forbidden { name },
            _ => HubError::Status {
                endpoint: self.endpoint.clone(),
                what: format!("a question about {name}"),
                status,
            },
        }
    }
}

/// What went wrong, as part of a sentence.
pub(super) fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "its name is not known".into(),
        ureq::Error::Timeout(_) => format!("it was silent for {} s", PATIENCE.as_secs()),
        ureq::Error::Io(error) => io_reason(error),
        other => shortened(&other.to_string()),
    }
}

/// The same, of a body that is being read.
pub(super) fn io_reason(error: &io::Error) -> String {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        return reason(error);
    }
    match error.kind() {
        io::ErrorKind::TimedOut => format!("it was silent for {} s", PATIENCE.as_secs()),
        _ => shortened(&error.to_string()).trim_end_matches('.').to_owned(),
    }
}
