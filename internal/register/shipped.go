package register

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"stadtgraph/internal/postgres"
)

// The data files are made by command pack; see there.
var (
	//go:embed data/gv100ad_2023-11-30.txt.gz
	shippedRegister []byte
	//go:embed data/gv_auszug_2020-12-31.csv.gz
	shippedSheet []byte
)

// The spreadsheet edition is of the end of 2020 and counts the population of the
// end of 2019.
var (
	sheetAsOf           = time.Date(2020, time.December, 31, 0, 0, 0, 0, time.UTC)
	sheetPopulationDate = time.Date(2019, time.December, 31, 0, 0, 0, 0, time.UTC)
)

// Shipped is the edition inside the binary: GV100AD of 30 November 2023, with
// coordinates, urbanisation, travel region and the population of 2019 from the
// spreadsheet edition of 2020 wherever that has the same unit, and what became of
// the units, keys and names of 2020 that are gone.
func Shipped() (*Edition, error) {
	e, err := shippedGV100AD()
	if err != nil {
		return nil, err
	}
	if e.past, err = readPast(e, shippedBefore, shippedChanges); err != nil {
		return nil, err
	}
	if err := joinSheet(e, shippedSheet); err != nil {
		return nil, fmt.Errorf("shipped spreadsheet edition: %w", err)
	}
	return e, nil
}

// shippedGV100AD is the register alone.
func shippedGV100AD() (*Edition, error) {
	z, err := gzip.NewReader(bytes.NewReader(shippedRegister))
	if err != nil {
		return nil, fmt.Errorf("shipped register: %w", err)
	}
	return Read("shipped register", z)
}

// revision is raised when an import writes other rows of the same files.
const revision = 2

// Version names what LoadShipped writes, for whoever keeps a database that it has
// filled.
var Version = sync.OnceValue(func() string {
	h := sha256.New()
	fmt.Fprintln(h, revision)
	for _, file := range [][]byte{shippedRegister, shippedSheet, shippedBefore, shippedChanges} {
		h.Write(file)
	}
	return hex.EncodeToString(h.Sum(nil))
})

// LoadShipped imports the shipped edition and credits both of its sources.
func LoadShipped(ctx context.Context, db postgres.DB, progress func(done, total int)) (Report, error) {
	e, err := Shipped()
	if err != nil {
		return Report{}, err
	}
	return importEdition(ctx, db, e, Options{Progress: progress}, sheetDataset)
}

// joinSheet adds what the slim copy of the spreadsheet edition has.
func joinSheet(e *Edition, compressed []byte) error {
	z, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return err
	}
	units := make(map[string]*Unit, len(e.Units))
	for i := range e.Units {
		units[e.Units[i].Key] = &e.Units[i]
	}
	if e.past != nil {
		for i := range e.past.gone {
			units[e.past.gone[i].Key] = &e.past.gone[i]
		}
		for _, u := range e.past.rekeyed {
			units[u.Key] = units[e.past.successor(u.Key)]
		}
	}
	totals := make(map[*Unit]Figure)
	r := csv.NewReader(z)
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil { // the names of the columns
		return err
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := joinRow(units, totals, row); err != nil {
			return fmt.Errorf("%q: %w", row, err)
		}
	}
	for u, figure := range totals {
		figure.AsOf = sheetPopulationDate
		u.Earlier = append(u.Earlier, figure)
	}
	if e.past != nil {
		for i := range e.past.gone {
			u := &e.past.gone[i]
			u.Population, u.Male = totals[u].Population, totals[u].Male
		}
	}
	return nil
}

// joinRow adds a row to the unit of its key, and its population to everything
// that it was part of then.
func joinRow(units map[string]*Unit, totals map[*Unit]Figure, row []string) error {
	regional, key := row[0], row[0][:5]+row[0][9:]
	population, err := strconv.Atoi(row[1])
	if err != nil {
		return err
	}
	male, err := strconv.Atoi(row[2])
	if err != nil {
		return err
	}
	for _, key := range []string{key, regional[:9], regional[:5], regional[:3]} {
		if u := units[key]; u != nil {
			t := totals[u]
			t.Population += population
			t.Male += male
			totals[u] = t
		}
	}
	u := units[key]
	if u == nil {
		return nil
	}
	if row[3] != "" {
		at, ok := parseLocation(row[3], row[4])
		if !ok {
			return errors.New("no coordinates")
		}
		u.Location = at
	}
	u.Urbanisation, u.TravelRegionKey, u.TravelRegionName = row[5], row[6], row[7]
	return nil
}
