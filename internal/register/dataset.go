package register

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// dataset is a row of dataset: a source and its credit.
type dataset struct {
	name                      string
	asOf                      pgtype.Date
	attribution, license, url string
}

const license = "Vervielfältigung und Verbreitung, auch auszugsweise, mit Quellenangabe gestattet"

var sheetDataset = dataset{
	name: "gv-auszug", asOf: date(sheetAsOf), license: license,
	attribution: "© Statistisches Bundesamt (Destatis), Gemeindeverzeichnis, Auszug, Gebietsstand 31.12.2020; Koordinaten © GeoBasis-DE / BKG 2020",
	url:         "https://www.destatis.de/DE/Themen/Laender-Regionen/Regionales/Gemeindeverzeichnis/_inhalt.html",
}

// registerDataset credits the register. An edition without a date leaves the date
// of the one that was loaded before.
func registerDataset(e *Edition, old *stored) dataset {
	d := dataset{
		name: "gv100ad", asOf: old.asOf, license: license, url: sheetDataset.url,
		attribution: "© Statistisches Bundesamt (Destatis), Gemeindeverzeichnis-Informationssystem GV-ISys, GV100AD",
	}
	if !e.AsOf.IsZero() {
		d.asOf = date(e.AsOf)
	}
	if d.asOf.Valid {
		d.attribution += ", Gebietsstand " + d.asOf.Time.Format("02.01.2006")
	}
	return d
}

// store leaves a row that says the same already.
func (d dataset) store(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `
INSERT INTO dataset AS d (name, as_of, attribution, license, url)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (name) DO UPDATE
SET as_of = excluded.as_of, attribution = excluded.attribution, license = excluded.license, url = excluded.url, loaded_at = now()
WHERE (d.as_of, d.attribution, d.license, d.url) IS DISTINCT FROM (excluded.as_of, excluded.attribution, excluded.license, excluded.url)`,
		d.name, d.asOf, d.attribution, d.license, d.url); err != nil {
		return fmt.Errorf("credit %s: %w", d.name, err)
	}
	return nil
}
