package plan

// What types with an editorial life cycle share: the columns
// publication_status, published_at and deleted_at. Visibility is a function of
// the row and the clock; no job has to run for a scheduled entry to appear.

// Published is the visibility of a type with an editorial life cycle.
var Published = Visibility{
	Public: `{deleted_at} IS NULL AND ({publication_status} IN ('PUBLISHED', 'ARCHIVED')
		OR {publication_status} = 'SCHEDULED' AND {published_at} <= {now})`,
	Editor: `{deleted_at} IS NULL`,
}

// NotDeleted is the visibility of a type whose rows are public unless deleted.
var NotDeleted = Visibility{Public: `{deleted_at} IS NULL`}

// PublicationStatus shows a scheduled entry that is due as published.
var PublicationStatus = Expr(`(CASE WHEN {publication_status} = 'SCHEDULED' AND {published_at} <= {now} THEN 'PUBLISHED' ELSE {publication_status} END)`)

// NotArchived leaves archived entries out of lists.
var NotArchived = Listing{Field: "publicationStatus", Where: `{publication_status} <> 'ARCHIVED'`}

// ByID is the look-up of a type without slugs.
var ByID = map[string]SQL{"id": "{id} = {arg}"}

// ByIDOrSlug is the usual look-up. A slug may be one that the row had before,
// unless another row that the viewer may see has it now.
func ByIDOrSlug(typeName, table SQL) map[string]SQL {
	return map[string]SQL{
		"id": "{id} = {arg}",
		"slug": "{id} = coalesce((SELECT present.id FROM " + table + " present WHERE present.slug = {arg} AND {visible " + typeName + " present}), " +
			"(SELECT f.id FROM former_slug f WHERE f.type = '" + table + "' AND f.slug = {arg}))",
	}
}
