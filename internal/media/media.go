// Package media is the noun of pictures and other files, with what must be shown
// beside them.
package media

import (
	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{Asset}

// Asset is one file. It is visible where a visible article shows it.
var Asset = plan.Object{
	Type: "MediaAsset", Table: "media_asset", Prefix: "media_asset",
	Visible: plan.Visibility{
		Public: `{deleted_at} IS NULL AND EXISTS (SELECT FROM article_media m JOIN article a ON a.id = m.article_id
			WHERE m.media_id = {id} AND {visible Article a})`,
		Editor: "{deleted_at} IS NULL",
	},
	Fields: plan.Fields{
		"url":          plan.Column("url"),
		"mimeType":     plan.Column("mime_type"),
		"width":        plan.Column("width"),
		"height":       plan.Column("height"),
		"altText":      plan.Column("alt_text"),
		"caption":      plan.Column("caption"),
		"credit":       plan.Column("credit"),
		"rightsHolder": plan.Column("rights_holder"),
		"license":      plan.Column("license"),
		"symbolic":     plan.Column("symbolic"),
		"articles":     plan.Linked("article_media", "media_id", "article_id"),
		"version":      plan.Column("version"),
		"revisions":    value.Revisions("MediaAsset"),
		"createdAt":    plan.Column("created_at"),
		"modifiedAt":   plan.Column("modified_at"),
	},
}
