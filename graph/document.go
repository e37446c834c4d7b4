package graph

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/trace"
	"stadtgraph/internal/trusted"
	"stadtgraph/internal/write"
)

// Policy is what a server lets callers do, beside the limits that hold always.
type Policy struct {
	HideSchema  bool // introspection takes a token
	Suggest     bool // errors of validation say what may have been meant, and so what there is
	TrustedOnly bool // without a token only trusted documents run
}

// Under makes the executor keep to a policy, and find trusted documents.
func (e *Executor) Under(p Policy, documents *trusted.Store) *Executor {
	e.policy, e.trusted = p, documents
	return e
}

// document is one that may run.
type document struct {
	*ast.QueryDocument
	introspected map[*ast.OperationDefinition]int // roughly how many values of introspection
}

// document parses and validates a document, or gives the one kept from before.
// One that is not valid comes with its errors.
func (e *Executor) document(ctx context.Context, query string) (*document, gqlerror.List) {
	if doc, ok := e.held[query]; ok {
		return doc, nil
	}
	if doc, ok := e.documents.Get(query); ok {
		return doc, nil
	}
	_, span := trace.Begin(ctx, "graphql.validate")
	defer span.End()
	doc, errs := e.checker.check(query, e.policy.Suggest)
	if len(errs) == 0 {
		e.documents.Add(query, doc)
	}
	return doc, errs
}

// Hold validates a document of the program's own, one query or subscription, and keeps it
// for good; with deep, its numbered pages reach everything. It must not be called any more
// when operations run.
func (e *Executor) Hold(query string, deep bool) error {
	doc, errs := e.checker.check(query, true)
	switch {
	case len(errs) > 0:
		return errs
	case len(doc.Operations) != 1 || doc.Operations[0].Operation == ast.Mutation:
		return errors.New("it does not hold one query or subscription")
	}
	if deep {
		e.planner.Deepen(doc.Operations[0])
	}
	e.held[query] = doc
	return nil
}

// checker holds documents to the limits and to the schema.
type checker struct {
	schema *ast.Schema
	sizes  sizes
}

func newChecker(schema *ast.Schema) checker { return checker{schema, sizesOf(schema)} }

func (c checker) check(query string, suggest bool) (*document, gqlerror.List) {
	parsed, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, maxTokens.max)
	if err != nil {
		var invalid *gqlerror.Error
		if !errors.As(err, &invalid) {
			invalid = coded(errcode.ParseFailed, "The document is no GraphQL.")
		}
		if strings.Contains(invalid.Message, "exceeded token limit") {
			invalid = maxTokens.exceeded(countTokens(query), nil)
		} else {
			errcode.Set(invalid, errcode.ParseFailed)
			invalid.Message = clip(invalid.Message)
		}
		return &document{}, gqlerror.List{invalid}
	}
	doc := &document{QueryDocument: parsed}
	if len(doc.Operations) == 0 {
		return &document{}, gqlerror.List{coded(errcode.ValidationFailed, "The document holds no operation.")}
	}
	var exceeded *gqlerror.Error
	if doc.introspected, exceeded = checkLimits(c.sizes, parsed); exceeded != nil {
		return doc, gqlerror.List{exceeded}
	}
	if errs := validator.ValidateWithRules(c.schema, parsed, validation(suggest)); len(errs) > 0 {
		errs = errs[:min(len(errs), maxErrors)]
		for _, err := range errs {
			errcode.Set(err, errcode.ValidationFailed)
			err.Message = clip(err.Message)
		}
		return doc, errs
	}
	return doc, nil
}

// validation is the rules of the specification.
func validation(suggest bool) *rules.Rules {
	all := rules.NewDefaultRules()
	if !suggest {
		for _, quiet := range []validator.Rule{
			rules.FieldsOnCorrectTypeRuleWithoutSuggestions, rules.KnownArgumentNamesRuleWithoutSuggestions, rules.KnownTypeNamesRuleWithoutSuggestions,
			rules.ScalarLeafsRuleWithoutSuggestions, rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
		} {
			all.ReplaceRule(strings.TrimSuffix(quiet.Name, "WithoutSuggestions"), quiet.RuleFunc)
		}
	}
	return all
}

// Errors of a document quote it. There may be many, of long names.
const (
	maxErrors  = 20
	maxMessage = 400
)

func clip(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + " …"
}

func coded(code, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}}
}

// hidden says whether an operation asks for the schema and may not see it.
func (e *Executor) hidden(ctx context.Context, introspected int) *gqlerror.Error {
	if introspected == 0 || !e.policy.HideSchema || auth.From(ctx) != nil {
		return nil
	}
	return coded(string(fault.Unauthenticated), "It takes a token to read the schema here: send one as `Authorization: Bearer …`.")
}

// Codes of documents that are asked for by a name. Clients know those of automatic
// persisted queries, and the messages that go with them.
const (
	codeNotFound     = "PERSISTED_QUERY_NOT_FOUND"
	codeUnknown      = "DOCUMENT_NOT_FOUND"
	codeNotTrusted   = "DOCUMENT_NOT_TRUSTED"
	codeWrongDigest  = "PERSISTED_QUERY_HASH_MISMATCH"
	codeNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED"
)

// Resolve puts the document into a request that names one: by documentID, which a
// trusted document has, or by its digest in extensions.persistedQuery, as clients with
// automatic persisted queries do. It says whether the document is known to be on record,
// and refuses those that the caller may not run.
func (e *Executor) Resolve(ctx context.Context, params *graphql.RawParams, documentID string) (known bool, refused *gqlerror.Error) {
	if documentID != "" {
		refused = e.resolveTrusted(ctx, params, documentID)
		return refused == nil, refused
	}
	digest, given, invalid := persistedDigest(params)
	if invalid != nil {
		return false, invalid
	}
	switch {
	case given && params.Query == "":
		if text, ok := e.persisted.Get(digest); ok {
			params.Query = text
			break
		}
		text, ok, err := e.find(ctx, digest)
		if err != nil {
			return false, Present(ctx, err)
		}
		if !ok {
			return false, coded(codeNotFound, "PersistedQueryNotFound")
		}
		params.Query = text
		return true, nil
	case given && digestOf(params.Query) != digest:
		return false, coded(codeWrongDigest, "`sha256Hash` in `extensions.persistedQuery` is not the SHA-256 of `query`, in hexadecimal digits.")
	}
	if given && e.documents.Contains(params.Query) { // its answer may be at hand, and nobody look at it again
		e.persist(params)
	}
	if !e.policy.TrustedOnly || auth.From(ctx) != nil {
		return false, nil
	}
	if e.trusted != nil {
		switch ok, err := e.trusted.Has(ctx, params.Query); {
		case err != nil:
			return false, Present(ctx, err)
		case ok:
			return true, nil
		}
	}
	return false, coded(codeNotTrusted, "Without a token only trusted documents run here: send the `documentId` of one, have this one put on record with `trustDocuments`, or send a token as `Authorization: Bearer …`.")
}

func (e *Executor) resolveTrusted(ctx context.Context, params *graphql.RawParams, id string) *gqlerror.Error {
	text, ok, err := e.find(ctx, id)
	switch {
	case err != nil:
		return Present(ctx, err)
	case !ok:
		return coded(codeUnknown, "No document on record has this `documentId`: have it put there with `trustDocuments`, or send the document as `query`.")
	}
	if _, errs := e.document(ctx, text); len(errs) > 0 {
		errs[0].Message = "The document on record is not valid any more; have a newer one put there: " + errs[0].Message
		return errs[0]
	}
	params.Query = text
	return nil
}

func (e *Executor) find(ctx context.Context, id string) (string, bool, error) {
	if e.trusted == nil {
		return "", false, nil
	}
	return e.trusted.Find(ctx, id)
}

// persistedDigest is the digest by which a request names its document.
func persistedDigest(params *graphql.RawParams) (digest string, given bool, invalid *gqlerror.Error) {
	v, given := params.Extensions["persistedQuery"]
	if !given || v == nil {
		return "", false, nil
	}
	members, _ := v.(map[string]any)
	if version, ok := members["version"].(json.Number); ok && version != "1" {
		return "", true, coded(codeNotSupported, "PersistedQueryNotSupported")
	}
	digest, _ = members["sha256Hash"].(string)
	if raw, err := hex.DecodeString(digest); err != nil || len(raw) != sha256.Size {
		return "", true, coded(string(fault.BadRequest), "`extensions.persistedQuery` holds `version`, which is 1, and `sha256Hash`, the SHA-256 of the document in hexadecimal digits.")
	}
	return strings.ToLower(digest), true, nil
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// maxPersisted is how long a document may be to be kept by its digest.
const maxPersisted = 16 << 10

// persist keeps a document that was found valid, if the request gave its digest.
func (e *Executor) persist(params *graphql.RawParams) {
	digest, given, invalid := persistedDigest(params)
	if !given || invalid != nil || len(params.Query) > maxPersisted || e.persisted.Contains(digest) {
		return
	}
	if digestOf(params.Query) == digest {
		e.persisted.Add(digest, params.Query)
	}
}

// CheckTrusted logs which trusted documents the schema does not fit, and gives how many
// there are.
func (e *Executor) CheckTrusted(ctx context.Context, db postgres.DB) (all, invalid int, err error) {
	err = trusted.All(ctx, db, func(d trusted.Document) {
		all++
		if _, errs := e.checker.check(d.Text, false); len(errs) > 0 {
			invalid++
			slog.WarnContext(ctx, "a trusted document is not valid", "document", d.ID, "error", errs[0].Message)
		}
	})
	return all, invalid, err
}

func trustDocuments(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
	documents, _ := in["documents"].([]any)
	if len(documents) > trusted.MaxAtOnce {
		return nil, write.Refuse(write.TooLong, []string{"input", "documents"}, "This may have %d documents at most, not %d; send the others in another request.", trusted.MaxAtOnce, len(documents))
	}
	check := newChecker(Schema())
	by := (*nodeid.UUID)(nil)
	if tx.Actor.Token != (nodeid.UUID{}) {
		by = (*nodeid.UUID)(&tx.Actor.Token)
	}
	ids, problems := []string{}, write.UserErrors{}
	for i, v := range documents {
		var d trusted.Document
		given, _ := v.(plan.Input)
		d.ID, _ = given["documentId"].(string)
		d.Text, _ = given["document"].(string)
		ids = append(ids, d.ID)
		at := []string{"input", "documents", strconv.Itoa(i)}
		err := trusted.Trust(ctx, tx, by, d)
		if f, ok := fault.From(err); ok && len(f.Path) > 0 {
			code := write.Invalid
			if f.Code == fault.Conflict {
				code = write.Taken
			}
			problems = append(problems, write.Refuse(code, append(at, f.Path...), "%s", f.Message)...)
			continue
		}
		if err != nil {
			return nil, err
		}
		if _, errs := check.check(d.Text, true); len(errs) > 0 {
			problems = append(problems, write.Refuse(write.Invalid, append(at, "document"), "The document is not valid: %s", errs[0].Message)...)
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return answer{"documentIds": ids}, nil
}

func removeTrustedDocuments(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
	given, _ := in["documentIds"].([]any)
	if len(given) > trusted.MaxAtOnce {
		return nil, write.Refuse(write.TooLong, []string{"input", "documentIds"}, "This may have %d ids at most, not %d; send the others in another request.", trusted.MaxAtOnce, len(given))
	}
	ids := make([]string, len(given))
	for i, id := range given {
		ids[i], _ = id.(string)
	}
	removed, err := trusted.Remove(ctx, tx, slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !trusted.ValidID(id) }))
	if err != nil {
		return nil, err
	}
	var problems write.UserErrors
	for i, id := range ids {
		if !removed[id] {
			problems = append(problems, write.Refuse(write.NotFound, []string{"input", "documentIds", strconv.Itoa(i)}, "No document on record has this id.")...)
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return answer{"documentIds": ids}, nil
}
