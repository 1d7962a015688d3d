//! Rows of the survey tables: subjects, contexts, records, strata.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use super::values::{from_word, real, signed, tokens, tokens_blob, unreadable, unsigned, word};
use super::{Project, RunId, StoreError};
use crate::glauber::rectangle::Rectangle;
use crate::glauber::survey::{Control, Prevalence, Record, Stratum};

/// A model, or a control like one, of a survey.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveySubjectRow {
    pub name: String,
    pub control: Option<Control>,
    pub contexts: Vec<SurveyContextRow>,
}

/// A state in which rectangles of a survey were sampled.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyContextRow {
    /// Which of the spec's sentences, counted from 0; `None` where the state was drawn at random.
    pub sentence: Option<u32>,
    /// The subject's own token ids.
    pub tokens: Vec<u32>,
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        item: unsigned(row, "item")?,
        subject: unsigned(row, "subject")?,
        context: unsigned(row, "context")?,
        plausibility: from_word(row.get("plausibility")?)?,
        distance: from_word(row.get("distance")?)?,
        rectangle: Rectangle {
            i: unsigned(row, "i")?,
            j: unsigned(row, "j")?,
            a: unsigned(row, "a")?,
            a2: unsigned(row, "a2")?,
            b: unsigned(row, "b")?,
            b2: unsigned(row, "b2")?,
        },
        lor_i: real(row, "lor_i")?,
        lor_j: real(row, "lor_j")?,
        r: real(row, "r")?,
        error: real(row, "error")?,
        certified: row.get("certified")?,
    })
}

fn stratum(row: &Row<'_>) -> rusqlite::Result<Stratum> {
    let nothing =
        || Prevalence { threshold: None, estimate: f64::NAN, lower: f64::NAN, upper: f64::NAN, method: String::new() };
    Ok(Stratum {
        name: row.get("name")?,
        subject: unsigned(row, "subject")?,
        control: row.get::<_, Option<String>>("control")?.map(from_word).transpose()?,
        plausibility: from_word(row.get("plausibility")?)?,
        distance: from_word(row.get("distance")?)?,
        n: unsigned(row, "n")?,
        contexts: unsigned(row, "contexts")?,
        prevalence: real(row, "prevalence")?,
        interval: [real(row, "lower")?, real(row, "upper")?],
        prevalences: Vec::new(),
        quantiles: [real(row, "q05")?, real(row, "q25")?, real(row, "q50")?, real(row, "q75")?, real(row, "q95")?],
        sign_disagreement: nothing(),
        asymmetry: nothing(),
        pearson: row.get("pearson")?,
        spearman: row.get("spearman")?,
    })
}

fn strata(connection: &Connection, run: RunId) -> rusqlite::Result<Vec<Stratum>> {
    let mut strata: BTreeMap<i64, Stratum> = connection
        .prepare_cached("SELECT * FROM survey_stratum WHERE run = ?1")?
        .query_map([run.0], |row| Ok((row.get("ordinal")?, stratum(row)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut statement =
        connection.prepare_cached("SELECT * FROM survey_estimate WHERE run = ?1 ORDER BY stratum, ordinal")?;
    let mut rows = statement.query([run.0])?;
    while let Some(row) = rows.next()? {
        let estimate = Prevalence {
            threshold: row.get("threshold")?,
            estimate: real(row, "estimate")?,
            lower: real(row, "lower")?,
            upper: real(row, "upper")?,
            method: row.get("method")?,
        };
        let Some(stratum) = strata.get_mut(&row.get("stratum")?) else { continue };
        match row.get::<_, String>("statistic")?.as_str() {
            "share" => stratum.prevalences.push(estimate),
            "sign-disagreement" => stratum.sign_disagreement = estimate,
            "asymmetry" => stratum.asymmetry = estimate,
            other => return Err(unreadable(format!("{other:?} is not a statistic of a stratum"))),
        }
    }
    Ok(strata.into_values().collect())
}

impl Project {
    /// Records of a survey from item `first` on, at most `limit`.
    pub fn survey_records(&self, run: RunId, first: u64, limit: u64) -> Result<Vec<Record>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT * FROM survey_record WHERE run = ?1 AND item >= ?2 ORDER BY item LIMIT ?3")?
                .query_map(params![run.0, signed(first)?, i64::try_from(limit).unwrap_or(i64::MAX)], record)?
                .collect()
        })
    }

    /// Strata as of the last commit (final once the run is done), with the subjects' names.
    pub fn survey_strata(&self, run: RunId) -> Result<(Vec<String>, Vec<Stratum>), StoreError> {
        self.read(|connection| {
            let names = connection
                .prepare_cached("SELECT name FROM survey_subject WHERE run = ?1 ORDER BY subject")?
                .query_map([run.0], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            Ok((names, strata(connection, run)?))
        })
    }

    /// The subjects of a survey with the states they were sampled in, in the order that records count them.
    pub fn survey_subjects(&self, run: RunId) -> Result<Vec<SurveySubjectRow>, StoreError> {
        self.read(|connection| {
            let mut subjects = connection
                .prepare_cached("SELECT name, control FROM survey_subject WHERE run = ?1 ORDER BY subject")?
                .query_map([run.0], |row| {
                    let control = row.get::<_, Option<String>>("control")?.map(from_word).transpose()?;
                    Ok(SurveySubjectRow { name: row.get("name")?, control, contexts: Vec::new() })
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let mut statement =
                connection.prepare_cached("SELECT * FROM survey_context WHERE run = ?1 ORDER BY subject, context")?;
            let mut rows = statement.query([run.0])?;
            while let Some(row) = rows.next()? {
                let sentence = row.get("sentence")?;
                let state = tokens(&row.get::<_, Vec<u8>>("tokens")?)?;
                if let Some(subject) = subjects.get_mut(unsigned::<usize>(row, "subject")?) {
                    subject.contexts.push(SurveyContextRow { sentence, tokens: state });
                }
            }
            Ok(subjects)
        })
    }

    /// Stores (or replaces) the subjects of a survey.
    pub(crate) fn put_survey_subjects(&self, run: RunId, subjects: &[SurveySubjectRow]) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM survey_subject WHERE run = ?1", [run.0])?;
            let mut insert = transaction.prepare_cached("INSERT INTO survey_context VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for (subject, row) in (0_i64..).zip(subjects) {
                transaction.execute(
                    "INSERT INTO survey_subject VALUES (?1, ?2, ?3, ?4)",
                    params![run.0, subject, row.name, row.control.as_ref().map(word).transpose()?],
                )?;
                for (context, state) in (0_i64..).zip(&row.contexts) {
                    insert.execute(params![run.0, subject, context, state.sentence, tokens_blob(&state.tokens)])?;
                }
            }
            Ok(())
        })
    }

    /// Commits one batch of records together with the seconds worked so far.
    pub(crate) fn add_survey_records(&self, run: RunId, records: &[Record], seconds: f64) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO survey_record VALUES
                 (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
            )?;
            for record in records {
                insert.execute(params![
                    run.0,
                    signed(record.item)?,
                    record.subject,
                    record.context,
                    word(&record.plausibility)?,
                    word(&record.distance)?,
                    signed(record.rectangle.i as u64)?,
                    signed(record.rectangle.j as u64)?,
                    record.rectangle.a,
                    record.rectangle.a2,
                    record.rectangle.b,
                    record.rectangle.b2,
                    record.lor_i,
                    record.lor_j,
                    record.r,
                    record.error,
                    record.certified,
                ])?;
            }
            transaction.execute("UPDATE run SET seconds = ?2 WHERE id = ?1", params![run.0, seconds])?;
            Ok(())
        })
    }

    /// Stores (or replaces) the strata of a survey.
    pub(crate) fn put_survey_strata(&self, run: RunId, strata: &[Stratum]) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM survey_stratum WHERE run = ?1", [run.0])?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO survey_stratum VALUES
                 (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
            )?;
            let mut insert_estimate = transaction
                .prepare_cached("INSERT INTO survey_estimate VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
            for (ordinal, stratum) in (0_i64..).zip(strata) {
                let [q05, q25, q50, q75, q95] = stratum.quantiles;
                insert.execute(params![
                    run.0,
                    ordinal,
                    stratum.name,
                    stratum.subject,
                    stratum.control.as_ref().map(word).transpose()?,
                    word(&stratum.plausibility)?,
                    word(&stratum.distance)?,
                    signed(stratum.n)?,
                    signed(stratum.contexts)?,
                    stratum.prevalence,
                    stratum.interval[0],
                    stratum.interval[1],
                    q05,
                    q25,
                    q50,
                    q75,
                    q95,
                    stratum.pearson,
                    stratum.spearman,
                ])?;
                let estimates = stratum
                    .prevalences
                    .iter()
                    .map(|share| ("share", share))
                    .chain([("sign-disagreement", &stratum.sign_disagreement), ("asymmetry", &stratum.asymmetry)]);
                for (place, (statistic, estimate)) in (0_i64..).zip(estimates) {
                    insert_estimate.execute(params![
                        run.0,
                        ordinal,
                        place,
                        statistic,
                        estimate.threshold,
                        estimate.estimate,
                        estimate.lower,
                        estimate.upper,
                        estimate.method,
                    ])?;
                }
            }
            Ok(())
        })
    }
}
