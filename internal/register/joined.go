package register

import (
	"encoding/csv"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The columns of the joined CSV, in any order. Others are ignored.
var joinedColumns = []string{"level", "key", "ars", "official_name", "type_code", "association_key", "seat",
	"population", "population_male", "area_ha", "postal_code", "postal_code_unique", "longitude", "latitude", "urbanisation"}

// levels of the joined CSV, which counts unincorporated areas as municipalities:
// the record type and the length of the key.
var joinedLevels = map[string]struct {
	typ    string
	digits int
}{
	"STATE":        {typeState, 2},
	"DISTRICT":     {typeDistrict, 5},
	"ASSOCIATION":  {typeAssociation, 9},
	"MUNICIPALITY": {typeMunicipality, 8},
}

// isJoined looks at the start of a file: the names of the columns.
func isJoined(f *file) bool {
	header := strings.Split(f.lines[0], ",")
	return slices.Contains(header, "level") && slices.Contains(header, "key")
}

// cells is a row of a CSV file.
type cells struct {
	*file
	line   int
	column map[string]int
	values []string
}

func (c *cells) text(column string) string {
	return strings.TrimSpace(c.values[c.column[column]])
}

// number is a whole number; only municipalities have them.
func (c *cells) number(column string) (int, error) {
	s := c.text(column)
	n, err := strconv.Atoi(s)
	if !allDigits(s) || err != nil || n > maxNumber {
		return 0, c.fault(c.line, "has %q in the column %s, where a whole number stands: correct it.", s, column)
	}
	return n, nil
}

// key is a text of that many digits.
func (c *cells) key(column string, digits int) (string, error) {
	s := c.text(column)
	if len(s) != digits || !allDigits(s) {
		return "", c.fault(c.line, "has %q in the column %s, where %d digits stand: keep keys as text, so that leading zeros stay.", s, column, digits)
	}
	return s, nil
}

// parseJoined reads the CSV that SOURCE.md calls municipalities_de.csv.
func parseJoined(f *file) (*Edition, error) {
	d := &draft{file: f, format: Joined}
	err := f.rows(joinedColumns, func(c *cells) error {
		r, err := c.record()
		if err != nil {
			return err
		}
		return d.add(r)
	})
	if err != nil {
		return nil, err
	}
	return d.edition(time.Time{})
}

func (f *file) csvFault(err error) error {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		if errors.Is(err, csv.ErrFieldCount) {
			return f.fault(p.Line, "has more or fewer columns than line 1: check its commas and quotes, and whether the file was cut off.")
		}
		return f.fault(p.StartLine, "is no CSV (%v): check its quotes, and whether the file was cut off.", p.Err)
	}
	return err
}

func (c *cells) record() (*record, error) {
	level, ok := joinedLevels[c.text("level")]
	if !ok {
		return nil, c.fault(c.line, "has the level %q, which is none of STATE, DISTRICT, ASSOCIATION and MUNICIPALITY: correct it.", c.text("level"))
	}
	r := &record{line: c.line, typ: level.typ, official: c.text("official_name"), seat: c.text("seat"), code: c.text("type_code")}
	var err error
	if r.key, err = c.key("key", level.digits); err != nil {
		return nil, err
	}
	switch r.typ {
	case typeAssociation:
		r.association = r.key
	case typeMunicipality:
		err = c.municipality(r)
	}
	return r, err
}

// municipality reads what only municipalities have.
func (c *cells) municipality(r *record) (err error) {
	if r.association, err = c.key("association_key", 9); err != nil {
		return err
	}
	if want := r.association + r.key[5:]; r.association[:5] != r.key[:5] || c.text("ars") != want {
		return c.fault(c.line, "has the key %s, the association %s and the regional key %s, which do not fit together: correct them.", r.key, r.association, c.text("ars"))
	}
	for _, n := range []struct {
		to     *int
		column string
	}{{&r.population, "population"}, {&r.male, "population_male"}, {&r.areaHa, "area_ha"}} {
		if *n.to, err = c.number(n.column); err != nil {
			return err
		}
	}
	if c.text("postal_code") != "" {
		if r.postalCode, err = c.key("postal_code", 5); err != nil {
			return err
		}
	}
	switch s := c.text("postal_code_unique"); s {
	case "true", "false":
		r.postalCodeUnique = s == "true"
	default:
		return c.fault(c.line, "has %q in the column postal_code_unique, where true or false stands: correct it.", s)
	}
	return c.place(r)
}

// place reads what was joined from the spreadsheet edition and may be blank.
func (c *cells) place(r *record) error {
	switch r.urbanisation = c.text("urbanisation"); r.urbanisation {
	case "", "DENSE", "INTERMEDIATE", "SPARSE":
	default:
		return c.fault(c.line, "has the urbanisation %q, which is none of DENSE, INTERMEDIATE and SPARSE: correct it.", r.urbanisation)
	}
	lat, lon := c.text("latitude"), c.text("longitude")
	if lat == "" && lon == "" {
		return nil
	}
	at, ok := parseLocation(lat, lon)
	if !ok {
		return c.fault(c.line, "has the latitude %q and the longitude %q, which are no place in degrees: correct them or leave both blank.", lat, lon)
	}
	r.location = at
	return nil
}

func parseLocation(lat, lon string) (*Location, bool) {
	y, err1 := strconv.ParseFloat(lat, 64)
	x, err2 := strconv.ParseFloat(lon, 64)
	// Written so that NaN fails.
	if err1 != nil || err2 != nil || !(y >= -90 && y <= 90 && x >= -180 && x <= 180) {
		return nil, false
	}
	return &Location{Latitude: y, Longitude: x}, true
}
