//! Rows of calls: what language models were asked, once each, and what came back.

use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::values::{from_json, json, now};
use super::{Project, RunId, StoreError};
use crate::providers::chat::{ChatRequest, Reply, Usage};

/// Primary key of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct CallId(pub i64);

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRow {
    pub id: CallId,
    /// The run that asked first.
    pub run: RunId,
    /// RFC 3339, UTC.
    pub at: String,
    /// Identity of whoever answered.
    pub provider: String,
    pub request: ChatRequest,
    /// Or why there is none.
    pub reply: Result<Reply, String>,
}

/// What the calls of a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CallTotals {
    pub answered: u64,
    pub failed: u64,
    /// As far as providers said.
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// US dollars, as far as providers said.
    pub cost: f64,
}

/// What the calls to one model came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelCalls {
    pub model: String,
    pub answered: u64,
    pub failed: u64,
    /// As far as providers said.
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// US dollars of the calls of which providers said them; `None` where they did of none.
    pub dollars: Option<f64>,
    /// Tokens of the calls of which they said these alone.
    pub without_dollars: Option<Usage>,
}

const COLUMNS: &str = "id, run, at, provider, request, reply, error";

fn call(row: &Row<'_>) -> rusqlite::Result<CallRow> {
    let reply: Option<String> = row.get("reply")?;
    let error: Option<String> = row.get("error")?;
    Ok(CallRow {
        id: CallId(row.get("id")?),
        run: RunId(row.get("run")?),
        at: row.get("at")?,
        provider: row.get("provider")?,
        request: from_json(&row.get::<_, String>("request")?)?,
        reply: match reply {
            Some(reply) => Ok(from_json(&reply)?),
            None => Err(error.unwrap_or_default()),
        },
    })
}

fn worked(transaction: &Transaction<'_>, run: RunId, seconds: f64) -> rusqlite::Result<()> {
    let mut update = transaction.prepare_cached("UPDATE run SET seconds = ?2 WHERE id = ?1")?;
    update.execute(params![run.0, seconds]).map(drop)
}

fn insert(
    transaction: &Transaction<'_>,
    run: RunId,
    provider: &str,
    request: &ChatRequest,
    reply: Result<&Reply, &str>,
) -> rusqlite::Result<CallId> {
    let key = request.key(provider);
    let (text, error) = match reply {
        Ok(reply) => (Some(json(reply)?), None),
        Err(error) => (None, Some(error)),
    };
    let added = transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO call (run, key, at, provider, request, reply, error)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![run.0, key, now(), provider, json(request)?, text, error])?;
    let id = match added {
        0 => transaction
            .prepare_cached("SELECT id FROM call WHERE key = ?1 AND reply IS NOT NULL")?
            .query_row([key], |row| row.get(0))?,
        _ => transaction.last_insert_rowid(),
    };
    Ok(CallId(id))
}

impl Project {
    /// The reply to a call that was answered before, whichever run asked.
    pub fn answered(&self, key: &str) -> Result<Option<(CallId, Reply)>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT id, reply FROM call WHERE key = ?1 AND reply IS NOT NULL")?
                .query_row([key], |row| Ok((CallId(row.get(0)?), from_json(&row.get::<_, String>(1)?)?)))
                .optional()
        })
    }

    /// Keeps a call. One with a reply that is known already (two runs asked the same at once) stays as it was first.
    pub(crate) fn add_call(
        &self,
        run: RunId,
        provider: &str,
        request: &ChatRequest,
        reply: Result<&Reply, &str>,
        seconds: f64,
    ) -> Result<CallId, StoreError> {
        self.write(|transaction| {
            worked(transaction, run, seconds)?;
            insert(transaction, run, provider, request, reply)
        })
    }

    /// Keeps calls that were answered elsewhere; ones that are known stay as they were first.
    pub(crate) fn add_calls(
        &self,
        run: RunId,
        provider: &str,
        calls: &[(ChatRequest, Reply)],
        seconds: f64,
    ) -> Result<Vec<CallId>, StoreError> {
        self.write(|transaction| {
            worked(transaction, run, seconds)?;
            calls.iter().map(|(request, reply)| insert(transaction, run, provider, request, Ok(reply))).collect()
        })
    }

    pub fn call(&self, id: CallId) -> Result<Option<CallRow>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM call WHERE id = ?1"))?
                .query_row([id.0], call)
                .optional()
        })
    }

    /// Calls that a run asked first, after `after`, oldest first, `most` at most.
    pub fn calls(&self, run: RunId, after: CallId, most: u32) -> Result<Vec<CallRow>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM call WHERE run = ?1 AND id > ?2 ORDER BY id LIMIT ?3"))?
                .query_map(params![run.0, after.0, most], call)?
                .collect()
        })
    }

    /// What the calls that a run asked first came to, by model.
    pub fn calls_by_model(&self, run: RunId) -> Result<Vec<ModelCalls>, StoreError> {
        self.read(|connection| {
            // In the words of the index call_sums, which holds all of it.
            let mut found: Vec<ModelCalls> = Vec::new();
            let mut statement = connection.prepare_cached(
                "SELECT request ->> '$.model' AS model, reply IS NULL AS failed, COUNT(*) AS calls,
                 SUM(reply ->> '$.usage.prompt_tokens') AS prompt_tokens,
                 SUM(reply ->> '$.usage.completion_tokens') AS completion_tokens,
                 SUM(reply ->> '$.cost') AS dollars,
                 SUM(iif(reply ->> '$.cost' IS NULL, reply ->> '$.usage.prompt_tokens', NULL)) AS unsaid_prompt,
                 SUM(iif(reply ->> '$.cost' IS NULL, reply ->> '$.usage.completion_tokens', NULL)) AS unsaid_completion
                 FROM call WHERE run = ?1 GROUP BY reply IS NULL, request ->> '$.model'",
            )?;
            let mut rows = statement.query([run.0])?;
            while let Some(row) = rows.next()? {
                let model: String = row.get("model")?;
                let count = |name: &str| row.get::<_, Option<i64>>(name).map(|sum| sum.map(i64::unsigned_abs));
                let place = found.iter().position(|known| known.model == model).unwrap_or_else(|| {
                    found.push(ModelCalls { model, ..ModelCalls::default() });
                    found.len() - 1
                });
                let own = &mut found[place];
                if row.get("failed")? {
                    own.failed = count("calls")?.unwrap_or_default();
                    continue;
                }
                own.answered = count("calls")?.unwrap_or_default();
                own.prompt_tokens = count("prompt_tokens")?.unwrap_or_default();
                own.completion_tokens = count("completion_tokens")?.unwrap_or_default();
                own.dollars = row.get("dollars")?;
                own.without_dollars = (count("unsaid_prompt")?.zip(count("unsaid_completion")?))
                    .map(|(prompt_tokens, completion_tokens)| Usage { prompt_tokens, completion_tokens });
            }
            Ok(found)
        })
    }

    /// What the calls that a run asked first came to.
    pub fn call_totals(&self, run: RunId) -> Result<CallTotals, StoreError> {
        let mut totals = CallTotals::default();
        for own in self.calls_by_model(run)? {
            totals.answered += own.answered;
            totals.failed += own.failed;
            totals.prompt_tokens += own.prompt_tokens;
            totals.completion_tokens += own.completion_tokens;
            totals.cost += own.dollars.unwrap_or_default();
        }
        Ok(totals)
    }
}
