// Command pack makes the data files that package register ships from the
// published ones:
//
//	go run ./internal/register/pack DIR
//
// DIR holds gv100ad_2023-11-30.txt and gv_auszug_2020_q4.csv. The register is
// compressed unchanged. Of the spreadsheet edition (GV-Auszug) only what the
// register lacks is kept: coordinates, degree of urbanisation, travel region and
// the population of 2019, one row per municipality under its regional key, also of
// those that are gone, so that sums of associations and districts come out right.
// A third file, plain, has what the register does not know any more: municipalities
// of the spreadsheet edition whose key is gone or whose official name is another.
//
// The output depends on the input alone: gzip headers carry no name and no time.
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/register/pack DIR")
		os.Exit(2)
	}
	if err := pack(os.Args[1], "internal/register/data"); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(from, to string) error {
	register, err := os.ReadFile(filepath.Join(from, "gv100ad_2023-11-30.txt"))
	if err != nil {
		return err
	}
	if err := write(filepath.Join(to, "gv100ad_2023-11-30.txt.gz"), register); err != nil {
		return err
	}
	sheet, err := os.ReadFile(filepath.Join(from, "gv_auszug_2020_q4.csv"))
	if err != nil {
		return err
	}
	slim, err := slim(sheet)
	if err != nil {
		return err
	}
	if err := write(filepath.Join(to, "gv_auszug_2020-12-31.csv.gz"), slim); err != nil {
		return err
	}
	before, err := before(sheet, register)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "before_2020-12-31.csv"), before, 0o644)
}

func write(name string, data []byte) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(data); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}

var urbanisation = map[string]string{"01": "DENSE", "02": "INTERMEDIATE", "03": "SPARSE"}

// slim keeps of the sheet what the register lacks. The sheet has a byte-order
// mark, blanks between thousands, decimal commas, and coordinates of 0 for
// territory that has none.
func slim(sheet []byte) ([]byte, error) {
	header := []string{"regional_key", "population", "male", "latitude", "longitude", "urbanisation", "travel_region_key", "travel_region_name"}
	return municipalities(sheet, header, func(cell func(string) string) []string {
		degrees := func(name string) string {
			if s := strings.ReplaceAll(cell(name), ",", "."); s != "0" {
				return s
			}
			return ""
		}
		return []string{
			regionalKey(cell), whole(cell("bevoelkerung")), whole(cell("maennlich")), degrees("breitengrad"), degrees("laengengrad"),
			urbanisation[cell("verstaedterungschluessel")], cell("schluessel"), cell("bezeichnung"),
		}
	})
}

// before keeps of the sheet what the register has under no key, or under another
// name. Areas come in square kilometres with two decimals.
func before(sheet, register []byte) ([]byte, error) {
	names := make(map[string]string) // official, by AGS
	for line := range strings.Lines(string(register)) {
		if c := []rune(line); string(c[:2]) == "60" {
			names[string(c[10:18])] = strings.TrimSpace(string(c[22:72]))
		}
	}
	header := []string{"regional_key", "official_name", "text_code", "area_ha", "postal_code"}
	return municipalities(sheet, header, func(cell func(string) string) []string {
		key := regionalKey(cell)
		if names[key[:5]+key[9:]] == cell("gemeindename") {
			return nil
		}
		return []string{
			key, cell("gemeindename"), cell("textkennzeichen"),
			cmp.Or(strings.TrimLeft(strings.ReplaceAll(whole(cell("flaeche")), ".", ""), "0"), "0"), cell("postleitzahl"),
		}
	})
}

// municipalities makes a CSV of what pick takes from each municipality of the
// sheet; nil takes nothing.
func municipalities(sheet []byte, header []string, pick func(cell func(string) string) []string) ([]byte, error) {
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(sheet, []byte("\ufeff")))).ReadAll()
	if err != nil {
		return nil, err
	}
	column := make(map[string]int)
	for i, name := range rows[0] {
		column[name] = i
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write(header); err != nil {
		return nil, err
	}
	for _, row := range rows[1:] {
		cell := func(name string) string { return strings.TrimSpace(row[column[name]]) }
		if cell("satzart") != "60" {
			continue
		}
		if picked := pick(cell); picked != nil {
			if err := w.Write(picked); err != nil {
				return nil, err
			}
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

func regionalKey(cell func(string) string) string {
	return cell("land") + cell("rb") + cell("kreis") + cell("vb") + cell("gemeinde")
}

// whole is a number without the blanks between its thousands.
func whole(s string) string { return strings.ReplaceAll(s, " ", "") }
