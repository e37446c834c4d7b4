package register

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"stadtgraph/internal/fault"
)

// shippedText is the register as published, all 16,035 lines of it.
var shippedText = sync.OnceValue(func() string { return inflate(shippedRegister) })

// joinedText is a CSV that was joined from the same register and the spreadsheet
// edition by other means than this program.
var joinedText = sync.OnceValue(func() string {
	compressed, err := os.ReadFile("testdata/municipalities_de.csv.gz")
	if err != nil {
		panic(err)
	}
	return inflate(compressed)
})

func inflate(compressed []byte) string {
	z, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		panic(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func read(t testing.TB, text string) *Edition {
	t.Helper()
	e, err := Read("register.txt", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// The three editions are read once; tests get copies that they may change.
func shipped(t testing.TB) *Edition { t.Helper(); return copyOf(t, readShipped) }
func plain(t testing.TB) *Edition   { t.Helper(); return copyOf(t, readPlain) }
func joined(t testing.TB) *Edition  { t.Helper(); return copyOf(t, readJoined) }

var (
	readShipped = sync.OnceValues(Shipped)
	readPlain   = sync.OnceValues(func() (*Edition, error) { return Read("register.txt", strings.NewReader(shippedText())) })
	readJoined  = sync.OnceValues(func() (*Edition, error) { return Read("joined.csv", strings.NewReader(joinedText())) })
)

func copyOf(t testing.TB, read func() (*Edition, error)) *Edition {
	t.Helper()
	e, err := read()
	if err != nil {
		t.Fatal(err)
	}
	c := *e
	c.States, c.Units = slices.Clone(e.States), slices.Clone(e.Units)
	if e.past != nil {
		past := *e.past
		past.changes, past.gone, past.rekeyed, past.names = slices.Clone(past.changes), slices.Clone(past.gone), slices.Clone(past.rekeyed), slices.Clone(past.names)
		c.past = &past
	}
	return &c
}

func unit(t testing.TB, e *Edition, key string) *Unit {
	t.Helper()
	i := slices.IndexFunc(e.Units, func(u Unit) bool { return u.Key == key })
	if i < 0 {
		t.Fatalf("the edition has no unit %s", key)
	}
	return &e.Units[i]
}

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestShippedEditionHoldsEveryUnitOnce(t *testing.T) {
	t.Parallel()
	e := shipped(t)
	got, independent, population := make(map[string]int), 0, 0
	keys := make(map[string]bool)
	for _, u := range e.Units {
		got[u.Level]++
		if u.local() {
			population += u.Population
		}
		if u.independent() {
			independent++
			keys[u.DistrictKey] = true
		}
		if keys[u.Key] {
			t.Errorf("the key %s appears twice", u.Key)
		}
		keys[u.Key] = true
	}
	want := map[string]int{
		levelGovernmentRegion: 29, levelDistrict: 294, levelAssociation: 1205, levelMunicipality: 10773, levelUnincorporated: 208,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("units by level: %v, want %v", got, want)
	}
	if independent != 106 {
		t.Errorf("%d independent cities, want 106", independent)
	}
	if population != 84358845 {
		t.Errorf("the populations add up to %d, want 84358845", population)
	}
	for _, u := range e.Units {
		for _, above := range []string{u.GovernmentRegion, u.District, u.Association} {
			if above != "" && !keys[above] {
				t.Errorf("%s is part of %s, which is no unit", u.Key, above)
			}
		}
	}
	if e.AsOf != day("2023-11-30") || e.PopulationDate() != day("2022-12-31") {
		t.Errorf("of %s with populations of %s, want 2023-11-30 and 2022-12-31", e.AsOf, e.PopulationDate())
	}
	if !slices.IsSortedFunc(e.Units, func(a, b Unit) int {
		return strings.Compare(fmt.Sprint(rank(a.Level), a.Key), fmt.Sprint(rank(b.Level), b.Key))
	}) {
		t.Error("the units do not stand in order")
	}
}

// Figures as they stand in the two published files, or as their rows add up there.
func TestShippedUnits(t *testing.T) {
	t.Parallel()
	e := shipped(t)
	in2019 := func(population, male int) []Figure {
		return []Figure{{AsOf: day("2019-12-31"), Population: population, Male: male}}
	}
	for _, want := range []Unit{
		{ // an independent city: one unit of two records
			Level: levelMunicipality, Kind: "INDEPENDENT_CITY", Key: "09461000", RegionalKey: "094610000000", DistrictKey: "09461",
			Name: "Bamberg", OfficialName: "Bamberg", Seat: "Bamberg", State: "09", GovernmentRegion: "094",
			Population: 79935, Male: 39117, AreaHa: 5462, PostalCode: "96031", ConstituencyFrom: 236,
			Location: &Location{Latitude: 49.893387, Longitude: 10.886786}, Urbanisation: "DENSE",
			TravelRegionKey: "T14", TravelRegionName: "Steigerwald", Earlier: in2019(77373, 37296),
		},
		{ // a town in an association
			Level: levelMunicipality, Kind: "TOWN", Key: "09471115", RegionalKey: "094715401115", DistrictKey: "09471",
			Name: "Baunach", OfficialName: "Baunach, St", State: "09", GovernmentRegion: "094", District: "09471", Association: "094715401",
			Population: 4015, Male: 2006, AreaHa: 3214, PostalCode: "96148", PostalCodeUnique: true, ConstituencyFrom: 240,
			Location: &Location{Latitude: 49.988184, Longitude: 10.850053}, Urbanisation: "SPARSE",
			TravelRegionKey: "T08", TravelRegionName: "Haßberge", Earlier: in2019(3984, 2018),
		},
		{ // its association
			Level: levelAssociation, Kind: "VERWALTUNGSGEMEINSCHAFT", Key: "094715401",
			Name: "Baunach (VGem)", OfficialName: "Baunach (VGem)", Seat: "Baunach", State: "09", GovernmentRegion: "094", District: "09471",
			Population: 8220, Male: 4121, AreaHa: 6538, Earlier: in2019(8101, 4064),
		},
		{ // its district
			Level: levelDistrict, Kind: "RURAL_DISTRICT", Key: "09471", Name: "Bamberg", OfficialName: "Bamberg", Seat: "Bamberg",
			State: "09", GovernmentRegion: "094", Population: 149122, Male: 74606, AreaHa: 116779, Earlier: in2019(147163, 73740),
		},
		{ // a government region
			Level: levelGovernmentRegion, Kind: "GOVERNMENT_REGION", Key: "093", Name: "Oberpfalz", OfficialName: "Oberpfalz", Seat: "Regensburg",
			State: "09", Population: 1133741, Male: 564751, AreaHa: 968817, Earlier: in2019(1112102, 554217),
		},
		{ // territory outside all districts
			Level: levelUnincorporated, Kind: "UNINCORPORATED_AREA", Key: "07000999", RegionalKey: "070009999999",
			Name: "Gemeinsames deutsch-luxemburgisches Hoheitsgebiet", OfficialName: "Gemeinsames deutsch-luxemburgisches Hoheitsgebiet",
			State: "07", AreaHa: 620, Urbanisation: "SPARSE", Earlier: in2019(0, 0),
		},
		{ // under another key than in the spreadsheet edition
			Level: levelMunicipality, Kind: "TOWN", Key: "16063105", RegionalKey: "160630105105", DistrictKey: "16063",
			Name: "Eisenach", OfficialName: "Eisenach, Stadt", State: "16", District: "16063",
			Population: 42408, Male: 20848, AreaHa: 10417, PostalCode: "99817", PostalCodeUnique: true, ConstituencyFrom: 190,
			Location: &Location{Latitude: 50.977287, Longitude: 10.322388}, Urbanisation: "INTERMEDIATE",
			TravelRegionKey: "E24", TravelRegionName: "Städte Eisenach, Erfurt, Jena, Weimar", Earlier: in2019(42250, 20833),
		},
		{ // newer than the spreadsheet edition
			Level: levelMunicipality, Kind: "RURAL_MUNICIPALITY", Key: "14522275", RegionalKey: "145220275275", DistrictKey: "14522",
			Name: "Jahnatal", OfficialName: "Jahnatal", State: "14", GovernmentRegion: "145", District: "14522",
			Population: 4761, Male: 2393, AreaHa: 7096, PostalCode: "04749", PostalCodeUnique: true, ConstituencyFrom: 161,
		},
	} {
		got := *unit(t, e, want.Key)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is\n%+v %+v, want\n%+v %+v", want.Key, got, got.Location, want, want.Location)
		}
	}
}

func TestShippedStates(t *testing.T) {
	t.Parallel()
	e := shipped(t)
	if len(e.States) != 16 || len(states) != 16 {
		t.Fatalf("%d states, want 16", len(e.States))
	}
	for i, s := range e.States {
		if s.Key != states[i].key || s.Name != states[i].name {
			t.Errorf("state %s %s stands where %v is", s.Key, s.Name, states[i])
		}
	}
	if want := (State{Key: "09", Name: "Bayern", Seat: "München", Population: 13369393, AreaHa: 7054137}); e.States[8] != want {
		t.Errorf("%+v, want %+v", e.States[8], want)
	}
	for state, city := range cityStates {
		if u := unit(t, e, city); u.State != state || u.Level != levelMunicipality {
			t.Errorf("%s is %s in state %s", city, u.Level, u.State)
		}
	}
}

func TestNamesOfGovernmentRegions(t *testing.T) {
	t.Parallel()
	e := shipped(t)
	for key, want := range map[string]string{
		"053": "Köln, of Reg.-Bez. Köln", "071": "Koblenz, of früher: Reg.-Bez. Koblenz", "033": "Lüneburg, of Statistische Region Lüneburg",
		"145": "Chemnitz, of früher: Direktionsbezirk Chemnitz", "097": "Schwaben, of Schwaben",
	} {
		u := unit(t, e, key)
		if got := u.Name + ", of " + u.OfficialName; got != want {
			t.Errorf("%s is named %s; want %s", key, got, want)
		}
	}
}

func TestJoinedCSVHoldsTheSameUnits(t *testing.T) {
	t.Parallel()
	got := joined(t)
	if got.Format != Joined || !got.AsOf.IsZero() {
		t.Errorf("read as %s of %s, want the joined CSV without a date", got.Format, got.AsOf)
	}
	want := shipped(t)
	want.Units = slices.DeleteFunc(want.Units, func(u Unit) bool { return u.Level == levelGovernmentRegion })
	if !reflect.DeepEqual(got.States, want.States) {
		t.Errorf("states are\n%+v, want\n%+v", got.States, want.States)
	}
	if len(got.Units) != len(want.Units) {
		t.Fatalf("%d units, want %d", len(got.Units), len(want.Units))
	}
	for i := range want.Units {
		w := want.Units[i] // without what the CSV cannot say
		w.ConstituencyFrom, w.ConstituencyTo, w.TravelRegionKey, w.TravelRegionName, w.Earlier = 0, 0, "", "", nil
		if w.Key == "03153019" || w.Key == "16063105" { // joined by the key of today
			w.Location, w.Urbanisation = nil, ""
		}
		if w.Location == nil {
			w.Urbanisation = got.Units[i].Urbanisation // joined only where there are coordinates
		}
		if !reflect.DeepEqual(got.Units[i], w) {
			t.Errorf("%s is\n%+v, want\n%+v", w.Key, got.Units[i], w)
		}
	}
}

// Sorbian names have letters that Latin-1 lacks, so both copies go without them.
func TestEncodingsAndLineEndsMakeNoDifference(t *testing.T) {
	t.Parallel()
	sorbian := strings.NewReplacer("š", "s", "ł", "l", "ě", "e", "ń", "n", "Ł", "L", "ž", "z", "ś", "s", "ć", "c", "ź", "z", "č", "c")
	text := sorbian.Replace(shippedText())
	want := read(t, text)
	latin1, err := charmap.ISO8859_1.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"Latin-1":           latin1,
		"Latin-1 with CRLF": strings.ReplaceAll(latin1, "\n", "\r\n"),
		"UTF-8 with CRLF":   strings.ReplaceAll(text, "\n", "\r\n"),
		"UTF-8 with a mark": "\ufeff" + text,
		"no end of line":    strings.TrimSuffix(text, "\n"),
		"blank end":         text + "\r\n\n",
		"decomposed":        norm.NFD.String(text),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := read(t, text); !reflect.DeepEqual(got, want) {
				t.Error("the edition differs from that of plain UTF-8")
			}
		})
	}
}

func TestErrorsOfTheReaderComeThrough(t *testing.T) {
	t.Parallel()
	_, err := Read("register.txt", iotest.ErrReader(io.ErrClosedPipe))
	if _, isFault := fault.From(err); !errors.Is(err, io.ErrClosedPipe) || isFault {
		t.Errorf("got %v, want io.ErrClosedPipe as an error of ours", err)
	}
}

func BenchmarkRead(b *testing.B) {
	text := shippedText()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		read(b, text)
	}
}
