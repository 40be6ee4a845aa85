create table lookup_ref(code text, seg text, price numeric, since timestamptz, d date);
insert into lookup_ref values
 ('good','s1',1.50,'2026-01-31T10:00:00Z','2026-01-31'),
 ('nan','s2','NaN','2026-01-31T10:00:00Z','2026-01-31'),
 ('scale','s3',1.005,'2026-01-31T10:00:00Z','2026-01-31'),
 ('two','s4',1,'2026-01-31T10:00:00Z','2026-01-31'),
 ('two','s5',2,'2026-01-31T10:00:00Z','2026-01-31'),
 ('bc','s6',3,'0044-03-15T00:00:00Z BC','0044-03-15 BC');
