//! A provider's key in memory: read from the environment, sent as a header, and nothing else.

use std::ffi::OsString;

use ureq::http::HeaderValue;

use super::settings::SettingsError;

/// What stands where a key stood.
const MASK: &str = "[key]";
/// A shorter key may well be an ordinary word ("EMPTY"), which answers must keep.
const SURELY_SECRET: usize = 16;

/// A key. Its `Debug` shows nothing, and it can be neither printed nor serialised.
pub(super) struct Key(String);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// From the variable's value.
    pub fn read(provider: &str, variable: &str, value: Option<OsString>) -> Result<Self, SettingsError> {
        let wrong =
            |problem| SettingsError::Key { provider: provider.to_owned(), variable: variable.to_owned(), problem };
        let value = value.ok_or_else(|| wrong("is not set, and the system's keyring has no such key"))?;
        let value = value.to_str().map(str::trim).unwrap_or_default().to_owned();
        if value.is_empty() {
            return Err(wrong("is empty"));
        }
        // Then the key looks the same in JSON and in headers, and can be found again in either.
        if !value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\') {
            return Err(wrong("has characters that no key has, such as a space or a quotation mark"));
        }
        Ok(Self(value))
    }

    /// For `Authorization`, marked so that libraries do not log it.
    pub fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).expect("keys are visible ASCII");
        value.set_sensitive(true);
        value
    }

    /// A message without the key.
    pub fn masked(&self, text: &str) -> String {
        text.replace(&self.0, MASK)
    }

    /// An answer without the key; short keys, which are placeholders, are left in it.
    pub fn masked_in_answer(&self, text: String) -> String {
        if self.0.len() >= SURELY_SECRET && text.contains(&self.0) { self.masked(&text) } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_itself_nowhere() {
        let key = Key::read("Mine", "MINE_KEY", Some(" sk-0123456789abcdef\n".into())).unwrap();
        assert_eq!(format!("{key:?}"), "Key");
        assert_eq!(format!("{:?}", key.header()), "Sensitive");
        assert_eq!(key.header().to_str().unwrap(), "Bearer sk-0123456789abcdef");
        assert_eq!(key.masked("no sk-0123456789abcdef!"), "no [key]!");
        assert_eq!(key.masked_in_answer("sk-0123456789abcdef".into()), "[key]");
        let placeholder = Key::read("Mine", "MINE_KEY", Some("EMPTY".into())).unwrap();
        assert_eq!(placeholder.masked_in_answer("EMPTY".into()), "EMPTY");
    }

    #[test]
    fn keys_that_cannot_be_sent_are_refused_without_being_shown() {
        for (value, problem) in [(None, "not set"), (Some(" "), "empty"), (Some("sk-1 2"), "characters")] {
            let error = Key::read("Mine", "MINE_KEY", value.map(Into::into)).unwrap_err().to_string();
            assert!(error.contains(problem) && error.contains("MINE_KEY") && !error.contains("sk-1"), "{error}");
        }
    }
}
