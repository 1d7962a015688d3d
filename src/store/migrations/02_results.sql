-- What runs found. Blobs are little-endian arrays without a header: u32 for token ids, f64 for logits and matrices.
-- Columns named texts hold JSON arrays of strings. A NULL real stands for a value that is not a number.

CREATE TABLE certify_result (
    run          INTEGER PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    tokens       BLOB NOT NULL,
    texts        TEXT NOT NULL,
    tokens_a     BLOB NOT NULL,
    texts_a      TEXT NOT NULL,
    tokens_b     BLOB NOT NULL,
    texts_b      TEXT NOT NULL,
    logits_i     BLOB NOT NULL,
    normaliser_i BLOB NOT NULL,
    logits_j     BLOB NOT NULL,
    normaliser_j BLOB NOT NULL,
    centred      BLOB NOT NULL,
    rms          REAL,
    max_abs_r    REAL,
    listed_of    INTEGER NOT NULL -- rectangles of the block; the table rectangle may list only the largest
) STRICT;

CREATE TABLE rectangle (
    run       INTEGER NOT NULL REFERENCES certify_result (run) ON DELETE CASCADE,
    ordinal   INTEGER NOT NULL,
    at_a      INTEGER NOT NULL,
    at_a2     INTEGER NOT NULL,
    at_b      INTEGER NOT NULL,
    at_b2     INTEGER NOT NULL,
    i         INTEGER NOT NULL,
    j         INTEGER NOT NULL,
    a         INTEGER NOT NULL,
    a2        INTEGER NOT NULL,
    b         INTEGER NOT NULL,
    b2        INTEGER NOT NULL,
    r32       REAL,
    r32_alone REAL,
    r64       REAL,
    r64_alone REAL,
    e32       REAL,
    e64       REAL,
    c1        TEXT NOT NULL,
    c2        TEXT,
    PRIMARY KEY (run, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE certificate (
    run            INTEGER PRIMARY KEY REFERENCES certify_result (run) ON DELETE CASCADE,
    json           TEXT NOT NULL,
    model          TEXT NOT NULL,
    weights_sha256 TEXT NOT NULL,
    r              REAL,
    error          REAL,
    c1             TEXT NOT NULL,
    c2             TEXT
) STRICT;

CREATE TABLE survey_subject (
    run     INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    subject INTEGER NOT NULL,
    name    TEXT NOT NULL,
    control TEXT,
    PRIMARY KEY (run, subject)
) STRICT, WITHOUT ROWID;

-- sentence counts the spec's sentences from 0; NULL where the state was drawn at random.
CREATE TABLE survey_context (
    run      INTEGER NOT NULL,
    subject  INTEGER NOT NULL,
    context  INTEGER NOT NULL,
    sentence INTEGER,
    tokens   BLOB NOT NULL,
    PRIMARY KEY (run, subject, context),
    FOREIGN KEY (run, subject) REFERENCES survey_subject (run, subject) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE survey_record (
    run          INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    item         INTEGER NOT NULL,
    subject      INTEGER NOT NULL,
    context      INTEGER NOT NULL,
    plausibility TEXT NOT NULL,
    distance     TEXT NOT NULL,
    i            INTEGER NOT NULL,
    j            INTEGER NOT NULL,
    a            INTEGER NOT NULL,
    a2           INTEGER NOT NULL,
    b            INTEGER NOT NULL,
    b2           INTEGER NOT NULL,
    lor_i        REAL,
    lor_j        REAL,
    r            REAL,
    error        REAL,
    certified    INTEGER NOT NULL CHECK (certified IN (0, 1)),
    PRIMARY KEY (run, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE survey_stratum (
    run          INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    ordinal      INTEGER NOT NULL,
    name         TEXT NOT NULL,
    subject      INTEGER NOT NULL,
    control      TEXT, -- NULL for a model
    plausibility TEXT NOT NULL,
    distance     TEXT NOT NULL,
    n            INTEGER NOT NULL,
    contexts     INTEGER NOT NULL,
    prevalence   REAL,
    lower        REAL,
    upper        REAL,
    q05          REAL,
    q25          REAL,
    q50          REAL,
    q75          REAL,
    q95          REAL,
    pearson      REAL,
    spearman     REAL,
    PRIMARY KEY (run, ordinal)
) STRICT, WITHOUT ROWID;

-- statistic: share, sign-disagreement or asymmetry. threshold is NULL for the share that is certified.
CREATE TABLE survey_estimate (
    run       INTEGER NOT NULL,
    stratum   INTEGER NOT NULL,
    ordinal   INTEGER NOT NULL,
    statistic TEXT NOT NULL,
    threshold REAL,
    estimate  REAL,
    lower     REAL,
    upper     REAL,
    method    TEXT NOT NULL,
    PRIMARY KEY (run, stratum, ordinal),
    FOREIGN KEY (run, stratum) REFERENCES survey_stratum (run, ordinal) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE training_point (
    run           INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    step          INTEGER NOT NULL,
    loss          REAL,
    learning_rate REAL,
    cross_entropy REAL,
    accuracy      REAL,
    PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE verification (
    run INTEGER PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    ok  INTEGER NOT NULL CHECK (ok IN (0, 1))
) STRICT;

CREATE TABLE verification_difference (
    run      INTEGER NOT NULL REFERENCES verification (run) ON DELETE CASCADE,
    ordinal  INTEGER NOT NULL,
    field    TEXT NOT NULL,
    recorded TEXT NOT NULL,
    found    TEXT NOT NULL,
    PRIMARY KEY (run, ordinal)
) STRICT, WITHOUT ROWID;
