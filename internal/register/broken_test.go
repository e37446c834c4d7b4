package register

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"stadtgraph/internal/fault"
)

// sample is a small register that is whole: of each state the first municipality,
// some others, and all records above them.
func sample() []string { return slices.Clone(makeSample()) }

// joinedSample is the same as CSV.
func joinedSample() []string { return slices.Clone(makeJoinedSample()) }

var makeSample = sync.OnceValue(func() []string {
	lines := strings.Split(strings.TrimSuffix(shippedText(), "\n"), "\n")
	others := map[string]bool{
		"07000999": true, // outside all districts
		"09461000": true, // an independent city
		"09471115": true, // in an association
		"09471111": true,
		"09471117": true,
		"01051003": true, // in another
	}
	needed, hasState := make(map[string]bool), make(map[string]bool)
	for _, l := range lines {
		key, state := l[10:18], l[10:12]
		if l[:2] == typeMunicipality && (others[key] || !hasState[state]) {
			hasState[state] = true
			association := string([]rune(l)[18:22])
			for _, above := range []string{typeState + key[:2], typeGovernmentRegion + key[:3], typeDistrict + key[:5],
				typeAssociation + key[:5] + association, typeMunicipality + key} {
				needed[above] = true
			}
		}
	}
	return slices.DeleteFunc(lines, func(l string) bool {
		key := strings.ReplaceAll(l[10:22], " ", "")
		if l[:2] == typeMunicipality {
			key = l[10:18]
		}
		return !needed[l[:2]+key]
	})
})

var makeJoinedSample = sync.OnceValue(func() []string {
	var keys []string
	for _, l := range makeSample() {
		keys = append(keys, strings.ReplaceAll(l[10:18], " ", ""), strings.ReplaceAll(l[10:15]+l[18:22], " ", ""))
	}
	lines := strings.Split(strings.TrimSuffix(joinedText(), "\n"), "\n")
	return slices.DeleteFunc(lines, func(l string) bool {
		level, rest, _ := strings.Cut(l, ",")
		key, _, _ := strings.Cut(rest, ",")
		return level != "level" && !slices.Contains(keys, key)
	})
})

// find is the index of the line that begins with prefix.
func find(t testing.TB, lines []string, prefix string) int {
	t.Helper()
	i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, prefix) })
	if i < 0 {
		t.Fatalf("no line begins with %q", prefix)
	}
	return i
}

// put writes over a line from a position on, counted as in the format.
func put(lines []string, i, position int, text string) {
	l := []rune(lines[i])
	lines[i] = string(slices.Replace(l, position-1, position-1+utf8.RuneCountInString(text), []rune(text)...))
}

const (
	bamberg = "602023113009461000"
	baunach = "602023113009471115"
)

func TestSamplesAreWhole(t *testing.T) {
	t.Parallel()
	for _, lines := range [][]string{sample(), joinedSample()} {
		e := read(t, strings.Join(lines, "\n"))
		if unit(t, e, "09461000").Population != 79935 || unit(t, e, "094715401").Population != 4015 {
			t.Errorf("%s: Bamberg or the association of Baunach is wrong", e.Format)
		}
	}
}

func TestBrokenGV100AD(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		broken func(lines []string) []string
		want   string
	}{
		"empty":            {func([]string) []string { return nil }, "register.txt is empty: download"},
		"only line ends":   {func([]string) []string { return []string{"", "\r", ""} }, "register.txt is empty: download"},
		"something else":   {func([]string) []string { return []string{"PK\x05\x06"} }, "line 1: holds the character U+0005"},
		"a web page":       {func([]string) []string { return []string{"<!doctype html>"} }, "neither a GV100AD file"},
		"another CSV":      {func([]string) []string { return []string{"level;key;name"} }, "neither a GV100AD file"},
		"NUL byte":         {func(l []string) []string { put(l, 4, 100, "\x00"); return l }, "line 5: holds the character U+0000"},
		"tab":              {func(l []string) []string { put(l, 4, 100, "\t"); return l }, "line 5: holds the character U+0009"},
		"lost letter":      {func(l []string) []string { put(l, 4, 23, "\ufffd"); return l }, "line 5: holds the character U+FFFD"},
		"short line":       {func(l []string) []string { l[3] = l[3][:219]; return l }, "line 4: has 219 characters where GV100AD has 220"},
		"long line":        {func(l []string) []string { l[3] += " "; return l }, "line 4: has 221 characters where GV100AD has 220"},
		"empty line":       {func(l []string) []string { return slices.Insert(l, 3, "") }, "line 4: has 0 characters"},
		"unknown type":     {func(l []string) []string { put(l, 5, 1, "70"); return l }, `line 6: begins with "70"`},
		"letters for type": {func(l []string) []string { put(l, 5, 1, "XY"); return l }, `line 6: begins with "XY"`},
		"two dates":        {func(l []string) []string { put(l, 5, 3, "20221231"); return l }, "line 6: has the date 2022-12-31 and line 1 2023-11-30"},
		"no date":          {func(l []string) []string { put(l, 0, 3, "20231345"); return l }, `line 1: has "20231345" at positions 3 to 10`},
		"cut in a line": {func(l []string) []string { l[len(l)-1] = l[len(l)-1][:100]; return l },
			"ends after 100 of 220 characters, so the file was cut off there"},
		"cut in a letter": {func(l []string) []string { return append(l, bamberg+"0000Gro\xc3") }, "ends after 25 of 220 characters, so the file was cut off there"},
		"far future": {func(l []string) []string {
			for i := range l {
				put(l, i, 3, "99991231")
			}
			return l
		}, "line 1: has the date 9999-12-31, which is too far ahead"},
		"key":              {func(l []string) []string { put(l, find(t, l, bamberg), 11, "O9"); return l }, `has "O9461000" at positions 11 to 18, where the key has digits only`},
		"association":      {func(l []string) []string { put(l, find(t, l, baunach), 19, " 401"); return l }, `where the association has digits only`},
		"area":             {func(l []string) []string { put(l, find(t, l, bamberg), 129, "0000000-462"); return l }, `has "0000000-462" at positions 129 to 139, where the area has digits only`},
		"population":       {func(l []string) []string { put(l, find(t, l, bamberg), 140, "     79935 "); return l }, "where the population has digits only"},
		"no population":    {func(l []string) []string { put(l, find(t, l, bamberg), 140, "           "); return l }, "where the population has digits only"},
		"large number":     {func(l []string) []string { put(l, find(t, l, bamberg), 140, "99999999999"); return l }, "the population is 99999999999, which is more than can be"},
		"men":              {func(l []string) []string { put(l, find(t, l, bamberg), 151, "00000079936"); return l }, "counts 79936 men among 79935 inhabitants"},
		"postal code":      {func(l []string) []string { put(l, find(t, l, bamberg), 166, "9603 "); return l }, `where the postal code has digits only`},
		"asterisks":        {func(l []string) []string { put(l, find(t, l, bamberg), 171, "***  "); return l }, `has "***" at positions 171 to 175`},
		"constituency":     {func(l []string) []string { put(l, find(t, l, bamberg), 191, "24x"); return l }, "where the constituency has digits only"},
		"constituencies":   {func(l []string) []string { put(l, find(t, l, bamberg), 194, "001"); return l }, "has constituencies from 236 to 1"},
		"last one alone":   {func(l []string) []string { put(l, find(t, l, bamberg), 191, "   236"); return l }, "has constituencies from 0 to 236"},
		"text code":        {func(l []string) []string { put(l, find(t, l, bamberg), 123, "44"); return l }, `has the text code "44", which no record of type 60 has`},
		"association code": {func(l []string) []string { put(l, find(t, l, "502023113009471   5401"), 123, "59"); return l }, `has the text code "59", which no record of type 50 has`},
		"district code":    {func(l []string) []string { put(l, find(t, l, "402023113009471"), 123, "60"); return l }, `has the text code "60", which no record of type 40 has`},
		"no text code":     {func(l []string) []string { put(l, find(t, l, bamberg), 123, "  "); return l }, `has the text code "", which no record of type 60 has`},
		"no name":          {func(l []string) []string { put(l, find(t, l, bamberg), 23, "       "); return l }, "has no name"},
		"only a title":     {func(l []string) []string { put(l, find(t, l, bamberg), 23, ", Stadt"); return l }, "has no name"},
		"state 17":         {func(l []string) []string { put(l, 0, 11, "17"); return l }, "line 1: is about the state 17, and there are states 01 to 16"},
		"town alone":       {func(l []string) []string { put(l, find(t, l, baunach), 123, "61"); return l }, "contradicts the record of its district"},
		"city in two":      {func(l []string) []string { put(l, find(t, l, "402023113009471"), 123, "41"); return l }, "is an independent city, but it holds 3 municipalities"},
		"city no more":     {func(l []string) []string { put(l, find(t, l, bamberg), 123, "63"); return l }, "contradicts the record of its district"},
		"same key": {func(l []string) []string { return append(l, l[find(t, l, bamberg)]) },
			"again (Bamberg, Bamberg): remove the wrong one of the two."},
		"same state": {func(l []string) []string { return append(l, l[0]) }, "has the key 01 of line 1 again"},
		"no state": {func(l []string) []string { return slices.Delete(l, 0, 1) },
			"register.txt has no record of Schleswig-Holstein, so it is not the whole register"},
		"no region":      {func(l []string) []string { i := find(t, l, "2020231130094"); return slices.Delete(l, i, i+1) }, "is part of 094, whose record of type 20 is missing"},
		"no district":    {func(l []string) []string { i := find(t, l, "402023113009471"); return slices.Delete(l, i, i+1) }, "is part of 09471, whose record of type 40 is missing"},
		"no association": {func(l []string) []string { i := find(t, l, "502023113009471   5401"); return slices.Delete(l, i, i+1) }, "is part of 094715401, whose record of type 50 is missing"},
		"cut at a line":  {func(l []string) []string { return l[:len(l)-1] }, "but the file has no municipality in it, so it was cut off"},
		"cut in half":    {func(l []string) []string { return l[:len(l)/2] }, "so it is not the whole register"},
		"UTF-16": {func(l []string) []string {
			var b strings.Builder
			for _, u := range append([]uint16{0xfeff}, utf16.Encode([]rune(strings.Join(l, "\n")))...) {
				b.WriteByte(byte(u))
				b.WriteByte(byte(u >> 8))
			}
			return []string{b.String()}
		}, "save it as UTF-8"},
		"neither encoding": {func(l []string) []string { l[4] = "10\x81" + l[4][3:]; return l }, "line 5: holds the byte 0x81, which is text neither in UTF-8 nor in Latin-1"},
		"both encodings": {func(l []string) []string {
			i := slices.IndexFunc(l, func(l string) bool { return strings.Contains(l, "ü") })
			return append(l, strings.ReplaceAll(l[i], "ü", "\xfc"))
		}, "is UTF-8 while other lines are Latin-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkBroken(t, strings.Join(tc.broken(sample()), "\n"), tc.want)
		})
	}
}

func TestBrokenJoinedCSV(t *testing.T) {
	t.Parallel()
	const city = "MUNICIPALITY,09461000,094610000000,Bamberg,Bamberg,61,KREISFREIE_STADT,09,09461,094610000,"
	change := func(from, to string) func([]string) []string {
		return func(l []string) []string {
			i := find(t, l, city)
			if !strings.Contains(l[i], from) {
				t.Fatalf("%q does not hold %q", l[i], from)
			}
			l[i] = strings.Replace(l[i], from, to, 1)
			return l
		}
	}
	without := func(prefix string) func([]string) []string {
		return func(l []string) []string {
			i := find(t, l, prefix)
			return slices.Delete(l, i, i+1)
		}
	}
	for name, tc := range map[string]struct {
		broken func(lines []string) []string
		want   string
	}{
		"column":           {func(l []string) []string { l[0] = strings.Replace(l[0], ",seat,", ",town,", 1); return l }, "line 1: lacks the column seat"},
		"level":            {change("MUNICIPALITY", "VILLAGE"), `has the level "VILLAGE"`},
		"leading zero":     {change(",09461000,", ",9461000,"), `has "9461000" in the column key, where 8 digits stand: keep keys as text`},
		"association key":  {change(",094610000,", ",,"), `has "" in the column association_key, where 9 digits stand`},
		"regional key":     {change(",094610000000,", ",094610000001,"), "which do not fit together"},
		"text code":        {change(",61,", ",99,"), `has the text code "99"`},
		"population":       {change(",79935,", ",-1,"), `has "-1" in the column population, where a whole number stands`},
		"no population":    {change(",79935,", ",,"), `has "" in the column population`},
		"rounded":          {change(",79935,", ",8e4,"), `has "8e4" in the column population`},
		"too many":         {change(",79935,", ",2147483648,"), `has "2147483648" in the column population`},
		"men":              {change(",39117,", ",80000,"), "counts 80000 men among 79935 inhabitants"},
		"postal code":      {change(",96031,", ",9603,"), `has "9603" in the column postal_code`},
		"unique":           {change(",false,", ",no,"), `has "no" in the column postal_code_unique`},
		"urbanisation":     {change(",DENSE", ",URBAN"), `has the urbanisation "URBAN"`},
		"latitude":         {change(",49.893387,", ",499.3,"), `has the latitude "499.3"`},
		"not a number":     {change(",49.893387,", ",NaN,"), `has the latitude "NaN"`},
		"decimal comma":    {change(",49.893387,", `,"49,893387",`), `has the latitude "49,893387"`},
		"half a place":     {change(",49.893387,", ",,"), `has the latitude ""`},
		"long name":        {change(",Bamberg,61,", ","+strings.Repeat("ä", 201)+",61,"), "has a name of 201 characters, and 200 is the limit"},
		"fewer columns":    {change(",DENSE", ""), "has more or fewer columns than line 1"},
		"quote":            {change(",Bamberg,61", `,Bam"berg,61`), `is no CSV (bare " in non-quoted-field)`},
		"cut in quotes":    {func(l []string) []string { l[len(l)-1] = `MUNICIPALITY,"16`; return l }, "check its quotes, and whether the file was cut off"},
		"cut between rows": {func(l []string) []string { return l[:len(l)-1] }, "but the file has no municipality in it"},
		"cut at a state": {func(l []string) []string {
			return slices.DeleteFunc(l, func(l string) bool { return strings.HasPrefix(l, "STATE,16") })
		}, "has no record of Thüringen"},
		"same key":       {func(l []string) []string { return append(l, l[find(t, l, city)]) }, "has the key 09461000 of line"},
		"no district":    {without("DISTRICT,09471"), "is part of 09471, whose record of type 40 is missing"},
		"no association": {without("ASSOCIATION,094715401"), "is part of 094715401, whose record of type 50 is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkBroken(t, strings.Join(tc.broken(joinedSample()), "\n"), tc.want)
		})
	}
}

// checkBroken wants one sentence, in a fault.
func checkBroken(t *testing.T, text, want string) {
	t.Helper()
	e, err := Read("register.txt", strings.NewReader(text))
	f, ok := fault.From(err)
	if !ok || e != nil {
		t.Fatalf("got %v, %v; want a fault", e, err)
	}
	if f.Code != fault.Invalid || !strings.Contains(f.Message, want) {
		t.Errorf("got %s %q, want %q in it", f.Code, f.Message, want)
	}
	if !strings.HasPrefix(f.Message, "register.txt") || strings.Contains(f.Message, "\n") || !strings.HasSuffix(f.Message, ".") {
		t.Errorf("%q is not one sentence that begins with the file", f.Message)
	}
}

func TestLargeFilesAreRefusedEarly(t *testing.T) {
	t.Parallel()
	e, err := Read("disk.img", zeros{})
	if _, ok := fault.From(err); !ok || !strings.Contains(err.Error(), "disk.img is larger than 32 MB") {
		t.Errorf("got %v, %v", e, err)
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func FuzzRead(f *testing.F) {
	gv, csv := sample(), joinedSample()
	f.Add([]byte(strings.Join(gv, "\n")))
	f.Add([]byte(strings.Join(gv[:3], "\r\n")))
	f.Add([]byte(strings.Join(csv, "\n")))
	f.Add([]byte(csv[0] + "\n" + csv[1]))
	f.Add([]byte("\xef\xbb\xbf1020231130"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := Read("f", strings.NewReader(string(data)))
		if (e == nil) == (err == nil) {
			t.Fatalf("got %v and %v", e, err)
		}
		if _, isFault := fault.From(err); err != nil && !isFault {
			t.Fatalf("%v is no fault", err)
		}
		if err == nil { // whatever is accepted can be compared, too
			compare(&stored{}, e, nil, e.PopulationDate())
		}
	})
}
