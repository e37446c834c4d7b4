package plan

import (
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/pgtest"
)

// The binary values of Postgres, as it writes them itself.
func TestScalarsAgreeWithPostgres(t *testing.T) {
	t.Parallel()
	tx := pgtest.Tx(t)
	for _, tc := range []struct{ scalar, sql, want string }{
		{"Int", "2147483647", `2147483647`}, {"Int", "(-2147483648)", `-2147483648`},
		{"Float", "0.1::float8", `0.1`}, {"Float", "1e20::float8", `100000000000000000000`}, {"Float", "(-0.5)::float8", `-0.5`},
		{"Boolean", "true", `true`}, {"Boolean", "false", `false`},
		{"Date", "date '0001-01-01'", `"0001-01-01"`}, {"Date", "date '1999-12-31'", `"1999-12-31"`}, {"Date", "date '9999-12-31'", `"9999-12-31"`},
		{"DateTime", "timestamptz '2024-02-06 10:30:00.120+01'", `"2024-02-06T09:30:00.12Z"`},
		{"DateTime", "timestamptz '0001-01-01 00:00:00Z'", `"0001-01-01T00:00:00Z"`},
		{"DateTime", "timestamptz '9999-12-31 23:59:59.999999Z'", `"9999-12-31T23:59:59.999999Z"`},
		{"ID", "uuid '01890a5d-ac96-774b-bcce-b302099a8057'", `"x_01h455vb4pex5vsknk084sn02q"`},
		{"String", `E'"\\\\/ \b\f\n\r\t\x01\x1f\x7f äß€😀 </script>'`, ""},
		{"String", "''", `""`},
	} {
		raw := binaryRow(t, tx, "SELECT "+tc.sql)[0]
		got := string(scalarAppender(tc.scalar, "x")(nil, raw))
		want := tc.want
		if want == "" {
			b, _ := json.Marshal(string(raw))
			var back string
			if err := json.Unmarshal([]byte(got), &back); err != nil || back != string(raw) {
				t.Errorf("%s is %s, want something like %s", tc.sql, got, b)
			}
			continue
		}
		if got != want {
			t.Errorf("%s is %s, want %s", tc.sql, got, want)
		}
	}
}

func TestDecimalsAgreeWithPostgres(t *testing.T) {
	t.Parallel()
	tx := pgtest.Tx(t)
	for _, n := range []string{
		"0", "0.00", "1", "-1", "9999", "10000", "10000.0001", "0.0001", "0.00010", "-0.05", "12345678.90", "99999999999999.99",
		"-99999999999999.99", "100000000", "1000000000000.5", "0.5", "100.00", "10000000.00", "15750000.00", "1e-7", "12e10", "120000.000000",
	} {
		row := binaryRow(t, tx, "SELECT '"+n+"'::numeric, '"+n+"'::numeric::text")
		if got := string(appendDecimal(nil, row[0])); got != `"`+string(row[1])+`"` {
			t.Errorf("%s is %s, want %q", n, got, row[1])
		}
	}
}

// binaryRow gives the values of a row as Postgres sends them in binary format.
func binaryRow(t *testing.T, tx pgx.Tx, sql string) [][]byte {
	t.Helper()
	result := tx.Conn().PgConn().ExecParams(t.Context(), sql, nil, nil, nil, binaryFormat).Read()
	if result.Err != nil {
		t.Fatalf("%s: %v", sql, result.Err)
	}
	return result.Rows[0]
}
