-- Beside the sinks' tables: the progress of their lanes and the rows that were refused. Schema version 1.
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

INSERT INTO kor_schema (component, version) VALUES ('sink', 1) ON CONFLICT (component) DO UPDATE SET version = 1;
