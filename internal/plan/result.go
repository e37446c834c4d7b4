package plan

import (
	"context"
	"io"
)

// Result is the finished JSON of a planned field. The generated code treats
// every type of the catalogue as a leaf with such a value.
type Result []byte

// MarshalGQLContext copies the bytes.
func (r Result) MarshalGQLContext(_ context.Context, w io.Writer) error {
	_, err := w.Write(r)
	return err
}

// UnmarshalGQLContext is what gqlgen demands of a leaf; types of the catalogue
// are no inputs.
func (r *Result) UnmarshalGQLContext(context.Context, any) error { return nil }
