package graph

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/internal/fault"
)

// givenVariables are the variables of an operation, with the defaults of those
// that were not given. Values are as JSON has them: what uses one coerces it.
// The library's own function names Go's types in its errors and makes of a single
// item a list of a Go type that nobody expects.
func givenVariables(op *ast.OperationDefinition, given map[string]any) (map[string]any, *gqlerror.Error) {
	values := make(map[string]any, len(op.VariableDefinitions))
	for _, def := range op.VariableDefinitions {
		value, ok := given[def.Variable]
		switch {
		case ok:
			if deep := nested(value); deep > maxNesting.max {
				err := maxNesting.exceeded(deep, nil)
				err.Extensions["variable"] = clip(def.Variable)
				return nil, err
			}
		case def.DefaultValue != nil:
			var err error
			if value, err = def.DefaultValue.Value(nil); err != nil {
				return nil, invalidVariable(def, nil, "has a default that cannot be read.")
			}
		case def.Type.NonNull:
			return nil, invalidVariable(def, nil, "of type "+def.Type.String()+" must be given.")
		default:
			continue
		}
		values[def.Variable] = value
	}
	return values, nil
}

func nested(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			deepest = max(deepest, nested(member))
		}
	case []any:
		for _, item := range v {
			deepest = max(deepest, nested(item))
		}
	default:
		return 0
	}
	return deepest + 1
}

// checkVariables holds the variables to their types by the rules of the
// specification, section 6.1.2. Of a query this comes second, because the
// planner says more about what is wrong with an argument, and only sees the
// arguments of fields that are not skipped.
func checkVariables(schema *ast.Schema, op *ast.OperationDefinition, values map[string]any) *gqlerror.Error {
	for _, def := range op.VariableDefinitions {
		if value, ok := values[def.Variable]; ok {
			if path, problem := checkValue(schema, def.Type, value); problem != "" {
				return invalidVariable(def, path, problem)
			}
		}
	}
	return nil
}

// checkValue says what is wrong with a value and where inside it, innermost
// name first.
func checkValue(schema *ast.Schema, t *ast.Type, value any) (path []string, problem string) {
	if value == nil {
		if t.NonNull {
			return nil, "must not be null."
		}
		return nil, ""
	}
	if t.Elem != nil {
		items, ok := value.([]any)
		if !ok {
			return checkValue(schema, t.Elem, value)
		}
		for i, item := range items {
			if path, problem := checkValue(schema, t.Elem, item); problem != "" {
				return append(path, strconv.Itoa(i)), problem
			}
		}
		return nil, ""
	}
	def := schema.Types[t.NamedType]
	switch def.Kind {
	case ast.InputObject:
		return checkObject(schema, def, value)
	case ast.Enum:
		if name, ok := value.(string); !ok || def.EnumValues.ForName(name) == nil {
			return nil, "must be one of the values of " + def.Name + "."
		}
		return nil, ""
	}
	return nil, checkScalar(def.Name, value)
}

func checkObject(schema *ast.Schema, def *ast.Definition, value any) (path []string, problem string) {
	members, ok := value.(map[string]any)
	if !ok {
		return nil, "must be an object of type " + def.Name + "."
	}
	for name := range members {
		if def.Fields.ForName(name) == nil {
			return nil, "has a field that " + def.Name + " does not know."
		}
	}
	for _, f := range def.Fields {
		member, ok := members[f.Name]
		if !ok && (f.DefaultValue != nil || !f.Type.NonNull) {
			continue
		}
		if path, problem := checkValue(schema, f.Type, member); problem != "" {
			return append(path, f.Name), problem
		}
	}
	return nil, ""
}

// checkScalar checks what JSON has; the formats of our own scalars are the
// business of what reads them.
func checkScalar(name string, value any) (problem string) {
	_, isText := value.(string)
	_, isTruth := value.(bool)
	number, isNumber := asNumber(value)
	whole := isNumber && number == math.Trunc(number)
	switch name {
	case "Int":
		if !whole || number < math.MinInt32 || number > math.MaxInt32 {
			return "must be a whole number between -2147483648 and 2147483647."
		}
	case "Float":
		if !isNumber {
			return "must be a number."
		}
	case "Boolean":
		if !isTruth {
			return "must be true or false."
		}
	case "String":
		if !isText {
			return "must be a string."
		}
	case "ID":
		if !isText && !whole {
			return "must be a string."
		}
	default:
		if !isText && !isTruth && !isNumber {
			return "must be a " + name + ", which is no object and no list."
		}
	}
	return ""
}

func asNumber(value any) (float64, bool) {
	switch v := value.(type) {
	case json.Number:
		n, err := v.Float64()
		return n, err == nil
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	}
	return 0, false
}

func invalidVariable(def *ast.VariableDefinition, path []string, problem string) *gqlerror.Error {
	slices.Reverse(path)
	name := strings.Join(append([]string{def.Variable}, path...), ".")
	err := coded(string(fault.Invalid), "Variable `$"+clip(name)+"` "+problem)
	err.Extensions["variable"] = clip(name)
	if def.Position != nil {
		err.Locations = []gqlerror.Location{{Line: def.Position.Line, Column: def.Position.Column}}
	}
	return err
}
