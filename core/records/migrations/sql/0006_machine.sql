-- The rest of the publication machine: keys, resending, resolving, taking down, quotas.
SET LOCAL lock_timeout = '4s';

ALTER TABLE receipt DROP CONSTRAINT receipt_result_known;
ALTER TABLE receipt ADD CONSTRAINT receipt_result_known
    CHECK (result IN ('accepted', 'processing', 'not_sent', 'refused', 'unknown'));

-- ── Holds that end by the clock (two-minute silence, election period): begin ─────────────────────────────────────
ALTER TABLE hold ADD COLUMN ends_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE hold ADD CONSTRAINT hold_has_a_span CHECK (ends_at IS NULL OR starts_at < ends_at);
GRANT INSERT (ends_at) ON hold TO countersign_api;

-- What a hold that ended stopped stays stopped: ending releases nothing, as lifting does not.
CREATE OR REPLACE FUNCTION hold_stands(p_platform text, p_account uuid, p_draft uuid, p_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM hold
        WHERE starts_at <= p_at AND (ends_at IS NULL OR p_at < ends_at) AND lifted_at IS NULL
          AND (scope, target) IN (('all', ''), ('platform', p_platform), ('account', p_account::text), ('draft', p_draft::text)))
$$;

-- A hold that stands at p_at and still will at p_due: what waits at the gate for a time after its end is not stopped by it.
CREATE FUNCTION hold_stops(p_platform text, p_account uuid, p_draft uuid, p_at timestamptz, p_due timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM hold
        WHERE starts_at <= p_at AND (ends_at IS NULL OR greatest(p_at, p_due) < ends_at) AND lifted_at IS NULL
          AND (scope, target) IN (('all', ''), ('platform', p_platform), ('account', p_account::text), ('draft', p_draft::text)))
$$;
GRANT EXECUTE ON FUNCTION hold_stops(text, uuid, uuid, timestamptz, timestamptz) TO countersign_worker;
-- ── Holds that end by the clock: end ─────────────────────────────────────────────────────────────────────────────
