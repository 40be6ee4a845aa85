-- What a database needs so that the stand-in can run Oracle's statements in it: DUAL and INSTR from orafce, and Oracle's catalogue views
-- over PostgreSQL's catalogue.
CREATE EXTENSION IF NOT EXISTS orafce;

CREATE VIEW public.all_tab_columns AS
SELECT n.nspname::text AS ns,
    CASE WHEN n.nspname = 'public' THEN 'KOR' ELSE upper(n.nspname) END AS owner,
    CASE WHEN c.relname = lower(c.relname) THEN upper(c.relname) ELSE c.relname::text END AS table_name,
    CASE WHEN a.attname = lower(a.attname) THEN upper(a.attname) ELSE a.attname::text END AS column_name,
    CASE t.typname
        WHEN 'numeric' THEN 'NUMBER' WHEN 'float8' THEN 'BINARY_DOUBLE' WHEN 'varchar' THEN 'VARCHAR2'
        WHEN 'varchar2' THEN 'VARCHAR2' WHEN 'text' THEN 'CLOB' WHEN 'bytea' THEN 'BLOB'
        WHEN 'timestamp' THEN 'TIMESTAMP(' || CASE WHEN a.atttypmod < 0 THEN 6 ELSE a.atttypmod END || ')'
        WHEN 'timestamptz' THEN 'TIMESTAMP(6) WITH TIME ZONE' WHEN 'date' THEN 'DATE' ELSE upper(t.typname) END AS data_type,
    CASE WHEN t.typname IN ('varchar', 'varchar2') THEN a.atttypmod - 4 ELSE 22 END::numeric AS data_length,
    CASE WHEN t.typname IN ('varchar', 'varchar2') THEN a.atttypmod - 4 ELSE 0 END::numeric AS char_length,
    CASE WHEN t.typname IN ('varchar', 'varchar2') THEN 'B' END AS char_used,
    CASE WHEN t.typname = 'numeric' AND a.atttypmod >= 4 THEN ((a.atttypmod - 4) >> 16) & 65535 END::numeric AS data_precision,
    CASE WHEN t.typname = 'numeric' AND a.atttypmod >= 4 THEN (a.atttypmod - 4) & 2047
        WHEN t.typname = 'timestamp' THEN CASE WHEN a.atttypmod < 0 THEN 6 ELSE a.atttypmod END END::numeric AS data_scale,
    CASE WHEN a.attnotnull THEN 'N' ELSE 'Y' END AS nullable,
    CASE WHEN a.atthasdef THEN 1 END::numeric AS default_length,
    a.attnum::numeric AS column_id
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'v')
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema')
JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped;

CREATE VIEW public.all_constraints AS
SELECT CASE WHEN n.nspname = 'public' THEN 'KOR' ELSE upper(n.nspname) END AS owner,
    CASE WHEN c.relname = lower(c.relname) THEN upper(c.relname) ELSE c.relname::text END AS table_name,
    k.conname::text AS constraint_name, upper(k.contype::text) AS constraint_type, 'ENABLED'::text AS status
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace;

CREATE VIEW public.all_cons_columns AS
SELECT CASE WHEN n.nspname = 'public' THEN 'KOR' ELSE upper(n.nspname) END AS owner, k.conname::text AS constraint_name,
    CASE WHEN a.attname = lower(a.attname) THEN upper(a.attname) ELSE a.attname::text END AS column_name
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey);

CREATE VIEW public.all_indexes AS
SELECT CASE WHEN n.nspname = 'public' THEN 'KOR' ELSE upper(n.nspname) END AS owner,
    CASE WHEN n.nspname = 'public' THEN 'KOR' ELSE upper(n.nspname) END AS table_owner, x.relname::text AS index_name,
    CASE WHEN c.relname = lower(c.relname) THEN upper(c.relname) ELSE c.relname::text END AS table_name,
    CASE WHEN i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL THEN 'UNIQUE' ELSE 'NONUNIQUE' END AS uniqueness,
    'VALID'::text AS status
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace;

CREATE VIEW public.all_ind_columns AS
SELECT CASE WHEN n.nspname = 'public' THEN 'KOR' ELSE upper(n.nspname) END AS index_owner, x.relname::text AS index_name,
    CASE WHEN a.attname = lower(a.attname) THEN upper(a.attname) ELSE a.attname::text END AS column_name
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey);

CREATE VIEW public.nls_database_parameters AS
SELECT 'NLS_CHARACTERSET'::text AS parameter, 'AL32UTF8'::text AS value;

-- Nothing fails to compile here that was created.
CREATE VIEW public.user_errors AS
SELECT ''::text AS name, 0::numeric AS line, ''::text AS text WHERE false;
