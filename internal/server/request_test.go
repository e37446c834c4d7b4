package server

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"
)

// members agrees with encoding/json on every object in valid UTF-8.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` { } `, `{"a":1}`, `{"a":1,"b":[1,{"c":"}"}],"":null}`, "{\n\t\"a\" : \"\\\"\\\\\" , \"b\\u0041\" : true\r\n}",
		`{"a":"\\","b":"\\\"","c":"{[","d":-1.5e+7}`, `{"a":{"a":{"a":[]}},"a":2}`, `{"ü":"\ud83d\ude00","x":[[],[[]],{}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var want map[string]json.RawMessage
		if !utf8.ValidString(body) || json.Unmarshal([]byte(body), &want) != nil || want == nil {
			return
		}
		got := map[string]json.RawMessage{}
		for name, value := range members([]byte(body)) {
			got[name] = value
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
	})
}
