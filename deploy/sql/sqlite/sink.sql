-- Beside the sinks' tables: the progress of their lanes and the rows that were refused. Schema version 1.
-- Run again, it adds what tables of version 0.1 lack and keeps what is there; 'duplicate column name' means it is there already.
CREATE TABLE IF NOT EXISTS kor_schema (
    component TEXT    NOT NULL PRIMARY KEY,
    version   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS kor_lane (
    lane        TEXT    NOT NULL PRIMARY KEY,
    epoch       INTEGER NOT NULL,
    writes      INTEGER NOT NULL,
    progress    INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    updated_at  TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);

-- What a lane has written and found there already, ever; new since version 0.1, whose lanes begin at 0.
ALTER TABLE kor_lane ADD COLUMN written INTEGER NOT NULL DEFAULT 0;
ALTER TABLE kor_lane ADD COLUMN already INTEGER NOT NULL DEFAULT 0;

CREATE TABLE IF NOT EXISTS kor_quarantine (
    id               TEXT    NOT NULL PRIMARY KEY,
    pipeline         TEXT    NOT NULL,
    pipeline_version INTEGER NOT NULL,
    place            TEXT    NOT NULL,
    code             TEXT    NOT NULL,
    reason           TEXT    NOT NULL,
    topic            TEXT,
    topic_partition  INTEGER NOT NULL,
    topic_offset     INTEGER NOT NULL,
    record_time      INTEGER NOT NULL,
    added_at         TEXT    NOT NULL,
    headers          TEXT,
    record_key       BLOB,
    record_value     BLOB
);
CREATE INDEX IF NOT EXISTS kor_quarantine_ix1 ON kor_quarantine (pipeline, added_at, id);

INSERT INTO kor_schema (component, version) VALUES ('sink', 1), ('lane', 1) ON CONFLICT (component) DO UPDATE SET version = 1;
