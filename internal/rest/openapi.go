package rest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/plan"
)

// object is a JSON object that is written in the order of its names.
type object = map[string]any

// description is the document of OpenAPI 3.1 while it is made.
type description struct {
	schema  *ast.Schema
	schemas object            // components
	tags    map[string]string // of collections
}

// describe writes the document. What an answer holds is what its document selects, with
// the types, nullability and descriptions of the schema.
func describe(schema *ast.Schema, all []*endpoint, change *ast.FragmentDefinition) []byte {
	d := &description{schema: schema, schemas: object{}, tags: map[string]string{}}
	tags := []object{}
	for _, e := range all {
		if e.list {
			d.tags[e.collection()] = e.title
			tags = append(tags, object{"name": e.title, "description": e.description})
		}
	}
	paths := object{"/resolve": object{"post": d.resolve()}, "/changes": object{"get": d.changes(change)}}
	for _, e := range all {
		paths[strings.TrimPrefix(e.path, Prefix)] = object{"get": d.operation(e)}
	}
	d.fixed()
	tags = append(tags, object{"name": "Keys", "description": "Official keys of municipalities."}, object{"name": "Changes", "description": "What has changed, in one order for all types."})
	return marshal(object{
		"openapi": "3.1.0",
		"info": object{
			"title":       "stadtgraph REST API",
			"version":     "1",
			"description": "What GraphQL at `/graphql` has, as plain JSON. Read only. Without a token it shows what is public. Errors are problems after RFC 9457. Answers have an `ETag`; `Link` leads to the pages around, `RateLimit` says how much may be asked for.",
			"license":     object{"name": "MIT", "identifier": "MIT"},
		},
		"servers":  []object{{"url": Prefix}},
		"security": []object{{}, {"token": []string{}}},
		"tags":     tags,
		"paths":    paths,
		"components": object{
			"schemas":         d.schemas,
			"responses":       problems(),
			"headers":         headers(),
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer", "description": "An API token, `sgt_…`: it shows more than the public sees."}},
		},
	})
}

func component(kind, name string) object { return object{"$ref": "#/components/" + kind + "/" + name} }

func (d *description) operation(e *endpoint) object {
	parameters := []object{}
	for _, p := range e.parameters {
		parameters = append(parameters, d.parameter(p))
	}
	name := e.operation.Name
	item := d.selection(e.object)
	responses := object{}
	if e.list {
		d.schemas[name+"Item"] = item
		d.schemas[name] = object{
			"type": "object", "required": []string{"data", "pageInfo"},
			"properties": object{
				"data":                object{"type": "array", "items": object{"anyOf": []object{component("schemas", name+"Item"), component("schemas", "Tombstone")}}, "description": "The entries; tombstones come with `" + modifiedSince + "` only."},
				"totalCount":          object{"type": "integer", "description": "How many there are in all, at most 100,000; not with `" + modifiedSince + "`."},
				"totalCountPrecision": d.named("CountPrecision"),
				"pageInfo":            component("schemas", "PageInfo"),
			},
		}
		responses["410"] = component("responses", "Gone")
	} else {
		d.schemas[name] = item
		responses["404"] = component("responses", "NotFound")
	}
	answer := component("schemas", name)
	if !e.list {
		answer = object{"type": "object", "required": []string{"data"}, "properties": object{"data": answer}}
	}
	responses["200"] = object{"description": e.title + ".", "headers": answerHeaders(e.list), "content": object{jsonType: object{"schema": answer}}}
	responses["304"] = object{"description": "It is what `If-None-Match` names."}
	for status, of := range map[string]string{"400": "BadRequest", "401": "Unauthorized", "429": "TooManyRequests", "503": "ServiceUnavailable"} {
		responses[status] = component("responses", of)
	}
	o := object{"operationId": strings.ToLower(name[:1]) + name[1:], "summary": e.title, "tags": []string{d.tags[e.collection()]}, "parameters": parameters, "responses": responses}
	if e.description != "" {
		o["description"] = e.description
	}
	return o
}

// collection is the first part of the path.
func (e *endpoint) collection() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(e.path, Prefix+"/"), "/")
	return name
}

func (d *description) parameter(p *parameter) object {
	of := d.value(p)
	if p.many {
		of = object{"type": "array", "items": of, "maxItems": maxValues}
	}
	o := object{"name": p.name, "in": "query", "schema": of, "description": p.description}
	if p.many {
		o["style"], o["explode"] = "form", false
	}
	if p.path {
		o["in"], o["required"] = "path", true
	}
	return o
}

func (d *description) value(p *parameter) object {
	switch {
	case p.order:
		names := []string{}
		for _, v := range p.kind.EnumValues {
			name := strings.ToLower(v.Name)
			names = append(names, name, "-"+name)
		}
		return object{"type": "string", "enum": names}
	case p.most > 0:
		return object{"type": "integer", "minimum": p.least, "maximum": p.most}
	}
	return d.named(p.kind.Name)
}

// named is the schema of a scalar or an enum.
func (d *description) named(name string) object {
	switch name {
	case "Int":
		return object{"type": "integer"}
	case "Float":
		return object{"type": "number"}
	case "Boolean":
		return object{"type": "boolean"}
	case "String", "ID", "Duration":
		return object{"type": "string"}
	case "Decimal":
		return object{"type": "string", "pattern": `^-?[0-9]+(\.[0-9]+)?$`}
	case "Date":
		return object{"type": "string", "format": "date"}
	case "DateTime":
		return object{"type": "string", "format": "date-time"}
	case "URL":
		return object{"type": "string", "format": "uri"}
	}
	def := d.schema.Types[name]
	if d.schemas[name] == nil {
		values, meanings := []string{}, []string{}
		for _, v := range def.EnumValues {
			values = append(values, v.Name)
			meanings = append(meanings, "- `"+v.Name+"`: "+oneLine(v.Description))
		}
		d.schemas[name] = object{"type": "string", "enum": values, "description": oneLine(def.Description) + "\n\n" + strings.Join(meanings, "\n")}
	}
	return component("schemas", name)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// selection is the schema of what a field selects of one object.
func (d *description) selection(f *ast.Field) object {
	properties, required := object{}, []string{}
	for _, s := range f.SelectionSet {
		field := s.(*ast.Field)
		of := d.field(field)
		if text := oneLine(field.Definition.Description); text != "" {
			of = maps.Clone(of)
			of["description"] = text
		}
		name := renamedField(field.Alias)
		properties[name] = of
		required = append(required, name)
	}
	slices.Sort(required)
	return object{"type": "object", "required": required, "properties": properties}
}

func (d *description) field(f *ast.Field) object {
	var one object
	if len(f.SelectionSet) > 0 {
		one = d.selection(f)
	} else {
		one = d.named(f.Definition.Type.Name())
	}
	return nullable(one, f.Definition.Type)
}

// nullable puts lists and null around the schema of a named type.
func nullable(one object, t *ast.Type) object {
	out := one
	if t.Elem != nil {
		out = object{"type": "array", "items": nullable(one, t.Elem)}
	}
	if t.NonNull {
		return out
	}
	if kind, ok := out["type"].(string); ok && out["enum"] == nil {
		out = maps.Clone(out)
		out["type"] = []string{kind, "null"}
		return out
	}
	return object{"anyOf": []object{out, {"type": "null"}}}
}

// fixed are the schemas that all answers share.
func (d *description) fixed() {
	text := func(description string) object { return object{"type": "string", "description": description} }
	d.schemas["PageInfo"] = object{"type": "object", "required": []string{"hasNextPage"}, "description": "Where a page lies in the whole list.", "properties": object{
		"hasNextPage":     object{"type": "boolean", "description": "Whether there is more behind it."},
		"hasPreviousPage": object{"type": "boolean", "description": "Whether there is more in front of it; not with `" + modifiedSince + "`."},
		"startCursor":     object{"type": []string{"string", "null"}, "description": "For `before`."},
		"endCursor":       object{"type": []string{"string", "null"}, "description": "For `after`."},
	}}
	d.schemas["Tombstone"] = object{"type": "object", "required": []string{"id", "type", "modifiedAt", "deleted"}, "description": "What is left of an entry that is not, or not any more, in the list.", "properties": object{
		"id": text("Its global id."), "type": text("Its type."),
		"modifiedAt": object{"type": "string", "format": "date-time", "description": "When it changed."},
		"deleted":    object{"const": true},
	}}
	d.schemas["Problem"] = object{"type": "object", "required": []string{"title", "status", "code", "detail", "requestId"}, "description": "What went wrong, after RFC 9457.", "properties": object{
		"title": text("The name of the status."), "status": object{"type": "integer", "description": "The status of HTTP."},
		"code": text("What it is, for programs: as `extensions.code` in GraphQL."), "detail": text("What to do, for people."),
		"parameter": text("Which parameter is to blame."), "requestId": text("Which request it was; tell us."),
	}}
}

// changes describes the change feed.
func (d *description) changes(told *ast.FragmentDefinition) object {
	one := object{"deleted": object{"const": true, "description": "There with `DELETE` only."}}
	required := []string{}
	for _, s := range told.SelectionSet {
		field := s.(*ast.Field)
		var of object
		if field.Name == "node" {
			of = object{"description": oneLine(field.Definition.Description), "anyOf": d.variants(field)}
		} else {
			of = maps.Clone(d.named(field.Definition.Type.Name()))
			of["description"] = oneLine(field.Definition.Description)
			required = append(required, field.Alias)
		}
		one[field.Alias] = of
	}
	slices.Sort(required)
	d.schemas["Change"] = object{"type": "object", "required": required, "properties": one, "description": "A change of an entry, as far as the public can tell."}
	d.schemas["Changes"] = object{"type": "object", "required": []string{"changes", "endCursor", "hasMore"}, "properties": object{
		"changes":   object{"type": "array", "items": component("schemas", "Change")},
		"endCursor": object{"type": "string", "description": "Where to go on: for `after`. It is there on empty pages, too."},
		"hasMore":   object{"type": "boolean", "description": "Whether there is more already."},
	}}
	responses := object{
		"200": object{"description": "Changes in order; with `Accept: text/event-stream` each as it happens, as an event whose id is its cursor.", "headers": answerHeaders(true), "content": object{
			jsonType:            object{"schema": component("schemas", "Changes")},
			"text/event-stream": object{"schema": object{"type": "string"}},
		}},
		"304": object{"description": "It is what `If-None-Match` names."},
	}
	for status, of := range map[string]string{"400": "BadRequest", "401": "Unauthorized", "406": "NotAcceptable", "410": "Gone", "429": "TooManyRequests", "503": "ServiceUnavailable"} {
		responses[status] = component("responses", of)
	}
	return object{
		"operationId": "changes", "summary": changesTitle, "tags": []string{"Changes"}, "responses": responses,
		"description": "One order for all types, in which each change comes once. What is unpublished or deleted is a `DELETE`, under every filter by type.",
		"parameters": []object{
			{"name": "first", "in": "query", "description": "How many changes to list; 20 if it is not given.", "schema": object{"type": "integer", "minimum": 1, "maximum": plan.MaxPage}},
			{"name": "after", "in": "query", "description": "The cursor to go on behind; `now` for the place behind everything. Without it the answer begins with the oldest change that is kept.", "schema": object{"type": "string"}},
			{"name": "types", "in": "query", "description": "Only changes of these types.", "style": "form", "explode": false, "schema": object{"type": "array", "items": d.named("ChangeType")}},
			{"name": "Last-Event-ID", "in": "header", "description": "For streams: the id of the last event that arrived.", "schema": object{"type": "string"}},
		},
	}
}

// variants are the schemas of what a field selects of each type it may be of.
func (d *description) variants(f *ast.Field) (all []object) {
	for _, s := range f.SelectionSet {
		variant := s.(*ast.InlineFragment)
		name := "Changed" + variant.TypeCondition
		d.schemas[name] = d.selection(&ast.Field{SelectionSet: variant.SelectionSet})
		all = append(all, component("schemas", name))
	}
	return append(all, object{"type": "null"})
}

func (d *description) resolve() object {
	optional := func(text string) object {
		return object{"type": []string{"string", "null"}, "description": text}
	}
	d.schemas["ResolvedKey"] = object{"type": "object", "required": added, "additionalProperties": true, "description": "A row as it was sent, with what became of its key.", "properties": object{
		"key":         object{"description": "The key, as it was sent."},
		"status":      d.named("KeyStatus"),
		"presentKey":  optional("The key that the unit has now; null if it was dissolved or is unknown."),
		"presentName": optional("The name that it has now."),
		"presentId":   optional("Its global id."),
		"successors": object{"type": "array", "description": "What it went into, if it was dissolved.", "items": object{"type": "object", "required": []string{"id", "key", "name"},
			"properties": object{"id": object{"type": "string"}, "key": object{"type": "string"}, "name": object{"type": "string"}}}},
		"note": object{"anyOf": []object{{"type": "string", "enum": []string{restored, noKey}}, {"type": "null"}}, "description": "`" + restored + "`: a spreadsheet had taken the key for a number. `" + noKey + "`: it is no sequence of digits."},
	}}
	table := "One row for each key, 100,000 and 8 MiB at most. Separated by commas, semicolons or tabs, in UTF-8 or Windows-1252, with or without a header; the keys stand in the column named `key`, `ags` or `ars`, or in the first one."
	item := object{"anyOf": []object{{"type": "string"}, {"type": "object", "required": []string{"key"}, "properties": object{"key": object{"type": "string"}}}}}
	responses := object{"200": object{"description": "The same rows in the same order, with `" + strings.Join(added, "`, `") + "` added.", "content": object{
		jsonType: object{"schema": object{"type": "array", "items": component("schemas", "ResolvedKey")}},
		csvType:  object{"schema": object{"type": "string"}},
	}}}
	for status, of := range map[string]string{"400": "BadRequest", "401": "Unauthorized", "406": "NotAcceptable", "413": "ContentTooLarge", "415": "UnsupportedMediaType", "429": "TooManyRequests", "503": "ServiceUnavailable"} {
		responses[status] = component("responses", of)
	}
	return object{
		"operationId": "resolve", "summary": resolveTitle, "tags": []string{"Keys"},
		"description": "AGS, regional keys (ARS), district keys, and those that units had before. It writes nothing. A row that makes no sense is `UNKNOWN`, with a `note`, and spoils no other.",
		"requestBody": object{"required": true, "content": object{
			jsonType: object{"schema": object{"type": "array", "maxItems": maxRows, "items": item}, "example": json.RawMessage(`["09461000", "9461000", {"key": "16056000"}]`)},
			csvType:  object{"schema": object{"type": "string", "description": table}, "example": "ags;Einwohner\n09461000;80000\n"},
		}},
		"responses": responses,
	}
}

func problems() object {
	out := object{}
	for name, text := range map[string]string{
		"BadRequest": "Something in the request is wrong; `detail` says what.", "Unauthorized": "The token is none that is valid.", "NotFound": "There is no such entry, or it is not public.",
		"NotAcceptable": "None of the types that are accepted.", "Gone": "Changes since then are not kept any more (`CURSOR_EXPIRED`): read everything again.",
		"ContentTooLarge": "More than is taken at once.", "UnsupportedMediaType": "Neither text/csv nor application/json.",
	} {
		out[name] = object{"description": text, "content": problemContent()}
	}
	for name, text := range map[string]string{"TooManyRequests": "More than may be asked for within a minute.", "ServiceUnavailable": "There is more to do than can be done just now, or it took too long."} {
		out[name] = object{"description": text, "content": problemContent(), "headers": object{"Retry-After": component("headers", "Retry-After")}}
	}
	return out
}

func problemContent() object {
	return object{"application/problem+json": object{"schema": component("schemas", "Problem")}}
}

func headers() object {
	header := func(text string) object { return object{"description": text, "schema": object{"type": "string"}} }
	return object{
		"ETag":        header("Of this answer; send it as `If-None-Match`."),
		"Link":        header("The pages around: `first`, `prev`, `next` (RFC 8288)."),
		"RateLimit":   header("What is left of the budget, in the cost of operations."),
		"Retry-After": header("After how many seconds to try again."),
	}
}

func answerHeaders(list bool) object {
	names := []string{"ETag", "RateLimit"}
	if list {
		names = append(names, "Link")
	}
	out := object{}
	for _, name := range names {
		out[name] = component("headers", name)
	}
	return out
}
