package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/metric"
)

// RunAdmin answers, until ctx ends, what is for whoever runs the server and for
// nobody else: metrics at /metrics and profiles below /debug/pprof/. It asks for no
// token, so its listener is on an address that only they reach. It depends on
// nothing that the public can fill up.
func (s *Server) RunAdmin(ctx context.Context, listener net.Listener, metrics *metric.Metrics) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler())
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol) // as go tool pprof does
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /livez", s.livez)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, r, fault.New(fault.NotFound, "There is nothing at this address: metrics are at /metrics, profiles at /debug/pprof/."))
	})
	h := s.http(mux)
	h.WriteTimeout = 0 // a profile takes as long as it is told to
	go func() {
		<-ctx.Done()
		_ = h.Close() // nobody loses anything
	}()
	if err := h.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}

// http is a server with the bounds of connections.
func (s *Server) http(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: s.bounds.header,
		ReadTimeout:       s.bounds.read,
		WriteTimeout:      s.bounds.write,
		IdleTimeout:       s.bounds.idle,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}

// bounds are how long a connection may take for what.
type bounds struct{ header, read, write, idle time.Duration }
