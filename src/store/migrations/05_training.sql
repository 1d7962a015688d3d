-- What a preference training reports, a row a step and a row an evaluation. Visits are apart: curves need none of them.

CREATE TABLE training_step (
    run     INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    step    INTEGER NOT NULL,
    seconds REAL NOT NULL, -- worked until then
    report  TEXT NOT NULL, -- JSON without visits
    visits  TEXT NOT NULL, -- JSON list
    PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE training_evaluation (
    run    INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    step   INTEGER NOT NULL,
    report TEXT NOT NULL, -- JSON without visits
    visits TEXT NOT NULL, -- JSON list
    PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;
