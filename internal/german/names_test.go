package german

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var update = flag.Bool("update", false, "write names.txt anew")

// commonNames are words in the names of municipalities that are no names.
var commonNames = strings.Fields("Bergstraße Gemeinde Hansestadt Hoheitsgebiet Insel Kreis Landkreis Nordseeinsel Nordseeküste Region Seenlandschaft Stadt Weinstraße")

// names.txt is what the splitter would take apart of the names in the register.
func TestNames(t *testing.T) {
	packed, err := os.Open("../register/testdata/municipalities_de.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	file, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	level, name := slices.Index(records[0], "level"), slices.Index(records[0], "name")
	var names []string
	for _, r := range records[1:] {
		if r[level] != "MUNICIPALITY" && r[level] != "STATE" {
			continue
		}
		for word := range strings.FieldsFuncSeq(r[name], func(r rune) bool { return !unicode.IsLetter(r) }) {
			s := splitter{l: theLexicon(), word: Fold(word)}
			if len(s.word) <= longestSplit && ascii(s.word) && unicode.IsUpper([]rune(word)[0]) && s.split() && s.n > 1 && !slices.Contains(commonNames, word) {
				names = append(names, word)
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	want := "# Place names that read like compounds, from the municipal register (DATA_CREDITS.md).\n# Written by go test -run TestNames -update.\n" + strings.Join(names, "\n") + "\n"
	if *update {
		if err := os.WriteFile("names.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal([]byte(namesText), []byte(want)) {
		t.Errorf("names.txt is not what the register and the lexicon make: run go test -run TestNames -update ./internal/german")
	}
}
