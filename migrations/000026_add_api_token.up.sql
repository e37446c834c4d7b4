-- Who may do more than read what is public. A token is 256 random bits. Nobody can
-- guess it, so there is nothing that a slow hash would slow down: what is stored is
-- its SHA-256, by which the index finds it. Who reads this table learns no token.
CREATE TABLE api_token (
  id uuid CONSTRAINT api_token_pkey PRIMARY KEY,
  name text NOT NULL,
  role text NOT NULL,
  hash bytea NOT NULL CONSTRAINT api_token_hash_unique UNIQUE,
  hint text NOT NULL, -- how it begins, to tell it in lists
  territories text[] NOT NULL DEFAULT '{}', -- official keys; writes only there and in their members, everywhere if there are none
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by uuid CONSTRAINT api_token_created_by_known REFERENCES api_token (id), -- null: by a command
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz, -- to the minute
  CONSTRAINT api_token_name_given CHECK (name <> '' AND length(name) <= 100),
  CONSTRAINT api_token_role_known CHECK (role IN ('READER', 'EDITOR', 'PUBLISHER', 'MODERATOR', 'ADMIN')),
  CONSTRAINT api_token_hash_complete CHECK (length(hash) = 32),
  CONSTRAINT api_token_hint_short CHECK (length(hint) BETWEEN 1 AND 12), -- no more of it than that
  -- Readers write nowhere, and whoever makes tokens could make one without limits.
  CONSTRAINT api_token_territories_mean_something CHECK (cardinality(territories) = 0 OR role IN ('EDITOR', 'PUBLISHER', 'MODERATOR')),
  CONSTRAINT api_token_expiry_ordered CHECK (expires_at > created_at)
);
-- Revoked ones stay on record; their names are free again.
CREATE UNIQUE INDEX api_token_name_unique ON api_token (name) WHERE revoked_at IS NULL;

-- territories_permit says whether somebody who is limited to territories may write a
-- row that belongs to these municipalities and states: if it belongs to any, and to
-- none outside of the territories and their members. Whoever may write only in one
-- town changes neither what has no place nor what is another town's, too. No
-- territories at all are no limit; null is nobody.
CREATE FUNCTION territories_permit(keys text[], municipalities uuid[], states uuid[]) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
SELECT CASE WHEN cardinality(keys) = 0 THEN true WHEN keys IS NULL THEN false ELSE
  (EXISTS (SELECT FROM unnest(municipalities) m(id) WHERE m.id IS NOT NULL) OR EXISTS (SELECT FROM unnest(states) s(id) WHERE s.id IS NOT NULL))
  AND NOT EXISTS (SELECT FROM unnest(municipalities) m(id) WHERE m.id IS NOT NULL AND m.id NOT IN (SELECT territory_members(keys)))
  AND NOT EXISTS (SELECT FROM unnest(states) s(id) WHERE s.id IS NOT NULL AND s.id NOT IN (SELECT state.id FROM state WHERE state.key = ANY(keys)))
END
$$;
