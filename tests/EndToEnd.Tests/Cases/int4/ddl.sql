create table int4_t(id integer primary key, epoch integer, small smallint);
