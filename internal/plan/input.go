package plan

import (
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// Input is an input object of a mutation: what was given, null included, by name.
// Values are nil, int64, float64, bool, string (also enums, decimals and days),
// time.Time, nodeid.ID, []any, Input and, of a list whose items stand apart, *fault.Error.
type Input map[string]any

// Input coerces the argument `input` of a mutation. Its error is a fault whose path
// says where inside of it a value is wrong. Items of lists of the type apart, if there
// is one, are each on their own: one that is wrong is replaced by its fault.
func (c *Catalogue) Input(f *ast.Field, vars map[string]any, apart string) (Input, error) {
	in := coercer{schema: c.Schema, vars: vars, nulls: true, apart: apart}
	v, err := in.argument(f.Definition.Arguments.ForName("input"), f.Arguments.ForName("input"))
	if err != nil {
		return nil, err
	}
	given, _ := asGiven(v).(Input)
	return given, nil
}

// Record coerces decoded JSON into an input object of a type, as Input does.
func (c *Catalogue) Record(typeName string, v any) (Input, error) {
	in := coercer{schema: c.Schema, nulls: true}
	v, err := in.given(ast.NonNullNamedType(typeName, nil), v)
	if err != nil {
		return nil, err
	}
	given, _ := asGiven(v).(Input)
	return given, nil
}

func asGiven(v any) any {
	switch v := v.(type) {
	case *object:
		in := make(Input, len(v.members))
		for _, m := range v.members {
			in[m.name] = asGiven(m.value)
		}
		return in
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = asGiven(item)
		}
		return items
	case date:
		return epoch.AddDate(0, 0, int(v)).Format(time.DateOnly)
	}
	return v
}
