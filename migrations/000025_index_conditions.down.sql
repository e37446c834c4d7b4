DROP INDEX municipality_key_idx, municipality_label_idx, municipality_official_name_idx, municipality_postal_code_idx,
  municipality_population_desc_idx, municipality_area_idx, municipality_area_desc_idx, municipality_density_idx, municipality_density_desc_idx,
  municipality_location_idx, municipality_dissolved_on_idx, municipality_modified_at_idx, municipality_name_trigram_idx,
  municipality_official_name_trigram_idx, municipality_label_trigram_idx, strategy_order_idx, strategy_adopted_on_end_idx, strategy_presented_on_idx,
  strategy_presented_on_desc_idx, strategy_presented_on_end_idx, strategy_revision_number_idx, strategy_revision_number_desc_idx,
  strategy_target_year_idx, strategy_target_year_desc_idx, strategy_next_evaluation_on_idx, strategy_next_evaluation_on_desc_idx,
  strategy_period_from_start_idx, strategy_period_from_end_idx, strategy_period_to_start_idx, strategy_period_to_end_idx, strategy_title_trigram_idx,
  measure_order_idx, measure_position_idx, measure_position_desc_idx, measure_budget_idx, measure_budget_desc_idx, measure_period_from_start_idx,
  measure_period_from_end_idx, measure_period_to_start_idx, measure_period_to_end_idx, measure_title_trigram_idx, funding_award_order_idx,
  funding_award_awarded_on_end_idx, funding_award_project_number_idx, funding_award_project_number_desc_idx, funding_award_amount_desc_idx,
  funding_award_budget_idx, funding_award_budget_desc_idx, funding_award_period_from_start_idx, funding_award_period_from_end_idx,
  funding_award_period_to_start_idx, funding_award_period_to_end_idx, funding_award_modified_at_idx, funding_award_title_idx,
  funding_award_title_trigram_idx, funding_award_category_trigram_idx, article_published_on_asc_idx, article_published_on_end_idx,
  article_published_at_idx, article_kicker_idx, article_title_trigram_idx, article_kicker_trigram_idx, article_listed_idx, comment_article_idx,
  person_order_idx, person_family_name_desc_idx, person_name_idx, person_modified_at_idx, person_name_trigram_idx, person_family_name_trigram_idx,
  organization_modified_at_idx, organization_name_trigram_idx, event_order_idx, event_date_end_idx, event_starts_at_idx, event_modified_at_idx,
  event_title_trigram_idx, article_municipality_municipality_idx, article_state_state_idx, article_strategy_strategy_idx,
  article_funding_program_program_idx, article_funding_award_award_idx, article_organization_organization_idx, article_measure_measure_idx,
  article_event_event_idx, article_platform_platform_idx, article_ranking_entry_entry_idx, article_byline_person_idx,
  funding_award_strategy_strategy_idx, funding_award_measure_measure_idx, person_affiliation_organization_idx, person_affiliation_party_idx,
  person_affiliation_municipality_idx, person_affiliation_state_idx;
CREATE INDEX comment_article_idx ON comment (article_id, created_at, id) WHERE visible OR tombstone;
CREATE INDEX person_name_idx ON person (coalesce(family_name, name) COLLATE "de-x-icu", name COLLATE "de-x-icu", id);
CREATE INDEX article_municipality_municipality_idx ON article_municipality (municipality_id);
CREATE INDEX article_state_state_idx ON article_state (state_id);
CREATE INDEX article_strategy_strategy_idx ON article_strategy (strategy_id);
CREATE INDEX article_funding_program_program_idx ON article_funding_program (program_id);
CREATE INDEX article_funding_award_award_idx ON article_funding_award (award_id);
CREATE INDEX article_organization_organization_idx ON article_organization (organization_id);
CREATE INDEX article_measure_measure_idx ON article_measure (measure_id);
CREATE INDEX article_event_event_idx ON article_event (event_id);
CREATE INDEX article_platform_platform_idx ON article_platform (platform_id);
CREATE INDEX article_ranking_entry_entry_idx ON article_ranking_entry (entry_id);
CREATE INDEX article_byline_person_idx ON article_byline (person_id);
CREATE INDEX funding_award_strategy_strategy_idx ON funding_award_strategy (strategy_id);
CREATE INDEX funding_award_measure_measure_idx ON funding_award_measure (measure_id);
CREATE INDEX person_affiliation_organization_idx ON person_affiliation (organization_id);
CREATE INDEX person_affiliation_party_idx ON person_affiliation (party_id);
CREATE INDEX person_affiliation_municipality_idx ON person_affiliation (municipality_id);
CREATE INDEX person_affiliation_state_idx ON person_affiliation (state_id);

CREATE OR REPLACE FUNCTION territory_members(keys text[]) RETURNS SETOF uuid
LANGUAGE sql STABLE PARALLEL SAFE ROWS 500 AS $$
WITH named AS (SELECT k.municipality_id AS id FROM municipality_key k WHERE k.key = ANY(keys))
SELECT id FROM named
UNION SELECT m.id FROM municipality m WHERE m.state_id IN (SELECT s.id FROM state s WHERE s.key = ANY(keys))
UNION SELECT m.id FROM municipality m WHERE m.government_region_id IN (TABLE named)
UNION SELECT m.id FROM municipality m WHERE m.district_id IN (TABLE named)
UNION SELECT m.id FROM municipality m WHERE m.association_id IN (TABLE named)
$$;

CREATE OR REPLACE VIEW observation AS
SELECT id, indicator_id, municipality_id, state_id, strategy_id, event_id, organization_id, value, comparator,
  as_of_start, as_of_end, as_of_precision, as_of_text, version, created_at, modified_at, deleted_at
FROM figure
UNION ALL
SELECT p.id, '018c20ec-7400-7f0b-8000-000000000001', p.municipality_id, NULL, NULL, NULL, NULL, p.population, 'EXACT',
  p.as_of, p.as_of, 'DAY', NULL, 1, m.created_at, m.modified_at, NULL
FROM municipality_population p JOIN municipality m ON m.id = p.municipality_id;
