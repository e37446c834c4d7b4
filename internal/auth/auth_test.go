package auth

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
)

// TestRoles is the table of what each role may do and sees.
func TestRoles(t *testing.T) {
	t.Parallel()
	all := []Capability{Preview, Write, Publish, Moderate, Administer}
	for role, want := range map[Role]struct {
		may  string // one letter for each capability
		sees plan.Role
	}{
		Reader:    {"x....", plan.Editor},
		Editor:    {"xx...", plan.Editor},
		Publisher: {"xxx..", plan.Editor},
		Moderator: {"x..x.", plan.Moderator},
		Admin:     {"xxxxx", plan.Admin},
		"NOBODY":  {".....", plan.Public},
	} {
		ctx := With(t.Context(), &Actor{Role: role})
		for i, c := range all {
			may := want.may[i] == 'x'
			if got := role.May(c); got != may {
				t.Errorf("%s may %s: got %v", role, c, got)
			}
			err := Require(ctx, c)
			if f, ok := fault.From(err); (err == nil) != may || err != nil && (!ok || f.Code != fault.Forbidden) {
				t.Errorf("%s requires %s: got %v", role, c, err)
			}
		}
		if got := (&Actor{Role: role}).Viewer(time.Now()).Role; got != want.sees {
			t.Errorf("%s sees as %d, want %d", role, got, want.sees)
		}
	}
	for _, c := range all {
		if f, ok := fault.From(Require(t.Context(), c)); !ok || f.Code != fault.Unauthenticated {
			t.Errorf("nobody requires %s: got %v", c, f)
		}
	}
	if got := From(t.Context()).Viewer(time.Now()); got.Role != plan.Public || got.Token != (nodeid.UUID{}) {
		t.Errorf("nobody sees as %+v", got)
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	a, b := newSecret(), newSecret()
	if a == b || len(a) != 62 {
		t.Errorf("got %d characters, the same twice: %v", len(a), a == b)
	}
	if hash, ok := hashOf(a); !ok || len(hash) != 32 {
		t.Errorf("got %x, %v", hash, ok)
	}
	for i := range a { // a slip anywhere is seen without a statement
		wrong := a[:i] + map[bool]string{true: "8", false: "7"}[a[i] == '7'] + a[i+1:]
		if _, ok := hashOf(wrong); ok && i < len(a)-1 { // of the last character, a bit counts nothing
			t.Errorf("character %d may be wrong", i)
		}
	}
}

// malformed are texts that are no tokens.
func malformed() map[string]string {
	good := newSecret()
	return map[string]string{
		"nothing": "", "prefix": prefix, "short": good[:len(good)-1], "long": good + "0", "upper case": strings.ToUpper(good),
		"no prefix": good[len(prefix):], "NUL": good[:20] + "\x00" + good[21:], "NUL behind": good + "\x00", "huge": prefix + strings.Repeat("0", 1<<20),
		"unicode": prefix + strings.Repeat("ä", 29), "invalid UTF-8": prefix + strings.Repeat("\xff", 58), "line break": prefix + "\n" + good[len(prefix)+1:],
		"line break inside": prefix + good[len(prefix):30] + "\r\n" + good[30:60], "SQL": prefix + "' OR true --" + good[16:], "zeros": prefix + strings.Repeat("0", 58), "spaces": " " + good[1:],
	}
}

func create(t testing.TB, pool *pgxpool.Pool, p Params) (secret string, id nodeid.UUID) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) (err error) {
		secret, id, err = CreateToken(t.Context(), tx, p)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return secret, id
}

func revoke(t testing.TB, pool *pgxpool.Pool, id nodeid.UUID) {
	t.Helper()
	if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return RevokeToken(t.Context(), tx, id) }); err != nil {
		t.Fatal(err)
	}
}

// says checks that an error is a fault of a code, at an input field.
func says(t *testing.T, what string, err error, code fault.Code, path string) {
	t.Helper()
	if f, ok := fault.From(err); !ok || f.Code != code || strings.Join(f.Path, ".") != path || f.Message == "" {
		t.Errorf("%s: got %v, want %s at %q", what, err, code, path)
	}
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	ctx := t.Context()
	for what, token := range malformed() {
		_, err := Authenticate(ctx, unreachable{}, token) // it takes no statement
		says(t, what, err, fault.Unauthenticated, "")
		if err != nil && len(token) > len(prefix) && strings.Contains(err.Error(), token) {
			t.Errorf("%s: the error repeats it", what)
		}
	}
	_, err := Authenticate(ctx, pool, newSecret())
	says(t, "unknown", err, fault.Unauthenticated, "")

	tomorrow := time.Now().Add(24 * time.Hour)
	secret, id := create(t, pool, Params{Name: " newsroom ", Role: Publisher, ExpiresAt: &tomorrow})
	a, err := Authenticate(ctx, pool, secret)
	if err != nil || a.Token != id || a.Name != "newsroom" || a.Role != Publisher || len(a.Territories) != 0 {
		t.Fatalf("got %+v, %v", a, err)
	}

	// What is stored gives nothing away.
	var row string
	if err := pool.QueryRow(ctx, `SELECT t::text FROM api_token t`).Scan(&row); err != nil {
		t.Fatal(err)
	}
	hash, _ := hashOf(secret)
	if !strings.Contains(row, hex.EncodeToString(hash)) || strings.Contains(row, secret[hintLen:]) || strings.Contains(row, secret[hintLen:hintLen+8]) {
		t.Errorf("stored is %s", row)
	}
	if tokens, err := List(ctx, pool); err != nil || len(tokens) != 1 || !strings.HasPrefix(secret, tokens[0].Hint) || len(tokens[0].Hint) != hintLen {
		t.Errorf("listed is %+v, %v", tokens, err)
	}

	// From one instant to the other it is refused everywhere: nothing is kept.
	other, err := pgxpool.NewWithConfig(ctx, pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	gate := &Gate{DB: other}
	if _, err := gate.Authenticate(ctx, secret); err != nil {
		t.Fatal(err)
	}
	revoke(t, pool, id)
	_, err = gate.Authenticate(ctx, secret)
	says(t, "revoked", err, fault.Unauthenticated, "")
	revoke(t, pool, id) // again: it stays so

	// Its name is free again.
	secret, id = create(t, pool, Params{Name: "newsroom", Role: Reader})
	if _, err := pool.Exec(ctx, `UPDATE api_token SET created_at = now() - interval '2 days', expires_at = now() WHERE id = $1`, id); err != nil {
		t.Fatal(err)
	}
	_, err = gate.Authenticate(ctx, secret)
	says(t, "expired", err, fault.Unauthenticated, "")
	if found, err := Find(ctx, pool, "newsroom"); err != nil || found != id {
		t.Errorf("found %v, %v", found, err)
	}
	if found, err := Find(ctx, pool, ID(id).String()); err != nil || found != id {
		t.Errorf("found %v, %v", found, err)
	}
	_, err = Find(ctx, pool, "nobody")
	says(t, "find", err, fault.NotFound, "")

	// A database that does not answer is no reason to let anybody in, nor to say that
	// the token is wrong.
	a, err = Authenticate(ctx, unreachable{}, secret)
	says(t, "unreachable", err, fault.Busy, "")
	if a != nil {
		t.Errorf("unreachable: got %+v", a)
	}
}

// unreachable is a database that does not answer.
type unreachable struct{ *pgxpool.Pool }

func (unreachable) QueryRow(context.Context, string, ...any) pgx.Row { return failing{} }

type failing struct{}

func (failing) Scan(...any) error { return errors.New("the line is dead") }

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	pool := pgtest.From(t, "two towns", "1", twoTowns)
	past, far := time.Now().Add(-time.Second), time.Now().AddDate(11, 0, 0)
	create(t, pool, Params{Name: "taken", Role: Admin})
	for what, c := range map[string]struct {
		Params
		path string
	}{
		"no name":            {Params{Role: Admin}, "name"},
		"blank name":         {Params{Name: " \t", Role: Admin}, "name"},
		"long name":          {Params{Name: strings.Repeat("ä", 101), Role: Admin}, "name"},
		"NUL":                {Params{Name: "a\x00b", Role: Admin}, "name"},
		"invalid UTF-8":      {Params{Name: "a\xffb", Role: Admin}, "name"},
		"taken":              {Params{Name: "taken", Role: Reader}, "name"},
		"no role":            {Params{Name: "a"}, "role"},
		"another role":       {Params{Name: "a", Role: "admin"}, "role"},
		"past":               {Params{Name: "a", Role: Admin, ExpiresAt: &past}, "expiresAt"},
		"far":                {Params{Name: "a", Role: Admin, ExpiresAt: &far}, "expiresAt"},
		"limited admin":      {Params{Name: "a", Role: Admin, Territories: []string{"09461000"}}, "territories"},
		"limited reader":     {Params{Name: "a", Role: Reader, Territories: []string{"09461000"}}, "territories"},
		"many":               {Params{Name: "a", Role: Editor, Territories: slices.Repeat([]string{"09"}, 101)}, "territories"},
		"unknown":            {Params{Name: "a", Role: Editor, Territories: []string{"09", "09461000", "99"}}, "territories.2"},
		"no key":             {Params{Name: "a", Role: Editor, Territories: []string{"Bamberg"}}, "territories.0"},
		"NUL in a territory": {Params{Name: "a", Role: Editor, Territories: []string{"09", "\x00"}}, "territories.1"},
	} {
		err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			_, _, err := CreateToken(t.Context(), tx, c.Params)
			says(t, what, err, fault.Invalid, c.path)
			return tx.QueryRow(t.Context(), `SELECT 1`).Scan(new(int)) // the transaction goes on
		})
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return RevokeToken(t.Context(), tx, nodeid.New(time.Now())) })
	says(t, "revoke nothing", err, fault.NotFound, "id")

	// Whoever acts is on record as the creator.
	_, id := create(t, pool, Params{Name: "chief", Role: Admin})
	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, _, err := CreateToken(With(t.Context(), &Actor{Token: id, Role: Admin}), tx, Params{Name: "made", Role: Editor, Territories: []string{"09461000", "09", "09"}})
		return err
	})
	tokens, listErr := List(t.Context(), pool)
	if err != nil || listErr != nil || tokens[0].Name != "made" || *tokens[0].CreatedBy != "chief" || !slices.Equal(tokens[0].Territories, []string{"09", "09461000"}) {
		t.Errorf("got %+v, %v, %v", tokens, err, listErr)
	}
}

// TestSameNameAtOnce: of several that take a name at the same time one gets it, and
// the others are told.
func TestSameNameAtOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() {
			errs[i] = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
				_, _, err := CreateToken(t.Context(), tx, Params{Name: "one", Role: Reader})
				return err
			})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		says(t, "taken", err, fault.Invalid, "name")
	}
	if made != 1 {
		t.Errorf("%d were made", made)
	}
}

// TestLastUsed: a use is noted once a minute, and nobody waits for it.
func TestLastUsed(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	ctx := t.Context()
	secret, id := create(t, pool, Params{Name: "a", Role: Reader})
	used := func() (at *time.Time) {
		t.Helper()
		if err := pool.QueryRow(ctx, `SELECT last_used_at FROM api_token WHERE id = $1`, id).Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	wait := func(what string, is func(at *time.Time) bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !is(used()); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: it is %v", what, used())
			}
		}
	}
	if _, err := Authenticate(ctx, pool, secret); err != nil || used() != nil {
		t.Errorf("the function alone notes %v, %v", used(), err)
	}

	// Somebody holds the row: requests go on, and this use is lost.
	tx, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, `SELECT FROM api_token WHERE id = $1 FOR UPDATE`, id); err != nil {
		t.Fatal(err)
	}
	held := &Gate{DB: pool}
	if _, err := held.Authenticate(ctx, secret); err != nil {
		t.Fatal(err)
	}
	held.note(ctx, id) // what it does in the background returns at once, too
	if used() != nil {
		t.Errorf("noted %v", used())
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}

	gate := &Gate{DB: pool}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := gate.Authenticate(ctx, secret); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	wait("first use", func(at *time.Time) bool { return at != nil })
	first := *used()
	(&Gate{DB: pool}).note(ctx, id) // another instance, within the minute
	if got := *used(); !got.Equal(first) {
		t.Errorf("noted again: %v, then %v", first, got)
	}
	if gate.due(id) || !(&Gate{}).due(id) {
		t.Error("an instance notes a token once a minute")
	}
	if _, err := pool.Exec(ctx, `UPDATE api_token SET last_used_at = now() - interval '61 seconds'`); err != nil {
		t.Fatal(err)
	}
	(&Gate{DB: pool}).note(ctx, id)
	if at := used(); time.Since(*at) > 30*time.Second {
		t.Errorf("not noted after a minute: %v", at)
	}
}

// twoTowns are Bamberg in Bavaria, with the district and the association that a
// village of it belongs to, and Kiel.
func twoTowns(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, `
INSERT INTO state (id, key, code, slug, name, iso3166, nuts1) VALUES
  ('00000000-0000-7000-8000-000000000009', '09', 'BY', 'bayern', 'Bayern', 'DE-BY', 'DE2'),
  ('00000000-0000-7000-8000-000000000001', '01', 'SH', 'schleswig-holstein', 'Schleswig-Holstein', 'DE-SH', 'DEF');
INSERT INTO municipality (id, slug, level, kind, name, official_name, key, state_id) VALUES
  ('00000000-0000-7000-8000-000000000010', 'bamberg', 'MUNICIPALITY', 'TOWN', 'Bamberg', 'Bamberg', '09461000', '00000000-0000-7000-8000-000000000009'),
  ('00000000-0000-7000-8000-000000000011', 'landkreis', 'DISTRICT', 'RURAL_DISTRICT', 'Bamberg', 'Landkreis Bamberg', '09471', '00000000-0000-7000-8000-000000000009'),
  ('00000000-0000-7000-8000-000000000013', 'kiel', 'MUNICIPALITY', 'TOWN', 'Kiel', 'Kiel', '01002000', '00000000-0000-7000-8000-000000000001');
INSERT INTO municipality (id, slug, level, kind, name, official_name, key, state_id, district_id) VALUES
  ('00000000-0000-7000-8000-000000000012', 'dorf', 'MUNICIPALITY', 'RURAL_MUNICIPALITY', 'Dorf', 'Dorf', '09471111', '00000000-0000-7000-8000-000000000009', '00000000-0000-7000-8000-000000000011');
INSERT INTO municipality_key (key, name, municipality_id) SELECT key, name, id FROM municipality;
INSERT INTO municipality_key (key, name, municipality_id) VALUES ('09461999', 'Bamberg', '00000000-0000-7000-8000-000000000010');`)
	return err
}

// TestScope: what somebody who is limited to territories may write.
func TestScope(t *testing.T) {
	t.Parallel()
	pool := pgtest.Shared(t, "two towns", "1", twoTowns)
	key := func(n int) (id nodeid.UUID) {
		id[6], id[8], id[15] = 0x70, 0x80, byte(n/10*16+n%10)
		return id
	}
	bavaria, holstein, bamberg, district, village, kiel := key(9), key(1), key(10), key(11), key(12), key(13)
	type ids = []nodeid.UUID
	for _, c := range []struct {
		limits                 string
		municipalities, states ids
		permitted              bool
	}{
		{"", nil, nil, true},
		{"", ids{kiel}, ids{bavaria}, true},
		{"09461000", ids{bamberg}, nil, true},
		{"09461999", ids{bamberg}, nil, true}, // a former key
		{"09461000", nil, nil, false},         // of no place
		{"09461000", ids{}, ids{}, false},
		{"09461000", ids{kiel}, nil, false},
		{"09461000", ids{bamberg, kiel}, nil, false}, // another town's, too
		{"09461000", ids{bamberg}, ids{bavaria}, false},
		{"09461000", nil, ids{bavaria}, false},
		{"09461000", ids{district}, nil, false}, // what it is part of
		{"09471", ids{district, village}, nil, true},
		{"09471", ids{village}, nil, true},
		{"09471", ids{bamberg}, nil, false}, // beside it
		{"09471111", ids{district}, nil, false},
		{"09", ids{bamberg, village, district}, nil, true},
		{"09", ids{bamberg}, ids{bavaria}, true},
		{"09", nil, ids{bavaria}, true},
		{"09", nil, ids{bavaria, holstein}, false},
		{"09", ids{kiel}, nil, false},
		{"09 01", ids{bamberg, kiel}, ids{bavaria, holstein}, true},
		{"09461000 01", ids{bamberg, kiel}, nil, true},
		{"99", ids{bamberg}, nil, false}, // a territory that is gone permits nothing
		{"09", ids{key(77)}, nil, false},
	} {
		actor := &Actor{Role: Editor, Territories: strings.Fields(c.limits)}
		var permitted bool
		err := pool.QueryRow(t.Context(), `SELECT territories_permit($1, $2, $3)`, actor.Limits(), append(ids{}, c.municipalities...), append(ids{}, c.states...)).Scan(&permitted)
		if err != nil || permitted != c.permitted {
			t.Errorf("%q, municipalities %v, states %v: got %v, %v, want %v", c.limits, c.municipalities, c.states, permitted, err, c.permitted)
		}
	}
	// As part of a statement: a null is nobody's limit, and no place of a row.
	for sql, want := range map[string]bool{
		`territories_permit(NULL, ARRAY['` + bamberg.String() + `']::uuid[], '{}')`:              false,
		`territories_permit('{}', NULL, NULL)`:                                                   true,
		`territories_permit('{09}', NULL, NULL)`:                                                 false,
		`territories_permit('{09}', ARRAY[NULL]::uuid[], ARRAY[NULL]::uuid[])`:                   false,
		`territories_permit('{09}', ARRAY['` + bamberg.String() + `', NULL]::uuid[], NULL)`:      true,
		`territories_permit('{09}', ARRAY(SELECT id FROM municipality WHERE key='09471'), '{}')`: true,
	} {
		var got bool
		if err := pool.QueryRow(t.Context(), "SELECT "+sql).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %v, %v", sql, got, err)
		}
	}
	if limits := (&Actor{}).Limits(); limits == nil {
		t.Error("no limits are null, which permits nothing")
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	var before nodeid.UUID
	for range 3 {
		id := nodeid.New(time.Now())
		if id[6]>>4 != 7 || id[8]>>6 != 2 || string(id[:]) <= string(before[:]) {
			t.Errorf("got %v after %v", id, before)
		}
		if at := time.UnixMilli(int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(id[4])<<8 | int64(id[5])); time.Since(at) > time.Minute {
			t.Error(fmt.Sprint("made at ", at))
		}
		before = id
		time.Sleep(2 * time.Millisecond)
	}
}
