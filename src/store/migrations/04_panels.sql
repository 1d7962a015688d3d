-- Pools of people that panels are drawn from. Personal data: it stays in the project's folder.

-- attributes is a JSON list of names with their values; mapping is JSON: how the columns of the file were read.
CREATE TABLE pool (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    source     TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    imported   TEXT NOT NULL,
    mapping    TEXT NOT NULL,
    attributes TEXT NOT NULL
) STRICT;

-- answers are the person's values as places in the attributes, 16-bit little-endian numbers.
CREATE TABLE pool_person (
    pool      INTEGER NOT NULL REFERENCES pool (id) ON DELETE CASCADE,
    ordinal   INTEGER NOT NULL,
    name      TEXT NOT NULL,
    answers   BLOB NOT NULL,
    household TEXT NOT NULL,
    PRIMARY KEY (pool, ordinal)
) STRICT, WITHOUT ROWID;
