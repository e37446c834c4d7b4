-- What makes a comment suspicious, and how much. Scores add up; from 100 on it is
-- taken for spam, which moderators still see and can take back.
CREATE TABLE comment_rule (
  id          uuid PRIMARY KEY,
  kind        text NOT NULL CONSTRAINT comment_rule_kind_known CHECK (kind IN
    ('WORD', 'LINK_HOST', 'EMAIL_HOST', 'LINKS', 'FIRST_COMMENT', 'DUPLICATE', 'HONEYPOT')),
  pattern     text CONSTRAINT comment_rule_pattern_length CHECK (length(pattern) BETWEEN 2 AND 200),
  threshold   integer CONSTRAINT comment_rule_threshold_range CHECK (threshold BETWEEN 1 AND 100),
  score       integer NOT NULL CONSTRAINT comment_rule_score_range CHECK (score BETWEEN 0 AND 100),
  active      boolean NOT NULL DEFAULT true,
  description text CONSTRAINT comment_rule_description_length CHECK (length(description) BETWEEN 1 AND 500),
  version     integer NOT NULL DEFAULT 1,
  created_at  instant NOT NULL DEFAULT now(),
  modified_at instant NOT NULL DEFAULT now(),
  deleted_at  instant,
  CONSTRAINT comment_rule_pattern_given CHECK ((kind IN ('WORD', 'LINK_HOST', 'EMAIL_HOST')) = (pattern IS NOT NULL)),
  CONSTRAINT comment_rule_threshold_given CHECK ((kind = 'LINKS') = (threshold IS NOT NULL))
);
CREATE INDEX comment_rule_order_idx ON comment_rule (kind, id) WHERE deleted_at IS NULL;

INSERT INTO comment_rule (id, kind, pattern, threshold, score, description) VALUES
  ('01890000-0000-7000-8000-00000000c001', 'FIRST_COMMENT', NULL, NULL, 10, 'Nothing of this address was approved yet.'),
  ('01890000-0000-7000-8000-00000000c002', 'LINKS', NULL, 2, 30, 'Two links and more.'),
  ('01890000-0000-7000-8000-00000000c003', 'LINKS', NULL, 5, 60, 'Five links and more, beside what two bring.'),
  ('01890000-0000-7000-8000-00000000c004', 'DUPLICATE', NULL, NULL, 50, 'Somebody has sent the same text within a day.'),
  ('01890000-0000-7000-8000-00000000c005', 'HONEYPOT', NULL, NULL, 100, 'A field is filled in that people do not see.'),
  ('01890000-0000-7000-8000-00000000c006', 'WORD', 'casino', NULL, 50, NULL),
  ('01890000-0000-7000-8000-00000000c007', 'WORD', 'viagra', NULL, 100, NULL);

INSERT INTO history_type (type, source, visible, derived) VALUES ('CommentRule', 'comment_rule', 'false', '{}');
SELECT history_watch('CommentRule');
SELECT touch_objects('CommentRule');
