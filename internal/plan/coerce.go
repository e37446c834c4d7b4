package plan

import (
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
)

// Coerced values are nil (null, or absent), int64, float64, bool, string (also
// enums and decimals), date, time.Time, nodeid.ID, []any and *object.

// object is an input object. Its members are in the order of the schema and
// hold no nulls, so that two inputs of the same shape have equal layouts.
type object struct {
	def     *ast.Definition
	members []member
}

type member struct {
	name  string
	value any
}

func (o *object) get(name string) any {
	for _, m := range o.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// date is a day as Postgres counts them: days since 2000-01-01.
type date int32

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func dateOf(t time.Time) date {
	y, m, d := t.Date()
	return date(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()/86400 - epoch.Unix()/86400)
}

// coercer turns literals and variables into coerced values by the rules of the
// GraphQL specification, section 3 "Input Coercion". Validation has checked
// literals and variables before; what is left are ranges, custom scalars, and
// what variables inside literals bring.
type coercer struct {
	schema *ast.Schema
	vars   map[string]any
	nulls  bool // objects keep members that are null
	apart  string
	deep   bool // numbered pages reach everything
}

// item is what a list takes for an item that was coerced: its fault, if items of the
// type stand apart.
func (c *coercer) item(t *ast.Type, i int, item any, err error) (any, error) {
	if f, ok := fault.From(err); ok && t.Elem == nil && t.NamedType == c.apart {
		return f, nil
	}
	if err != nil {
		return nil, at(err, strconv.Itoa(i))
	}
	return item, nil
}

// absent is the value of a variable that was not given and has no default.
type absent struct{}

// value coerces a literal. Its result is absent{} if it is such a variable.
func (c *coercer) value(t *ast.Type, v *ast.Value) (any, error) {
	switch v.Kind {
	case ast.Variable:
		given, ok := c.vars[v.Raw]
		if !ok {
			return absent{}, nil
		}
		return c.given(t, given)
	case ast.NullValue:
		return c.given(t, nil)
	}
	if t.Elem != nil {
		if v.Kind != ast.ListValue { // a single item is a list of one
			item, err := c.value(t.Elem, v)
			if err != nil {
				return nil, err
			}
			return []any{item}, nil
		}
		list := make([]any, 0, len(v.Children))
		for i, child := range v.Children {
			item, err := c.value(t.Elem, child.Value)
			if err == nil {
				item, err = c.present(t.Elem, item)
			}
			if item, err = c.item(t.Elem, i, item, err); err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, nil
	}
	def := c.schema.Types[t.NamedType]
	if def.Kind == ast.InputObject {
		return c.object(def, func(f *ast.FieldDefinition) (any, error) {
			child := v.Children.ForName(f.Name)
			if child == nil {
				return absent{}, nil
			}
			return c.value(f.Type, child)
		})
	}
	switch v.Kind {
	case ast.IntValue, ast.FloatValue:
		return leaf(def, json.Number(v.Raw))
	case ast.BooleanValue:
		return leaf(def, v.Raw == "true")
	case ast.StringValue, ast.BlockValue, ast.EnumValue:
		return leaf(def, v.Raw)
	}
	return nil, wrongType(def)
}

// given coerces what a variable holds, decoded from JSON.
func (c *coercer) given(t *ast.Type, v any) (any, error) {
	if v == nil {
		if t.NonNull {
			return nil, fault.New(fault.Invalid, "must not be null.")
		}
		return nil, nil
	}
	if t.Elem != nil {
		items := listOf(v)
		list := make([]any, 0, len(items))
		for i, item := range items {
			item, err := c.given(t.Elem, item)
			if item, err = c.item(t.Elem, i, item, err); err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, nil
	}
	def := c.schema.Types[t.NamedType]
	if def.Kind == ast.InputObject {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, wrongType(def)
		}
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if def.Fields.ForName(name) == nil {
				return nil, fault.New(fault.Invalid, "is a field that %s does not know.", def.Name).At(name)
			}
		}
		return c.object(def, func(f *ast.FieldDefinition) (any, error) {
			v, ok := m[f.Name]
			if !ok {
				return absent{}, nil
			}
			return c.given(f.Type, v)
		})
	}
	return leaf(def, v)
}

// listOf gives the items of a list. A single item is a list of one; validation
// has made one of it already where it met it inside a variable, as a slice of the
// item's own type.
func listOf(v any) []any {
	if items, ok := v.([]any); ok {
		return items
	}
	slice := reflect.ValueOf(v)
	if slice.Kind() != reflect.Slice {
		return []any{v}
	}
	items := make([]any, slice.Len())
	for i := range items {
		items[i] = slice.Index(i).Interface()
	}
	return items
}

func (c *coercer) object(def *ast.Definition, field func(*ast.FieldDefinition) (any, error)) (any, error) {
	o := &object{def: def}
	for _, f := range def.Fields {
		v, err := field(f)
		if err == nil && v == (absent{}) && f.DefaultValue != nil {
			v, err = c.value(f.Type, f.DefaultValue)
		}
		null := v == nil && c.nulls
		if err == nil {
			v, err = c.present(f.Type, v)
		}
		if err != nil {
			return nil, at(err, f.Name)
		}
		if v != nil || null {
			o.members = append(o.members, member{f.Name, v})
		}
	}
	return o, nil
}

// argument coerces one argument of a field. Null and absent are both its default,
// or nil: no argument of a planned field tells them apart.
func (c *coercer) argument(def *ast.ArgumentDefinition, arg *ast.Argument) (any, error) {
	var v any = absent{}
	var err error
	if arg != nil {
		v, err = c.value(def.Type, arg.Value)
	}
	if err == nil && (v == (absent{}) || v == nil) && def.DefaultValue != nil {
		v, err = c.value(def.Type, def.DefaultValue)
	}
	if err != nil {
		return nil, err
	}
	return c.present(def.Type, v)
}

func (c *coercer) present(t *ast.Type, v any) (any, error) {
	if v == (absent{}) || v == nil {
		if t.NonNull {
			return nil, fault.New(fault.Invalid, "must not be null.")
		}
		return nil, nil
	}
	return v, nil
}

// at says where inside an argument a value is wrong.
func at(err error, name string) error {
	if f, ok := fault.From(err); ok {
		return f.At(name)
	}
	return err
}

func wrongType(def *ast.Definition) error {
	expected := map[string]string{
		"Int": "a whole number between -2147483648 and 2147483647", "Float": "a number",
		"String": "a string", "Boolean": "true or false", "ID": "a string", "URL": "a string with an http or https address",
		"Date":     `a day as a string, such as "2024-02-06"`,
		"DateTime": `an instant as a string, such as "2024-02-06T09:30:00Z"`,
		"Decimal":  `a decimal number as a string, such as "15750000.00"`,
		"Duration": `a duration of ISO 8601 in years, months, weeks and days, up to three digits of years and four of the others, such as "P30D" or "P1Y6M"`,
	}[def.Name]
	switch {
	case expected != "":
	case def.Kind == ast.Enum:
		expected = "one of the values of " + def.Name
	default:
		expected = "an object of type " + def.Name
	}
	return fault.New(fault.Invalid, "must be %s.", expected)
}

var decimal = regexp.MustCompile(`^-?[0-9]{1,30}(\.[0-9]{1,10})?$`)

// duration is one of ISO 8601 without a time of day.
var duration = regexp.MustCompile(`^P([0-9]{1,3}Y)?([0-9]{1,4}M)?([0-9]{1,4}W)?([0-9]{1,4}D)?$`)

// leaf coerces a scalar or an enum value.
func leaf(def *ast.Definition, v any) (any, error) {
	switch def.Name {
	case "Int":
		if n, ok := number(v); ok && n == math.Trunc(n) && n >= math.MinInt32 && n <= math.MaxInt32 {
			return int64(n), nil
		}
		return nil, wrongType(def)
	case "Float":
		if n, ok := number(v); ok {
			return n, nil
		}
		return nil, wrongType(def)
	case "Boolean":
		if b, ok := v.(bool); ok {
			return b, nil
		}
		return nil, wrongType(def)
	}
	s, ok := v.(string)
	if !ok {
		n, isNumber := number(v)
		switch {
		case def.Name == "ID" && isNumber && n == math.Trunc(n), def.Name == "Decimal" && isNumber:
			s = strings.TrimSpace(numberText(v))
		default:
			return nil, wrongType(def)
		}
	}
	if strings.IndexByte(s, 0) >= 0 {
		return nil, fault.New(fault.Invalid, "must not contain the NUL character.")
	}
	switch def.Name {
	case "ID":
		id, err := nodeid.Parse(s)
		if err != nil {
			return nil, fault.New(fault.Invalid, `is no id of this API; ids look like "article_01h455vb4pex5vsknk084sn02q".`)
		}
		return id, nil
	case "Date":
		t, err := time.Parse(time.DateOnly, s)
		if err != nil || t.Year() < 1 {
			return nil, wrongType(def)
		}
		return dateOf(t), nil
	case "DateTime":
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
			return nil, wrongType(def)
		}
		return t.UTC(), nil
	case "Decimal":
		if !decimal.MatchString(s) {
			return nil, wrongType(def)
		}
		return s, nil
	case "Duration":
		if !duration.MatchString(s) || len(s) < 3 {
			return nil, wrongType(def)
		}
		return s, nil
	}
	if def.Kind == ast.Enum && def.EnumValues.ForName(s) == nil {
		return nil, wrongType(def)
	}
	return s, nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Float64()
		return n, err == nil && !math.IsInf(n, 0)
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case float64:
		return v, !math.IsInf(v, 0) && !math.IsNaN(v)
	}
	return 0, false
}

func numberText(v any) string {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case int64:
		return strconv.FormatInt(v, 10)
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
