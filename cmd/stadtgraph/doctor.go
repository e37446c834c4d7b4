package main

import (
	"context"
	"fmt"

	"stadtgraph/internal/doctor"
	"stadtgraph/migrations"
)

type doctorCommand struct {
	DatabaseURL string   `env:"DATABASE_URL" placeholder:"URL" help:"The database."`
	Listen      string   `default:"127.0.0.1:8080" env:"STADTGRAPH_LISTEN" placeholder:"HOST:PORT" help:"As for serve."`
	CORSOrigins []string `name:"cors-origins" env:"STADTGRAPH_CORS_ORIGINS" placeholder:"ORIGIN,…" help:"As for serve."`
	serving
}

func (*doctorCommand) Help() string {
	return `It takes the settings of serve, changes nothing, and ends with exit code 1 if anything is wrong.

Example:
  stadtgraph doctor`
}

// Run is called by kong. Unlike serve it does not stop at the first setting that
// makes no sense.
func (c *doctorCommand) Run(ctx context.Context) error {
	findings := []doctor.Finding{{Subject: "settings", Fine: true, Text: "they make sense"}}
	s := settings{database: database{DatabaseURL: c.DatabaseURL}, Listen: c.Listen, CORSOrigins: c.CORSOrigins, serving: c.serving}
	if err := s.check(); err != nil {
		findings[0] = doctor.Finding{Subject: "settings", Text: err.Error()}
	}
	if c.DatabaseURL != "" {
		findings = append(findings, doctor.Examine(ctx, c.DatabaseURL, migrations.FS)...)
	}
	wrong := 0
	for _, f := range findings {
		fmt.Println(f)
		if !f.Fine {
			wrong++
		}
	}
	switch wrong {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("one thing is wrong: see above")
	}
	return fmt.Errorf("%d things are wrong: see above", wrong)
}
