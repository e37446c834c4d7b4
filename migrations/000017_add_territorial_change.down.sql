ALTER TABLE municipality_key DROP COLUMN former;
DROP TRIGGER municipality_label_set ON municipality;
DROP FUNCTION municipality_set_label();
ALTER TABLE municipality DROP COLUMN label;
DROP TABLE municipality_former_name;
DROP TABLE territorial_change_source;
DROP TABLE territorial_change;
