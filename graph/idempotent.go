package graph

import (
	"crypto/sha256"
	"encoding/json"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/write"
)

// keyOf names a field of a request that says how it is told apart from others; nil if
// it does not.
func keyOf(op *graphql.OperationContext, field int) (*write.Key, error) {
	text := op.Headers.Get("Idempotency-Key")
	if text == "" {
		return nil, nil
	}
	if len(text) > write.MaxKey || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, fault.New(fault.Invalid, "`Idempotency-Key` may have %d characters of ASCII at most.", write.MaxKey)
	}
	name := ""
	if op.Operation != nil {
		name = op.Operation.Name
	}
	variables, err := json.Marshal(op.Variables) // members of objects in the order of their names
	if err != nil {
		return nil, err
	}
	return &write.Key{Text: text, Field: field, Body: sha256.Sum256([]byte(op.RawQuery + "\x00" + name + "\x00" + string(variables)))}, nil
}

// outcome is an answer in a form that can be kept: global ids apart from values.
type outcome struct {
	IDs    map[string]string `json:"ids"`
	Values map[string]any    `json:"values"`
}

func (a answer) outcome() outcome {
	out := outcome{IDs: map[string]string{}, Values: map[string]any{}}
	for name, v := range a {
		if id, ok := v.(nodeid.ID); ok {
			out.IDs[name] = id.String()
		} else {
			out.Values[name] = v
		}
	}
	return out
}

// answerOf is the answer that was kept.
func answerOf(kept json.RawMessage) (answer, error) {
	var from outcome
	if err := json.Unmarshal(kept, &from); err != nil {
		return nil, err
	}
	out := answer{}
	for name, v := range from.Values {
		out[name] = answers(v)
	}
	for name, id := range from.IDs {
		parsed, err := nodeid.Parse(id)
		if err != nil {
			return nil, err
		}
		out[name] = parsed
	}
	return out, nil
}

// answers are lists of objects as a payload holds them.
func answers(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	items := make([]answer, 0, len(list))
	for _, item := range list {
		object, ok := item.(map[string]any)
		if !ok {
			return v
		}
		one := answer{}
		for name, v := range object {
			one[name] = answers(v)
		}
		items = append(items, one)
	}
	return items
}
