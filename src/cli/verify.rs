//! `kleroterion verify`: checks a certificate or a panel's audit file from scratch and says exactly what differs.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::demand::{Failure, Outcome};
use super::run::carry_out;
use super::{Common, output};
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::{RunSpec, VerifySpec};
use crate::sortition::audit::AuditFile;

/// Largest certificate that is read.
const MAX_BYTES: u64 = 16 << 20;
/// Largest audit file that is read.
const MAX_AUDIT_BYTES: u64 = 1 << 30;

/// Check a certificate or a panel's audit file from scratch.
#[derive(Args)]
pub(crate) struct Verify {
    /// The certificate, or the lottery or audit file of a panel (JSON).
    file: PathBuf,
    #[command(flatten)]
    common: Common,
}

impl Verify {
    pub(crate) fn run(self) -> Outcome {
        let unreadable =
            |reason: String| Failure::Input(format!("the file cannot be read: {reason} ({})", self.file.display()));
        let size = std::fs::metadata(&self.file).map_err(|e| unreadable(e.to_string()))?.len();
        if size > MAX_AUDIT_BYTES {
            return Err(unreadable(format!("it is larger than {} MB", MAX_AUDIT_BYTES >> 20)));
        }
        let certificate = std::fs::read_to_string(&self.file).map_err(|e| unreadable(e.to_string()))?;
        if let Ok(audit) = AuditFile::from_json(&certificate) {
            return self.audit(&audit);
        }
        if size > MAX_BYTES {
            return Err(unreadable(format!("it is larger than {} MB", MAX_BYTES >> 20)));
        }
        let spec = RunSpec::Verify(VerifySpec { version: 1, certificate });
        let RunOutcome::Verify(found) = carry_out(&self.common, &spec)? else {
            return Err(Failure::Internal("a verify run returned another kind of result".into()));
        };
        for difference in &found.differences {
            eprintln!("{}: the file says {}, found {}", difference.field, difference.recorded, difference.found);
        }
        eprintln!("{}", if found.ok { "The certificate verifies." } else { "The certificate does not verify." });
        let report = json!({ "kind": "certificate", "ok": found.ok, "differences": found.differences });
        output::write_json(self.common.json.as_deref(), &report)?;
        if found.ok { Ok(()) } else { Err(Failure::Negative) }
    }

    /// A lottery and its draws, checked by arithmetic alone: no model, no solver, no project.
    fn audit(&self, audit: &AuditFile) -> Outcome {
        let differences = audit.verify();
        for difference in &differences {
            eprintln!("{}: the file says {}, found {}", difference.field, difference.recorded, difference.found);
        }
        let ok = differences.is_empty();
        eprintln!("{}", if ok { "The lottery and its draws verify." } else { "The file does not verify." });
        let report = json!({ "kind": "panel", "ok": ok, "differences": differences });
        output::write_json(self.common.json.as_deref(), &report)?;
        if ok { Ok(()) } else { Err(Failure::Negative) }
    }
}
