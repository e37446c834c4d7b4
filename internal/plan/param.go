package plan

import (
	"encoding/binary"
	"math"
	"strings"
	"time"

	"stadtgraph/internal/nodeid"
)

// param is one parameter of a statement: where its value comes from when the
// statement is run, and its type.
type param struct {
	from      origin
	site, arg int    // arg: of the field, or the key of a cursor
	path      string // inside the argument
	before    bool   // which cursor
	scalar    string
	list      bool
	conv      conversion
	prefix    string // of ids that are compared: others name no row
}

type origin uint8

const (
	fromNow origin = iota
	fromToday
	fromViewer
	fromArgument
	fromCursor
	fromLimit
	fromLimitAndOne // to know whether there is a next page
	fromOffset
	fromIDs     // keys of a list of ids
	fromIDTypes // their types, as places in the plan's list of types
)

type conversion uint8

const (
	asItIs          conversion = iota
	likePattern                // a text inside a LIKE pattern
	searchQuery                // words to search for, as a tsquery
	searchTitles               // what somebody is typing, as a tsquery
	searchTyped                // the same, as names are compared
	searchNamed                // the words to search for, as names are compared
	searchSpellings            // the words to search for, as they are written
	searchWords                // folded
	searchQueries              // each as a tsquery
)

// Object identifiers of Postgres' types (pg_type.dat), which never change.
var oids = map[string][2]uint32{ // of the type, and of an array of it
	"Boolean": {16, 1000}, "Int": {23, 1007}, "String": {25, 1009}, "Float": {701, 1022},
	"Date": {1082, 1182}, "DateTime": {1184, 1185}, "Decimal": {1700, 1231}, "ID": {2950, 2951},
	"Duration": {1186, 1187}, "limit": {20, 1016},
}

func (p param) oid() uint32 {
	pair, ok := oids[p.scalar]
	if !ok {
		pair = oids["String"]
	}
	return pair[b2i(p.list)]
}

// format is the wire format of a parameter: decimals and durations go as text,
// all others binary.
func (p param) format() int16 {
	return int16(b2i(p.scalar != "Decimal" && p.scalar != "Duration"))
}

// bind gives a parameter's value for one run.
func (p param) bind(r *Request, v Viewer, types []*Object) []byte {
	switch p.from {
	case fromNow:
		return appendScalar(nil, v.Now)
	case fromToday:
		return appendScalar(nil, dateOf(v.Now.In(berlin)))
	case fromViewer:
		if v.Token == (nodeid.UUID{}) {
			return nil
		}
		return v.Token[:]
	case fromLimit:
		return binary.BigEndian.AppendUint64(nil, uint64(r.pages[p.site].limit))
	case fromLimitAndOne:
		return binary.BigEndian.AppendUint64(nil, uint64(r.pages[p.site].limit+1))
	case fromOffset:
		page := r.pages[p.site]
		return binary.BigEndian.AppendUint64(nil, uint64(page.limit*(page.number-1)))
	case fromCursor:
		cur := r.pages[p.site].after
		if p.before {
			cur = r.pages[p.site].before
		}
		return cur.keys[p.arg]
	case fromIDs, fromIDTypes:
		items := r.args[p.site][p.arg].([]any)
		list := make([]any, len(items))
		for i, item := range items {
			id := item.(nodeid.ID)
			list[i] = id
			if p.from == fromIDTypes {
				list[i] = typeIndex(types, id.Prefix)
			}
		}
		return p.appendList(list)
	}
	value := r.args[p.site][p.arg]
	for _, step := range p.path {
		switch v := value.(type) {
		case *object:
			value = v.members[step].value
		case []any:
			value = v[step]
		}
	}
	switch p.conv {
	case searchQuery, searchTitles, searchTyped, searchNamed, searchSpellings, searchWords, searchQueries:
		value = p.conv.searched(value.(string))
	case likePattern:
		value = likeEscaper.Replace(value.(string))
	case asItIs:
	}
	if p.list && value != nil {
		return p.appendList(value.([]any))
	}
	if p.names(value) == nil {
		return nil
	}
	return appendScalar([]byte{}, value) // not nil, which is null: an empty text is one
}

// names gives a value as it is, but null for the id of another type: rows of
// different types may have the same key.
func (p param) names(value any) any {
	if id, ok := value.(nodeid.ID); ok && p.prefix != "" && id.Prefix != p.prefix {
		return nil
	}
	return value
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// typeIndex is the place of an id's type among those of a plan, -1 for an
// unknown one.
func typeIndex(types []*Object, prefix string) int64 {
	for i, o := range types {
		if o.Prefix == prefix {
			return int64(i)
		}
	}
	return -1
}

// appendScalar writes a coerced value in Postgres' binary format (decimals as
// text).
func appendScalar(dst []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		return append(dst, byte(b2i(v)))
	case int64:
		return binary.BigEndian.AppendUint32(dst, uint32(int32(v)))
	case float64:
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(v))
	case date:
		return binary.BigEndian.AppendUint32(dst, uint32(v))
	case time.Time:
		return binary.BigEndian.AppendUint64(dst, uint64(v.UnixMicro()-epoch.UnixMicro()))
	case nodeid.ID:
		return append(dst, v.UUID[:]...)
	case string:
		return append(dst, v...)
	}
	panic("plan: a coerced value of an unknown type")
}

// appendList writes an array of coerced values; nulls are left out, as no
// comparison can meet one.
func (p param) appendList(items []any) []byte {
	if p.scalar == "Decimal" { // text format
		var b strings.Builder
		for _, item := range items {
			if item != nil {
				b.WriteString("," + item.(string))
			}
		}
		return []byte("{" + strings.TrimPrefix(b.String(), ",") + "}")
	}
	n := 0
	for _, item := range items {
		n += b2i(p.names(item) != nil)
	}
	element := p
	element.list = false
	dst := make([]byte, 0, 20+12*n)
	dst = binary.BigEndian.AppendUint32(dst, uint32(b2i(n > 0))) // dimensions
	dst = binary.BigEndian.AppendUint32(dst, 0)                  // no nulls
	dst = binary.BigEndian.AppendUint32(dst, element.oid())
	if n == 0 {
		return dst
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(n))
	dst = binary.BigEndian.AppendUint32(dst, 1) // lower bound
	for _, item := range items {
		if p.names(item) == nil {
			continue
		}
		length := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		dst = appendScalar(dst, item)
		binary.BigEndian.PutUint32(dst[length:], uint32(len(dst)-length-4))
	}
	return dst
}
