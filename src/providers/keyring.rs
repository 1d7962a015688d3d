//! Keys in the keyring of the system (Secret Service, Keychain, Credential Manager), each under the name of the environment
//! variable that would hold it. The variable comes first; a key never goes into a project.

use keyring::Entry;

/// What the keys of this program are kept under.
const SERVICE: &str = "kleroterion";

/// Why the keyring did not do what was asked. No message repeats a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is no keyring, or nobody is logged in to it.
    #[error("the system's keyring cannot be reached ({0}). Put the key into an environment variable instead")]
    Unreachable(String),
    #[error("the system's keyring refused ({0}). Unlock it, or put the key into an environment variable instead")]
    Refused(String),
    #[error("a key has no blanks, quotation marks or line ends within. Paste it again")]
    NoKey,
}

fn entry(variable: &str) -> Result<Entry, KeyringError> {
    Entry::new(SERVICE, variable).map_err(|error| KeyringError::Unreachable(error.to_string()))
}

fn refused(error: &keyring::Error) -> KeyringError {
    match error {
        keyring::Error::NoDefaultStore | keyring::Error::NoStorageAccess(_) => {
            KeyringError::Unreachable(error.to_string())
        }
        // The message of a badly encoded secret has its bytes.
        keyring::Error::BadEncoding(_) => KeyringError::Refused("what it holds is no text".to_owned()),
        other => KeyringError::Refused(other.to_string()),
    }
}

/// The key that is kept under `variable`, if there is one. May take a while: the system may ask for a password.
///
/// # Errors
/// [`KeyringError`].
pub fn kept(variable: &str) -> Result<Option<String>, KeyringError> {
    match entry(variable)?.get_password() {
        Ok(key) => Ok(Some(key)),
        Err(keyring::Error::NoEntry) => Ok(None),
        Err(error) => Err(refused(&error)),
    }
}

/// Keeps `key` under `variable`, in place of one that is there.
///
/// # Errors
/// [`KeyringError`].
pub fn keep(variable: &str, key: &str) -> Result<(), KeyringError> {
    let key = key.trim();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\') {
        return Err(KeyringError::NoKey);
    }
    entry(variable)?.set_password(key).map_err(|error| refused(&error))
}

/// Deletes the key that is kept under `variable`; tells whether there was one.
///
/// # Errors
/// [`KeyringError`].
pub fn forget(variable: &str) -> Result<bool, KeyringError> {
    match entry(variable)?.delete_credential() {
        Ok(()) => Ok(true),
        Err(keyring::Error::NoEntry) => Ok(false),
        Err(error) => Err(refused(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A variable of this process alone, so that nobody's own keys are touched.
    #[test]
    fn a_key_is_kept_and_forgotten_where_there_is_a_keyring() {
        let variable = format!("KLEROTERION_TEST_{}", std::process::id());
        assert_eq!(keep(&variable, "two words"), Err(KeyringError::NoKey));
        match keep(&variable, " sk-first ") {
            Ok(()) => {
                assert_eq!(kept(&variable), Ok(Some("sk-first".to_owned())));
                keep(&variable, "sk-second").unwrap();
                assert_eq!(kept(&variable), Ok(Some("sk-second".to_owned())));
                assert_eq!(forget(&variable), Ok(true));
                assert_eq!(kept(&variable), Ok(None));
                assert_eq!(forget(&variable), Ok(false));
            }
            Err(problem) => {
                // Machines without a desktop have no keyring: then the way out is said, and the key is not.
                let told = problem.to_string();
                assert!(told.contains("environment variable") && !told.contains("sk-first"), "{told}");
                eprintln!("skipped: {told}");
            }
        }
    }
}
