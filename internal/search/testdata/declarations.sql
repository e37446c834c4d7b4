-- What the documents of declarations 3 are made of. Written by go test -update.

-- Article
SELECT described.id,
  coalesce((concat_ws(E'\n', described.title, described.subtitle))::text, ''),
  coalesce((concat_ws(E'\n', described.kicker, (SELECT string_agg(DISTINCT t.name, E'\n') FROM article_topic l JOIN topic t ON t.id = l.topic_id AND t.deleted_at IS NULL WHERE l.article_id = described.id), (SELECT string_agg(DISTINCT m.name, E'\n') FROM article_municipality l JOIN municipality m ON m.id = l.municipality_id WHERE l.article_id = described.id), (SELECT string_agg(DISTINCT s.name, E'\n') FROM article_state l JOIN state s ON s.id = l.state_id WHERE l.article_id = described.id), (SELECT string_agg(DISTINCT o.name, E'\n') FROM article_organization l JOIN organization o ON o.id = l.organization_id AND o.deleted_at IS NULL WHERE l.article_id = described.id), (SELECT string_agg(DISTINCT p.name, E'\n') FROM article_mention l JOIN person p ON p.id = l.person_id AND p.deleted_at IS NULL WHERE l.article_id = described.id), (SELECT string_agg(DISTINCT coalesce(p.name, o.name), E'\n') FROM article_byline l LEFT JOIN person p ON p.id = l.person_id AND p.deleted_at IS NULL
				LEFT JOIN organization o ON o.id = l.organization_id AND o.deleted_at IS NULL WHERE l.article_id = described.id)))::text, ''),
  coalesce((described.lead)::text, ''),
  coalesce((described.body_text)::text, ''),
  (coalesce(described.published_on_start, (described.published_at AT TIME ZONE 'Europe/Berlin')::date))::date::text,
  coalesce((ARRAY(SELECT k FROM (SELECT l.municipality_id FROM article_municipality l WHERE l.article_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT l.state_id FROM article_state l WHERE l.article_id = described.id UNION ALL SELECT m.state_id FROM article_municipality l JOIN municipality m ON m.id = l.municipality_id WHERE l.article_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT l.topic_id FROM article_topic l WHERE l.article_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text
FROM article described
WHERE described.id = ANY($1) AND (described.deleted_at IS NULL);

-- Comment
SELECT described.id,
  coalesce(NULL::text, ''),
  coalesce(NULL::text, ''),
  coalesce(NULL::text, ''),
  coalesce((CASE WHEN described.status NOT IN ('HIDDEN', 'ERASED') THEN described.body_text END)::text, ''),
  ((coalesce(described.published_at, described.created_at) AT TIME ZONE 'Europe/Berlin')::date)::date::text,
  coalesce(NULL::uuid[], '{}')::text,
  coalesce(NULL::uuid[], '{}')::text,
  coalesce(NULL::uuid[], '{}')::text
FROM comment described
WHERE described.id = ANY($1) AND (true);

-- Event
SELECT described.id,
  coalesce((described.title)::text, ''),
  coalesce((concat_ws(E'\n', described.venue, (SELECT m.name FROM municipality m WHERE m.id = described.municipality_id), (SELECT string_agg(DISTINCT o.name, E'\n') FROM event_organization l JOIN organization o ON o.id = l.organization_id AND o.deleted_at IS NULL WHERE l.event_id = described.id), (SELECT string_agg(DISTINCT p.name, E'\n') FROM event_mention l JOIN person p ON p.id = l.person_id AND p.deleted_at IS NULL WHERE l.event_id = described.id), (SELECT string_agg(DISTINCT t.name, E'\n') FROM event_topic l JOIN topic t ON t.id = l.topic_id AND t.deleted_at IS NULL WHERE l.event_id = described.id)))::text, ''),
  coalesce((described.summary)::text, ''),
  coalesce((described.audience)::text, ''),
  (described.date_start)::date::text,
  coalesce((ARRAY(SELECT k FROM (SELECT described.municipality_id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT m.state_id FROM municipality m WHERE m.id = described.municipality_id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT l.topic_id FROM event_topic l WHERE l.event_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text
FROM event described
WHERE described.id = ANY($1) AND (described.deleted_at IS NULL);

-- FundingAward
SELECT described.id,
  coalesce((described.title)::text, ''),
  coalesce((concat_ws(E'\n', 'Förderung', (SELECT concat_ws(E'\n', p.title, p.short_title) FROM funding_program p WHERE p.id = described.program_id), described.project_number, described.category, (SELECT string_agg(DISTINCT coalesce(m.name, o.name), E'\n') FROM funding_award_recipient l
			LEFT JOIN municipality m ON m.id = l.municipality_id LEFT JOIN organization o ON o.id = l.organization_id AND o.deleted_at IS NULL
			WHERE l.award_id = described.id)))::text, ''),
  coalesce(NULL::text, ''),
  coalesce((described.note)::text, ''),
  (coalesce(described.awarded_on_start, described.period_from_start))::date::text,
  coalesce((ARRAY(SELECT k FROM (SELECT l.municipality_id FROM funding_award_recipient l WHERE l.award_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT m.state_id FROM funding_award_recipient l JOIN municipality m ON m.id = l.municipality_id WHERE l.award_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT l.topic_id FROM funding_program_topic l WHERE l.program_id = described.program_id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text
FROM funding_award described
WHERE described.id = ANY($1) AND (described.deleted_at IS NULL);

-- FundingCall
SELECT described.id,
  coalesce((concat_ws(E'\n', described.label, described.motto))::text, ''),
  coalesce(((SELECT concat_ws(E'\n', p.title, p.short_title) FROM funding_program p WHERE p.id = described.program_id))::text, ''),
  coalesce(NULL::text, ''),
  coalesce(NULL::text, ''),
  (coalesce(described.opens_on, make_date(described.year, 1, 1)))::date::text,
  coalesce(NULL::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT l.state_id FROM funding_program_state l WHERE l.program_id = described.program_id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT l.topic_id FROM funding_program_topic l WHERE l.program_id = described.program_id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text
FROM funding_call described
WHERE described.id = ANY($1) AND (described.deleted_at IS NULL);

-- FundingProgram
SELECT described.id,
  coalesce((concat_ws(E'\n', described.title, described.short_title))::text, ''),
  coalesce((concat_ws(E'\n', 'Förderprogramm', (SELECT string_agg(DISTINCT o.name, E'\n') FROM organization o WHERE o.deleted_at IS NULL
				AND (o.id = described.administered_by_id OR o.id IN (SELECT l.organization_id FROM funding_program_funder l WHERE l.program_id = described.id))), (SELECT string_agg(DISTINCT t.name, E'\n') FROM funding_program_topic l JOIN topic t ON t.id = l.topic_id AND t.deleted_at IS NULL WHERE l.program_id = described.id), (SELECT string_agg(DISTINCT s.name, E'\n') FROM funding_program_state l JOIN state s ON s.id = l.state_id WHERE l.program_id = described.id)))::text, ''),
  coalesce((described.summary)::text, ''),
  coalesce((described.body_text)::text, ''),
  (coalesce(described.period_from_start, (described.published_at AT TIME ZONE 'Europe/Berlin')::date))::date::text,
  coalesce(NULL::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT l.state_id FROM funding_program_state l WHERE l.program_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT l.topic_id FROM funding_program_topic l WHERE l.program_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text
FROM funding_program described
WHERE described.id = ANY($1) AND (described.deleted_at IS NULL);

-- Measure
SELECT described.id,
  coalesce((described.title)::text, ''),
  coalesce((concat_ws(E'\n', (SELECT string_agg(DISTINCT coalesce(m.name, s.name, b.name), E'\n') FROM (SELECT municipality_id, state_id, organization_id FROM measure_owner WHERE measure_id = described.id
	UNION ALL SELECT municipality_id, state_id, organization_id FROM strategy_owner WHERE strategy_id = described.strategy_id) o LEFT JOIN municipality m ON m.id = o.municipality_id
		LEFT JOIN state s ON s.id = o.state_id LEFT JOIN organization b ON b.id = o.organization_id AND b.deleted_at IS NULL), (SELECT string_agg(DISTINCT o.name, E'\n') FROM measure_organization l JOIN organization o ON o.id = l.organization_id AND o.deleted_at IS NULL WHERE l.measure_id = described.id), (SELECT string_agg(DISTINCT t.name, E'\n') FROM topic t WHERE t.deleted_at IS NULL
				AND (t.id = described.action_field_id OR t.id IN (SELECT l.topic_id FROM measure_topic l WHERE l.measure_id = described.id)))))::text, ''),
  coalesce(NULL::text, ''),
  coalesce((described.description_text)::text, ''),
  (described.period_from_start)::date::text,
  coalesce((ARRAY(SELECT k FROM (SELECT o.municipality_id FROM (SELECT municipality_id, state_id, organization_id FROM measure_owner WHERE measure_id = described.id
	UNION ALL SELECT municipality_id, state_id, organization_id FROM strategy_owner WHERE strategy_id = described.strategy_id) o) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT o.state_id FROM (SELECT municipality_id, state_id, organization_id FROM measure_owner WHERE measure_id = described.id
	UNION ALL SELECT municipality_id, state_id, organization_id FROM strategy_owner WHERE strategy_id = described.strategy_id) o UNION ALL SELECT m.state_id FROM (SELECT municipality_id, state_id, organization_id FROM measure_owner WHERE measure_id = described.id
	UNION ALL SELECT municipality_id, state_id, organization_id FROM strategy_owner WHERE strategy_id = described.strategy_id) o JOIN municipality m ON m.id = o.municipality_id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT described.action_field_id UNION ALL SELECT l.topic_id FROM measure_topic l WHERE l.measure_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text
FROM measure described
WHERE described.id = ANY($1) AND (described.deleted_at IS NULL);

-- Municipality
SELECT described.id,
  coalesce((described.name)::text, ''),
  coalesce((concat_ws(E'\n', described.administration_postal_code, (SELECT string_agg(DISTINCT n.name, E'\n') FROM municipality_former_name n WHERE n.municipality_id = described.id), (SELECT string_agg(DISTINCT k.key, E'\n') FROM municipality_key k WHERE k.municipality_id = described.id)))::text, ''),
  coalesce(NULL::text, ''),
  coalesce((concat_ws(E'\n', nullif(described.label, described.name), nullif(described.official_name, described.name), concat_ws(' in ', CASE described.kind WHEN 'MARKET_TOWN' THEN 'Markt' WHEN 'RURAL_MUNICIPALITY' THEN 'Gemeinde'
	WHEN 'COUNTY' THEN 'Kreis' WHEN 'RURAL_DISTRICT' THEN 'Landkreis' WHEN 'REGIONAL_ASSOCIATION' THEN 'Regionalverband'
	WHEN 'AMT' THEN 'Amt' WHEN 'SAMTGEMEINDE' THEN 'Samtgemeinde' WHEN 'VERBANDSGEMEINDE' THEN 'Verbandsgemeinde'
	WHEN 'VERWALTUNGSGEMEINSCHAFT' THEN 'Verwaltungsgemeinschaft' WHEN 'GOVERNMENT_REGION' THEN 'Regierungsbezirk'
	ELSE CASE WHEN described.level = 'MUNICIPALITY' THEN 'Stadt' END END, (SELECT s.name FROM state s WHERE s.id = described.state_id))))::text, ''),
  NULL::date::text,
  coalesce((ARRAY[described.id])::uuid[], '{}')::text,
  coalesce((ARRAY[described.state_id])::uuid[], '{}')::text,
  coalesce(NULL::uuid[], '{}')::text
FROM municipality described
WHERE described.id = ANY($1) AND true;

-- Organization
SELECT described.id,
  coalesce((concat_ws(E'\n', described.name, described.short_name))::text, ''),
  coalesce((concat_ws(E'\n', (SELECT o.name FROM organization o WHERE o.id = described.parent_id AND o.deleted_at IS NULL), (SELECT m.name FROM municipality m WHERE m.id = described.municipality_id), (SELECT s.name FROM state s WHERE s.id = described.state_id)))::text, ''),
  coalesce(NULL::text, ''),
  coalesce(NULL::text, ''),
  NULL::date::text,
  coalesce((ARRAY(SELECT k FROM (SELECT described.municipality_id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT described.state_id UNION ALL SELECT m.state_id FROM municipality m WHERE m.id = described.municipality_id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce(NULL::uuid[], '{}')::text
FROM organization described
WHERE described.id = ANY($1) AND (described.deleted_at IS NULL);

-- Person
SELECT described.id,
  coalesce((concat_ws(E'\n', described.name, described.academic_title, array_to_string(described.aliases, E'\n')))::text, ''),
  coalesce((concat_ws(E'\n', (SELECT string_agg(DISTINCT a.role, E'\n') FROM person_affiliation a WHERE a.person_id = described.id), (SELECT string_agg(DISTINCT o.name, E'\n') FROM person_affiliation a JOIN organization o ON o.id IN (a.organization_id, a.party_id) AND o.deleted_at IS NULL WHERE a.person_id = described.id), (SELECT string_agg(DISTINCT m.name, E'\n') FROM person_affiliation a JOIN municipality m ON m.id = a.municipality_id WHERE a.person_id = described.id), (SELECT string_agg(DISTINCT s.name, E'\n') FROM person_affiliation a JOIN state s ON s.id = a.state_id WHERE a.person_id = described.id)))::text, ''),
  coalesce(NULL::text, ''),
  coalesce(NULL::text, ''),
  NULL::date::text,
  coalesce((ARRAY(SELECT k FROM (SELECT a.municipality_id FROM person_affiliation a WHERE a.person_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT a.state_id FROM person_affiliation a WHERE a.person_id = described.id UNION ALL SELECT m.state_id FROM person_affiliation a JOIN municipality m ON m.id = a.municipality_id WHERE a.person_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce(NULL::uuid[], '{}')::text
FROM person described
WHERE described.id = ANY($1) AND (described.deleted_at IS NULL);

-- Platform
SELECT described.id,
  coalesce((described.name)::text, ''),
  coalesce((concat_ws(E'\n', (SELECT o.name FROM organization o WHERE o.id = described.provider_id AND o.deleted_at IS NULL), (SELECT string_agg(DISTINCT s.name, E'\n') FROM platform_state l JOIN state s ON s.id = l.state_id WHERE l.platform_id = described.id)))::text, ''),
  coalesce((described.summary)::text, ''),
  coalesce(NULL::text, ''),
  NULL::date::text,
  coalesce(NULL::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT l.state_id FROM platform_state l WHERE l.platform_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce(NULL::uuid[], '{}')::text
FROM platform described
WHERE described.id = ANY($1) AND (described.deleted_at IS NULL);

-- Ranking
SELECT described.id,
  coalesce((described.name)::text, ''),
  coalesce((concat_ws(E'\n', described.category, described.edition::text, (SELECT o.name FROM organization o WHERE o.id = described.publisher_id AND o.deleted_at IS NULL)))::text, ''),
  coalesce(NULL::text, ''),
  coalesce(NULL::text, ''),
  (make_date(described.edition, 1, 1))::date::text,
  coalesce((ARRAY(SELECT k FROM (SELECT e.municipality_id FROM ranking_entry e WHERE e.ranking_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT m.state_id FROM ranking_entry e JOIN municipality m ON m.id = e.municipality_id WHERE e.ranking_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce(NULL::uuid[], '{}')::text
FROM ranking described
WHERE described.id = ANY($1) AND (described.deleted_at IS NULL);

-- State
SELECT described.id,
  coalesce((described.name)::text, ''),
  coalesce((concat_ws(E'\n', described.code, described.key, described.iso3166, described.nuts1))::text, ''),
  coalesce(NULL::text, ''),
  coalesce((CASE WHEN described.code IN ('BY', 'SN', 'TH') THEN 'Bundesland, Freistaat' WHEN described.code IN ('HB', 'HH') THEN 'Bundesland, Hansestadt' ELSE 'Bundesland' END)::text, ''),
  NULL::date::text,
  coalesce((ARRAY(SELECT k FROM (SELECT described.city_municipality_id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY[described.id])::uuid[], '{}')::text,
  coalesce(NULL::uuid[], '{}')::text
FROM state described
WHERE described.id = ANY($1) AND true;

-- Strategy
SELECT described.id,
  coalesce((described.title)::text, ''),
  coalesce((concat_ws(E'\n', 'Strategie', CASE described.kind WHEN 'DIGITAL_STRATEGY' THEN 'Digitalstrategie' WHEN 'DIGITAL_AGENDA' THEN 'Digitale Agenda'
	WHEN 'DIGITAL_CONCEPT' THEN 'Digitalkonzept' WHEN 'SMART_CITY_STRATEGY' THEN 'Smart-City-Strategie' WHEN 'ROADMAP' THEN 'Roadmap'
	WHEN 'ACTION_PLAN' THEN 'Aktionsplan' END, (SELECT string_agg(DISTINCT coalesce(m.name, s.name, b.name), E'\n') FROM (SELECT municipality_id, state_id, organization_id FROM strategy_owner WHERE strategy_id = described.id) o LEFT JOIN municipality m ON m.id = o.municipality_id
		LEFT JOIN state s ON s.id = o.state_id LEFT JOIN organization b ON b.id = o.organization_id AND b.deleted_at IS NULL), (SELECT string_agg(DISTINCT t.name, E'\n') FROM strategy_topic l JOIN topic t ON t.id = l.topic_id AND t.deleted_at IS NULL WHERE l.strategy_id = described.id), (SELECT string_agg(DISTINCT o.name, E'\n') FROM strategy_responsible l JOIN organization o ON o.id = l.organization_id AND o.deleted_at IS NULL WHERE l.strategy_id = described.id)))::text, ''),
  coalesce((described.summary)::text, ''),
  coalesce((described.body_text)::text, ''),
  (coalesce(described.adopted_on_start, described.presented_on_start, (described.published_at AT TIME ZONE 'Europe/Berlin')::date))::date::text,
  coalesce((ARRAY(SELECT k FROM (SELECT o.municipality_id FROM (SELECT municipality_id, state_id, organization_id FROM strategy_owner WHERE strategy_id = described.id) o) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT o.state_id FROM (SELECT municipality_id, state_id, organization_id FROM strategy_owner WHERE strategy_id = described.id) o UNION ALL SELECT m.state_id FROM (SELECT municipality_id, state_id, organization_id FROM strategy_owner WHERE strategy_id = described.id) o JOIN municipality m ON m.id = o.municipality_id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text,
  coalesce((ARRAY(SELECT k FROM (SELECT l.topic_id FROM strategy_topic l WHERE l.strategy_id = described.id) keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k))::uuid[], '{}')::text
FROM strategy described
WHERE described.id = ANY($1) AND (described.deleted_at IS NULL);

-- Topic
SELECT described.id,
  coalesce((concat_ws(E'\n', described.name, array_to_string(described.synonyms, E'\n')))::text, ''),
  coalesce(((SELECT p.name FROM topic p WHERE p.id = described.parent_id AND p.deleted_at IS NULL))::text, ''),
  coalesce(NULL::text, ''),
  coalesce(NULL::text, ''),
  NULL::date::text,
  coalesce(NULL::uuid[], '{}')::text,
  coalesce(NULL::uuid[], '{}')::text,
  coalesce((ARRAY[described.id])::uuid[], '{}')::text
FROM topic described
WHERE described.id = ANY($1) AND (described.deleted_at IS NULL);

