-- What lists are ordered and filtered by has an index; graph/index_test.go holds
-- every condition and order to it.
--
-- An order ends in the row's id, in the direction of its last key, and puts nulls
-- last. So an index serves both directions of a column without nulls, and one with
-- nulls takes two: (x, id) and (x DESC NULLS LAST, id DESC); read backwards they put
-- nulls first. Texts are sorted, and looked up, under the German collation. Parts of
-- texts are found by the trigrams of what fold makes of them.

-- ── municipalities ──
CREATE INDEX municipality_key_idx ON municipality (key, id);
CREATE INDEX municipality_label_idx ON municipality (label COLLATE "de-x-icu");
CREATE INDEX municipality_official_name_idx ON municipality (official_name COLLATE "de-x-icu");
CREATE INDEX municipality_postal_code_idx ON municipality (administration_postal_code);
CREATE INDEX municipality_population_desc_idx ON municipality (population DESC NULLS LAST, id DESC);
CREATE INDEX municipality_area_idx ON municipality ((area_ha::float8 / 100), id);
CREATE INDEX municipality_area_desc_idx ON municipality ((area_ha::float8 / 100) DESC NULLS LAST, id DESC);
CREATE INDEX municipality_density_idx ON municipality ((floor(population / nullif(area_ha::float8, 0) * 1000 + 0.5) / 10), id);
CREATE INDEX municipality_density_desc_idx ON municipality ((floor(population / nullif(area_ha::float8, 0) * 1000 + 0.5) / 10) DESC NULLS LAST, id DESC);
CREATE INDEX municipality_location_idx ON municipality (latitude, longitude);
CREATE INDEX municipality_dissolved_on_idx ON municipality (dissolved_on) WHERE dissolved_on IS NOT NULL;
CREATE INDEX municipality_modified_at_idx ON municipality (modified_at, id);
CREATE INDEX municipality_name_trigram_idx ON municipality USING gin (fold(name) gin_trgm_ops);
CREATE INDEX municipality_official_name_trigram_idx ON municipality USING gin (fold(official_name) gin_trgm_ops);
CREATE INDEX municipality_label_trigram_idx ON municipality USING gin (fold(label) gin_trgm_ops);

-- The members of territories are looked up by the territory, however many there may
-- be: planned for any keys, a join would read all municipalities.
CREATE OR REPLACE FUNCTION territory_members(keys text[]) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 100 AS $$
BEGIN
  RETURN QUERY
  WITH named AS (SELECT k.municipality_id AS id FROM municipality_key k WHERE k.key = ANY(keys))
  SELECT n.id FROM named n
  UNION SELECT m.id FROM named n, LATERAL (SELECT m.id FROM municipality m WHERE m.government_region_id = n.id OFFSET 0) m
  UNION SELECT m.id FROM named n, LATERAL (SELECT m.id FROM municipality m WHERE m.district_id = n.id OFFSET 0) m
  UNION SELECT m.id FROM named n, LATERAL (SELECT m.id FROM municipality m WHERE m.association_id = n.id OFFSET 0) m
  UNION SELECT m.id FROM state s, LATERAL (SELECT m.id FROM municipality m WHERE m.state_id = s.id OFFSET 0) m WHERE s.key = ANY(keys);
END $$;

-- ── strategies and measures ──
CREATE INDEX strategy_order_idx ON strategy (adopted_on_start DESC NULLS LAST, presented_on_start DESC NULLS LAST, title COLLATE "de-x-icu", id);
CREATE INDEX strategy_adopted_on_end_idx ON strategy (adopted_on_end);
CREATE INDEX strategy_presented_on_idx ON strategy (presented_on_start, id);
CREATE INDEX strategy_presented_on_desc_idx ON strategy (presented_on_start DESC NULLS LAST, id DESC);
CREATE INDEX strategy_presented_on_end_idx ON strategy (presented_on_end);
CREATE INDEX strategy_revision_number_idx ON strategy (revision_number, id);
CREATE INDEX strategy_revision_number_desc_idx ON strategy (revision_number DESC NULLS LAST, id DESC);
CREATE INDEX strategy_target_year_idx ON strategy (target_year, id);
CREATE INDEX strategy_target_year_desc_idx ON strategy (target_year DESC NULLS LAST, id DESC);
CREATE INDEX strategy_next_evaluation_on_idx ON strategy (next_evaluation_on, id);
CREATE INDEX strategy_next_evaluation_on_desc_idx ON strategy (next_evaluation_on DESC NULLS LAST, id DESC);
CREATE INDEX strategy_period_from_start_idx ON strategy (period_from_start);
CREATE INDEX strategy_period_from_end_idx ON strategy (period_from_end);
CREATE INDEX strategy_period_to_start_idx ON strategy (period_to_start);
CREATE INDEX strategy_period_to_end_idx ON strategy (period_to_end);
CREATE INDEX strategy_title_trigram_idx ON strategy USING gin (fold(title) gin_trgm_ops);

CREATE INDEX measure_order_idx ON measure (position, title COLLATE "de-x-icu", id);
CREATE INDEX measure_position_idx ON measure (position, id);
CREATE INDEX measure_position_desc_idx ON measure (position DESC NULLS LAST, id DESC);
CREATE INDEX measure_budget_idx ON measure (budget_amount, id);
CREATE INDEX measure_budget_desc_idx ON measure (budget_amount DESC NULLS LAST, id DESC);
CREATE INDEX measure_period_from_start_idx ON measure (period_from_start);
CREATE INDEX measure_period_from_end_idx ON measure (period_from_end);
CREATE INDEX measure_period_to_start_idx ON measure (period_to_start);
CREATE INDEX measure_period_to_end_idx ON measure (period_to_end);
CREATE INDEX measure_title_trigram_idx ON measure USING gin (fold(title) gin_trgm_ops);

-- ── awards ──
CREATE INDEX funding_award_order_idx ON funding_award (awarded_on_start DESC NULLS LAST, project_number, id);
CREATE INDEX funding_award_awarded_on_end_idx ON funding_award (awarded_on_end);
CREATE INDEX funding_award_project_number_idx ON funding_award (project_number, id);
CREATE INDEX funding_award_project_number_desc_idx ON funding_award (project_number DESC NULLS LAST, id DESC);
CREATE INDEX funding_award_amount_desc_idx ON funding_award (amount_awarded_amount DESC NULLS LAST, id DESC);
CREATE INDEX funding_award_budget_idx ON funding_award (total_budget_amount, id);
CREATE INDEX funding_award_budget_desc_idx ON funding_award (total_budget_amount DESC NULLS LAST, id DESC);
CREATE INDEX funding_award_period_from_start_idx ON funding_award (period_from_start);
CREATE INDEX funding_award_period_from_end_idx ON funding_award (period_from_end);
CREATE INDEX funding_award_period_to_start_idx ON funding_award (period_to_start);
CREATE INDEX funding_award_period_to_end_idx ON funding_award (period_to_end);
CREATE INDEX funding_award_modified_at_idx ON funding_award (modified_at, id);
CREATE INDEX funding_award_title_idx ON funding_award (title COLLATE "de-x-icu");
CREATE INDEX funding_award_title_trigram_idx ON funding_award USING gin (fold(title) gin_trgm_ops);
CREATE INDEX funding_award_category_trigram_idx ON funding_award USING gin (fold(category) gin_trgm_ops);

-- ── articles and comments ──
CREATE INDEX article_published_on_asc_idx ON article (published_on_start, id);
CREATE INDEX article_published_on_end_idx ON article (published_on_end);
CREATE INDEX article_published_at_idx ON article (published_at);
CREATE INDEX article_kicker_idx ON article (kicker COLLATE "de-x-icu");
CREATE INDEX article_title_trigram_idx ON article USING gin (fold(title) gin_trgm_ops);
CREATE INDEX article_kicker_trigram_idx ON article USING gin (fold(kicker) gin_trgm_ops);
-- What lists show of articles, without a look at them: to count those of a topic.
CREATE INDEX article_listed_idx ON article (id) INCLUDE (publication_status, published_at)
WHERE deleted_at IS NULL AND publication_status <> 'ARCHIVED' AND NOT sponsored;
-- Moderators see all comments of an article.
DROP INDEX comment_article_idx;
CREATE INDEX comment_article_idx ON comment (article_id, created_at, id);

-- ── people, organizations, events ──
DROP INDEX person_name_idx;
CREATE INDEX person_order_idx ON person (family_name COLLATE "de-x-icu", name COLLATE "de-x-icu", id);
CREATE INDEX person_family_name_desc_idx ON person (family_name COLLATE "de-x-icu" DESC NULLS LAST, id DESC);
CREATE INDEX person_name_idx ON person (name COLLATE "de-x-icu", id);
CREATE INDEX person_modified_at_idx ON person (modified_at, id);
CREATE INDEX person_name_trigram_idx ON person USING gin (fold(name) gin_trgm_ops);
CREATE INDEX person_family_name_trigram_idx ON person USING gin (fold(family_name) gin_trgm_ops);

CREATE INDEX organization_modified_at_idx ON organization (modified_at, id);
CREATE INDEX organization_name_trigram_idx ON organization USING gin (fold(name) gin_trgm_ops);

CREATE INDEX event_order_idx ON event (date_start DESC NULLS LAST, title COLLATE "de-x-icu", id);
CREATE INDEX event_date_end_idx ON event (date_end);
CREATE INDEX event_starts_at_idx ON event (starts_at);
CREATE INDEX event_modified_at_idx ON event (modified_at, id);
CREATE INDEX event_title_trigram_idx ON event USING gin (fold(title) gin_trgm_ops);

-- ── observations ──
-- Either half of the view is one table with the very types of the other, so that a
-- condition and an order reach their indexes.
CREATE OR REPLACE VIEW observation AS
SELECT id, indicator_id, municipality_id, state_id, strategy_id, event_id, organization_id, value, comparator,
  as_of_start, as_of_end, as_of_precision, as_of_text, version, created_at, modified_at, deleted_at::timestamptz
FROM figure
UNION ALL
SELECT p.id, '018c20ec-7400-7f0b-8000-000000000001'::uuid, p.municipality_id, NULL::uuid, NULL::uuid, NULL::uuid, NULL::uuid, p.population::numeric, 'EXACT'::text,
  p.as_of, p.as_of, 'DAY'::text, NULL::text, 1, (SELECT m.created_at FROM municipality m WHERE m.id = p.municipality_id),
  (SELECT m.modified_at FROM municipality m WHERE m.id = p.municipality_id), NULL::timestamptz
FROM municipality_population p;

-- ── link tables ──
-- With both keys, so that the index alone says what is linked.
DROP INDEX article_municipality_municipality_idx, article_state_state_idx, article_strategy_strategy_idx,
  article_funding_program_program_idx, article_funding_award_award_idx, article_organization_organization_idx,
  article_measure_measure_idx, article_event_event_idx, article_platform_platform_idx, article_ranking_entry_entry_idx,
  article_byline_person_idx, funding_award_strategy_strategy_idx, funding_award_measure_measure_idx,
  person_affiliation_organization_idx, person_affiliation_party_idx, person_affiliation_municipality_idx, person_affiliation_state_idx;
CREATE INDEX article_municipality_municipality_idx ON article_municipality (municipality_id, article_id);
CREATE INDEX article_state_state_idx ON article_state (state_id, article_id);
CREATE INDEX article_strategy_strategy_idx ON article_strategy (strategy_id, article_id);
CREATE INDEX article_funding_program_program_idx ON article_funding_program (program_id, article_id);
CREATE INDEX article_funding_award_award_idx ON article_funding_award (award_id, article_id);
CREATE INDEX article_organization_organization_idx ON article_organization (organization_id, article_id);
CREATE INDEX article_measure_measure_idx ON article_measure (measure_id, article_id);
CREATE INDEX article_event_event_idx ON article_event (event_id, article_id);
CREATE INDEX article_platform_platform_idx ON article_platform (platform_id, article_id);
CREATE INDEX article_ranking_entry_entry_idx ON article_ranking_entry (entry_id, article_id);
CREATE INDEX article_byline_person_idx ON article_byline (person_id, article_id);
CREATE INDEX funding_award_strategy_strategy_idx ON funding_award_strategy (strategy_id, award_id);
CREATE INDEX funding_award_measure_measure_idx ON funding_award_measure (measure_id, award_id);
CREATE INDEX person_affiliation_organization_idx ON person_affiliation (organization_id, person_id);
CREATE INDEX person_affiliation_party_idx ON person_affiliation (party_id, person_id);
CREATE INDEX person_affiliation_municipality_idx ON person_affiliation (municipality_id, person_id);
CREATE INDEX person_affiliation_state_idx ON person_affiliation (state_id, person_id);
