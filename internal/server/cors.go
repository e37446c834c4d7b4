package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/rs/cors"
)

// LocalOrigins are the pages that a developer serves on the same machine.
var LocalOrigins = []string{"http://localhost", "http://localhost:*", "http://127.0.0.1", "http://127.0.0.1:*"}

// CheckOrigin says what is wrong with an origin that browsers shall be allowed
// to call from: "https://example.org", with a port if it is not the usual one,
// "*" in place of the port for any, or just "*" for every origin there is.
func CheckOrigin(origin string) error {
	if origin == "*" {
		return nil
	}
	plain := strings.TrimSuffix(origin, ":*")
	u, err := url.Parse(plain)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Scheme+"://"+u.Host != plain || strings.ContainsAny(u.Host, "*@") {
		return fmt.Errorf("%q is no origin: write scheme, host and port as browsers do, such as https://www.example.org or http://localhost:3000, without a path, or * for all", origin)
	}
	return nil
}

// crossOrigin lets browsers on pages of the given origins read our answers.
// There are no cookies, so nothing is allowed with credentials.
func crossOrigin(origins []string) *cors.Cors {
	options := cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost},
		// What a client library sends along gives it no more rights: a page has to hold a
		// token to send one as Authorization, which is allowed with all others.
		AllowedHeaders: []string{"*"},
		ExposedHeaders: []string{"ETag", "Link", "Retry-After", requestIDHeader, "RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"},
		MaxAge:         3600,
	}
	if len(origins) == 0 { // an empty list means all to the library
		options.AllowOriginFunc = func(string) bool { return false }
	}
	return cors.New(options)
}
