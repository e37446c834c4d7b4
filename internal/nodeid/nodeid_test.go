package nodeid

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"testing"
)

// The valid cases of the TypeID specification (spec/valid.yml).
func TestSpecificationVectors(t *testing.T) {
	for _, tc := range []struct{ id, uuid string }{
		{"prefix_00000000000000000000000000", "00000000-0000-0000-0000-000000000000"},
		{"prefix_00000000000000000000000001", "00000000-0000-0000-0000-000000000001"},
		{"prefix_0000000000000000000000000a", "00000000-0000-0000-0000-00000000000a"},
		{"prefix_0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"},
		{"prefix_00000000000000000000000010", "00000000-0000-0000-0000-000000000020"},
		{"prefix_7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"},
		{"prefix_0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"},
		{"prefix_01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"},
		{"pre_fix_00000000000000000000000000", "00000000-0000-0000-0000-000000000000"},
	} {
		id, err := Parse(tc.id)
		if err != nil || id.UUID.String() != tc.uuid {
			t.Errorf("Parse(%q) = %v, %v; want %s", tc.id, id.UUID, err, tc.uuid)
		}
		if got := id.String(); got != tc.id {
			t.Errorf("String() = %q, want %q", got, tc.id)
		}
	}
}

func TestMalformedIDsAreRefused(t *testing.T) {
	for _, s := range []string{
		"", "_", "article", "article_", "_01h455vb4pex5vsknk084sn02q", "01h455vb4pex5vsknk084sn02q",
		"article_8zzzzzzzzzzzzzzzzzzzzzzzzz", "article_01h455vb4pex5vsknk084sn02", "article_01h455vb4pex5vsknk084sn02qq",
		"article_01h455vb4pex5vsknk084sn0Iq", "article_01H455VB4PEX5VSKNK084SN02Q", "Article_01h455vb4pex5vsknk084sn02q",
		"art icle_01h455vb4pex5vsknk084sn02q", "article_01h455vb4pex5vsknk084sn02\x00", "ärtikel_01h455vb4pex5vsknk084sn02q",
		strings.Repeat("a", 64) + "_01h455vb4pex5vsknk084sn02q", "article_ulp455vb4pex5vsknk084sn02q",
	} {
		if id, err := Parse(s); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", s, id)
		}
	}
}

func TestEveryKeySurvivesTheRoundTrip(t *testing.T) {
	for range 1000 {
		want := ID{Prefix: "funding_award"}
		_, _ = rand.Read(want.UUID[:])
		if got, err := Parse(want.String()); err != nil || got != want {
			t.Fatalf("%s came back as %v, %v", hex.EncodeToString(want.UUID[:]), got, err)
		}
	}
}

// These ids are published: exports and other databases carry them.
func TestDerivedIDsNeverChange(t *testing.T) {
	for natural, want := range map[string]string{
		"09461000": "municipality_01hgercx00erwabv2e4r0gews4",
		"05562":    "municipality_01hgercx00exj8m2e9z7nec739",
	} {
		if got := (ID{"municipality", Derive("municipality", natural)}).String(); got != want {
			t.Errorf("the id of %s is %s, want %s", natural, got, want)
		}
	}
}

// An id that is accepted is written as it was read: there is one form of each.
func FuzzParse(f *testing.F) {
	f.Add("article_01h455vb4pex5vsknk084sn02q")
	f.Add("pre_fix_7zzzzzzzzzzzzzzzzzzzzzzzzz")
	f.Add("a__b_0000000000000000000000000a")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := Parse(s)
		if err == nil && id.String() != s {
			t.Fatalf("%q came back as %q", s, id)
		}
	})
}
