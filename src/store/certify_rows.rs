//! Rows of the certify tables: result, rectangles, certificate.

use rusqlite::{OptionalExtension, params};

use super::values::{from_json, from_word, json, real, reals, reals_blob, signed, tokens, tokens_blob, unsigned, word};
use super::{Project, RunId, StoreError};
use crate::glauber::certificate::Assessment;
use crate::glauber::certify::{AssessedRectangle, CertifyResult};
use crate::glauber::rectangle::Rectangle;

impl Project {
    pub fn certify_result(&self, run: RunId) -> Result<Option<CertifyResult>, StoreError> {
        self.read(|connection| {
            let rectangles = connection
                .prepare_cached("SELECT * FROM rectangle WHERE run = ?1 ORDER BY ordinal")?
                .query_map([run.0], |row| {
                    Ok(AssessedRectangle {
                        at: (
                            unsigned(row, "at_a")?,
                            unsigned(row, "at_a2")?,
                            unsigned(row, "at_b")?,
                            unsigned(row, "at_b2")?,
                        ),
                        rectangle: Rectangle {
                            i: unsigned(row, "i")?,
                            j: unsigned(row, "j")?,
                            a: unsigned(row, "a")?,
                            a2: unsigned(row, "a2")?,
                            b: unsigned(row, "b")?,
                            b2: unsigned(row, "b2")?,
                        },
                        assessment: Assessment {
                            r32: real(row, "r32")?,
                            r32_alone: real(row, "r32_alone")?,
                            r64: real(row, "r64")?,
                            r64_alone: real(row, "r64_alone")?,
                            e32: real(row, "e32")?,
                            e64: real(row, "e64")?,
                            c1: from_word(row.get("c1")?)?,
                            c2: row.get::<_, Option<String>>("c2")?.map(from_word).transpose()?,
                        },
                    })
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            connection
                .prepare_cached(
                    "SELECT r.*, c.json AS certificate FROM certify_result r JOIN certificate c ON c.run = r.run
                     WHERE r.run = ?1",
                )?
                .query_row([run.0], |row| {
                    let ids = |column: &str| tokens(&row.get::<_, Vec<u8>>(column)?);
                    let texts = |column: &str| from_json(&row.get::<_, String>(column)?);
                    let numbers = |column: &str| reals(&row.get::<_, Vec<u8>>(column)?);
                    Ok(CertifyResult {
                        tokens: ids("tokens")?,
                        texts: texts("texts")?,
                        tokens_a: ids("tokens_a")?,
                        texts_a: texts("texts_a")?,
                        tokens_b: ids("tokens_b")?,
                        texts_b: texts("texts_b")?,
                        logits_i: numbers("logits_i")?,
                        normaliser_i: numbers("normaliser_i")?,
                        logits_j: numbers("logits_j")?,
                        normaliser_j: numbers("normaliser_j")?,
                        centred: numbers("centred")?,
                        rms: real(row, "rms")?,
                        rectangles,
                        listed_of: unsigned(row, "listed_of")?,
                        max_abs_r: real(row, "max_abs_r")?,
                        certificate: from_json(&row.get::<_, String>("certificate")?)?,
                    })
                })
                .optional()
        })
    }

    /// Stores (or replaces) the whole result of a certify run in one transaction.
    pub(crate) fn put_certify_result(&self, run: RunId, result: &CertifyResult) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM certify_result WHERE run = ?1", [run.0])?;
            transaction.execute(
                "INSERT INTO certify_result VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
                params![
                    run.0,
                    tokens_blob(&result.tokens),
                    json(&result.texts)?,
                    tokens_blob(&result.tokens_a),
                    json(&result.texts_a)?,
                    tokens_blob(&result.tokens_b),
                    json(&result.texts_b)?,
                    reals_blob(&result.logits_i),
                    reals_blob(&result.normaliser_i),
                    reals_blob(&result.logits_j),
                    reals_blob(&result.normaliser_j),
                    reals_blob(&result.centred),
                    result.rms,
                    result.max_abs_r,
                    signed(result.listed_of)?,
                ],
            )?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO rectangle VALUES
                 (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
            )?;
            for (ordinal, AssessedRectangle { at, rectangle, assessment }) in (0_i64..).zip(&result.rectangles) {
                insert.execute(params![
                    run.0,
                    ordinal,
                    signed(at.0 as u64)?,
                    signed(at.1 as u64)?,
                    signed(at.2 as u64)?,
                    signed(at.3 as u64)?,
                    signed(rectangle.i as u64)?,
                    signed(rectangle.j as u64)?,
                    rectangle.a,
                    rectangle.a2,
                    rectangle.b,
                    rectangle.b2,
                    assessment.r32,
                    assessment.r32_alone,
                    assessment.r64,
                    assessment.r64_alone,
                    assessment.e32,
                    assessment.e64,
                    word(&assessment.c1)?,
                    assessment.c2.as_ref().map(word).transpose()?,
                ])?;
            }
            let certificate = &result.certificate;
            transaction.execute(
                "INSERT INTO certificate VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    run.0,
                    json(certificate)?,
                    certificate.model.reference,
                    certificate.model.weights_sha256,
                    certificate.assessment.r64,
                    certificate.assessment.e64,
                    word(&certificate.assessment.c1)?,
                    certificate.assessment.c2.as_ref().map(word).transpose()?,
                ],
            )?;
            Ok(())
        })
    }
}
