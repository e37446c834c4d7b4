package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/pglocal"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/seal"
	"stadtgraph/migrations"
)

type tokenCommand struct {
	Create tokenCreate `cmd:"" help:"Create an API token and print it, this once."`
	List   tokenList   `cmd:"" help:"List the tokens there are; none can be read again."`
	Revoke tokenRevoke `cmd:"" help:"Revoke a token, from the next request on."`
}

type tokenCreate struct {
	database
	Name      string   `required:"" placeholder:"NAME" help:"Who uses it, and for what."`
	Role      string   `required:"" placeholder:"ROLE" help:"READER reads drafts; EDITOR writes them; PUBLISHER decides what the public sees; MODERATOR decides about comments; ADMIN may do all of it, and make tokens."`
	Expires   string   `required:"" placeholder:"WHEN" help:"Until when it is good: 90d or 12h from now, through a day such as 2027-12-31, or never, which is until it is revoked."`
	Territory []string `placeholder:"KEY" help:"Official key of a state, region, district, association or municipality; with any, the token writes there and in their members only. May be given several times."`
}

func (*tokenCreate) Help() string {
	return `The token alone goes to standard output, so that it can go where it is needed without being seen. It is stored as a hash: nobody can print it again.

Examples:
  stadtgraph token create --name "newsroom import" --role EDITOR --expires 90d
  stadtgraph token create --name "Landkreis Bamberg" --role PUBLISHER --expires 2027-12-31 --territory 09471 > token.txt`
}

// Validate is called by kong.
func (c *tokenCreate) Validate() error {
	if err := c.database.Validate(); err != nil {
		return err
	}
	if c.Name == "" || c.Role == "" || c.Expires == "" {
		return nil // kong says which are missing
	}
	if role := auth.Role(strings.ToUpper(c.Role)); !slices.Contains(auth.Roles, role) {
		return fmt.Errorf("%q is no role: choose one of %v (--role)", c.Role, auth.Roles)
	}
	_, err := expiry(c.Expires, time.Now())
	return err
}

var (
	fromNow = regexp.MustCompile(`^([0-9]{1,4})([dh])$`)
	errWhen = errors.New("write 90d or 12h from now, a day such as 2027-12-31, or never (--expires)")
)

// expiry reads until when a token is good; nil for never.
func expiry(when string, now time.Time) (*time.Time, error) {
	if when == "never" {
		return nil, nil //nolint:nilnil // never is no instant
	}
	if m := fromNow.FindStringSubmatch(when); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil || n == 0 {
			return nil, fmt.Errorf("%q is not to come: %w", when, errWhen)
		}
		at := now.Add(time.Duration(n) * time.Hour)
		if m[2] == "d" {
			at = now.AddDate(0, 0, n)
		}
		return &at, nil
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return nil, err
	}
	day, err := time.ParseInLocation(time.DateOnly, when, zone)
	if err != nil {
		return nil, fmt.Errorf("%q says no instant: %w", when, errWhen)
	}
	end := day.AddDate(0, 0, 1)
	if !end.After(now) {
		return nil, fmt.Errorf("%q is past: %w", when, errWhen)
	}
	return &end, nil
}

// Run is called by kong.
func (c *tokenCreate) Run(ctx context.Context) error {
	expires, err := expiry(c.Expires, time.Now())
	if err != nil {
		return err
	}
	p := auth.Params{Name: c.Name, Role: auth.Role(strings.ToUpper(c.Role)), ExpiresAt: expires, Territories: c.Territory}
	var secret, id string
	err = onTokens(ctx, c.DatabaseURL, func(db postgres.DB) error {
		tx, err := db.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
		made, key, err := auth.CreateToken(ctx, tx, p)
		if err != nil {
			return err
		}
		secret, id = made, auth.ID(key).String()
		return tx.Commit(ctx)
	})
	if err != nil {
		return flagged(err)
	}
	until := "until it is revoked"
	if expires != nil {
		until = "until " + expires.UTC().Format(time.RFC3339)
	}
	fmt.Fprintf(os.Stderr, "Created %s, %s, good %s. It is shown this once:\n", id, p.Role, until)
	if _, err := fmt.Println(secret); err != nil {
		return fmt.Errorf("the token could not be printed (%w): revoke %s and create another one", err, id)
	}
	return nil
}

type tokenList struct{ database }

func (*tokenList) Help() string { return "Example:\n  stadtgraph token list" }

// Run is called by kong.
func (c *tokenList) Run(ctx context.Context) error {
	return onTokens(ctx, c.DatabaseURL, func(db postgres.DB) error {
		tokens, err := auth.List(ctx, db)
		if err != nil {
			return err
		}
		if len(tokens) == 0 {
			fmt.Fprintln(os.Stderr, "There are no tokens yet: stadtgraph token create --help")
			return nil
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tROLE\tBEGINS\tSTATE\tEXPIRES\tLAST USED\tTERRITORIES\tID")
		now := time.Now()
		for _, t := range tokens {
			state := "good"
			switch {
			case t.RevokedAt != nil:
				state = "revoked"
			case !t.Live(now):
				state = "expired"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.Name, t.Role, t.Hint, state,
				minute(t.ExpiresAt), minute(t.LastUsedAt), orDash(strings.Join(t.Territories, " ")), auth.ID(t.ID))
		}
		return w.Flush()
	})
}

func minute(at *time.Time) string {
	if at == nil {
		return "never"
	}
	return at.UTC().Format("2006-01-02T15:04Z")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type tokenRevoke struct {
	database
	Token string `arg:"" name:"id-or-name" help:"As in stadtgraph token list."`
}

func (*tokenRevoke) Help() string {
	return "It is refused from the next request on, by every server. It stays on record, and its name is free again.\n\nExample:\n  stadtgraph token revoke \"newsroom import\""
}

// Run is called by kong.
func (c *tokenRevoke) Run(ctx context.Context) error {
	err := onTokens(ctx, c.DatabaseURL, func(db postgres.DB) error { return revokeToken(ctx, db, c.Token) })
	if f, ok := fault.From(err); ok && f.Code == fault.NotFound {
		return fmt.Errorf("there is no token %q: stadtgraph token list shows all", c.Token)
	}
	if err == nil {
		fmt.Fprintln(os.Stderr, "Revoked.")
	}
	return err
}

func revokeToken(ctx context.Context, db postgres.DB, idOrName string) error {
	id, err := auth.Find(ctx, db, idOrName)
	if err != nil {
		return err
	}
	tx, err := db.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
	if err := auth.RevokeToken(ctx, tx, id); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// onTokens does something with a database that has tokens.
func onTokens(ctx context.Context, url string, do func(db postgres.DB) error) error {
	pool, err := postgres.Open(ctx, postgres.Config{URL: url, ApplicationName: "stadtgraph token", MaxConns: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	schema, err := postgres.ReadSchema(ctx, pool, migrations.FS)
	if err != nil {
		return err
	}
	if !schema.Current() && !schema.Newer() {
		return fmt.Errorf("the database is at version %d and this binary needs %d: run `stadtgraph migrate up`", schema.Version, schema.Latest)
	}
	return do(pool)
}

// flagged names the flag instead of the input field that a fault is about.
func flagged(err error) error {
	f, ok := fault.From(err)
	if !ok || len(f.Path) == 0 {
		return err
	}
	flag := map[string]string{"expiresAt": "expires", "territories": "territory"}[f.Path[0]]
	if flag == "" {
		flag = f.Path[0]
	}
	return fmt.Errorf("%s (--%s)", f.Message, flag)
}

// devTokenName is the name of the token that dev makes for local use.
const devTokenName = "stadtgraph dev"

// devToken is a token for local use, which dev keeps beside its database. It is made
// again if it is not good any more.
func devToken(ctx context.Context, url, dataDir string) (secret string, err error) {
	file := filepath.Join(dataDir, pglocal.TokenFile)
	kept, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the token in %s cannot be read: %w", file, err)
	}
	pool, err := postgres.Open(ctx, postgres.Config{URL: url, ApplicationName: "stadtgraph token", MaxConns: 1})
	if err != nil {
		return "", err
	}
	defer pool.Close()
	secret = strings.TrimSpace(string(kept))
	_, err = auth.Authenticate(ctx, pool, secret)
	if f, ok := fault.From(err); err == nil || !ok || f.Code != fault.Unauthenticated {
		return secret, err
	}

	// The one before may still be good, though nobody knows it any more.
	if err := revokeToken(ctx, pool, devTokenName); err != nil {
		if f, ok := fault.From(err); !ok || f.Code != fault.NotFound {
			return "", err
		}
	}
	tx, err := pool.Begin(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
	if secret, _, err = auth.CreateToken(ctx, tx, auth.Params{Name: devTokenName, Role: auth.Admin}); err != nil {
		return "", err
	}
	if err := writePrivate(file, secret+"\n"); err != nil {
		return "", fmt.Errorf("the token for local use cannot be kept: %w", err)
	}
	return secret, tx.Commit(ctx)
}

// devKey is the key to the e-mail addresses of those who comment, which dev makes and
// keeps beside its database.
func devKey(dataDir string) (string, error) {
	file := filepath.Join(dataDir, pglocal.KeyFile)
	kept, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		key := seal.NewKey()
		return key, writePrivate(file, key+"\n")
	}
	if err != nil {
		return "", fmt.Errorf("the key in %s cannot be read: %w", file, err)
	}
	return strings.TrimSpace(string(kept)), nil
}

// writePrivate writes a new file that nobody else may read.
func writePrivate(file, text string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) { // whoever may read it
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
