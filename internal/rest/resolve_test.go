package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"stadtgraph/internal/pgtest/shipped"
)

// TestResolve: the same rows in the same order, with what became of their keys, however
// the table is written and whatever stands in it.
func TestResolve(t *testing.T) {
	t.Parallel()
	s := serve(t, shipped.DB(t))
	d := describedBy(t, s)
	post := func(body, contentType string, headers ...string) reply {
		t.Helper()
		return s.do(t, http.MethodPost, "/api/v1/resolve", body, append([]string{"Content-Type", contentType}, headers...)...)
	}
	bamberg := decode[struct{ Data map[string]any }](t, s.get(t, "/api/v1/municipalities/09461000")).Data["id"].(string)
	for name, c := range map[string]struct{ body, want string }{
		"no header":      {"09461000\nnothing\n", "09461000,CURRENT,09461000,Bamberg," + bamberg + ",,\nnothing,UNKNOWN,,,,,NOT_A_KEY\n"},
		"header":         {"Name,AGS\nB,09461000\n", "Name,AGS,status,presentKey,presentName,presentId,successors,note\nB,09461000,CURRENT,09461000,Bamberg," + bamberg + ",,\n"},
		"header alone":   {"schluessel;x\n", ""},
		"German Excel":   {"\ufeffags;Wert\r\n9461000;1,5\r\n", "\ufeffags;Wert;status;presentKey;presentName;presentId;successors;note\r\n9461000;1,5;CURRENT;09461000;Bamberg;" + bamberg + ";;LEADING_ZERO_RESTORED\r\n"},
		"Windows-1252":   {"ags;Stra\xdfe\n09461;\xfc\n", "ags;Straße;status;presentKey;presentName;presentId;successors;note\n09461;ü;CURRENT;09461000;Bamberg;" + bamberg + ";;\n"},
		"formulas":       {"key,=cmd\n09461000,=1+1\n'09461000,-5\n09461000,-a\n@x,+1\n", "key,'=cmd,status,presentKey,presentName,presentId,successors,note\n09461000,'=1+1,CURRENT,09461000,Bamberg," + bamberg + ",,\n'09461000,-5,CURRENT,09461000,Bamberg," + bamberg + ",,\n09461000,'-a,CURRENT,09461000,Bamberg," + bamberg + ",,\n'@x,+1,UNKNOWN,,,,,NOT_A_KEY\n"},
		"short rows":     {"key,a,b\n09461000\n", "key,a,b,status,presentKey,presentName,presentId,successors,note\n09461000,,,CURRENT,09461000,Bamberg," + bamberg + ",,\n"},
		"quotes":         {"a,key\n\"x\ny\",\"09 4 61 000\"\n", "a,key,status,presentKey,presentName,presentId,successors,note\n\"x\ny\",09 4 61 000,CURRENT,09461000,Bamberg," + bamberg + ",,\n"},
		"regional, zero": {"94610000000\n", "94610000000,CURRENT,09461000,Bamberg," + bamberg + ",,LEADING_ZERO_RESTORED\n"},
	} {
		r := post(c.body, "text/csv")
		if c.want == "" {
			if r.StatusCode != http.StatusBadRequest || !strings.Contains(r.body, "There are no rows") {
				t.Errorf("%s: got %s %s", name, r.Status, r.body)
			}
			continue
		}
		if r.StatusCode != http.StatusOK || r.body != c.want || r.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
			t.Errorf("%s: got %s\n%q\nwant\n%q", name, r.Status, r.body, c.want)
		}
	}
	r := post(`["09461000", 9461000, {"Wert": "ü", "status": "alt", "key": "09461000"}, {"key": null}, null, [1], {"key": 17}, ""]`, "application/json")
	d.check(t, "/resolve", "post", r)
	found := `"status":"CURRENT","presentKey":"09461000","presentName":"Bamberg","presentId":"` + bamberg + `","successors":[],"note":`
	lost := `"status":"UNKNOWN","presentKey":null,"presentName":null,"presentId":null,"successors":[],"note":`
	want := `[{"key":"09461000",` + found + `null},{"key":9461000,` + found + `"LEADING_ZERO_RESTORED"},{"Wert":"ü","key":"09461000",` + found + `null},{"key":null,` + lost + `"NOT_A_KEY"},{"key":null,` + lost +
		`"NOT_A_KEY"},{"key":[1],` + lost + `"NOT_A_KEY"},{"key":17,` + lost + `null},{"key":"",` + lost + `"NOT_A_KEY"}]` + "\n"
	if r.body != want {
		t.Errorf("got  %s\nwant %s", r.body, want)
	}
	// What was sent as a table may be answered as a list, and the other way round.
	if r := post("ags;x\n09461000;1\n", "text/csv", "Accept", "application/json"); r.body != `[{"ags":"09461000","x":"1",`+found+"null}]\n" {
		t.Errorf("a table as a list: got %s", r.body)
	}
	if r := post(`["09461000"]`, "application/json", "Accept", "text/csv"); r.body != "key,status,presentKey,presentName,presentId,successors,note\n09461000,CURRENT,09461000,Bamberg,"+bamberg+",,\n" {
		t.Errorf("a list as a table: got %s", r.body)
	}
	for _, c := range []struct {
		name, body, contentType, accept string
		status                          int
	}{
		{"no type", "09461000", "", "", 415}, {"form", "a=b", "application/x-www-form-urlencoded", "", 415}, {"type", "09461000", "text/csv", "image/png", 406},
		{"empty", "", "text/csv", "", 400}, {"empty list", "[]", "application/json", "", 400}, {"object", `{"key": "1"}`, "application/json", "", 400},
		{"cut off", `["1"`, "application/json", "", 400}, {"goes on", `["1"] 2`, "application/json", "", 400}, {"broken", `[1,,2]`, "application/json", "", 400},
		{"not UTF-8", "[\"\xff\"]", "application/json", "", 400}, {"rows", strings.Repeat("1\n", 100_001), "text/csv", "", 413}, {"bytes", strings.Repeat("1", 8<<20+1), "text/csv", "", 413},
	} {
		headers := []string{}
		if c.accept != "" {
			headers = []string{"Accept", c.accept}
		}
		r := post(c.body, c.contentType, headers...)
		if r.StatusCode != c.status || r.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %s %s", c.name, r.Status, r.body)
		}
		d.check(t, "/resolve", "post", r)
	}
	if r := s.get(t, "/api/v1/resolve"); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: got %s", r.Status)
	}
}

// TestResolveMany: more keys than the planner takes at once, former ones among them, are
// each what GraphQL says of them.
func TestResolveMany(t *testing.T) {
	t.Parallel()
	pool := shipped.DB(t)
	s := serve(t, pool)
	rows, err := pool.Query(t.Context(), `
SELECT k, count(*) FROM (SELECT key AS k FROM municipality UNION ALL SELECT key FROM municipality_key) keys GROUP BY 1 ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var keys []string
	for rows.Next() {
		var key string
		var n int
		if err := rows.Scan(&key, &n); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	list, _ := json.Marshal(keys)
	type row struct {
		Key, Status string
		PresentKey  *string
		Successors  []struct{ Key string }
	}
	r := s.do(t, http.MethodPost, "/api/v1/resolve", string(list), "Content-Type", "application/json")
	got := decode[[]row](t, r)
	if len(got) != len(keys) || len(keys) < 10_000 {
		t.Fatalf("%d rows for %d keys", len(got), len(keys))
	}
	counts := map[string]int{}
	for i, g := range got {
		counts[g.Status]++
		if g.Key != keys[i] || (g.PresentKey == nil) != (g.Status == "DISSOLVED" || g.Status == "UNKNOWN") || g.Status == "CURRENT" && g.PresentKey == nil || g.Status == "DISSOLVED" && len(g.Successors) == 0 {
			t.Errorf("row %d, %s: got %+v", i, keys[i], g)
		}
	}
	if counts["UNKNOWN"] > 0 || counts["CURRENT"] < 10_000 || counts["REKEYED"] == 0 || counts["DISSOLVED"] == 0 {
		t.Errorf("got %v", fmt.Sprint(counts))
	}
}
