package register

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// setLabels tells units of the same name apart. A municipality that is the only
// one of its name is what the name means ("Bamberg"); whatever else has a name
// that exists twice gets behind it what tells it apart: what it is ("Bamberg
// (Landkreis)"), or where it is ("Neuenkirchen (Kreis Steinfurt)"). Where that is
// not enough come its title ("Garding (Kreis Nordfriesland, Kirchspiel)"), its
// association, and at last its key.
//
// The labels depend on all units, so they are set for all at the end of every
// import. Rows that the same transaction wrote already have their new version.
func setLabels(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `
WITH word (kind, word) AS (VALUES
  ('GOVERNMENT_REGION', 'Regierungsbezirk'), ('COUNTY', 'Kreis'), ('RURAL_DISTRICT', 'Landkreis'), ('REGIONAL_ASSOCIATION', 'Regionalverband'),
  ('AMT', 'Amt'), ('SAMTGEMEINDE', 'Samtgemeinde'), ('VERBANDSGEMEINDE', 'Verbandsgemeinde'), ('VERWALTUNGSGEMEINSCHAFT', 'Verwaltungsgemeinschaft'),
  ('KIRCHSPIELSLANDGEMEINDE', 'Kirchspielslandgemeinde'), ('VERWALTUNGSVERBAND', 'Verwaltungsverband'),
  ('MANAGED_ASSOCIATION', 'Verwaltungsgemeinschaft'), ('FULFILLING_MUNICIPALITY', 'erfüllende Gemeinde'),
  ('INDEPENDENT_CITY', 'kreisfreie Stadt'), ('URBAN_DISTRICT', 'Stadtkreis'), ('UNINCORPORATED_AREA', 'gemeindefreies Gebiet')
), unit AS (
  SELECT id, key, kind, name, official_name, district_id, association_id, dissolved_on IS NOT NULL AS gone, level = 'MUNICIPALITY' AS municipality,
    dissolved_on IS NULL AND (count(*) OVER namesakes = 1 OR level = 'MUNICIPALITY' AND count(*) FILTER (WHERE level = 'MUNICIPALITY') OVER namesakes = 1) AS plain
  FROM municipality
  WINDOW namesakes AS (PARTITION BY dissolved_on IS NOT NULL, name COLLATE "C")
), place AS (
  SELECT u.*,
    coalesce(substring(u.official_name FROM 'Statistische Region|Direktionsbezirk'), w.word) AS word,
    CASE WHEN d.name ~* 'kreis|region|verband' THEN d.name ELSE dw.word || ' ' || d.name END AS district,
    CASE WHEN a.name ~ ' \(VGem\)$' THEN a.name ELSE aw.word || ' ' || a.name END AS association
  FROM unit u
  LEFT JOIN municipality d ON d.id = u.district_id
  LEFT JOIN municipality a ON a.id = u.association_id
  LEFT JOIN word w ON w.kind = u.kind
  LEFT JOIN word dw ON dw.kind = d.kind
  LEFT JOIN word aw ON aw.kind = a.kind
  WHERE NOT u.plain
), trait AS (
  SELECT id, key, regexp_replace(name, ' \(VGem\)$', '') || ' (' AS start,
    CASE WHEN gone THEN 'aufgelöst' WHEN municipality THEN coalesce(district, word) ELSE word END AS first,
    CASE WHEN gone OR NOT municipality THEN district ELSE nullif(split_part(official_name, ', ', 2), '') END AS second,
    association AS third
  FROM place
), one AS (
  SELECT *, start || first || ')' AS label FROM trait
), two AS (
  SELECT id, key, start, first, second, third,
    CASE WHEN count(*) OVER same = 1 THEN label ELSE start || concat_ws(', ', first, second) || ')' END AS label
  FROM one WINDOW same AS (PARTITION BY label COLLATE "C")
), three AS (
  SELECT id, key, start, first, second, third,
    CASE WHEN count(*) OVER same = 1 THEN label ELSE start || concat_ws(', ', first, second, third) || ')' END AS label
  FROM two WINDOW same AS (PARTITION BY label COLLATE "C")
), four AS (
  SELECT id, left(CASE
      WHEN count(*) OVER same = 1 AND NOT EXISTS (SELECT FROM unit u WHERE u.plain AND u.name = three.label) THEN label
      ELSE start || concat_ws(', ', first, second, third, key) || ')'
    END, 400) AS label
  FROM three WINDOW same AS (PARTITION BY label COLLATE "C")
)
UPDATE municipality m
SET label = l.label,
  version = m.version + (m.modified_at < now())::integer,
  modified_at = now()
FROM (SELECT id, name AS label FROM unit WHERE plain UNION ALL SELECT id, label FROM four) l
WHERE l.id = m.id AND l.label <> m.label`); err != nil {
		return fmt.Errorf("label municipalities: %w", err)
	}
	return nil
}
