package comment

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/peer"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/seal"
	"stadtgraph/internal/write"
)

// Voted is what a vote came to.
type Voted struct {
	ID    nodeid.ID
	Value int
	Voter string // a token, to send with the next vote
}

// voter is by what a reader is known who does something: the token that came, or a new
// one. Each new one counts for its network, or somebody could make any number.
func (d *Desk) voter(ctx context.Context, given string, does limit, now time.Time) (token, string, error) {
	keys, err := d.signing(ctx)
	if err != nil {
		return token{}, "", err
	}
	t := token{kind: voterToken, at: now}
	limits := []limit{does}
	if given != "" {
		var ok bool
		if t, ok = read(voterToken, given, keys...); !ok {
			return token{}, "", write.Refuse(write.Invalid, []string{"input"}, "The header `Voter-Token` is none of ours; leave it out, and send what the answer says the next time.")
		}
	} else {
		t.of = [16]byte(seal.Random(16))
		given = t.sign(keys[0])
		limits = append(limits, limit{"voter", d.Voters})
	}
	network, err := d.networkHash(ctx, peer.Network(ctx), now)
	if err != nil {
		return token{}, "", err
	}
	c, err := d.counts(network, now, limits...)
	if err != nil {
		return token{}, "", err
	}
	rows, _ := d.pool.Query(ctx, counting, c.args()...)
	return t, given, d.counted(rows, c, now)
}

// known is by what a voter is kept.
func (t token) known() []byte { return digest(t.of[:], "voter")[:16] }

// Vote takes the vote of a reader, who is told by a token, instead of the one before.
func (d *Desk) Vote(ctx context.Context, in plan.Input, known string) (*Voted, error) {
	now := time.Now()
	id, _ := in["id"].(nodeid.ID)
	value, _ := in["value"].(int64)
	if value < -1 || value > 1 {
		return nil, write.Refuse(write.OutOfRange, []string{"input", "value"}, "A vote is 1, -1, or 0 for none.")
	}
	who, text, err := d.voter(ctx, known, limit{"vote", d.Votes}, now)
	if err != nil {
		return nil, err
	}
	if id.Prefix != prefix {
		return nil, unknownComment()
	}
	if err := d.votes.cast(ctx, d, vote{comment: id.UUID, voter: who.known(), value: int(value)}); err != nil {
		return nil, err
	}
	return &Voted{ID: id, Value: int(value), Voter: text}, nil
}

func unknownComment() error {
	return write.Refuse(write.NotFound, []string{"input", "id"}, "There is no Comment of this id.")
}

type vote struct {
	comment [16]byte
	voter   []byte
	value   int
	done    chan error
}

// ballot collects votes. Votes on one comment change one row, and would wait for each
// other's commit with a connection each. So one transaction at a time writes all that
// have come while the one before ran: however many vote, an instance takes one
// connection and locks each row once.
type ballot struct {
	mu      sync.Mutex
	waiting []vote
	counts  bool // somebody is counting
}

// batch is how many votes one transaction takes.
const batch = 500

func (b *ballot) cast(ctx context.Context, d *Desk, v vote) error {
	v.done = make(chan error, 1)
	b.mu.Lock()
	b.waiting = append(b.waiting, v)
	begin := !b.counts
	b.counts = true
	b.mu.Unlock()
	if begin {
		go b.count(context.WithoutCancel(ctx), d) // who has left has voted all the same
	}
	select {
	case err := <-v.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// count writes what waits until nothing does.
func (b *ballot) count(ctx context.Context, d *Desk) {
	for {
		b.mu.Lock()
		n := min(len(b.waiting), batch)
		votes := b.waiting[:n:n]
		b.waiting = b.waiting[n:]
		if n == 0 {
			b.counts, b.waiting = false, nil
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		round, cancel := context.WithTimeout(ctx, 10*time.Second)
		refused, err := d.count(round, votes)
		cancel()
		for _, v := range votes {
			if err != nil {
				v.done <- err
			} else {
				v.done <- refused[v.comment]
			}
		}
	}
}

// count writes votes in their order, and says on which comments nobody can vote.
func (d *Desk) count(ctx context.Context, votes []vote) (refused map[[16]byte]error, err error) {
	last := map[string]vote{} // of a voter on a comment
	for _, v := range votes {
		last[string(v.comment[:])+string(v.voter)] = v
	}
	ordered := make([]vote, 0, len(last))
	for _, v := range last {
		ordered = append(ordered, v)
	}
	slices.SortFunc(ordered, func(a, b vote) int {
		return cmp.Or(bytes.Compare(a.comment[:], b.comment[:]), bytes.Compare(a.voter, b.voter))
	})
	var of [][16]byte
	var voters [][]byte
	var values []int16
	for _, v := range ordered {
		of, voters, values = append(of, v.comment), append(voters, v.voter), append(values, int16(v.value))
	}
	err = d.writer.Run(ctx, public, "voteComment", func(tx *write.Tx) error {
		refused = map[[16]byte]error{}
		for _, id := range of {
			refused[id] = unknownComment()
		}
		batch := &pgx.Batch{}
		// Instances lock rows in one order, and read what is there behind the locks.
		batch.Queue(votable+` ORDER BY c.id FOR NO KEY UPDATE OF c`, of)
		batch.Queue(`
WITH given AS (
  SELECT g.comment_id, g.voter, g.value FROM unnest($1::uuid[], $2::bytea[], $3::smallint[]) g (comment_id, voter, value)
  JOIN (`+votable+`) votable ON votable.id = g.comment_id AND NOT votable.shut
),
before AS (SELECT g.comment_id, g.voter, g.value, coalesce(v.value, 0) AS old FROM given g LEFT JOIN comment_vote v USING (comment_id, voter)),
kept AS (
  INSERT INTO comment_vote (comment_id, voter, value) SELECT comment_id, voter, value FROM before WHERE value <> 0 AND value <> old
  ON CONFLICT (comment_id, voter) DO UPDATE SET value = excluded.value
), gone AS (
  DELETE FROM comment_vote v USING before b WHERE b.value = 0 AND b.old <> 0 AND (v.comment_id, v.voter) = (b.comment_id, b.voter)
), sums AS (
  SELECT comment_id, sum((value = 1)::integer - (old = 1)::integer)::integer AS up, sum((value = -1)::integer - (old = -1)::integer)::integer AS down
  FROM before GROUP BY comment_id
)
UPDATE comment c SET upvotes = c.upvotes + s.up, downvotes = c.downvotes + s.down FROM sums s WHERE c.id = s.comment_id AND (s.up, s.down) <> (0, 0)`,
			of, voters, values)
		results := tx.SendBatch(ctx, batch)
		rows, _ := results.Query()
		var id [16]byte
		var shut bool
		if _, err := pgx.ForEachRow(rows, []any{&id, &shut}, func() error {
			refused[id] = nil
			if shut {
				refused[id] = write.Refuse(write.Closed, []string{"input", "id"}, "The discussion of this article is closed; its votes stay as they are.")
			}
			return nil
		}); err != nil {
			_ = results.Close() // the first error says more
			return fmt.Errorf("look what is voted on: %w", err)
		}
		if err := results.Close(); err != nil {
			return fmt.Errorf("count votes: %w", err)
		}
		return nil
	})
	return refused, err
}

// votable are the comments, of those named, that the public sees, and whether their
// discussion is closed.
const votable = `
SELECT c.id, ` + closed + ` AS shut FROM comment c JOIN article a ON a.id = c.article_id WHERE c.id = ANY($1) AND c.visible AND ` + open

// Report tells moderators of a comment.
func (d *Desk) Report(ctx context.Context, in plan.Input, known string) (string, error) {
	now := time.Now()
	id, _ := in["id"].(nodeid.ID)
	reason, _ := in["reason"].(string)
	var p problems
	said := p.line("text", given(in, "text"), 1000)
	if err := p.err(); err != nil {
		return "", err
	}
	who, voter, err := d.voter(ctx, known, limit{"report", d.Reports}, now)
	if err != nil {
		return "", err
	}
	return voter, d.writer.Run(ctx, public, "reportComment", func(tx *write.Tx) error {
		tag, err := tx.Exec(ctx, `
INSERT INTO comment_report (comment_id, reporter, reason, text)
SELECT c.id, $2, $3, nullif($4, '') FROM comment c JOIN article a ON a.id = c.article_id WHERE c.id = $1 AND $5 AND c.visible AND `+open+`
ON CONFLICT (comment_id, reporter) DO UPDATE SET reason = excluded.reason, text = excluded.text`,
			[16]byte(id.UUID), who.known(), reason, said, id.Prefix == prefix)
		if err == nil && tag.RowsAffected() == 0 {
			return unknownComment()
		}
		return err
	})
}
