package register

import (
	"strconv"
	"strings"
	"time"
)

// width is the length of every line of a GV100AD file, in characters.
const width = 220

// fixed is a line of a GV100AD file. Positions count from 1 and include both
// ends, as in the description of the format.
type fixed struct {
	*file
	line  int
	bytes string
	runes []rune // unless all characters are single bytes, as in four lines of five
}

func newFixed(f *file, i int) *fixed {
	l := &fixed{file: f, line: i + 1, bytes: f.lines[i]}
	if !ascii(l.bytes) {
		l.runes = []rune(l.bytes)
	}
	return l
}

func (l *fixed) characters() int {
	if l.runes != nil {
		return len(l.runes)
	}
	return len(l.bytes)
}

func (l *fixed) cut(from, to int) string {
	if l.runes != nil {
		return string(l.runes[from-1 : to])
	}
	return l.bytes[from-1 : to]
}

func (l *fixed) text(from, to int) string { return strings.TrimSpace(l.cut(from, to)) }

// digits is a field in which every position has a digit.
func (l *fixed) digits(what string, from, to int) (string, error) {
	s := l.cut(from, to)
	if !allDigits(s) {
		return "", l.fault(l.line, "has %q at positions %d to %d, where the %s has digits only: download the file again.", s, from, to, what)
	}
	return s, nil
}

func (l *fixed) number(what string, from, to int) (int, error) {
	s, err := l.digits(what, from, to)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(s)
	if err != nil || n > maxNumber {
		return 0, l.fault(l.line, "says that the %s is %s, which is more than can be: download the file again.", what, strings.TrimLeft(s, "0"))
	}
	return n, nil
}

// optional is a number that may be left blank, which is 0.
func (l *fixed) optional(what string, from, to int) (int, error) {
	if l.text(from, to) == "" {
		return 0, nil
	}
	return l.number(what, from, to)
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isGV100AD looks at the start of a file: a record type and a date.
func isGV100AD(f *file) bool {
	line := f.lines[0]
	return len(line) >= 10 && allDigits(line[:10])
}

// parseGV100AD reads the official format. Older editions differ in the encoding
// only.
func parseGV100AD(f *file) (*Edition, error) {
	d := &draft{file: f, format: GV100AD}
	var first time.Time
	for i := range f.lines {
		l := newFixed(f, i)
		if err := l.checkWidth(); err != nil {
			return nil, err
		}
		asOf, err := l.date()
		if err != nil {
			return nil, err
		}
		if i == 0 {
			first = asOf
		} else if !asOf.Equal(first) {
			return nil, f.fault(l.line, "has the date %s and line 1 %s, but a register is of one day: import each edition as a file of its own.",
				asOf.Format(time.DateOnly), first.Format(time.DateOnly))
		}
		r, err := l.record()
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue
		}
		if err := d.add(r); err != nil {
			return nil, err
		}
	}
	// It would keep every later edition out.
	if first.Year() > time.Now().Year()+1 {
		return nil, f.fault(1, "has the date %s, which is too far ahead: download the file again.", first.Format(time.DateOnly))
	}
	return d.edition(first)
}

func (l *fixed) checkWidth() error {
	switch n := l.characters(); {
	case n == width:
		return nil
	case l.line == len(l.lines) && n < width:
		return l.fault(l.line, "ends after %d of %d characters, so the file was cut off there: download it again.", n, width)
	default:
		return l.fault(l.line, "has %d characters where GV100AD has %d, so the file was changed on the way: download it again.", n, width)
	}
}

func (l *fixed) date() (time.Time, error) {
	t, err := time.Parse("20060102", l.cut(3, 10))
	if err != nil {
		return t, l.fault(l.line, "has %q at positions 3 to 10, where the date stands as YYYYMMDD: download the file again.", l.cut(3, 10))
	}
	return t, nil
}

// record reads the line's fields; nil if it says nothing about a unit.
func (l *fixed) record() (r *record, err error) {
	r = &record{line: l.line, official: l.text(23, 72), seat: l.text(73, 122), code: l.text(123, 124)}
	keyEnd := 0
	switch r.typ = l.cut(1, 2); r.typ {
	case typeState:
		keyEnd = 12
	case typeGovernmentRegion:
		keyEnd = 13
	case "30": // Region, between government region and district, in Baden-Württemberg only
		return nil, nil
	case typeDistrict, typeAssociation:
		keyEnd = 15
	case typeMunicipality:
		keyEnd = 18
	default:
		return nil, l.fault(l.line, "begins with %q, which is no record type of GV100AD (10, 20, 30, 40, 50, 60): download the file again.", r.typ)
	}
	if r.key, err = l.digits("key", 11, keyEnd); err != nil {
		return nil, err
	}
	if r.typ == typeAssociation || r.typ == typeMunicipality {
		association, err := l.digits("association", 19, 22)
		if err != nil {
			return nil, err
		}
		r.association = r.key[:5] + association
	}
	switch r.typ {
	case typeAssociation:
		r.key = r.association
	case typeMunicipality:
		err = l.municipality(r)
	}
	return r, err
}

// municipality reads what only municipalities have.
func (l *fixed) municipality(r *record) (err error) {
	for _, n := range []struct {
		to       *int
		what     string
		from, at int
		read     func(string, int, int) (int, error)
	}{
		{&r.areaHa, "area", 129, 139, l.number},
		{&r.population, "population", 140, 150, l.number},
		{&r.male, "male population", 151, 161, l.number},
		{&r.constituencyFrom, "constituency", 191, 193, l.optional},
		{&r.constituencyTo, "last constituency", 194, 196, l.optional},
	} {
		if *n.to, err = n.read(n.what, n.from, n.at); err != nil {
			return err
		}
	}
	if r.postalCode = l.text(166, 170); r.postalCode != "" {
		if _, err := l.digits("postal code", 166, 170); err != nil {
			return err
		}
	}
	switch s := l.text(171, 175); s {
	case "", "*****":
		r.postalCodeUnique = s == ""
	default:
		return l.fault(l.line, "has %q at positions 171 to 175, where only five asterisks or blanks stand: download the file again.", s)
	}
	return nil
}
