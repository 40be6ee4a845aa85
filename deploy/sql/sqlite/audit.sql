-- In the state database: who changed, looked at or was refused what. Schema version 1.
CREATE TABLE IF NOT EXISTS kor_schema (
    component TEXT    NOT NULL PRIMARY KEY,
    version   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS kor_audit (
    id           TEXT NOT NULL PRIMARY KEY,
    added_at     TEXT NOT NULL,
    actor        TEXT NOT NULL,
    actor_role   TEXT NOT NULL,
    origin       TEXT,
    action       TEXT NOT NULL,
    target       TEXT NOT NULL,
    status       INTEGER,
    before_value TEXT,
    after_value  TEXT
);
CREATE INDEX IF NOT EXISTS kor_audit_ix1 ON kor_audit (added_at, id);

INSERT INTO kor_schema (component, version) VALUES ('audit', 1) ON CONFLICT (component) DO UPDATE SET version = 1;
