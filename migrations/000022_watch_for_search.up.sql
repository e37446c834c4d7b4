-- For each table the columns that a document is made of (what nouns declare as
-- Search), and the documents that hold them.

-- ── articles ──
SELECT search_watch('article', 'id, kicker, title, subtitle, lead, body_text, published_on_start, published_at, deleted_at',
  $$SELECT 'Article', id FROM changed$$);
SELECT search_watch('article_topic', 'article_id, topic_id', $$SELECT 'Article', article_id FROM changed$$);
SELECT search_watch('article_municipality', 'article_id, municipality_id', $$SELECT 'Article', article_id FROM changed$$);
SELECT search_watch('article_state', 'article_id, state_id', $$SELECT 'Article', article_id FROM changed$$);
SELECT search_watch('article_organization', 'article_id, organization_id', $$SELECT 'Article', article_id FROM changed$$);
SELECT search_watch('article_mention', 'article_id, person_id', $$SELECT 'Article', article_id FROM changed$$);
SELECT search_watch('article_byline', 'article_id, person_id, organization_id', $$SELECT 'Article', article_id FROM changed$$);
SELECT search_watch('comment', $$id, body_text, status IN ('HIDDEN', 'ERASED'), published_at, created_at$$, $$SELECT 'Comment', id FROM changed$$);

-- ── strategies ──
SELECT search_watch('strategy', 'id, title, kind, summary, body_text, adopted_on_start, presented_on_start, published_at, deleted_at',
  $$SELECT 'Strategy', id FROM changed$$);
SELECT search_watch('strategy_owner', 'strategy_id, municipality_id, state_id, organization_id',
  $$SELECT 'Strategy', strategy_id FROM changed
  UNION ALL SELECT 'Measure', m.id FROM changed c JOIN measure m ON m.strategy_id = c.strategy_id$$);
SELECT search_watch('strategy_topic', 'strategy_id, topic_id', $$SELECT 'Strategy', strategy_id FROM changed$$);
SELECT search_watch('strategy_responsible', 'strategy_id, organization_id', $$SELECT 'Strategy', strategy_id FROM changed$$);
SELECT search_watch('measure', 'id, strategy_id, title, description_text, action_field_id, period_from_start, deleted_at',
  $$SELECT 'Measure', id FROM changed$$);
SELECT search_watch('measure_owner', 'measure_id, municipality_id, state_id, organization_id', $$SELECT 'Measure', measure_id FROM changed$$);
SELECT search_watch('measure_organization', 'measure_id, organization_id', $$SELECT 'Measure', measure_id FROM changed$$);
SELECT search_watch('measure_topic', 'measure_id, topic_id', $$SELECT 'Measure', measure_id FROM changed$$);

-- ── funding ──
SELECT search_watch('funding_program', 'id, title, short_title, summary, body_text, administered_by_id, period_from_start, published_at, deleted_at',
  $$SELECT 'FundingProgram', id FROM changed$$,
  $$SELECT 'FundingCall', f.id FROM changed c JOIN funding_call f ON f.program_id = c.id
  UNION ALL SELECT 'FundingAward', a.id FROM changed c JOIN funding_award a ON a.program_id = c.id$$);
SELECT search_watch('funding_program_funder', 'program_id, organization_id', $$SELECT 'FundingProgram', program_id FROM changed$$);
SELECT search_watch('funding_program_state', 'program_id, state_id',
  $$SELECT 'FundingProgram', program_id FROM changed
  UNION ALL SELECT 'FundingCall', f.id FROM changed c JOIN funding_call f ON f.program_id = c.program_id$$);
SELECT search_watch('funding_program_topic', 'program_id, topic_id',
  $$SELECT 'FundingProgram', program_id FROM changed
  UNION ALL SELECT 'FundingCall', f.id FROM changed c JOIN funding_call f ON f.program_id = c.program_id
  UNION ALL SELECT 'FundingAward', a.id FROM changed c JOIN funding_award a ON a.program_id = c.program_id$$);
SELECT search_watch('funding_call', 'id, program_id, label, motto, year, opens_on, deleted_at', $$SELECT 'FundingCall', id FROM changed$$);
SELECT search_watch('funding_award', 'id, program_id, title, project_number, category, note, awarded_on_start, period_from_start, deleted_at',
  $$SELECT 'FundingAward', id FROM changed$$);
SELECT search_watch('funding_award_recipient', 'award_id, municipality_id, organization_id', $$SELECT 'FundingAward', award_id FROM changed$$);

-- ── events, rankings, platforms ──
SELECT search_watch('event', 'id, title, summary, venue, audience, municipality_id, date_start, deleted_at', $$SELECT 'Event', id FROM changed$$);
SELECT search_watch('event_organization', 'event_id, organization_id', $$SELECT 'Event', event_id FROM changed$$);
SELECT search_watch('event_mention', 'event_id, person_id', $$SELECT 'Event', event_id FROM changed$$);
SELECT search_watch('event_topic', 'event_id, topic_id', $$SELECT 'Event', event_id FROM changed$$);
SELECT search_watch('ranking', 'id, name, edition, category, publisher_id, deleted_at', $$SELECT 'Ranking', id FROM changed$$);
SELECT search_watch('ranking_entry', 'ranking_id, municipality_id', $$SELECT 'Ranking', ranking_id FROM changed$$);
SELECT search_watch('platform', 'id, name, summary, provider_id, deleted_at', $$SELECT 'Platform', id FROM changed$$);
SELECT search_watch('platform_state', 'platform_id, state_id', $$SELECT 'Platform', platform_id FROM changed$$);

-- ── what others name ──
SELECT search_watch('municipality', 'id, level, kind, name, official_name, label, key, administration_postal_code, state_id',
  $$SELECT 'Municipality', id FROM changed$$,
  $$SELECT 'Article', l.article_id FROM changed c JOIN article_municipality l ON l.municipality_id = c.id
  UNION ALL SELECT 'Strategy', l.strategy_id FROM changed c JOIN strategy_owner l ON l.municipality_id = c.id
  UNION ALL SELECT 'Measure', m.id FROM changed c JOIN strategy_owner l ON l.municipality_id = c.id JOIN measure m ON m.strategy_id = l.strategy_id
  UNION ALL SELECT 'Measure', l.measure_id FROM changed c JOIN measure_owner l ON l.municipality_id = c.id
  UNION ALL SELECT 'FundingAward', l.award_id FROM changed c JOIN funding_award_recipient l ON l.municipality_id = c.id
  UNION ALL SELECT 'Organization', o.id FROM changed c JOIN organization o ON o.municipality_id = c.id
  UNION ALL SELECT 'Person', l.person_id FROM changed c JOIN person_affiliation l ON l.municipality_id = c.id
  UNION ALL SELECT 'Event', e.id FROM changed c JOIN event e ON e.municipality_id = c.id$$);
SELECT search_watch('municipality_key', 'municipality_id, key', $$SELECT 'Municipality', municipality_id FROM changed$$);
SELECT search_watch('municipality_former_name', 'municipality_id, name', $$SELECT 'Municipality', municipality_id FROM changed$$);
SELECT search_watch('state', 'id, key, code, iso3166, nuts1, name, city_municipality_id',
  $$SELECT 'State', id FROM changed$$,
  $$SELECT 'Municipality', m.id FROM changed c JOIN municipality m ON m.state_id = c.id
  UNION ALL SELECT 'Article', l.article_id FROM changed c JOIN article_state l ON l.state_id = c.id
  UNION ALL SELECT 'Strategy', l.strategy_id FROM changed c JOIN strategy_owner l ON l.state_id = c.id
  UNION ALL SELECT 'Measure', m.id FROM changed c JOIN strategy_owner l ON l.state_id = c.id JOIN measure m ON m.strategy_id = l.strategy_id
  UNION ALL SELECT 'Measure', l.measure_id FROM changed c JOIN measure_owner l ON l.state_id = c.id
  UNION ALL SELECT 'FundingProgram', l.program_id FROM changed c JOIN funding_program_state l ON l.state_id = c.id
  UNION ALL SELECT 'Organization', o.id FROM changed c JOIN organization o ON o.state_id = c.id
  UNION ALL SELECT 'Person', l.person_id FROM changed c JOIN person_affiliation l ON l.state_id = c.id
  UNION ALL SELECT 'Platform', l.platform_id FROM changed c JOIN platform_state l ON l.state_id = c.id$$);
SELECT search_watch('organization', 'id, name, short_name, parent_id, municipality_id, state_id, deleted_at',
  $$SELECT 'Organization', id FROM changed$$,
  $$SELECT 'Organization', o.id FROM changed c JOIN organization o ON o.parent_id = c.id
  UNION ALL SELECT 'Article', l.article_id FROM changed c JOIN article_organization l ON l.organization_id = c.id
  UNION ALL SELECT 'Article', l.article_id FROM changed c JOIN article_byline l ON l.organization_id = c.id
  UNION ALL SELECT 'Strategy', l.strategy_id FROM changed c JOIN strategy_owner l ON l.organization_id = c.id
  UNION ALL SELECT 'Strategy', l.strategy_id FROM changed c JOIN strategy_responsible l ON l.organization_id = c.id
  UNION ALL SELECT 'Measure', m.id FROM changed c JOIN strategy_owner l ON l.organization_id = c.id JOIN measure m ON m.strategy_id = l.strategy_id
  UNION ALL SELECT 'Measure', l.measure_id FROM changed c JOIN measure_owner l ON l.organization_id = c.id
  UNION ALL SELECT 'Measure', l.measure_id FROM changed c JOIN measure_organization l ON l.organization_id = c.id
  UNION ALL SELECT 'FundingProgram', l.program_id FROM changed c JOIN funding_program_funder l ON l.organization_id = c.id
  UNION ALL SELECT 'FundingProgram', p.id FROM changed c JOIN funding_program p ON p.administered_by_id = c.id
  UNION ALL SELECT 'FundingAward', l.award_id FROM changed c JOIN funding_award_recipient l ON l.organization_id = c.id
  UNION ALL SELECT 'Person', l.person_id FROM changed c JOIN person_affiliation l ON l.organization_id = c.id
  UNION ALL SELECT 'Person', l.person_id FROM changed c JOIN person_affiliation l ON l.party_id = c.id
  UNION ALL SELECT 'Event', l.event_id FROM changed c JOIN event_organization l ON l.organization_id = c.id
  UNION ALL SELECT 'Ranking', r.id FROM changed c JOIN ranking r ON r.publisher_id = c.id
  UNION ALL SELECT 'Platform', p.id FROM changed c JOIN platform p ON p.provider_id = c.id$$);
SELECT search_watch('person', 'id, name, academic_title, aliases, deleted_at',
  $$SELECT 'Person', id FROM changed$$,
  $$SELECT 'Article', l.article_id FROM changed c JOIN article_mention l ON l.person_id = c.id
  UNION ALL SELECT 'Article', l.article_id FROM changed c JOIN article_byline l ON l.person_id = c.id
  UNION ALL SELECT 'Event', l.event_id FROM changed c JOIN event_mention l ON l.person_id = c.id$$);
SELECT search_watch('person_affiliation', 'person_id, role, organization_id, municipality_id, state_id, party_id', $$SELECT 'Person', person_id FROM changed$$);
SELECT search_watch('topic', 'id, name, synonyms, parent_id, deleted_at',
  $$SELECT 'Topic', id FROM changed$$,
  $$SELECT 'Topic', t.id FROM changed c JOIN topic t ON t.parent_id = c.id
  UNION ALL SELECT 'Article', l.article_id FROM changed c JOIN article_topic l ON l.topic_id = c.id
  UNION ALL SELECT 'Strategy', l.strategy_id FROM changed c JOIN strategy_topic l ON l.topic_id = c.id
  UNION ALL SELECT 'Measure', l.measure_id FROM changed c JOIN measure_topic l ON l.topic_id = c.id
  UNION ALL SELECT 'Measure', m.id FROM changed c JOIN measure m ON m.action_field_id = c.id
  UNION ALL SELECT 'FundingProgram', l.program_id FROM changed c JOIN funding_program_topic l ON l.topic_id = c.id
  UNION ALL SELECT 'Event', l.event_id FROM changed c JOIN event_topic l ON l.topic_id = c.id$$);

-- What is there already waits for its first document.
INSERT INTO search_stale (type, id)
  SELECT 'Article', id FROM article
  UNION ALL SELECT 'Strategy', id FROM strategy
  UNION ALL SELECT 'Measure', id FROM measure
  UNION ALL SELECT 'FundingProgram', id FROM funding_program
  UNION ALL SELECT 'FundingCall', id FROM funding_call
  UNION ALL SELECT 'FundingAward', id FROM funding_award
  UNION ALL SELECT 'Municipality', id FROM municipality
  UNION ALL SELECT 'State', id FROM state
  UNION ALL SELECT 'Organization', id FROM organization
  UNION ALL SELECT 'Person', id FROM person
  UNION ALL SELECT 'Topic', id FROM topic
  UNION ALL SELECT 'Event', id FROM event
  UNION ALL SELECT 'Ranking', id FROM ranking
  UNION ALL SELECT 'Platform', id FROM platform
  UNION ALL SELECT 'Comment', id FROM comment;
