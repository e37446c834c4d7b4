package main

import (
	"context"
	"fmt"

	"stadtgraph/internal/doctor"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/seal"
	"stadtgraph/internal/webhook"
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
		var more []doctor.Check
		if config, err := c.telling.config(); err == nil {
			more = append(more, doctor.Check{Subject: "webhooks", Look: lookAtWebhooks(config.Keys)})
		}
		findings = append(findings, doctor.Examine(ctx, c.DatabaseURL, migrations.FS, more...)...)
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

// lookAtWebhooks finds those that send nothing, and why.
func lookAtWebhooks(keys seal.Box) func(context.Context, postgres.DB) (doctor.Finding, error) {
	return func(ctx context.Context, db postgres.DB) (doctor.Finding, error) {
		state, err := webhook.Look(ctx, db, keys)
		if err != nil {
			return doctor.Finding{}, err
		}
		switch {
		case state.Lost > 0:
			return doctor.Finding{Text: fmt.Sprintf("the secrets of %d webhooks cannot be read: add the key that they were kept by to STADTGRAPH_WEBHOOK_KEYS, or make new ones with rotateWebhookSecret", state.Lost)}, nil
		case state.Failed > 0:
			return doctor.Finding{Text: fmt.Sprintf("%d webhooks are paused because of failures: look at pauseReason of webhooks, and use resumeWebhook when the receivers are back", state.Failed)}, nil
		}
		return doctor.Finding{Fine: true, Text: fmt.Sprintf("%d active, %d paused", state.Active, state.Paused)}, nil
	}
}
