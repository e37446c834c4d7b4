package register

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"stadtgraph/internal/fault"
)

// The record types (Satzarten), which both formats have.
const (
	typeState            = "10"
	typeGovernmentRegion = "20"
	typeDistrict         = "40"
	typeAssociation      = "50"
	typeMunicipality     = "60"
)

// maxNumber is the largest integer of the database.
const maxNumber = 1<<31 - 1

// record is a line of either format. An independent city has two.
type record struct {
	line        int
	typ         string
	key         string
	association string // nine digits, of associations and municipalities; may stand for none
	code        string // Textkennzeichen, of districts and below
	official    string
	seat        string

	areaHa, population, male         int
	postalCode                       string
	postalCodeUnique                 bool
	constituencyFrom, constituencyTo int
	location                         *Location
	urbanisation                     string
	travelRegionKey                  string
	travelRegionName                 string
}

// draft collects the records of a file and makes units of them.
type draft struct {
	*file
	format  Format
	records []*record
	byKey   map[string]*record // by type and key
}

// add checks what can be seen from one record alone, and that it is the first of its key.
func (d *draft) add(r *record) error {
	if name, _, _ := strings.Cut(r.official, ","); strings.TrimSpace(name) == "" {
		return d.fault(r.line, "has no name: download the file again.")
	}
	if n := utf8.RuneCountInString(r.official); n > 200 {
		return d.fault(r.line, "has a name of %d characters, and 200 is the limit: check the columns.", n)
	}
	if r.typ == typeState && !slices.ContainsFunc(states, func(s state) bool { return s.key == r.key }) {
		return d.fault(r.line, "is about the state %s, and there are states 01 to 16: download the file again.", r.key)
	}
	if kinds := kindsOf(r.typ); kinds != nil {
		if _, ok := kinds[r.code]; !ok {
			return d.fault(r.line, "has the text code %q, which no record of type %s has: download the file again, or ask for support of the new code.", r.code, r.typ)
		}
	}
	if r.male > r.population {
		return d.fault(r.line, "counts %d men among %d inhabitants: download the file again.", r.male, r.population)
	}
	if r.constituencyTo != 0 && (r.constituencyFrom == 0 || r.constituencyTo < r.constituencyFrom) {
		return d.fault(r.line, "has constituencies from %d to %d: download the file again.", r.constituencyFrom, r.constituencyTo)
	}
	if first, ok := d.byKey[r.typ+r.key]; ok {
		return d.fault(r.line, "has the key %s of line %d again (%s, %s): remove the wrong one of the two.", r.key, first.line, first.official, r.official)
	}
	if d.byKey == nil {
		d.byKey = make(map[string]*record, 16384)
	}
	d.byKey[r.typ+r.key] = r
	d.records = append(d.records, r)
	return nil
}

func kindsOf(typ string) map[string]string {
	switch typ {
	case typeDistrict:
		return districtKinds
	case typeAssociation:
		return associationKinds
	case typeMunicipality:
		return municipalityKinds
	}
	return nil
}

// edition turns the records into states and units.
func (d *draft) edition(asOf time.Time) (*Edition, error) {
	e := &Edition{Name: d.name, Format: d.format, AsOf: asOf}
	if err := d.checkWhole(); err != nil {
		return nil, err
	}
	slices.SortFunc(d.records, func(a, b *record) int {
		return cmp.Or(cmp.Compare(a.typ, b.typ), cmp.Compare(a.key, b.key))
	})
	e.Units = make([]Unit, 0, len(d.records))
	for _, r := range d.records {
		if r.typ == typeState {
			e.States = append(e.States, State{Key: r.key, Name: r.official, Seat: r.seat})
			continue
		}
		if u, ok := d.unit(r); ok {
			e.Units = append(e.Units, u)
		}
	}
	if err := e.sum(); err != nil {
		return nil, err
	}
	return e, nil
}

// checkWhole finds what is missing. A file that was cut between two lines reads
// well, but some record refers to one that is not there, or holds no municipality.
func (d *draft) checkWhole() error {
	for _, s := range states {
		if d.byKey[typeState+s.key] == nil {
			return fault.New(fault.Invalid, "%s has no record of %s, so it is not the whole register: download it again.", d.name, s.name)
		}
	}
	members := make(map[*record]int, len(d.records))
	for _, r := range d.records {
		for _, above := range d.above(r) {
			holder := d.byKey[above]
			if holder == nil {
				return d.fault(r.line, "is part of %s, whose record of type %s is missing: download the file again.", above[2:], above[:2])
			}
			if r.typ == typeMunicipality {
				members[holder]++
			}
		}
	}
	for _, r := range d.records {
		if r.typ != typeMunicipality && members[r] == 0 {
			return d.fault(r.line, "is about %s, but the file has no municipality in it, so it was cut off or changed: download it again.", r.official)
		}
		if r.typ == typeDistrict && independentCity(districtKinds[r.code]) && members[r] != 1 {
			return d.fault(r.line, "says that %s is an independent city, but it holds %d municipalities: download the file again.", r.official, members[r])
		}
		if r.typ == typeMunicipality && independentCity(municipalityKinds[r.code]) != d.inIndependentCity(r) {
			return d.fault(r.line, "contradicts the record of its district about whether %s is an independent city: download the file again.", r.official)
		}
	}
	return nil
}

// above lists the records that this one needs, by type and key.
func (d *draft) above(r *record) []string {
	if r.typ == typeState {
		return nil
	}
	up := []string{typeState + r.key[:2]}
	if region := governmentRegionOf(r.key); region != "" && d.format != Joined && r.typ != typeGovernmentRegion {
		up = append(up, typeGovernmentRegion+region)
	}
	if r.typ != typeAssociation && r.typ != typeMunicipality {
		return up
	}
	if district := districtOf(r); district != "" {
		up = append(up, typeDistrict+district)
	}
	// Real associations have a 5 there. The joined CSV leaves out the other records.
	if r.typ == typeMunicipality && (d.format != Joined || r.association[5] == '5') {
		up = append(up, typeAssociation+r.association)
	}
	return up
}

// governmentRegionOf is the key of the government region that a key lies in; the
// digit 0 says that the state has none.
func governmentRegionOf(key string) string {
	if len(key) < 3 || key[2] == '0' {
		return ""
	}
	return key[:3]
}

// districtOf is the key of the district that a record lies in. Waters and the
// territory shared with Luxembourg lie outside all districts, and unincorporated
// areas have a 9 where real associations have a 5.
func districtOf(r *record) string {
	if r.key[3:5] == "00" && r.association[5] == '9' {
		return ""
	}
	return r.key[:5]
}

// unit is the unit that a record below the states describes. The district record
// of an independent city describes none, nor does a placeholder.
func (d *draft) unit(r *record) (Unit, bool) {
	u := Unit{
		Key: r.key, OfficialName: r.official, Seat: r.seat,
		State: r.key[:2], GovernmentRegion: governmentRegionOf(r.key),
	}
	switch r.typ {
	case typeGovernmentRegion:
		u.Level, u.Kind, u.GovernmentRegion = levelGovernmentRegion, "GOVERNMENT_REGION", ""
	case typeDistrict:
		u.Level, u.Kind = levelDistrict, districtKinds[r.code]
		if independentCity(u.Kind) {
			return u, false
		}
	case typeAssociation:
		u.Level, u.Kind, u.District = levelAssociation, associationKinds[r.code], r.key[:5]
		if r.code == codeNoAssociation {
			return u, false
		}
	case typeMunicipality:
		d.municipality(&u, r)
	}
	u.Name = shortName(u.Level, u.OfficialName)
	return u, true
}

func (d *draft) municipality(u *Unit, r *record) {
	u.Level, u.Kind = levelMunicipality, municipalityKinds[r.code]
	if u.Kind == "UNINCORPORATED_AREA" {
		u.Level = levelUnincorporated
	}
	u.RegionalKey = r.association + r.key[5:]
	u.DistrictKey = districtOf(r)
	if d.inIndependentCity(r) {
		u.Seat = d.byKey[typeDistrict+u.DistrictKey].seat
	} else {
		u.District = u.DistrictKey
	}
	if a := d.byKey[typeAssociation+r.association]; a != nil && a.code != codeNoAssociation {
		u.Association = a.key
	}
	u.AreaHa, u.Population, u.Male = r.areaHa, r.population, r.male
	u.PostalCode, u.PostalCodeUnique = r.postalCode, r.postalCode != "" && r.postalCodeUnique
	u.ConstituencyFrom, u.ConstituencyTo = r.constituencyFrom, r.constituencyTo
	u.Location, u.Urbanisation = r.location, r.urbanisation
	u.TravelRegionKey, u.TravelRegionName = r.travelRegionKey, r.travelRegionName
}

func (d *draft) inIndependentCity(r *record) bool {
	district := d.byKey[typeDistrict+r.key[:5]]
	return district != nil && independentCity(districtKinds[district.code])
}

// sum gives every level above its population and area.
func (e *Edition) sum() error {
	type total struct{ population, male, areaHa int }
	totals := make(map[string]*total)
	for i := range e.Units {
		u := &e.Units[i]
		if !u.local() {
			continue
		}
		for _, key := range []string{u.State, u.GovernmentRegion, u.District, u.Association} {
			if key == "" {
				continue
			}
			t := totals[key]
			if t == nil {
				t = new(total)
				totals[key] = t
			}
			t.population += u.Population
			t.male += u.Male
			t.areaHa += u.AreaHa
		}
	}
	for i := range e.States {
		s := &e.States[i]
		t := totals[s.Key]
		s.Population, s.AreaHa = t.population, t.areaHa
		if s.Population > maxNumber || s.AreaHa > maxNumber {
			return fault.New(fault.Invalid, "%s gives %s more inhabitants or hectares than can be: download it again.", e.Name, s.Name)
		}
	}
	for i := range e.Units {
		if u := &e.Units[i]; !u.local() {
			t := totals[u.Key]
			u.Population, u.Male, u.AreaHa = t.population, t.male, t.areaHa
		}
	}
	return nil
}
