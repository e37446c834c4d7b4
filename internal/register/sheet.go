package register

import (
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The columns of the spreadsheet edition (GV-Auszug), saved as CSV with one line of
// names, in any order. Others are ignored.
var sheetColumns = []string{"satzart", "textkennzeichen", "land", "rb", "kreis", "vb", "gemeinde", "gemeindename", "flaeche",
	"bevoelkerung", "maennlich", "postleitzahl", "laengengrad", "breitengrad", "schluessel", "bezeichnung", "verstaedterungschluessel"}

// sheetUrbanisation are the codes of the degree of urbanisation.
var sheetUrbanisation = map[string]string{"01": "DENSE", "02": "INTERMEDIATE", "03": "SPARSE", "": ""}

// isSheet looks at the start of a file: the names of the columns.
func isSheet(f *file) bool {
	header := strings.Split(f.lines[0], ",")
	return slices.Contains(header, "satzart") && slices.Contains(header, "textkennzeichen")
}

// parseSheet reads the spreadsheet edition. It has no date.
func parseSheet(f *file) (*Edition, error) {
	d := &draft{file: f, format: Sheet}
	err := f.rows(sheetColumns, func(c *cells) error {
		r, err := c.sheetRecord()
		if r == nil || err != nil {
			return err
		}
		return d.add(r)
	})
	if err != nil {
		return nil, err
	}
	return d.edition(time.Time{})
}

// rows reads a CSV file that has the columns.
func (f *file) rows(columns []string, each func(*cells) error) error {
	r := csv.NewReader(strings.NewReader(strings.Join(f.lines, "\n")))
	header, err := r.Read()
	if err != nil {
		return f.csvFault(err)
	}
	column := make(map[string]int)
	for i, name := range header {
		column[name] = i
	}
	for _, name := range columns {
		if _, ok := column[name]; !ok {
			return f.fault(1, "lacks the column %s: add it, or import the GV100AD file.", name)
		}
	}
	for {
		values, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return f.csvFault(err)
		}
		line, _ := r.FieldPos(0)
		if err := each(&cells{file: f, line: line, column: column, values: values}); err != nil {
			return err
		}
	}
}

// sheetRecord reads a row; nil if it says nothing about a unit.
func (c *cells) sheetRecord() (*record, error) {
	r := &record{line: c.line, typ: c.text("satzart"), official: c.text("gemeindename"), code: c.text("textkennzeichen")}
	parts := map[string][]string{
		typeState: {"land"}, typeGovernmentRegion: {"land", "rb"}, typeDistrict: {"land", "rb", "kreis"},
		typeAssociation: {"land", "rb", "kreis", "vb"}, typeMunicipality: {"land", "rb", "kreis", "gemeinde"},
	}[r.typ]
	switch {
	case r.typ == "30": // Region, as in GV100AD
		return nil, nil
	case parts == nil:
		return nil, c.fault(c.line, "has the record type %q, which is none of 10, 20, 30, 40, 50 and 60: correct it.", r.typ)
	}
	digits := map[string]int{"land": 2, "rb": 1, "kreis": 2, "vb": 4, "gemeinde": 3}
	for _, name := range parts {
		part, err := c.key(name, digits[name])
		if err != nil {
			return nil, err
		}
		r.key += part
	}
	if r.typ == typeAssociation {
		r.association = r.key
	}
	if r.typ != typeMunicipality {
		return r, nil
	}
	association, err := c.key("vb", 4)
	if err != nil {
		return nil, err
	}
	r.association = r.key[:5] + association
	return r, c.sheetMunicipality(r)
}

// sheetMunicipality reads what only municipalities have. Numbers have blanks between
// their thousands, areas are in square kilometres, and who lives nowhere has
// coordinates of 0 or none.
func (c *cells) sheetMunicipality(r *record) (err error) {
	for _, n := range []struct {
		to     *int
		column string
	}{{&r.population, "bevoelkerung"}, {&r.male, "maennlich"}} {
		s := strings.ReplaceAll(c.text(n.column), " ", "")
		if *n.to, err = strconv.Atoi(s); err != nil || !allDigits(s) || *n.to > maxNumber {
			return c.fault(c.line, "has %q in the column %s, where a whole number stands: correct it.", c.text(n.column), n.column)
		}
	}
	area, err := strconv.ParseFloat(strings.ReplaceAll(strings.ReplaceAll(c.text("flaeche"), " ", ""), ",", "."), 64)
	if err != nil || !(area >= 0 && area <= maxNumber/100) {
		return c.fault(c.line, "has %q in the column flaeche, where square kilometres stand: correct it.", c.text("flaeche"))
	}
	r.areaHa = int(math.Round(area * 100))
	if c.text("postleitzahl") != "" {
		if r.postalCode, err = c.key("postleitzahl", 5); err != nil {
			return err
		}
	}
	degrees := func(column string) string { return strings.ReplaceAll(c.text(column), ",", ".") }
	if latitude := degrees("breitengrad"); latitude != "" && latitude != "0" {
		at, ok := parseLocation(latitude, degrees("laengengrad"))
		if !ok {
			return c.fault(c.line, "has %q and %q in the columns breitengrad and laengengrad, where degrees in Germany stand: correct them.", c.text("breitengrad"), c.text("laengengrad"))
		}
		r.location = at
	}
	var known bool
	if r.urbanisation, known = sheetUrbanisation[c.text("verstaedterungschluessel")]; !known {
		return c.fault(c.line, "has %q in the column verstaedterungschluessel, which is none of 01, 02 and 03: correct it.", c.text("verstaedterungschluessel"))
	}
	r.travelRegionKey, r.travelRegionName = c.text("schluessel"), c.text("bezeichnung")
	return nil
}
