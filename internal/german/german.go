// Package german analyses German text for full-text search in Postgres: when a
// text is written, when somebody looks for it, and when what was found is shown.
//
//	Vector(Weighted{title, 'A'}, Weighted{body, 'C'})   a tsvector
//	ParseQuery(`"smart city" -bamberg`).TSQuery()       a tsquery
//	Snippet(body, TermsOf(tsquery), 200)                where the hits are
//
// All three share one analysis, so they agree. Its steps:
//
//   - [Tokens] finds the words. Bürger:innen is Bürgerinnen; the parts of
//     Smart-City-Projekte are words, and so is the whole.
//   - [Fold] brings spellings together: Fördermittel, Foerdermittel.
//   - A word of the lexicon, in whatever inflection, has that word's stem; other words
//     are stemmed as Snowball does it.
//   - A compound has the lexemes of its parts as well, all at one position:
//     Digitalisierungsstrategie is found by Digitalisierung and by Strategie.
//
// The lexemes are stored. Whoever changes the analysis, its lexicon or its stop words
// increases [Version], so that texts are analysed again.
package german

// Version tells apart analyses whose lexemes differ.
const Version = 2
