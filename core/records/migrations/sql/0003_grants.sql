-- The api writes what people did; the worker writes what the service did; nobody writes the other's part.

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
-- What later migrations create is nobody's until they say whose.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO countersign_api, countersign_worker;

GRANT SELECT ON ALL TABLES IN SCHEMA public TO countersign_api, countersign_worker;
REVOKE SELECT ON session, idempotency FROM countersign_worker;
REVOKE ALL ON alembic_version FROM countersign_api, countersign_worker;
GRANT SELECT ON alembic_version TO countersign_api, countersign_worker;

-- Every column but those that the database's own clock fills in, so that no process can backdate an act.
CREATE FUNCTION grant_insert_unstamped(p_login text, p_tables text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_table text;
    v_columns text;
BEGIN
    FOREACH v_table IN ARRAY p_tables LOOP
        SELECT string_agg(quote_ident(column_name), ', ') INTO v_columns FROM information_schema.columns
            WHERE table_schema = 'public' AND table_name = v_table AND column_default IS DISTINCT FROM 'clock_timestamp()';
        EXECUTE format('GRANT INSERT (%s) ON %I TO %I', v_columns, v_table, p_login);
    END LOOP;
END $$;

SELECT grant_insert_unstamped('countersign_api', ARRAY[
    'person', 'session', 'draft', 'manifest', 'version', 'contributor', 'version_view', 'media', 'upload', 'derivative',
    'draft_image', 'schedule', 'submission', 'withdrawal', 'decision', 'awaiting', 'hold', 'outbox', 'idempotency']);
GRANT UPDATE (name, email, roles, seen_at) ON person TO countersign_api;
GRANT UPDATE (data, seen_at, auth_time, person_id) ON session TO countersign_api;
GRANT DELETE ON session, awaiting, idempotency TO countersign_api;
GRANT UPDATE (revision, changed_at) ON draft TO countersign_api;
GRANT UPDATE (due) ON awaiting TO countersign_api;
GRANT UPDATE (status, body) ON idempotency TO countersign_api;
GRANT UPDATE (lifted_at, lifted_by, lift_confirmed_by) ON hold TO countersign_api;
GRANT EXECUTE ON FUNCTION audit_append(text, text, text, integer, text, jsonb, text), hold_lock_key(text, text),
    lock_before_holding(text, text), hold_stands(text, uuid, uuid, timestamptz) TO countersign_api;

SELECT grant_insert_unstamped('countersign_worker', ARRAY['publication', 'receipt', 'step_clock', 'outbox']);
DROP FUNCTION grant_insert_unstamped(text, text[]);
GRANT INSERT ON heartbeat TO countersign_worker;
GRANT UPDATE (state, epoch, lease_until, worker, not_before, schedule_revision, publish_at, post_id, permalink, note)
    ON publication TO countersign_worker;
GRANT UPDATE (delivered_at, claimed_until, tries) ON outbox TO countersign_worker;
GRANT UPDATE (at, engine_at) ON heartbeat TO countersign_worker;
GRANT DELETE ON heartbeat, outbox TO countersign_worker;
GRANT EXECUTE ON FUNCTION audit_append(text, text, text, integer, text, jsonb, text), hold_lock_key(text, text),
    hold_stands(text, uuid, uuid, timestamptz), fully_authorised(uuid, text, uuid, timestamptz),
    dispatch(uuid, integer, jsonb) TO countersign_worker;
