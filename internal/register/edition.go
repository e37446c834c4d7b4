package register

import "time"

// An Edition is the register as one file describes it.
type Edition struct {
	Name   string    // of the file, for messages
	Format Format    // decides which fields the file can speak about
	AsOf   time.Time // Gebietsstand, the day whose territory it describes; zero if the file does not say
	States []State
	Units  []Unit // by level, from government regions down to municipalities, and by key

	past *past // what an earlier edition had; the shipped one knows it
}

// Format is one of the file formats.
type Format int

// The formats that Read knows.
const (
	GV100AD Format = iota // fixed width, as Destatis publishes it
	Joined                // CSV joined with coordinates; says nothing of government regions, constituencies and the date
	Sheet                 // CSV of the spreadsheet edition, GV-Auszug; says nothing of seats, constituencies, whether postal codes are unique and the date
)

func (f Format) String() string { return [...]string{"GV100AD", "joined CSV", "GV-Auszug"}[f] }

// State is one of the sixteen states (Länder).
type State struct {
	Key, Name, Seat    string
	Population, AreaHa int // sums of its municipalities
}

// Unit is one real unit below the states. An empty text is one that is not known.
type Unit struct {
	Level, Kind        string // as in the schema
	Key                string // 3, 5, 9 or 8 digits, by level
	RegionalKey        string // ARS, 12 digits; of municipalities
	DistrictKey        string // 5 digits; of municipalities, independent cities too
	Name, OfficialName string
	Seat               string

	// What it belongs to, by key. An independent city belongs to no district.
	State, GovernmentRegion, District, Association string

	Population, Male, AreaHa int // of higher levels: sums of their municipalities

	PostalCode                       string // of the administration
	PostalCodeUnique                 bool   // false if the municipality has several
	ConstituencyFrom, ConstituencyTo int    // of the Bundestag; 0 for none

	Location                          *Location
	Urbanisation                      string
	TravelRegionKey, TravelRegionName string

	Earlier []Figure // populations of earlier years, from another source
}

// Location is a point in WGS 84.
type Location struct{ Latitude, Longitude float64 }

// Figure is a population on a day.
type Figure struct {
	AsOf             time.Time
	Population, Male int
}

// The levels, as in the schema. States have a table of their own and a level in
// reports only.
const (
	levelState            = "STATE"
	levelGovernmentRegion = "GOVERNMENT_REGION"
	levelDistrict         = "DISTRICT"
	levelAssociation      = "ASSOCIATION"
	levelMunicipality     = "MUNICIPALITY"
	levelUnincorporated   = "UNINCORPORATED_AREA"
)

// independent says whether the unit is a city that is its own district.
func (u *Unit) independent() bool { return independentCity(u.Kind) && u.local() }

// keys are all keys under which the unit is found.
func (u *Unit) keys() []string {
	keys := []string{u.Key}
	if u.RegionalKey != "" {
		keys = append(keys, u.RegionalKey)
	}
	if u.independent() {
		keys = append(keys, u.DistrictKey)
	}
	return keys
}

// local says whether the unit is on the lowest level.
func (u *Unit) local() bool {
	return u.Level == levelMunicipality || u.Level == levelUnincorporated
}

// PopulationDate is the day for which the populations of the edition count: the
// end of the year before. The files do not say it.
func (e *Edition) PopulationDate() time.Time {
	if e.AsOf.IsZero() {
		return time.Time{}
	}
	return time.Date(e.AsOf.Year()-1, time.December, 31, 0, 0, 0, 0, time.UTC)
}
