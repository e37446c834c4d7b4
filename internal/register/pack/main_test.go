package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestSlimKeepsWhatTheRegisterLacks(t *testing.T) {
	t.Parallel()
	const sheet = "\ufeffsatzart,textkennzeichen,land,rb,kreis,vb,gemeinde,gemeindename,flaeche,bevoelkerung,maennlich,weiblich,jekm2,postleitzahl,laengengrad,breitengrad,schluessel,bezeichnung,verstaedterungschluessel,verstaedterungbezeichnung\n" +
		"10,,01,,,,,Schleswig-Holstein,,,,,,,,,,,,\n" +
		`60,61,01,0,01,0000,000,"Flensburg, Stadt", 53.02, 90 164, 44 904, 45 260, 1 701,24937,"9,43751","54,78252",F02,Ostsee,01,dicht besiedelt` + "\n" +
		`60,66,07,0,00,9999,999,Hoheitsgebiet, 6.20,  0,  0,  0,  0,,0,0,,,03,gering besiedelt` + "\n"
	const want = `regional_key,population,male,latitude,longitude,urbanisation,travel_region_key,travel_region_name
010010000000,90164,44904,54.78252,9.43751,DENSE,F02,Ostsee
070009999999,0,0,,,SPARSE,,
`
	got, err := slim([]byte(sheet))
	if err != nil || string(got) != want {
		t.Errorf("got (%v)\n%s\nwant\n%s", err, got, want)
	}
}

func TestBeforeKeepsWhatIsGoneOrRenamed(t *testing.T) {
	t.Parallel()
	const sheet = "\ufeffsatzart,textkennzeichen,land,rb,kreis,vb,gemeinde,gemeindename,flaeche,postleitzahl\n" +
		`60,61,01,0,01,0000,000,"Flensburg, Stadt", 53.02,24937` + "\n" +
		`60,61,16,0,56,0000,000,"Eisenach, Stadt", 104.17,99817` + "\n" +
		`60,63,13,0,03,0000,000,"Rostock, Hansestadt", 1 181.36,18055` + "\n" +
		`60,66,09,2,73,9454,454,Hienheimer Forst, 0.55,` + "\n"
	record := func(key, name string) string { return "6020231130" + key + "0000" + fmt.Sprintf("%-50s", name) + "\n" }
	register := record("01001000", "Flensburg, Stadt") + record("13003000", "Rostock, Hanse- und Universitätsstadt") + record("16063105", "Eisenach, Stadt")
	const want = `regional_key,official_name,text_code,area_ha,postal_code
160560000000,"Eisenach, Stadt",61,10417,99817
130030000000,"Rostock, Hansestadt",63,118136,18055
092739454454,Hienheimer Forst,66,55,
`
	got, err := before([]byte(sheet), []byte(register))
	if err != nil || string(got) != want {
		t.Errorf("got (%v)\n%s\nwant\n%s", err, got, want)
	}
}

// The files in data change when their content does, and not with every run.
func TestShippedFilesCarryNoTime(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("../data/*.gz")
	if err != nil || len(names) != 2 {
		t.Fatalf("found %v, %v; want two files", names, err)
	}
	made := filepath.Join(t.TempDir(), "made.gz")
	if err := write(made, []byte("text")); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, made) {
		packed, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer packed.Close()
		z, err := gzip.NewReader(packed)
		if err != nil {
			t.Fatal(err)
		}
		if !z.ModTime.IsZero() || z.Name != "" || z.Comment != "" {
			t.Errorf("%s carries %v, %q, %q", name, z.ModTime, z.Name, z.Comment)
		}
		if _, err := io.Copy(io.Discard, z); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
