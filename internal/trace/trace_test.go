package trace

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestConfigured(t *testing.T) {
	t.Parallel()
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for _, c := range []struct {
		env  map[string]string
		on   bool
		want string // part of the complaint
	}{
		{nil, false, ""},
		{map[string]string{endpoint: "http://collector:4318"}, true, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, true, ""},
		{map[string]string{endpoint: "http://collector:4318", "OTEL_SDK_DISABLED": "TRUE"}, false, ""},
		{map[string]string{endpoint: "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, false, ""},
		{map[string]string{endpoint: "http://collector:4318", "OTEL_TRACES_EXPORTER": "zipkin"}, false, "OTEL_TRACES_EXPORTER to otlp"},
		{map[string]string{endpoint: "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, "http/protobuf"},
		{map[string]string{endpoint: "http://collector:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, true, ""},
	} {
		on, err := configured(func(name string) string { return c.env[name] })
		if on != c.on || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, %v", c.env, on, err)
		}
	}
}

// Traces reach a collector by the environment alone.
func TestExport(t *testing.T) {
	got := make(chan string, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		got <- r.URL.Path + " " + r.Header.Get("Authorization") + " " + body.String()
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=secret")
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
	t.Setenv("OTEL_SERVICE_NAME", "städte")
	tracer, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := tracer.Request(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	_, inner := Begin(ctx, "inner")
	inner.End()
	span.End()
	if err := tracer.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	sent := <-got
	for _, want := range []string{"/v1/traces secret ", "inner", "städte"} {
		if !strings.Contains(sent, want) {
			t.Errorf("the collector got %q, without %q", sent, want)
		}
	}
}

// Where nobody records, nothing is done.
func TestOff(t *testing.T) { // alone, for it counts allocations
	var tracer *Tracer
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	ctx, span := tracer.Request(r)
	if ctx != r.Context() || span != (Span{}) || Counted(ctx) {
		t.Error("a request is recorded")
	}
	allocations := testing.AllocsPerRun(100, func() {
		ctx, span := Begin(ctx, "inner")
		span.Text("a", "b")
		span.Fail("c")
		span.End()
		Ran(ctx, Statement{About: "SELECT 1"})
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
	if err := tracer.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

func TestSlowStatement(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	w := &Work{Slow: time.Second}
	ctx := Count(context.Background(), w)
	Ran(ctx, Statement{About: "SELECT states", Name: "plan_7", SQL: "SELECT 'geheim'", Start: time.Now(), Rows: 3})
	if log.Len() > 0 {
		t.Errorf("a quick one is logged: %s", &log)
	}
	Ran(ctx, Statement{About: "SELECT states", Name: "plan_7", SQL: "SELECT 'geheim'", Start: time.Now().Add(-2 * time.Second), Rows: 4, State: "57014"})
	for _, want := range []string{`level=WARN msg="slow statement" duration=2.`, `about="SELECT states" statement=plan_7 hash=`, "rows=4 sqlstate=57014"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in %s", want, &log)
		}
	}
	if strings.Contains(log.String(), "geheim") {
		t.Errorf("the log holds the statement: %s", &log)
	}
	if w.Statements() != 2 || w.Rows() != 7 {
		t.Errorf("counted %d statements and %d rows", w.Statements(), w.Rows())
	}
}
