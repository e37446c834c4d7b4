package graph

import (
	"context"
	"maps"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/webhook"
	"stadtgraph/internal/write"
)

// telling are the mutations of webhooks.
func telling() map[string]mutation {
	of := func(do func(s *webhook.Sender, ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error), field string) mutation {
		return mutation{needs: auth.Administer, hook: func(ctx context.Context, s *webhook.Sender, tx *write.Tx, in plan.Input) (answer, error) {
			id, err := do(s, ctx, tx, in)
			if err != nil {
				return nil, err
			}
			if field == "deletedId" {
				return answer{field: id.String()}, nil
			}
			return answer{field: id}, nil
		}}
	}
	withSecret := func(do func(s *webhook.Sender, ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, string, error)) mutation {
		return mutation{needs: auth.Administer, secret: true, hook: func(ctx context.Context, s *webhook.Sender, tx *write.Tx, in plan.Input) (answer, error) {
			id, secret, err := do(s, ctx, tx, in)
			if err != nil {
				return nil, err
			}
			return answer{"webhook": id, "secret": secret}, nil
		}}
	}
	return map[string]mutation{
		"createWebhook":         withSecret((*webhook.Sender).Create),
		"updateWebhook":         of((*webhook.Sender).Update, "webhook"),
		"pauseWebhook":          of((*webhook.Sender).Pause, "webhook"),
		"resumeWebhook":         of((*webhook.Sender).Resume, "webhook"),
		"deleteWebhook":         of((*webhook.Sender).Delete, "deletedId"),
		"rotateWebhookSecret":   withSecret((*webhook.Sender).Rotate),
		"testWebhook":           of((*webhook.Sender).Test, "delivery"),
		"replayWebhookDelivery": of((*webhook.Sender).Replay, "delivery"),
		"replayWebhookRange":    of((*webhook.Sender).ReplayRange, "webhook"),
		"previewWebhook":        {needs: auth.Administer, private: true, hook: previewWebhook},
	}
}

func previewWebhook(ctx context.Context, s *webhook.Sender, tx *write.Tx, in plan.Input) (answer, error) {
	found, err := s.Preview(ctx, tx, in)
	if err != nil {
		return nil, err
	}
	events := make([]answer, len(found))
	for i, e := range found {
		events[i] = maps.Clone(answer(e))
	}
	return answer{"events": events}, nil
}
