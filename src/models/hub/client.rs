//! The few HTTP requests a hub is asked, with resumption and cancellation.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use ureq::Agent;
use ureq::config::RedirectAuthHeaders;
use ureq::http::{HeaderMap, StatusCode, Uri};

use super::{HubSettings, hash, unwritable};
use crate::models::error::ModelError;
use crate::progress::Progress;

/// Attempts in a row that may bring no byte before a download is given up.
const ATTEMPTS: u32 = 5;
/// A connection that is silent for so long is taken for broken; it also bounds how late a cancellation is noticed.
const SILENCE: Duration = Duration::from_secs(15);

/// Why a listing could not be had.
pub(super) enum Failure {
    /// No answer: a copy in the cache may serve instead.
    Unreachable(String),
    /// An answer that settles it.
    Final(ModelError),
}

impl From<Failure> for ModelError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable(reason) => {
                Self::Hub(format!("the hub cannot be reached ({reason}). Check the network and try again"))
            }
            Failure::Final(error) => error,
        }
    }
}

/// What a hub says of a revision.
pub(super) struct Listing {
    pub commit: String,
    pub files: Vec<String>,
}

/// A file as the hub describes it.
pub(super) struct RemoteFile {
    url: String,
    /// Its name under `blobs`: the entity tag, which for large files is their SHA-256.
    pub key: String,
    pub size: u64,
}

/// Asks one hub.
pub(super) struct Client {
    /// Follows redirects; the token goes only to the host it was meant for.
    following: Agent,
    /// Shows redirects, whose headers describe the file.
    looking: Agent,
    endpoint: String,
    token: Option<String>,
}

impl Client {
    pub fn new(settings: &HubSettings) -> Result<Self, ModelError> {
        let endpoint = settings.endpoint.trim_end_matches('/').to_owned();
        let uri: Option<Uri> = endpoint.parse().ok();
        let scheme = uri.as_ref().and_then(|uri| uri.scheme_str());
        let (Some(host), Some("http" | "https")) = (uri.as_ref().and_then(|uri| uri.host()), scheme) else {
            return Err(ModelError::Hub(format!(
                "the hub address {endpoint:?} is not a web address. Correct HF_ENDPOINT, such as https://huggingface.co"
            )));
        };
        let local = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
        let agent = |redirects: u32| -> Agent {
            let mut config = Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(redirects)
                .max_redirects_will_error(redirects > 0)
                .redirect_auth_headers(RedirectAuthHeaders::SameHost)
                .user_agent(concat!("kleroterion/", env!("CARGO_PKG_VERSION")))
                // A compressed answer would make sizes and ranges mean something else.
                .accept_encoding("identity")
                .timeout_connect(Some(SILENCE))
                .timeout_recv_response(Some(2 * SILENCE))
                .timeout_per_read(Some(SILENCE));
            if local {
                config = config.proxy(None);
            }
            config.build().into()
        };
        Ok(Self {
            following: agent(10),
            looking: agent(0),
            // Never in the clear over a network.
            token: settings.token.clone().filter(|_| local || scheme == Some("https")),
            endpoint,
        })
    }

    #[cfg(test)]
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    fn authorised<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    /// The commit and the file names of a revision.
    pub fn listing(&self, repository: &str, revision: &str) -> Result<Listing, Failure> {
        #[derive(serde::Deserialize)]
        struct Sibling {
            rfilename: String,
        }
        #[derive(serde::Deserialize)]
        struct Info {
            sha: String,
            #[serde(default)]
            siblings: Vec<Sibling>,
        }
        let url = format!("{}/api/models/{repository}/revision/{}", self.endpoint, revision.replace('/', "%2F"));
        let unreachable = |error: ureq::Error| Failure::Unreachable(error.to_string());
        let mut response = self.authorised(self.following.get(&url)).call().map_err(unreachable)?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Failure::Unreachable(format!("it answered {status}")));
        }
        if !status.is_success() {
            return Err(Failure::Final(self.refused(status, repository, revision)));
        }
        let text = response.body_mut().read_to_string().map_err(unreachable)?;
        let info: Info = serde_json::from_str(&text).map_err(|error| {
            Failure::Final(ModelError::Hub(format!(
                "{} did not answer like a hub ({error}). Check HF_ENDPOINT and the network's sign-in page",
                self.endpoint
            )))
        })?;
        Ok(Listing { commit: info.sha, files: info.siblings.into_iter().map(|sibling| sibling.rfilename).collect() })
    }

    /// Size and entity tag of a file.
    pub fn describe(&self, repository: &str, commit: &str, name: &str) -> Result<RemoteFile, ModelError> {
        let mut url = format!("{}/{repository}/resolve/{commit}/{name}", self.endpoint);
        for _ in 0..5 {
            let response = self
                .authorised(self.looking.head(&url))
                .call()
                .map_err(|error| ModelError::from(Failure::Unreachable(error.to_string())))?;
            let (status, headers) = (response.status(), response.headers());
            let location = text(headers, "location");
            // A repository that moved redirects within the hub; a redirect elsewhere is where the bytes are.
            if let Some(path) =
                location.filter(|to| status.is_redirection() && to.starts_with('/') && !to.starts_with("//"))
            {
                url = format!("{}{path}", origin(&self.endpoint));
                continue;
            }
            if !status.is_success() && !status.is_redirection() {
                return Err(self.refused(status, &format!("{repository}/{name}"), commit));
            }
            let tag = text(headers, "x-linked-etag").or_else(|| text(headers, "etag"));
            let length = if status.is_redirection() { None } else { text(headers, "content-length") };
            let size = text(headers, "x-linked-size").or(length).and_then(|size| size.parse().ok());
            let (Some(tag), Some(size)) = (tag, size) else {
                return Err(ModelError::Hub(format!(
                    "{} says neither size nor version of {repository}/{name}. Check HF_ENDPOINT",
                    self.endpoint
                )));
            };
            return Ok(RemoteFile { key: key(tag), url, size });
        }
        Err(ModelError::Hub(format!("{} sends {repository}/{name} in a circle. Try again later", self.endpoint)))
    }

    /// Brings a file to `blob`, going on from what an earlier attempt left in `<blob>.part`; `report` hears the bytes
    /// there are. The part becomes the blob only when it is whole and, for a file named by its SHA-256, has that hash.
    pub fn download(
        &self,
        file: &RemoteFile,
        blob: &Path,
        progress: &dyn Progress,
        report: &mut dyn FnMut(u64),
    ) -> Result<(), ModelError> {
        let write_error = |error: std::io::Error| unwritable(blob, &error);
        let _lock = lock(&blob.with_extension("lock"), progress)?;
        if blob.metadata().is_ok_and(|metadata| metadata.len() == file.size) {
            return Ok(());
        }
        let path = blob.with_extension("part");
        let mut part = OpenOptions::new().create(true).append(true).open(&path).map_err(write_error)?;
        let mut length = part.metadata().map_err(write_error)?.len();
        if length > file.size {
            part.set_len(0).map_err(write_error)?;
            length = 0;
        }
        let (mut idle, mut reason) = (0, String::new());
        while length < file.size {
            if idle == ATTEMPTS {
                return Err(ModelError::Hub(format!(
                    "the download broke off at {length} of {} bytes ({reason}). Start it again: it goes on from there",
                    file.size
                )));
            }
            pause(Duration::from_millis(200) * idle * idle, progress)?;
            let before = length;
            reason = match self.transfer(file, &mut part, &mut length, progress, report) {
                Ok(()) => "the connection was closed".to_owned(),
                Err(Transfer::Broken(reason)) => reason,
                Err(Transfer::Final(error)) => return Err(error),
                Err(Transfer::Disk(error)) => return Err(write_error(error)),
            };
            idle = if length > before { 0 } else { idle + 1 };
        }
        part.sync_all().map_err(write_error)?;
        drop(part);
        let is_sha256 = file.key.len() == 64 && file.key.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_sha256 && hash::file(&path, progress)? != file.key.to_ascii_lowercase() {
            std::fs::remove_file(&path).map_err(write_error)?;
            return Err(ModelError::Hub(format!(
                "what arrived is not the file the hub announced (its SHA-256 differs), so it was discarded. Try again ({})",
                blob.display()
            )));
        }
        std::fs::rename(&path, blob).map_err(write_error)
    }

    /// One connection's worth of bytes from `length` on.
    fn transfer(
        &self,
        file: &RemoteFile,
        part: &mut File,
        length: &mut u64,
        progress: &dyn Progress,
        report: &mut dyn FnMut(u64),
    ) -> Result<(), Transfer> {
        progress.checkpoint().map_err(|cancelled| Transfer::Final(cancelled.into()))?;
        let mut request = self.authorised(self.following.get(&file.url));
        if *length > 0 {
            request = request.header("Range", format!("bytes={length}-"));
        }
        let response = request.call().map_err(|error| Transfer::Broken(error.to_string()))?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Transfer::Broken(format!("the hub answered {status}")));
        }
        if !status.is_success() && status != StatusCode::RANGE_NOT_SATISFIABLE {
            return Err(Transfer::Final(self.refused(status, &file.url, "")));
        }
        let goes_on = status == StatusCode::PARTIAL_CONTENT
            && text(response.headers(), "content-range")
                .is_some_and(|range| range.starts_with(&format!("bytes {length}-")));
        if *length > 0 && !goes_on {
            // The server gives the whole file, or another part of it, so what is there cannot be continued.
            part.set_len(0).map_err(Transfer::Disk)?;
            *length = 0;
        }
        if status != StatusCode::OK && !goes_on {
            return Err(Transfer::Broken("the hub would not go on from where the download stopped".to_owned()));
        }
        let mut body = response.into_body().into_reader();
        let mut piece = vec![0; 128 << 10];
        loop {
            progress.checkpoint().map_err(|cancelled| Transfer::Final(cancelled.into()))?;
            let n = body.read(&mut piece).map_err(|error| Transfer::Broken(error.to_string()))?;
            if n == 0 {
                return Ok(());
            }
            if *length + n as u64 > file.size {
                return Err(Transfer::Final(ModelError::Hub(format!(
                    "the hub sends more than the {} bytes it announced for {}. Try again later",
                    file.size, file.url
                ))));
            }
            part.write_all(&piece[..n]).map_err(Transfer::Disk)?;
            *length += n as u64;
            report(*length);
        }
    }

    fn refused(&self, status: StatusCode, what: &str, revision: &str) -> ModelError {
        let endpoint = &self.endpoint;
        let at = if revision.is_empty() || revision == "main" { String::new() } else { format!(" at {revision}") };
        ModelError::Hub(match status.as_u16() {
            401 if self.token.is_some() => format!(
                "the hub does not accept the token for {what}{at}, or there is no such model. Check the name, and renew \
                 HF_TOKEN or the token file ({endpoint})"
            ),
            401 => format!(
                "there is no model {what}{at}, or it is private or gated and the hub wants to know who asks. Check the name; \
                 for a gated model accept its terms on its page, then set HF_TOKEN ({endpoint})"
            ),
            403 => format!(
                "the token may not read {what}{at}, which is gated. Accept its terms on its page, or take a token that may \
                 read it ({endpoint})"
            ),
            404 => format!("there is no {what}{at} on the hub. Check owner, name and revision ({endpoint})"),
            _ => format!("the hub answered {status} for {what}{at}. Try again later ({endpoint})"),
        })
    }
}

/// How a transfer ended before its time.
enum Transfer {
    /// Worth another attempt.
    Broken(String),
    Final(ModelError),
    Disk(std::io::Error),
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Scheme and host of an address.
fn origin(endpoint: &str) -> &str {
    let host = endpoint.find("://").map_or(0, |at| at + 3);
    endpoint[host..].find('/').map_or(endpoint, |end| &endpoint[..host + end])
}

/// A file name made of an entity tag: the tag itself if it is plain, else its hash.
fn key(tag: &str) -> String {
    let tag = tag.trim_start_matches("W/").trim_matches('"');
    let plain = !tag.is_empty()
        && tag.len() <= 128
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if plain { tag.to_owned() } else { hash::bytes(tag.as_bytes())[..40].to_owned() }
}

/// Waits until no other process fetches the same file.
fn lock(path: &Path, progress: &dyn Progress) -> Result<File, ModelError> {
    let file = File::create(path).map_err(|error| unwritable(path, &error))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => pause(Duration::from_millis(200), progress)?,
            Err(TryLockError::Error(error)) => return Err(unwritable(path, &error)),
        }
    }
}

/// Sleeps, but wakes for a cancellation.
fn pause(time: Duration, progress: &dyn Progress) -> Result<(), ModelError> {
    let step = Duration::from_millis(50);
    let mut left = time;
    while !left.is_zero() {
        progress.checkpoint()?;
        std::thread::sleep(left.min(step));
        left = left.saturating_sub(step);
    }
    Ok(())
}
