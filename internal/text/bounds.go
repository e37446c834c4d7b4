package text

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	gtext "github.com/yuin/goldmark/text"
)

// Bounds that no honest text reaches. Within them goldmark's time is linear in
// the length of the text. Without them it is quadratic for nested quotes and
// lists and for links that never end (measured: 2 s for 20 KB of ">", so
// minutes for 200 KB), and 20 KB of one link definition and its uses, or of a
// wide table's head and short rows, make 20 MB of HTML and more. Markup beyond
// a bound is not an error: it is shown as text.
const (
	maxNesting = 16 // lists and quotes inside of each other; likewise emphasis

	// Characters that may begin or end inline markup, per paragraph, heading,
	// item or cell, since each may make goldmark look through the rest of it …
	maxMarks = 500
	// … and make a node of each line that it looks through.
	maxMarkedLines = 20_000

	maxURL = 2048 // bytes; longer ones break mail programs and proxies anyway

	// How much longer a text may get because its link definitions are used
	// again and again, and a table because its rows lack cells.
	maxRepeated    = 64 << 10 // bytes
	maxMissing     = 100      // cells per table
	maxPipesInText = 200      // escaped as \|, goldmark compares each with each
)

// nested is a parser of quotes or lists that opens none beyond maxNesting.
type nested struct{ parser.BlockParser }

func (p nested) Open(parent ast.Node, reader gtext.Reader, pc parser.Context) (ast.Node, parser.State) {
	depth := 0
	for n := parent; n != nil; n = n.Parent() {
		switch n.Kind() {
		case ast.KindBlockquote, ast.KindList:
			depth++
		}
	}
	if depth >= maxNesting {
		return nil, parser.NoChildren
	}
	return p.BlockParser.Open(parent, reader, pc)
}

// inline is a parser of inline markup that leaves crowded blocks alone.
type inline struct{ parser.InlineParser }

func (p inline) Parse(parent ast.Node, block gtext.Reader, pc parser.Context) ast.Node {
	if crowded(parent, block.Source(), pc) {
		return nil
	}
	return p.InlineParser.Parse(parent, block, pc)
}

// CloseBlock is what the parser of links needs, and no other has.
func (p inline) CloseBlock(parent ast.Node, block gtext.Reader, pc parser.Context) {
	if c, ok := p.InlineParser.(parser.CloseBlocker); ok {
		c.CloseBlock(parent, block, pc)
	}
}

var crowdedKey = parser.NewContextKey()

type verdict struct {
	block   ast.Node
	crowded bool
}

func crowded(block ast.Node, source []byte, pc parser.Context) bool {
	if v, ok := pc.Get(crowdedKey).(verdict); ok && v.block == block {
		return v.crowded
	}
	lines := block.Lines()
	marks := 0
	for i := range lines.Len() {
		line := lines.At(i)
		marks += countMarks(line.Value(source))
	}
	v := verdict{block, marks > maxMarks || marks*lines.Len() > maxMarkedLines}
	pc.Set(crowdedKey, v)
	return v.crowded
}

// countMarks counts a run of asterisks, underscores or backticks as one, as
// goldmark does: a line of underscores to sign on is one mark.
func countMarks(line []byte) int {
	n := 0
	for i, c := range line {
		switch c {
		case '[', ']', '<':
			n++
		case '*', '_', '`':
			if i == 0 || line[i-1] != c {
				n++
			}
		}
	}
	return n
}

// definitions finds link definitions, unless a paragraph has too many to look
// through it for each.
type definitions struct{ parser.ParagraphTransformer }

func (p definitions) Transform(node *ast.Paragraph, reader gtext.Reader, pc parser.Context) {
	n := 0
	for i := range node.Lines().Len() {
		line := node.Lines().At(i)
		n += bytes.Count(line.Value(reader.Source()), []byte("]:"))
	}
	if 0 < n && n <= maxMarks {
		p.ParagraphTransformer.Transform(node, reader, pc)
	}
}

// tables finds tables, unless goldmark would have to fill in most of the cells.
type tables struct{ parser.ParagraphTransformer }

var pipesKey = parser.NewContextKey()

func (p tables) Transform(node *ast.Paragraph, reader gtext.Reader, pc parser.Context) {
	lines := node.Lines()
	columns, size, pipes := 0, 0, 0
	for i := range lines.Len() {
		segment := lines.At(i)
		line := segment.Value(reader.Source())
		size += len(line)
		pipes += bytes.Count(line, []byte(`\|`))
		if i > 0 && len(bytes.Trim(line, "-:| \t\n")) == 0 { // the line below the head
			columns = max(columns, bytes.Count(line, []byte("|"))+1)
		}
	}
	if columns == 0 || columns*lines.Len() > size+maxMissing {
		return
	}
	before, _ := pc.Get(pipesKey).(int)
	if pipes += before; pipes > maxPipesInText {
		return
	}
	pc.Set(pipesKey, pipes)
	p.ParagraphTransformer.Transform(node, reader, pc)
}
