DROP TABLE external_id;
