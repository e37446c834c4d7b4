package article

import "stadtgraph/internal/write"

// Writable is where the fields of an article go.
var Writable = write.Object{
	Type: "Article", Table: "article", Holder: "article_id", Slug: "title", Published: true,
	Required: []string{"title", "kind"},
	Readable: []string{"lead", "body"},
	Belongs: `SELECT municipality_id, NULL::uuid AS state_id FROM article_municipality WHERE article_id = @id
UNION ALL SELECT NULL, state_id FROM article_state WHERE article_id = @id`,
	Fields: write.Fields{
		"bylines":          write.Rows("article_byline", nil),
		"mentions":         write.Rows("article_mention", nil),
		"media":            write.Rows("article_media", write.Fields{"asset": write.To("media_id")}),
		"previousCoverage": write.Links("article_previous", "previous_id").InOrder(),
		"section":          write.Links("article_topic", "topic_id").As("SECTION").InOrder(),
		"keywords":         write.Links("article_topic", "topic_id").As("KEYWORD").InOrder(),
		"topics":           write.Links("article_topic", "topic_id").As("TOPIC").InOrder(),
		"links":            write.Rows("article_link", nil),
		"sources":          write.Sources("article_source"),
		"municipalities":   write.Links("article_municipality", "municipality_id"),
		"states":           write.Links("article_state", "state_id"),
		"strategies":       write.Links("article_strategy", "strategy_id"),
		"measures":         write.Links("article_measure", "measure_id"),
		"fundingPrograms":  write.Links("article_funding_program", "program_id"),
		"awards":           write.Links("article_funding_award", "award_id"),
		"organizations":    write.Links("article_organization", "organization_id"),
		"events":           write.Links("article_event", "event_id"),
		"platforms":        write.Links("article_platform", "platform_id"),
		"rankings":         write.Links("article_ranking_entry", "entry_id"),
		"observations":     write.Links("article_figure", "figure_id").InOrder(),
	},
}
