//! What a failed attempt means: another attempt, the end of this question, or the end of all questions to a provider.

use std::time::Duration;

use super::answer::ProviderError;
use super::settings::ProviderSettings;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Then {
    /// No further question can succeed.
    Stop,
    /// This question cannot succeed; others may.
    GiveUp,
    /// Ask again.
    Again {
        /// What the provider asked for.
        after: Option<Duration>,
        /// It said that there are too many calls.
        limited: bool,
        /// It was not reached at all: if that lasts, no other question will reach it.
        unreachable: bool,
    },
}

impl Then {
    /// Ask again, as after any passing trouble.
    pub const AGAIN: Self = Self::Again { after: None, limited: false, unreachable: false };
}

/// A failed attempt in words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trouble {
    /// Without a full stop.
    pub problem: String,
    /// A sentence without its full stop.
    pub remedy: String,
    pub then: Then,
}

impl Trouble {
    fn new(problem: String, remedy: impl Into<String>, then: Then) -> Self {
        Self { problem, remedy: remedy.into(), then }
    }

    /// For people: the problem, the remedy, the address last. `attempts` are told where there were several.
    pub fn message(&self, settings: &ProviderSettings, attempts: u32) -> String {
        let times = if attempts > 1 { format!(", at the last of {attempts} attempts") } else { String::new() };
        format!("{}{times}. {} ({})", self.problem, self.remedy, settings.address())
    }
}

/// Words in a provider's refusal of one question that others need not share: too long, or objectionable.
const ABOUT_ONE_QUESTION: [&str; 15] = [
    "context_length",
    "context length",
    "context size",
    "context window",
    "exceed_context",
    "maximum context",
    "too long",
    "too many tokens",
    "content_policy",
    "content_filter",
    "content management policy",
    "invalid_prompt",
    "moderation",
    "flagged",
    "usage policy",
];

/// What a status other than success means. 400 and its kin end all questions unless they are about this one's text,
/// since a field that is refused once is refused always, and a run of thousands must not find that out thousands of
/// times. `after` is what `Retry-After` asks for.
pub(super) fn of_status(
    status: u16,
    error: &ProviderError,
    after: Option<Duration>,
    settings: &ProviderSettings,
) -> Trouble {
    let name = &settings.name;
    let quoted = error.quoted();
    let said = if quoted.is_empty() { status.to_string() } else { format!("{status}: {quoted}") };
    let text = format!("{} {}", error.kind, error.message.to_lowercase());
    let about_one = ABOUT_ONE_QUESTION.iter().any(|words| text.contains(words));
    let again = |limited| Then::Again { after, limited, unreachable: false };
    let variable = settings.key_variable.as_deref();
    match status {
        // The provider's own words may repeat a part of the key.
        401 => Trouble::new(
            format!("{name} does not accept the key (401)"),
            match variable {
                Some(variable) => {
                    format!("Put a valid key into the environment variable {variable} and start again")
                }
                None => "Name the environment variable that holds the key in the provider's settings".to_owned(),
            },
            Then::Stop,
        ),
        // OpenRouter sends it with a time to wait while earlier calls are still to be billed.
        402 if after.is_some() => busy(name, &said, again(true)),
        402 => no_credit(name, &said),
        429 if ["insufficient_quota", "billing_hard_limit"].iter().any(|kind| text.contains(kind)) => {
            no_credit(name, &said)
        }
        429 => busy(name, &said, again(true)),
        400 | 403 | 413 | 422 if about_one || status == 413 => Trouble::new(
            format!("{name} refuses this question ({said})"),
            "Shorten or reword it, or ask for a shorter answer",
            Then::GiveUp,
        ),
        403 => Trouble::new(
            format!("{name} forbids the question ({said})"),
            match variable {
                Some(variable) => {
                    format!("Check what the key in {variable} may use, and the terms of the model")
                }
                None => "Check whether the provider wants a key".to_owned(),
            },
            Then::Stop,
        ),
        404 => Trouble::new(
            format!("{name} knows no such model or address ({said})"),
            "Check the model's name and the address; the provider's test lists its models",
            Then::Stop,
        ),
        408 | 409 => Trouble::new(
            format!("{name} did not answer in time ({said})"),
            "Try again later, or allow fewer calls at once",
            again(false),
        ),
        500.. => Trouble::new(format!("{name} is in trouble ({said})"), "Try again later", again(false)),
        300..400 => Trouble::new(
            format!("{name} sends the question elsewhere ({said})"),
            "Enter the address it leads to, if that is the one you mean",
            Then::Stop,
        ),
        _ => Trouble::new(format!("{name} refuses the form of the question ({said})"), form_remedy(&text), Then::Stop),
    }
}

/// An error inside a success, which OpenRouter sends when it finds out late.
pub(super) fn inside_success(error: &ProviderError, settings: &ProviderSettings) -> Trouble {
    match error.status {
        Some(status) => of_status(status, error, None, settings),
        None => {
            let quoted = error.quoted();
            let said = if quoted.is_empty() { "without saying which".to_owned() } else { quoted };
            Trouble::new(
                format!("{} reports an error ({said})", settings.name),
                "Try again later, or check the model's name",
                Then::AGAIN,
            )
        }
    }
}

/// A success whose body is no answer; `problem` follows "the answer".
pub(super) fn unreadable(problem: &str, settings: &ProviderSettings) -> Trouble {
    Trouble::new(
        format!("the answer of {} {problem}", settings.name),
        "Check that the address is that of an OpenAI-compatible endpoint, or try again later",
        Then::AGAIN,
    )
}

/// No answer, or not a whole one.
pub(super) fn of_transport(error: &ureq::Error, settings: &ProviderSettings) -> Trouble {
    use std::io::ErrorKind;
    let name = &settings.name;
    let unreachable = |why: &str| {
        let remedy = if settings.is_local() {
            "Start its server, or correct the address"
        } else {
            "Check the network and the address"
        };
        let then = Then::Again { after: None, limited: false, unreachable: true };
        Trouble::new(format!("{name} cannot be reached ({why})"), remedy, then)
    };
    let insecure = |why: String| {
        Trouble::new(
            format!("there is no secure connection to {name} ({why})"),
            "Check the address, the clock of this machine and the network's sign-in page",
            Then::Stop,
        )
    };
    match error {
        ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => unreachable("no connection in time"),
        ureq::Error::Timeout(_) => late(settings),
        ureq::Error::HostNotFound => unreachable("no such host"),
        ureq::Error::ConnectionFailed | ureq::Error::ConnectProxyFailed(_) => unreachable("the connection failed"),
        ureq::Error::Tls(why) => insecure((*why).to_owned()),
        ureq::Error::Rustls(why) => insecure(why.to_string()),
        ureq::Error::BodyExceedsLimit(limit) => Trouble::new(
            format!("the answer of {name} is longer than {} MB", limit >> 20),
            "Ask for a shorter answer, and check the address",
            Then::GiveUp,
        ),
        ureq::Error::Io(io) => match io.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => late(settings),
            ErrorKind::ConnectionRefused => unreachable("the connection was refused"),
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => unreachable("there is no way to it"),
            ErrorKind::InvalidData => insecure(io.to_string()),
            _ => cut(settings),
        },
        _ => cut(settings),
    }
}

/// The system has no thread left for the call.
pub(super) fn no_thread(settings: &ProviderSettings) -> Trouble {
    Trouble::new(
        format!("the system gave no thread for a call to {}", settings.name),
        "Allow fewer calls at once in the provider's settings",
        Then::AGAIN,
    )
}

fn late(settings: &ProviderSettings) -> Trouble {
    Trouble::new(
        format!("{} did not answer within {} s", settings.name, settings.timeout_seconds),
        "Allow more time or fewer calls at once in the provider's settings, or ask for a shorter answer",
        Then::AGAIN,
    )
}

fn cut(settings: &ProviderSettings) -> Trouble {
    Trouble::new(format!("the answer of {} was cut off", settings.name), "Try again later", Then::AGAIN)
}

fn busy(name: &str, said: &str, then: Then) -> Trouble {
    Trouble::new(
        format!("{name} turns calls away because there are too many ({said})"),
        "Allow fewer calls at once in the provider's settings, or try again later",
        then,
    )
}

fn no_credit(name: &str, said: &str) -> Trouble {
    Trouble::new(format!("the credit at {name} is used up ({said})"), "Add credit there, then go on", Then::Stop)
}

/// The setting that helps where the provider names the field it refuses.
fn form_remedy(text: &str) -> String {
    let setting = if text.contains("max_completion_tokens") {
        "set longest_field to max_completion_tokens"
    } else if text.contains("max_tokens") {
        "set longest_field to the other name, or ask for a shorter answer"
    } else if text.contains("temperature") {
        "switch off sends_temperature"
    } else if text.contains("seed") {
        "switch off sends_seed"
    } else if text.contains("'stop'") || text.contains("\"stop\"") || text.contains("stop sequence") {
        "switch off sends_stop"
    } else {
        return "Check the model's name and which fields the provider takes".to_owned();
    };
    format!("In the provider's settings, {setting}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(status: u16, kind: &str, message: &str, after: Option<u64>) -> Trouble {
        let settings = ProviderSettings::new("Mine", "https://models.example.org/v1", Some("MINE_KEY"));
        let error = ProviderError { status: None, kind: kind.into(), message: message.into() };
        of_status(status, &error, after.map(Duration::from_secs), &settings)
    }

    #[test]
    fn statuses_mean_what_the_provider_means() {
        let then = |status, kind, message, after| trouble(status, kind, message, after).then;
        let again = |after: Option<u64>, limited| Then::Again {
            after: after.map(Duration::from_secs),
            limited,
            unreachable: false,
        };
        for status in [400, 401, 402, 403, 404, 405, 307, 422] {
            assert_eq!(then(status, "", "", None), Then::Stop, "{status}");
        }
        for status in [408, 409, 500, 502, 503, 504, 529] {
            assert_eq!(then(status, "", "", None), again(None, false), "{status}");
        }
        assert_eq!(then(429, "", "", None), again(None, true));
        assert_eq!(then(429, "", "", Some(3)), again(Some(3), true));
        assert_eq!(then(429, "insufficient_quota", "", None), Then::Stop);
        assert_eq!(then(402, "", "", Some(3)), again(Some(3), true));
        assert_eq!(then(400, "context_length_exceeded", "", None), Then::GiveUp);
        assert_eq!(then(400, "", "This model's maximum context length is 4096 tokens", None), Then::GiveUp);
        assert_eq!(then(403, "", "Your input was flagged", None), Then::GiveUp);
        assert_eq!(then(413, "", "", None), Then::GiveUp);
    }

    #[test]
    fn messages_put_the_problem_first_then_the_remedy_then_the_address() {
        let settings = ProviderSettings::new("Mine", "https://models.example.org/v1/", Some("MINE_KEY"));
        let words = trouble(401, "", "Incorrect API key provided: sk-ab***yz", None).message(&settings, 1);
        assert_eq!(
            words,
            "Mine does not accept the key (401). Put a valid key into the environment variable MINE_KEY and start again \
             (https://models.example.org/v1)"
        );
        let words = trouble(503, "", "over  capacity\n", None).message(&settings, 4);
        assert_eq!(
            words,
            "Mine is in trouble (503: over capacity), at the last of 4 attempts. Try again later \
             (https://models.example.org/v1)"
        );
        let hint = trouble(400, "", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", None);
        assert!(hint.remedy.contains("set longest_field to max_completion_tokens"), "{hint:?}");
    }
}
