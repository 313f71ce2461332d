-- Audit chain, append-only tables, the publication machine and dispatch. Owned by countersign_owner, who cannot log in.

-- ── Audit: one hash chain per subject, written in the same transaction as the act ────────────────────────────────
CREATE FUNCTION audit_append(
    p_subject text, p_actor text, p_action text, p_paragraph integer, p_digest text, p_detail jsonb, p_request text
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_number integer;
    v_prev bytea;
    v_at timestamptz;
    v_body bytea;
    v_hash bytea;
    v_id bigint;
BEGIN
    -- A worker speaks only for the service: people's acts come from the api (who writes what).
    IF session_user = 'countersign_worker' AND p_actor <> 'service' THEN
        RAISE EXCEPTION 'The worker cannot record an act of %', p_actor USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF session_user = 'countersign_api' AND p_actor = 'service' THEN
        RAISE EXCEPTION 'The api cannot record an act of the service' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO audit_head (subject, number, hash)
        VALUES (p_subject, 0, sha256(convert_to('countersign:' || p_subject, 'UTF8')))
        ON CONFLICT (subject) DO NOTHING;
    SELECT number + 1, hash INTO v_number, v_prev FROM audit_head WHERE subject = p_subject FOR UPDATE;
    v_at := clock_timestamp();
    -- The bytes that are hashed are the bytes that are kept: jsonb would re-order keys, text does not.
    v_body := convert_to(json_build_object(
        'v', 1, 'subject', p_subject, 'number', v_number, 'prev', encode(v_prev, 'hex'),
        'at', to_char(v_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'actor', p_actor, 'action', p_action, 'paragraph', p_paragraph, 'digest', p_digest,
        'detail', p_detail, 'request', p_request)::text, 'UTF8');
    v_hash := sha256(v_body);
    INSERT INTO audit_event (subject, number, prev, hash, body, at, actor, action, paragraph)
        VALUES (p_subject, v_number, v_prev, v_hash, v_body, v_at, p_actor, p_action, p_paragraph)
        RETURNING id INTO v_id;
    UPDATE audit_head SET number = v_number, hash = v_hash WHERE subject = p_subject;
    RETURN v_id;
END $$;

CREATE FUNCTION stays_as_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: what is on the record stays as it was written', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['audit_event', 'manifest', 'version', 'decision', 'withdrawal', 'submission', 'schedule',
                                   'contributor', 'transition', 'attempt', 'receipt', 'media', 'derivative', 'upload'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION stays_as_written()',
                       v_table || '_stays', v_table);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION stays_as_written()',
                       v_table || '_not_emptied', v_table);
    END LOOP;
END $$;

-- ── The publication machine: only legal moves, each one leaving a transition and an audit event ──────────────────
INSERT INTO legal_move (before, after) VALUES
    ('scheduled', 'claimed'), ('scheduled', 'held'), ('scheduled', 'revoked'), ('scheduled', 'expired'), ('scheduled', 'stale'),
    ('scheduled', 'withdrawn'),
    ('claimed', 'scheduled'), ('claimed', 'sending'), ('claimed', 'held'), ('claimed', 'revoked'), ('claimed', 'expired'),
    ('claimed', 'stale'), ('claimed', 'withdrawn'), ('claimed', 'rejected'),
    ('sending', 'processing'), ('sending', 'published'), ('sending', 'rejected'), ('sending', 'scheduled'), ('sending', 'unknown'),
    ('processing', 'published'), ('processing', 'rejected'), ('processing', 'unknown'),
    ('unknown', 'published'), ('unknown', 'scheduled'), ('unknown', 'abandoned'),
    ('published', 'verified'), ('published', 'mismatch'), ('published', 'removing'),
    ('mismatch', 'verified'), ('mismatch', 'removing'),
    ('verified', 'removing'),
    ('removing', 'removed'), ('removing', 'removal_unknown'),
    ('removal_unknown', 'removed'), ('removal_unknown', 'removing'),
    ('held', 'scheduled'), ('held', 'expired'), ('held', 'stale'), ('held', 'withdrawn'), ('held', 'revoked'),
    ('revoked', 'stale'), ('revoked', 'withdrawn'),
    ('expired', 'stale'), ('expired', 'withdrawn'),
    ('rejected', 'scheduled'), ('rejected', 'abandoned'), ('rejected', 'stale'), ('rejected', 'withdrawn');

-- Runs as whoever moves the row, so that it can tell dispatch() (the owner) from a bare UPDATE by the worker.
CREATE FUNCTION publication_may_move() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (NEW.id, NEW.draft_id, NEW.account_id, NEW.submission_id, NEW.digest, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.draft_id, OLD.account_id, OLD.submission_id, OLD.digest, OLD.created_at) THEN
        RAISE EXCEPTION 'A publication keeps its draft, account, submission and digest' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.epoch < OLD.epoch THEN
        RAISE EXCEPTION 'An epoch never goes back' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = OLD.state THEN
        RETURN NEW;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM legal_move WHERE before = OLD.state AND after = NEW.state) THEN
        RAISE EXCEPTION 'A publication cannot move from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = 'sending' AND current_user <> 'countersign_owner' THEN
        RAISE EXCEPTION 'Only dispatch() may move a publication to sending' USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.moves := OLD.moves + 1;
    NEW.moved_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE TRIGGER publication_may_move BEFORE UPDATE ON publication FOR EACH ROW EXECUTE FUNCTION publication_may_move();

CREATE FUNCTION publication_starts() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.state <> 'scheduled' OR NEW.epoch <> 0 OR NEW.moves <> 0 THEN
        RAISE EXCEPTION 'A publication starts as scheduled' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER publication_starts BEFORE INSERT ON publication FOR EACH ROW EXECUTE FUNCTION publication_starts();

-- Runs as the owner: nobody else may write transitions, and no move is without one.
CREATE FUNCTION publication_moved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.state = OLD.state THEN
        RETURN NULL;
    END IF;
    INSERT INTO transition (publication_id, number, before, after, epoch, note)
        VALUES (NEW.id, NEW.moves, CASE TG_OP WHEN 'UPDATE' THEN OLD.state ELSE '' END, NEW.state, NEW.epoch, NEW.note);
    PERFORM audit_append('publication:' || NEW.id, 'service', 'publication.' || NEW.state, 36, NEW.digest,
        jsonb_build_object('draft', NEW.draft_id, 'account', NEW.account_id, 'epoch', NEW.epoch, 'post', NEW.post_id), NULL);
    -- The draft's workflow looks again when one of its publications came to where it ends or waits for somebody. What lies
    -- before that changes nothing for the draft, and would cost the engine most at a due instant.
    IF NEW.state NOT IN ('scheduled', 'claimed', 'sending', 'verified') THEN
        INSERT INTO outbox (kind, subject_id) VALUES ('draft', NEW.draft_id);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER publication_moved AFTER INSERT OR UPDATE ON publication FOR EACH ROW EXECUTE FUNCTION publication_moved();

-- ── Holds: dispatch takes each scope's lock shared, placing a hold takes it exclusively ──────────────────────────
CREATE FUNCTION hold_lock_key(p_scope text, p_target text) RETURNS integer LANGUAGE sql IMMUTABLE AS
    $$ SELECT hashtext(p_scope || ':' || p_target) $$;

CREATE FUNCTION lock_before_holding(p_scope text, p_target text) RETURNS void LANGUAGE sql AS
    $$ SELECT pg_advisory_xact_lock(7301, hold_lock_key(p_scope, p_target)) $$;

CREATE FUNCTION hold_stands(p_platform text, p_account uuid, p_draft uuid, p_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM hold
        WHERE starts_at <= p_at AND lifted_at IS NULL
          AND (scope, target) IN (('all', ''), ('platform', p_platform), ('account', p_account::text), ('draft', p_draft::text)))
$$;

-- ── Every required person authorised these words and still may ───────────────────────────────────────────────────
-- The grant a decision names must stand, and the decider must still hold one that covers the account that is sent to.
CREATE FUNCTION fully_authorised(p_submission uuid, p_digest text, p_account uuid, p_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_array_length(s.plan -> 'steps') > 0
       AND s.digest = p_digest
       AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.submission_id = s.id AND d.answer <> 'authorise')
       AND NOT EXISTS (
            SELECT 1 FROM jsonb_array_elements(s.plan -> 'steps') AS wanted (step)
            WHERE (SELECT count(DISTINCT d.person_id)
                   FROM decision d JOIN authority a ON a.id = d.authority_id
                   WHERE d.submission_id = s.id AND d.step = (wanted.step ->> 'number')::integer AND d.digest = p_digest
                     AND a.person_id = d.person_id AND a.role = wanted.step ->> 'role' AND a.revoked_at IS NULL
                     AND a.valid_from <= p_at AND p_at < a.valid_until
                     AND EXISTS (SELECT 1 FROM authority g
                                 WHERE g.person_id = d.person_id AND g.role = wanted.step ->> 'role' AND g.revoked_at IS NULL
                                   AND g.valid_from <= p_at AND p_at < g.valid_until
                                   AND (g.account_id IS NULL OR g.account_id = p_account))
                     AND NOT EXISTS (SELECT 1 FROM contributor c WHERE c.draft_id = s.draft_id AND c.person_id = d.person_id)
                  ) < greatest(1, (wanted.step ->> 'quorum')::integer))
    FROM submission s WHERE s.id = p_submission
$$;

-- ── dispatch(): the last act before a post leaves, one transaction, one lock order ───────────────────────────────
-- Order: hold scopes (all, platform, account, draft) shared; draft; publication; account; the deciders' authorities by id.
-- Then the clock.
CREATE FUNCTION dispatch(p_publication uuid, p_epoch integer, p_verdict jsonb, OUT result text, OUT attempt_id uuid,
                         OUT dispatched_at timestamptz, OUT publish_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_pub publication%ROWTYPE;
    v_draft draft%ROWTYPE;
    v_account account%ROWTYPE;
    v_submission submission%ROWTYPE;
    v_schedule schedule%ROWTYPE;
    v_refusal text;
    v_note text;
BEGIN
    SELECT * INTO v_pub FROM publication WHERE id = p_publication;
    IF NOT FOUND THEN
        result := 'fenced';
        RETURN;
    END IF;
    SELECT * INTO v_account FROM account WHERE id = v_pub.account_id;
    PERFORM pg_advisory_xact_lock_shared(7301, hold_lock_key('all', ''));
    PERFORM pg_advisory_xact_lock_shared(7301, hold_lock_key('platform', v_account.platform));
    PERFORM pg_advisory_xact_lock_shared(7301, hold_lock_key('account', v_account.id::text));
    PERFORM pg_advisory_xact_lock_shared(7301, hold_lock_key('draft', v_pub.draft_id::text));
    SELECT * INTO v_draft FROM draft WHERE id = v_pub.draft_id FOR SHARE;
    SELECT * INTO v_pub FROM publication WHERE id = p_publication FOR UPDATE;
    SELECT * INTO v_account FROM account WHERE id = v_pub.account_id FOR SHARE;
    PERFORM 1 FROM authority a
        WHERE a.person_id IN (SELECT d.person_id FROM decision d WHERE d.submission_id = v_pub.submission_id)
        ORDER BY a.id FOR SHARE;

    -- Only now the clock: a wait for any lock counts.
    dispatched_at := clock_timestamp();
    SELECT * INTO v_submission FROM submission WHERE id = v_pub.submission_id;
    SELECT * INTO v_schedule FROM schedule WHERE draft_id = v_pub.draft_id ORDER BY revision DESC LIMIT 1;
    publish_at := v_schedule.publish_at;

    IF v_pub.state <> 'claimed' OR v_pub.epoch <> p_epoch THEN
        result := 'fenced';
        RETURN;
    END IF;

    SELECT r.refusal, r.note INTO v_refusal, v_note FROM (VALUES
        (1, 'withdrawn', 'It was withdrawn before it was sent.',
            EXISTS (SELECT 1 FROM withdrawal w WHERE w.submission_id = v_submission.id)),
        (2, 'stale', 'A newer version or submission exists.',
            v_submission.version_number <> (SELECT max(v.number) FROM version v WHERE v.draft_id = v_draft.id)
            OR v_submission.number <> (SELECT max(s.number) FROM submission s WHERE s.draft_id = v_draft.id)
            OR v_submission.digest <> v_pub.digest),
        (3, 'expired', 'Its authorised window has passed.', dispatched_at >= v_submission.window_end),
        (4, 'held', 'A hold stands. Somebody must give it a new time once the hold is lifted, or withdraw it.',
            hold_stands(v_account.platform, v_account.id, v_draft.id, dispatched_at)),
        (5, 'revoked', 'An authorisation it needs no longer stands.',
            NOT coalesce(fully_authorised(v_submission.id, v_pub.digest, v_account.id, dispatched_at), false)),
        (6, 'revoked', 'Nobody authorised this draft for this account.',
            v_submission.draft_id <> v_pub.draft_id OR v_account.id <> ALL (v_submission.account_ids)),
        (7, 'revoked', 'Its account is disconnected.', v_account.status <> 'connected')
    ) AS r(rank, refusal, note, refused) WHERE r.refused ORDER BY r.rank LIMIT 1;
    IF v_refusal IS NOT NULL THEN
        UPDATE publication SET state = v_refusal, note = v_note, lease_until = NULL WHERE id = v_pub.id;
        result := v_refusal;
        RETURN;
    END IF;

    -- Whatever the verdict read must stand as it was read; else judge again, never send.
    IF (p_verdict ->> 'draft_revision')::integer IS DISTINCT FROM v_draft.revision
       OR (p_verdict ->> 'schedule_revision')::integer IS DISTINCT FROM v_schedule.revision
       OR (p_verdict ->> 'account_revision')::integer IS DISTINCT FROM v_account.revision
       OR (p_verdict ->> 'submission') IS DISTINCT FROM v_submission.id::text
       OR (p_verdict ->> 'digest') IS DISTINCT FROM v_pub.digest
       OR (p_verdict ->> 'valid_until')::timestamptz IS NULL
       OR (p_verdict ->> 'valid_until')::timestamptz <= dispatched_at
       OR EXISTS (SELECT 1 FROM authority a JOIN decision d ON d.authority_id = a.id
                  WHERE d.submission_id = v_submission.id
                    AND (p_verdict -> 'authorities' ->> a.id::text)::integer IS DISTINCT FROM a.revision) THEN
        result := 'judge_again';
        RETURN;
    END IF;
    IF dispatched_at < v_submission.window_start OR dispatched_at < v_schedule.publish_at THEN
        result := 'early';
        RETURN;
    END IF;

    attempt_id := gen_random_uuid();
    UPDATE publication SET state = 'sending', note = '', lease_until = dispatched_at + interval '30 seconds' WHERE id = v_pub.id;
    INSERT INTO attempt (id, publication_id, epoch, digest, verdict, dispatched_at, send_by)
        VALUES (attempt_id, v_pub.id, v_pub.epoch, v_pub.digest, p_verdict, dispatched_at, dispatched_at + interval '2 seconds');
    result := 'sending';
END $$;
