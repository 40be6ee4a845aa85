-- What a database needs so that the stand-in can run Oracle's statements in it: DUAL and INSTR from orafce, and Oracle's catalogue views
-- over PostgreSQL's catalogue.
CREATE EXTENSION IF NOT EXISTS orafce;

-- DATE has a time of day: orafce's type of that name is found before PostgreSQL's, here and by whoever makes tables with psql.
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, oracle, pg_catalog, syn', current_database()); END $$;
SET search_path = public, oracle, pg_catalog;

-- A CHAR compared with a VARCHAR2 keeps its blanks: 'a' is not 'a  ' then. PostgreSQL would cut them.
UPDATE pg_catalog.pg_cast SET castfunc = 0, castmethod = 'b'
WHERE castsource = 'bpchar'::regtype AND casttarget IN ('text'::regtype, 'pg_catalog.varchar'::regtype);

CREATE FUNCTION public.to_binary_double(n numeric) RETURNS double precision LANGUAGE sql IMMUTABLE AS 'SELECT $1::double precision';
CREATE FUNCTION public.to_binary_double(n double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS 'SELECT $1';

CREATE DOMAIN public.nclob AS text;

-- Tables of this schema are seen from KOR as through public synonyms of their names.
CREATE SCHEMA syn;

CREATE VIEW public.all_tab_cols AS
SELECT CASE WHEN n.nspname = 'public' THEN 'KOR' ELSE upper(n.nspname) END AS owner,
    CASE WHEN c.relname = lower(c.relname) THEN upper(c.relname) ELSE c.relname::text END AS table_name,
    CASE WHEN a.attname = lower(a.attname) THEN upper(a.attname) ELSE a.attname::text END AS column_name,
    CASE t.typname
        WHEN 'numeric' THEN 'NUMBER' WHEN 'float8' THEN 'BINARY_DOUBLE' WHEN 'varchar' THEN 'VARCHAR2' WHEN 'bpchar' THEN 'CHAR'
        WHEN 'varchar2' THEN 'VARCHAR2' WHEN 'text' THEN 'CLOB' WHEN 'bytea' THEN 'BLOB'
        WHEN 'timestamp' THEN 'TIMESTAMP(' || CASE WHEN a.atttypmod < 0 THEN 6 ELSE a.atttypmod END || ')'
        WHEN 'timestamptz' THEN 'TIMESTAMP(6) WITH TIME ZONE' WHEN 'date' THEN 'DATE' ELSE upper(t.typname) END AS data_type,
    CASE WHEN t.typname IN ('varchar', 'varchar2', 'bpchar') THEN a.atttypmod - 4 WHEN t.typname = 'nvarchar2' THEN 2 * (a.atttypmod - 4)
        ELSE 22 END::numeric AS data_length,
    CASE WHEN t.typname IN ('varchar', 'varchar2', 'nvarchar2', 'bpchar') THEN a.atttypmod - 4 ELSE 0 END::numeric AS char_length,
    CASE WHEN t.typname IN ('varchar', 'varchar2', 'bpchar') THEN 'B' WHEN t.typname = 'nvarchar2' THEN 'C' END AS char_used,
    CASE WHEN t.typname = 'numeric' AND a.atttypmod >= 4 THEN ((a.atttypmod - 4) >> 16) & 65535 END::numeric AS data_precision,
    CASE WHEN t.typname = 'numeric' AND a.atttypmod >= 4 THEN (((a.atttypmod - 4) & 2047) # 1024) - 1024
        WHEN t.typname = 'timestamp' THEN CASE WHEN a.atttypmod < 0 THEN 6 ELSE a.atttypmod END END::numeric AS data_scale,
    CASE WHEN a.attnotnull THEN 'N' ELSE 'Y' END AS nullable,
    CASE WHEN a.atthasdef OR a.attidentity <> '' THEN 1 END::numeric AS default_length,
    CASE WHEN a.attgenerated <> '' THEN 'YES' ELSE 'NO' END AS virtual_column, 'YES'::text AS user_generated,
    a.attnum::numeric AS column_id
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'v', 'p')
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema')
JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped;

CREATE VIEW public.all_tab_identity_cols AS
SELECT CASE WHEN n.nspname = 'public' THEN 'KOR' ELSE upper(n.nspname) END AS owner,
    CASE WHEN c.relname = lower(c.relname) THEN upper(c.relname) ELSE c.relname::text END AS table_name,
    CASE WHEN a.attname = lower(a.attname) THEN upper(a.attname) ELSE a.attname::text END AS column_name,
    CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END AS generation_type
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attidentity <> '';

CREATE VIEW public.all_synonyms AS
SELECT 'PUBLIC'::text AS owner, upper(c.relname) AS synonym_name, 'SYN'::text AS table_owner, upper(c.relname) AS table_name,
    NULL::text AS db_link
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'syn' AND c.relkind = 'r';

CREATE VIEW public.all_views AS
SELECT CASE WHEN n.nspname = 'public' THEN 'KOR' ELSE upper(n.nspname) END AS owner,
    CASE WHEN c.relname = lower(c.relname) THEN upper(c.relname) ELSE c.relname::text END AS view_name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v';

CREATE VIEW public.all_constraints AS
SELECT CASE WHEN n.nspname = 'public' THEN 'KOR' ELSE upper(n.nspname) END AS owner,
    CASE WHEN c.relname = lower(c.relname) THEN upper(c.relname) ELSE c.relname::text END AS table_name,
    k.conname::text AS constraint_name, upper(k.contype::text) AS constraint_type, 'ENABLED'::text AS status,
    CASE WHEN k.condeferrable THEN 'DEFERRABLE' ELSE 'NOT DEFERRABLE' END AS deferrable
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
SELECT ''::text AS name, 0::numeric AS line, ''::text AS text, 'ERROR'::text AS attribute WHERE false;
