-- Beside the sinks' tables: the progress of their lanes and the rows that were refused. Schema version 1.
-- Run once in every schema that sinks write to, as the user the silos connect with (or grant it SELECT, INSERT, UPDATE,
-- DELETE). ORA-00955 and ORA-01430 mean it is there already: run again, it adds what tables of version 0.1 lack.
CREATE TABLE KOR_SCHEMA (
    COMPONENT VARCHAR2(40 BYTE) NOT NULL,
    VERSION   NUMBER(10)   NOT NULL,
    CONSTRAINT KOR_SCHEMA_PK PRIMARY KEY (COMPONENT)
);

-- One row per lane: EPOCH fences old writers, WRITES counts committed transactions, so that a COMMIT without an answer
-- can be told from one that never happened. Each write changes its lane's row: few rows a block, and room for many
-- transactions in it.
CREATE TABLE KOR_LANE (
    LANE        VARCHAR2(3200 BYTE) NOT NULL,
    EPOCH       NUMBER(19)     NOT NULL,
    WRITES      NUMBER(19)     NOT NULL,
    PROGRESS    NUMBER(19)     NOT NULL,
    QUARANTINED NUMBER(19)     NOT NULL,
    UPDATED_AT  TIMESTAMP(6)   NOT NULL,
    CONSTRAINT KOR_LANE_PK PRIMARY KEY (LANE)
)
INITRANS 16 PCTFREE 50;

-- What a lane has written and found there already, ever; new since version 0.1, whose lanes begin at 0.
ALTER TABLE KOR_LANE ADD WRITTEN NUMBER(19) DEFAULT 0 NOT NULL;
ALTER TABLE KOR_LANE ADD ALREADY NUMBER(19) DEFAULT 0 NOT NULL;

CREATE TABLE KOR_QUARANTINE (
    ID               VARCHAR2(64 BYTE)   NOT NULL,
    PIPELINE         VARCHAR2(800 BYTE)  NOT NULL,
    PIPELINE_VERSION NUMBER(10)     NOT NULL,
    PLACE            VARCHAR2(1600 BYTE) NOT NULL,
    CODE             VARCHAR2(400 BYTE)  NOT NULL,
    REASON           VARCHAR2(4000 BYTE) NOT NULL,
    TOPIC            VARCHAR2(1000 BYTE),
    TOPIC_PARTITION  NUMBER(10)     NOT NULL,
    TOPIC_OFFSET     NUMBER(19)     NOT NULL,
    RECORD_TIME      NUMBER(19)     NOT NULL,
    ADDED_AT         TIMESTAMP(6)   NOT NULL,
    HEADERS          CLOB,
    RECORD_KEY       BLOB,
    RECORD_VALUE     BLOB,
    CONSTRAINT KOR_QUARANTINE_PK PRIMARY KEY (ID)
);
CREATE INDEX KOR_QUARANTINE_IX1 ON KOR_QUARANTINE (PIPELINE, ADDED_AT, ID);

MERGE INTO KOR_SCHEMA T USING (SELECT 'sink' AS COMPONENT, 1 AS VERSION FROM DUAL UNION ALL SELECT 'lane', 1 FROM DUAL) S
ON (T.COMPONENT = S.COMPONENT)
WHEN MATCHED THEN UPDATE SET VERSION = S.VERSION
WHEN NOT MATCHED THEN INSERT (COMPONENT, VERSION) VALUES (S.COMPONENT, S.VERSION);

COMMIT;
