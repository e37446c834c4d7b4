-- Values that never come in a form which JSON cannot carry: no infinite dates,
-- no NaN amounts.
CREATE DOMAIN day AS date CONSTRAINT day_finite CHECK (isfinite(value));
CREATE DOMAIN instant AS timestamptz CONSTRAINT instant_finite CHECK (isfinite(value));
CREATE DOMAIN amount AS numeric(16, 2) CONSTRAINT amount_finite CHECK (value <> 'NaN');
CREATE DOMAIN percentage AS numeric(5, 2) CONSTRAINT percentage_range CHECK (value BETWEEN 0 AND 100);

-- A vague date is stored as the first and the last day that it can mean.
CREATE FUNCTION partial_date_valid(first day, last day, "precision" text, wording text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE
  WHEN first IS NULL OR last IS NULL OR "precision" IS NULL
    THEN num_nonnulls(first, last, "precision", wording) = 0
  WHEN "precision" = 'DAY' THEN last = first
  WHEN "precision" = 'MONTH' THEN date_trunc('month', first::timestamp) = first
    AND last = (first + interval '1 month' - interval '1 day')::date
  WHEN "precision" = 'YEAR' THEN date_trunc('year', first::timestamp) = first
    AND last = (first + interval '1 year' - interval '1 day')::date
  WHEN "precision" = 'INTERVAL' THEN last > first
  ELSE false
END
$$;

-- The form in which texts are compared when case and umlauts must not matter:
-- "MÜNSTER", "Münster" and "Muenster" are one, and so are "Straße" and "Strasse".
CREATE FUNCTION fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT replace(replace(replace(replace(lower(value COLLATE "de-x-icu"), 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ß', 'ss')
$$;
