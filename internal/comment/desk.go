package comment

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/write"
)

// Need says whether a comment comes with an e-mail address.
type Need string

// Whether it does.
const (
	Required Need = "REQUIRED"
	Optional Need = "OPTIONAL"
	Refused  Need = "REFUSED" // there is no key to keep it by
)

// MaxDepth is how deep answers can be nested in the database, from 0.
const MaxDepth = 9

// Config says how the public may take part.
type Config struct {
	Keys  Keys // without any, Email is Refused
	Email Need

	Depth    int           // how many comments may stand above one, MaxDepth at most
	Fill     time.Duration // how long nobody can be quicker than who fills in the form
	FormLife time.Duration // until a form is to be asked for anew
	Editable time.Duration // how long authors may change what waits

	// How often something may be done from one network within an hour.
	Submissions, Votes, Voters, Reports int
}

// Defaults are what a configuration starts from.
var Defaults = Config{
	Email: Refused, Depth: 5, Fill: 3 * time.Second, FormLife: 12 * time.Hour, Editable: 15 * time.Minute,
	Submissions: 20, Votes: 600, Voters: 60, Reports: 30,
}

// Desk is where the public hands in what it says, and whoever is in charge asks for
// what is personal.
type Desk struct {
	Config
	writer *write.Writer
	pool   *pgxpool.Pool
	votes  ballot

	mu      sync.Mutex
	sign    [][]byte // keys of tokens
	day     string   // of the key of networks
	network []byte
	full    map[string]bool // counts of rate that have come to their end
	hour    time.Time       // of full
}

// NewDesk makes a desk that writes with a writer, over a pool of connections to the
// primary.
func NewDesk(c Config, writer *write.Writer, pool *pgxpool.Pool) *Desk {
	if len(c.Keys) == 0 {
		c.Email = Refused
	}
	return &Desk{Config: c, writer: writer, pool: pool}
}

// signing are the keys of tokens: those of the configuration or, without any, one that
// all instances share. The first signs.
func (d *Desk) signing(ctx context.Context) ([][]byte, error) {
	d.mu.Lock()
	keys := d.sign
	d.mu.Unlock()
	if keys != nil {
		return keys, nil
	}
	for _, k := range d.Keys {
		keys = append(keys, k.sign)
	}
	if keys == nil {
		shared, err := secret(ctx, d.pool, "sign")
		if err != nil {
			return nil, err
		}
		keys = [][]byte{shared}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sign = keys
	return keys, nil
}

// networkHash is by what a network is known on a day. The key of a day is dropped two days
// later (Forget): then nobody can tell any more which network it was.
func (d *Desk) networkHash(ctx context.Context, network netip.Prefix, now time.Time) ([]byte, error) {
	day := now.UTC().Format(time.DateOnly)
	d.mu.Lock()
	key := d.network
	if d.day != day {
		key = nil
	}
	d.mu.Unlock()
	if key == nil {
		var err error
		if key, err = secret(ctx, d.pool, "network "+day); err != nil {
			return nil, err
		}
		d.mu.Lock()
		d.day, d.network = day, key
		d.mu.Unlock()
	}
	return digest(key, network.String())[:16], nil
}

// limit is how often something may be done from one network within an hour.
type limit struct {
	action string
	most   int
}

// counting is a statement that counts what is done from a network, as far as it is within
// its limits, and gives those actions that are.
const counting = `
INSERT INTO comment_rate (network, action, since) SELECT $1, l.action, $2 FROM unnest($3::text[], $4::integer[]) l (action, most)
ON CONFLICT (network, action, since) DO UPDATE SET n = comment_rate.n + 1 WHERE comment_rate.n < ($4::integer[])[array_position($3::text[], comment_rate.action)]
RETURNING action`

// count is something about to be counted.
type count struct {
	network []byte
	since   time.Time
	actions []string
	most    []int32
}

func (c count) args() []any { return []any{c.network, c.since, c.actions, c.most} }

// counts begins to count what is done from a network. What is known to be beyond its
// limits is refused without asking the database.
func (d *Desk) counts(network []byte, now time.Time, limits ...limit) (count, error) {
	c := count{network: network, since: now.UTC().Truncate(time.Hour)}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.hour.Equal(c.since) || len(d.full) > 100_000 {
		d.hour, d.full = c.since, map[string]bool{}
	}
	for _, l := range limits {
		if d.full[l.action+string(network)] {
			return c, tooOften(now)
		}
		c.actions, c.most = append(c.actions, l.action), append(c.most, int32(l.most))
	}
	return c, nil
}

// counted reads what counting gave.
func (d *Desk) counted(rows pgx.Rows, c count, now time.Time) error {
	within, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("count what is done from a network: %w", err)
	}
	if len(within) == len(c.actions) {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, action := range c.actions {
		if !slices.Contains(within, action) {
			d.full[action+string(c.network)] = true
		}
	}
	return tooOften(now)
}

// tooOften is a problem of a network that has done what it may.
func tooOften(now time.Time, path ...string) error {
	minutes := 60 - now.UTC().Minute()
	return write.Refuse(write.RateLimited, slices.Concat([]string{"input"}, path), "This came too often from your network; try again in %d minutes.", minutes)
}
