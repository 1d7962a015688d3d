//! How to reach a provider and what it understands. Holds the name of the variable with the key, never a key.

use ureq::http::Uri;

/// What a provider calls the longest length of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LongestField {
    #[default]
    MaxTokens,
    /// OpenAI's newer models, where reasoning counts too.
    MaxCompletionTokens,
}

impl LongestField {
    /// As it is sent.
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
        }
    }
}

/// An endpoint of chat completions (eigenbench.md, section 13). Safe to store and to export: the key stays in the
/// environment.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// For people.
    pub name: String,
    /// Without `/chat/completions`, such as `https://openrouter.ai/api/v1`.
    pub base_url: String,
    /// Name of the environment variable that holds the key; `None` where no key is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_variable: Option<String>,
    #[serde(default)]
    pub longest_field: LongestField,
    /// Whether `seed` is sent; some providers reject fields they do not know.
    #[serde(default = "yes")]
    pub sends_seed: bool,
    /// Whether `temperature` is sent; some reasoning models reject it.
    #[serde(default = "yes")]
    pub sends_temperature: bool,
    /// Whether `stop` is sent.
    #[serde(default = "yes")]
    pub sends_stop: bool,
    /// Parallel calls at most; fewer while the provider says that there are too many.
    #[serde(default = "ten")]
    pub at_once: usize,
    /// For one attempt, from connecting to the last byte.
    #[serde(default = "five_minutes")]
    pub timeout_seconds: u64,
    /// Attempts at one question, the first included.
    #[serde(default = "four")]
    pub attempts: u32,
    /// Before the second attempt, doubled before each further one, up to a minute, unless the provider says how long.
    #[serde(default = "two_seconds")]
    pub first_wait_seconds: f64,
}

fn yes() -> bool {
    true
}

fn ten() -> usize {
    10
}

fn five_minutes() -> u64 {
    300
}

fn four() -> u32 {
    4
}

fn two_seconds() -> f64 {
    2.0
}

/// What is wrong with a provider's settings or its key. No message repeats a key or an address with a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("the provider has no name. Give it one")]
    NoName,
    #[error("{0:?} is no web address. Enter one such as https://openrouter.ai/api/v1")]
    BadAddress(String),
    #[error(
        "the address of {0} holds a user name or password. Take it out, put the key into an environment variable and name \
         that variable in the settings"
    )]
    Credentials(String),
    #[error("the address of {0} has a query or a fragment. Enter it without what follows ? or #")]
    Query(String),
    #[error(
        "the key of {0} would travel unencrypted over a network. Use an address with https, or one of this machine or of \
         your own network"
    )]
    InTheClear(String),
    #[error(
        "what {0} has as the name of an environment variable is no such name. Enter the name of the variable that holds the \
         key, such as OPENROUTER_API_KEY, not the key itself"
    )]
    NoVariableName(String),
    #[error("the setting {setting} of {provider} must be between {least} and {most}. Correct it")]
    OutOfRange { provider: String, setting: &'static str, least: &'static str, most: &'static str },
    #[error(
        "the environment variable {variable}, which should hold the key of {provider}, {problem}. Set it and start again, or keep the key \
         in the system's keyring"
    )]
    Key { provider: String, variable: String, problem: &'static str },
}

impl ProviderSettings {
    /// An endpoint that takes every field of a question.
    pub fn new(name: impl Into<String>, base_url: impl Into<String>, key_variable: Option<&str>) -> Self {
        Self {
            name: name.into(),
            base_url: base_url.into(),
            key_variable: key_variable.map(str::to_owned),
            longest_field: LongestField::MaxTokens,
            sends_seed: true,
            sends_temperature: true,
            sends_stop: true,
            at_once: ten(),
            timeout_seconds: five_minutes(),
            attempts: four(),
            first_wait_seconds: two_seconds(),
        }
    }

    /// The address without a slash at its end.
    pub fn address(&self) -> &str {
        self.base_url.trim().trim_end_matches('/')
    }

    /// # Errors
    /// [`SettingsError`] for the first setting that cannot be used.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.name.trim().is_empty() {
            return Err(SettingsError::NoName);
        }
        let name = || self.name.clone();
        // Before parsing, so that no address with a password is ever repeated.
        let authority = self.address().split_once("://").map_or(self.address(), |(_, rest)| rest);
        if authority.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@')) {
            return Err(SettingsError::Credentials(name()));
        }
        if self.address().contains(['?', '#']) {
            return Err(SettingsError::Query(name()));
        }
        let bad = || SettingsError::BadAddress(self.base_url.clone());
        let uri: Uri = self.address().parse().map_err(|_| bad())?;
        let (Some(host), Some(scheme @ ("http" | "https"))) = (uri.host(), uri.scheme_str()) else {
            return Err(bad());
        };
        if let Some(variable) = &self.key_variable {
            let begins = variable.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if !begins || !variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(SettingsError::NoVariableName(name()));
            }
            if scheme == "http" && !is_near(host) {
                return Err(SettingsError::InTheClear(name()));
            }
        }
        let range = |setting, inside: bool, least, most| {
            if inside { Ok(()) } else { Err(SettingsError::OutOfRange { provider: name(), setting, least, most }) }
        };
        range("at_once", (1..=1000).contains(&self.at_once), "1", "1000")?;
        range("timeout_seconds", (1..=3600).contains(&self.timeout_seconds), "1", "3600")?;
        range("attempts", (1..=10).contains(&self.attempts), "1", "10")?;
        range("first_wait_seconds", (0.01..=60.0).contains(&self.first_wait_seconds), "0.01", "60")
    }

    /// Whether the endpoint is on this machine.
    pub(super) fn is_local(&self) -> bool {
        let uri: Option<Uri> = self.address().parse().ok();
        uri.as_ref().and_then(Uri::host).is_some_and(is_loopback)
    }
}

fn ip(host: &str) -> Option<std::net::IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || ip(host).is_some_and(|ip| ip.is_loopback())
}

/// This machine, or one in a private network by its number (RFC 1918) or by a name that no public server can have.
fn is_near(host: &str) -> bool {
    let private = match ip(host) {
        Some(std::net::IpAddr::V4(ip)) => ip.is_private() || ip.is_link_local(),
        Some(std::net::IpAddr::V6(ip)) => ip.is_unique_local() || ip.is_unicast_link_local(),
        None => !host.contains('.') || host.ends_with(".local") || host.ends_with(".internal"),
    };
    private || is_loopback(host)
}

/// Providers with their usual addresses, to start from (eigenbench.md, section 13). Local servers with few slots get
/// few calls at once: more would only queue there and run into the timeout.
pub fn presets() -> Vec<ProviderSettings> {
    let few = |name: &str, address: &str| ProviderSettings { at_once: 4, ..ProviderSettings::new(name, address, None) };
    vec![
        ProviderSettings::new("OpenRouter", "https://openrouter.ai/api/v1", Some("OPENROUTER_API_KEY")),
        ProviderSettings {
            longest_field: LongestField::MaxCompletionTokens,
            ..ProviderSettings::new("OpenAI", "https://api.openai.com/v1", Some("OPENAI_API_KEY"))
        },
        ProviderSettings { at_once: 32, ..ProviderSettings::new("vLLM", "http://127.0.0.1:8000/v1", None) },
        few("llama.cpp", "http://127.0.0.1:8080/v1"),
        few("Ollama", "http://127.0.0.1:11434/v1"),
        few("LM Studio", "http://127.0.0.1:1234/v1"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut ProviderSettings)) -> Result<(), SettingsError> {
        let mut settings = ProviderSettings::new("Mine", "https://models.example.org/v1/", Some("MINE_KEY"));
        change(&mut settings);
        settings.check()
    }

    #[test]
    fn presets_are_in_order_and_survive_a_round_trip() {
        for preset in presets() {
            preset.check().unwrap();
            let text = serde_json::to_string(&preset).unwrap();
            assert_eq!(serde_json::from_str::<ProviderSettings>(&text).unwrap(), preset);
        }
        assert_eq!(presets().len(), 6);
    }

    #[test]
    fn short_settings_get_the_defaults_and_unknown_fields_are_refused() {
        let short: ProviderSettings =
            serde_json::from_str(r#"{"name":"Mine","base_url":"http://127.0.0.1:9/v1"}"#).unwrap();
        assert_eq!(short, ProviderSettings::new("Mine", "http://127.0.0.1:9/v1", None));
        assert!(serde_json::from_str::<ProviderSettings>(r#"{"name":"a","base_url":"b","key":"sk-1"}"#).is_err());
    }

    #[test]
    fn addresses_with_secrets_are_refused_and_not_repeated() {
        let secrets = [
            "https://me:hunter2@models.example.org/v1",
            "me:hunter2@models.example.org",
            "https://hunter2@models.example.org",
            "https://models.example.org/v1?api_key=hunter2",
        ];
        for address in secrets {
            let error = with(|settings| settings.base_url = address.into()).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
            assert!(matches!(error, SettingsError::Credentials(_) | SettingsError::Query(_)), "{error:?}");
        }
        let error = with(|settings| settings.key_variable = Some("sk-or-v1-hunter2".into())).unwrap_err();
        assert_eq!(error, SettingsError::NoVariableName("Mine".into()));
    }

    #[test]
    fn a_key_travels_in_the_clear_only_nearby() {
        for near in ["127.0.0.1:8000", "localhost", "[::1]:80", "192.168.1.7:8000", "10.0.0.2", "gpu-box", "gpu.local"]
        {
            with(|settings| settings.base_url = format!("http://{near}/v1")).unwrap();
        }
        for far in ["models.example.org", "8.8.8.8", "127.0.0.1.example.org", "[2001:db8::1]"] {
            let error = with(|settings| settings.base_url = format!("http://{far}/v1")).unwrap_err();
            assert_eq!(error, SettingsError::InTheClear("Mine".into()), "{far}");
            with(|settings| {
                settings.base_url = format!("http://{far}/v1");
                settings.key_variable = None;
            })
            .unwrap();
        }
    }

    #[test]
    fn settings_out_of_range_are_named() {
        assert_eq!(with(|settings| settings.name = " ".into()), Err(SettingsError::NoName));
        for address in ["", "ftp://a.org", "models.example.org/v1", "https://", "not an address"] {
            let error = with(|settings| settings.base_url = address.into()).unwrap_err();
            assert_eq!(error, SettingsError::BadAddress(address.into()));
        }
        let message = |change: &dyn Fn(&mut ProviderSettings)| with(change).unwrap_err().to_string();
        assert!(message(&|settings| settings.at_once = 0).contains("at_once"));
        assert!(message(&|settings| settings.timeout_seconds = 0).contains("timeout_seconds"));
        assert!(message(&|settings| settings.attempts = 11).contains("attempts"));
        assert!(message(&|settings| settings.first_wait_seconds = f64::NAN).contains("first_wait_seconds"));
    }
}
