-- In the state database: who changed, looked at or was refused what. Schema version 1.
-- The silos need SELECT, INSERT, UPDATE and DELETE (entries older than Kor:Http:AuditKeepFor).
CREATE TABLE IF NOT EXISTS kor_schema (
    component varchar(40) PRIMARY KEY,
    version   bigint      NOT NULL
);

CREATE TABLE IF NOT EXISTS kor_audit (
    id           varchar(64) COLLATE "C" PRIMARY KEY,
    added_at     timestamptz   NOT NULL,
    actor        varchar(200)  NOT NULL,
    actor_role   varchar(40)   NOT NULL,
    origin       varchar(100),
    action       varchar(200)  NOT NULL,
    target       varchar(1000) NOT NULL,
    status       bigint,
    before_value varchar(1000),
    after_value  varchar(1000)
);
CREATE INDEX IF NOT EXISTS kor_audit_ix1 ON kor_audit (added_at, id);

INSERT INTO kor_schema (component, version) VALUES ('audit', 1) ON CONFLICT (component) DO UPDATE SET version = 1;
