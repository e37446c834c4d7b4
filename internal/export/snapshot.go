package export

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/change"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
)

// Snapshot is everything at one instant, as somebody may see it. It takes a connection
// until it is closed.
type Snapshot struct {
	library *Library
	conn    *pgxpool.Conn
	tx      pgx.Tx
	viewer  plan.Viewer

	// Cursor is where changes go on: each that is not in the snapshot comes from there on,
	// and none that is.
	Cursor change.Cursor
}

// Begin takes a snapshot. It is given up after the time that is allowed.
func (l *Library) Begin(ctx context.Context, viewer plan.Viewer, allowed time.Duration) (*Snapshot, error) {
	conn, err := l.pool.Acquire(ctx)
	if err != nil {
		return nil, away(fmt.Errorf("acquire a connection: %w", err))
	}
	s := &Snapshot{library: l, conn: conn, viewer: viewer}
	s.tx, err = conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: fmt.Sprintf(
		"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = %d; SET LOCAL idle_in_transaction_session_timeout = %[1]d; SET LOCAL jit = off", allowed.Milliseconds())})
	if err == nil {
		s.Cursor, err = change.Here(ctx, s.tx)
	}
	if err != nil {
		s.Close()
		return nil, away(fmt.Errorf("take a snapshot: %w", err))
	}
	return s, nil
}

// away is an error for whoever may come again.
func away(err error) error {
	if _, known := fault.From(err); known || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w (%w)", fault.New(fault.Busy, "The database cannot be reached just now; try again in a moment."), err)
}

// Close gives the connection back. One that is still sending rows is closed.
func (s *Snapshot) Close() {
	if s.tx != nil && !s.conn.Conn().IsClosed() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.tx.Rollback(ctx) // it has written nothing
	}
	s.conn.Release()
}

// Of says what of a snapshot is written, and how.
type Of struct {
	Kinds  []Kind
	Format Format
	Excel  bool        // CSV as Excel in German reads it
	After  nodeid.UUID // only rows with a key behind this one

	Progress func(rows int) // now and then
}

// bufferSize is what is written at once.
const bufferSize = 64 << 10

// Write writes what there is, and gives how many rows that is. The writer has it all only
// if there is no error.
func (s *Snapshot) Write(ctx context.Context, w io.Writer, of Of) (rows int, err error) {
	out := bufio.NewWriterSize(w, bufferSize)
	var to writer
	switch of.Format {
	case NDJSON:
		to = &lines{w: out}
	case CSV:
		var names []string
		for _, p := range s.library.columns(of.Kinds[0].Type) {
			names = append(names, name(p))
		}
		if to, err = newTable(out, names, of.Excel); err != nil {
			return 0, err
		}
	case GeoJSON:
		to = &features{w: out}
	}
	for _, k := range of.Kinds {
		sheet, err := s.library.sheet(k, of.Format, s.viewer.Role)
		if err != nil {
			return rows, err
		}
		_, err = sheet.Read(ctx, s.conn.Conn().PgConn(), s.viewer, of.After, func(row []byte) error {
			if rows++; of.Progress != nil && rows%1000 == 0 {
				of.Progress(rows)
			}
			return to.row(row)
		})
		if err != nil {
			return rows, err
		}
	}
	if err := to.end(s.Cursor); err != nil {
		return rows, err
	}
	return rows, out.Flush()
}

// Count is how many rows of a kind there are in a format.
func (s *Snapshot) Count(ctx context.Context, k Kind, f Format, after nodeid.UUID) (int, error) {
	sheet, err := s.library.sheet(k, f, s.viewer.Role)
	if err != nil {
		return 0, err
	}
	return sheet.Count(ctx, s.conn.Conn().PgConn(), s.viewer, after)
}

// Has says whether a kind is written in a format.
func (k Kind) Has(f Format) bool { return slices.Contains(k.Formats, f) }

// Attribution says whom to credit.
type Attribution struct {
	Text    string  `json:"text"`
	License string  `json:"license"`
	URL     *string `json:"url"`
}

// Attributions are whom to credit for what there is, as Query.about says.
func (s *Snapshot) Attributions(ctx context.Context) ([]Attribution, error) {
	rows, err := s.tx.Query(ctx, "SELECT attribution, license, url FROM dataset ORDER BY name")
	if err != nil {
		return nil, away(fmt.Errorf("read attributions: %w", err))
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Attribution])
}
