-- The rest of the publication machine: keys, resending, resolving, taking down, quotas.
SET LOCAL lock_timeout = '4s';

ALTER TABLE receipt DROP CONSTRAINT receipt_result_known;
ALTER TABLE receipt ADD CONSTRAINT receipt_result_known
    CHECK (result IN ('accepted', 'processing', 'not_sent', 'refused', 'unknown'));

-- ── Keys: which platforms answer the same call with the same key by the same post, and for how long ───────────────
CREATE TABLE platform_key (
    platform TEXT NOT NULL,
    keeps INTERVAL NOT NULL,
    PRIMARY KEY (platform)
);
INSERT INTO platform_key (platform, keeps) VALUES ('bluesky', '365 days');

-- What was sent before this migration was sent under its publication's own name.
ALTER TABLE attempt ADD COLUMN key_id UUID, ADD COLUMN key_at TIMESTAMP WITH TIME ZONE, ADD COLUMN resend UUID;
ALTER TABLE attempt DISABLE TRIGGER attempt_stays;
UPDATE attempt SET key_id = publication_id, key_at = dispatched_at;
ALTER TABLE attempt ENABLE TRIGGER attempt_stays;
ALTER TABLE attempt ALTER COLUMN key_id SET NOT NULL, ALTER COLUMN key_at SET NOT NULL;
ALTER TABLE attempt ADD FOREIGN KEY (resend) REFERENCES proposal (id);
CREATE UNIQUE INDEX attempt_once_per_resend ON attempt (resend);

-- ── What one person asked of a publication (what takes two is a proposal), and what the service did about either ──
CREATE TABLE publication_act (
    id UUID NOT NULL,
    publication_id UUID NOT NULL,
    kind TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    reason TEXT NOT NULL,
    link TEXT,
    person_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT publication_act_known
        CHECK (kind IN ('take_down', 'give_up', 'posted', 'not_posted', 'seen_same', 'seen_different')),
    FOREIGN KEY(publication_id) REFERENCES publication (id),
    FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE INDEX publication_act_idx ON publication_act (publication_id, at);

CREATE TABLE carried_out (
    act_id UUID NOT NULL,
    publication_id UUID NOT NULL,
    result TEXT NOT NULL,
    note TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (act_id),
    FOREIGN KEY(publication_id) REFERENCES publication (id)
);

-- ── Evidence ─────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE look_up (
    id UUID NOT NULL,
    publication_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    found JSONB NOT NULL,
    sentence TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(publication_id) REFERENCES publication (id)
);
CREATE INDEX look_up_idx ON look_up (publication_id, at);

CREATE TABLE removal_evidence (
    act_id UUID NOT NULL,
    publication_id UUID NOT NULL,
    post_id TEXT NOT NULL,
    stood JSONB NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (act_id),
    FOREIGN KEY(act_id) REFERENCES publication_act (id),
    FOREIGN KEY(publication_id) REFERENCES publication (id)
);

CREATE TABLE removal_call (
    id UUID NOT NULL,
    act_id UUID NOT NULL,
    result TEXT NOT NULL,
    status INTEGER,
    detail TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(act_id) REFERENCES removal_evidence (act_id)
);
CREATE INDEX removal_call_idx ON removal_call (act_id, at);

-- A post that stands, or may, though the record says otherwise: two calls that were both taken, one given up that was.
CREATE TABLE unexpected_post (
    attempt_id UUID NOT NULL,
    publication_id UUID NOT NULL,
    post_id TEXT,
    sentence TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (attempt_id),
    FOREIGN KEY(attempt_id) REFERENCES attempt (id),
    FOREIGN KEY(publication_id) REFERENCES publication (id)
);

CREATE TABLE correction (
    draft_id UUID NOT NULL,
    publication_id UUID NOT NULL,
    person_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (draft_id),
    FOREIGN KEY(draft_id) REFERENCES draft (id),
    FOREIGN KEY(publication_id) REFERENCES publication (id),
    FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE INDEX correction_publication_idx ON correction (publication_id);

-- What a platform's own answers say is left for an account: all workers read it before they send.
CREATE TABLE quota (
    account_id UUID NOT NULL,
    bucket TEXT NOT NULL,
    remaining INTEGER NOT NULL,
    reset_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (account_id, bucket),
    FOREIGN KEY(account_id) REFERENCES account (id)
);

DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['publication_act', 'carried_out', 'look_up', 'removal_evidence', 'removal_call',
                                   'unexpected_post', 'correction'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION stays_as_written()',
                       v_table || '_stays', v_table);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION stays_as_written()',
                       v_table || '_not_emptied', v_table);
    END LOOP;
END $$;

GRANT SELECT ON platform_key, publication_act, carried_out, look_up, removal_evidence, removal_call, unexpected_post, correction,
    quota TO countersign_api, countersign_worker;
GRANT INSERT (id, publication_id, kind, epoch, reason, link, person_id) ON publication_act TO countersign_api;
GRANT INSERT (draft_id, publication_id, person_id) ON correction TO countersign_api;
GRANT INSERT (act_id, publication_id, result, note) ON carried_out TO countersign_worker;
GRANT INSERT (id, publication_id, epoch, found, sentence) ON look_up TO countersign_worker;
GRANT INSERT (act_id, publication_id, post_id, stood) ON removal_evidence TO countersign_worker;
GRANT INSERT (id, act_id, result, status, detail) ON removal_call TO countersign_worker;
GRANT INSERT (attempt_id, publication_id, post_id, sentence) ON unexpected_post TO countersign_worker;
GRANT INSERT, UPDATE (remaining, reset_at, answered_at) ON quota TO countersign_worker;

-- ── The machine's guards ─────────────────────────────────────────────────────────────────────────────────────────
INSERT INTO legal_move (before, after) VALUES ('unknown', 'sending'), ('unknown', 'rejected');

-- A call counts as possibly taken until its own receipt proves the opposite: no other call's answer speaks for it.
CREATE FUNCTION may_have_reached(p_publication uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM attempt t WHERE t.publication_id = p_publication
          AND NOT EXISTS (SELECT 1 FROM receipt r WHERE r.attempt_id = t.id AND r.result IN ('not_sent', 'refused')))
$$;

-- Two people said so, over what stood when they looked: nothing was sent since, and it was not done yet.
CREATE FUNCTION two_people_said(p_kind text, p_publication uuid, p_epoch integer) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM proposal p WHERE p.kind = p_kind AND p.subject = 'publication:' || p_publication
          AND p.confirmed_at IS NOT NULL AND (p.detail ->> 'epoch')::integer = p_epoch
          AND NOT EXISTS (SELECT 1 FROM carried_out c WHERE c.act_id = p.id))
$$;

-- As in 0002, and what only people can say must have been said.
CREATE OR REPLACE FUNCTION publication_may_move() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
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
    IF (OLD.state = 'claimed' AND NEW.state = 'sending'
        OR OLD.state IN ('sending', 'unknown') AND NEW.state IN ('scheduled', 'rejected')) AND may_have_reached(NEW.id) THEN
        RAISE EXCEPTION 'A call of this publication may have reached the platform' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state = 'unknown' AND NEW.state = 'abandoned' AND NOT two_people_said('publication.abandon', NEW.id, OLD.epoch)
        OR OLD.state = 'mismatch' AND NEW.state = 'verified' AND NOT two_people_said('publication.accept', NEW.id, OLD.epoch)
        OR OLD.state = 'removal_unknown' AND NEW.state = 'removed'
            AND NOT two_people_said('publication.removed', NEW.id, OLD.epoch) THEN
        RAISE EXCEPTION 'Two people must say that a publication is % after %', NEW.state, OLD.state
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.state = 'removing' AND NOT EXISTS (
        SELECT 1 FROM publication_act a JOIN removal_evidence e ON e.act_id = a.id
        WHERE a.publication_id = NEW.id AND a.kind = 'take_down'
          AND NOT EXISTS (SELECT 1 FROM carried_out c WHERE c.act_id = a.id)) THEN
        RAISE EXCEPTION 'A post is removed when a person said so and its evidence is kept' USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.moves := OLD.moves + 1;
    NEW.moved_at := clock_timestamp();
    RETURN NEW;
END $$;

-- What only people who post by hand can say is said of nothing else, and by nobody but the person named for the account.
CREATE FUNCTION publication_act_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.kind IN ('posted', 'not_posted', 'seen_same', 'seen_different') AND NOT EXISTS (
        SELECT 1 FROM publication p JOIN account a ON a.id = p.account_id
        WHERE p.id = NEW.publication_id AND a.platform = 'manual'
          AND CASE WHEN NEW.kind IN ('posted', 'not_posted') THEN a.releaser = NEW.person_id
                   ELSE a.releaser IS DISTINCT FROM NEW.person_id END) THEN
        RAISE EXCEPTION 'Nobody says of this publication that it was %, or not this person', NEW.kind
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER publication_act_fits BEFORE INSERT ON publication_act FOR EACH ROW EXECUTE FUNCTION publication_act_fits();

-- ── Receipts: what one call's answer means for its publication ───────────────────────────────────────────────────
-- Given again (the same id) it changes nothing. Returns the state the publication is left in.
CREATE FUNCTION record_receipt(p_receipt uuid, p_attempt uuid, p_result text, p_status integer, p_post text, p_link text,
                               p_detail text, p_retry timestamptz) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_attempt attempt%ROWTYPE;
    v_pub publication%ROWTYPE;
    v_open boolean;
    v_own boolean;
    v_after text;
BEGIN
    SELECT * INTO STRICT v_attempt FROM attempt WHERE id = p_attempt;
    SELECT * INTO STRICT v_pub FROM publication WHERE id = v_attempt.publication_id FOR UPDATE;
    INSERT INTO receipt (id, attempt_id, result, status, post_id, permalink, detail)
        VALUES (p_receipt, p_attempt, p_result, p_status, p_post, p_link, p_detail) ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN
        RETURN v_pub.state;
    END IF;
    v_open := may_have_reached(v_pub.id);
    v_own := v_pub.epoch = v_attempt.epoch;
    IF p_result = 'accepted' THEN
        PERFORM note_unexpected_post(v_attempt, v_pub, p_post);
    END IF;
    v_after := CASE
        WHEN p_result = 'accepted' THEN CASE WHEN v_pub.state IN ('sending', 'processing', 'unknown') THEN 'published' END
        WHEN v_pub.state = 'unknown' THEN
            CASE WHEN NOT v_open THEN CASE p_result WHEN 'not_sent' THEN 'scheduled' WHEN 'refused' THEN 'rejected' END END
        WHEN v_pub.state NOT IN ('sending', 'processing') OR NOT v_own THEN NULL
        WHEN p_result = 'processing' THEN CASE v_pub.state WHEN 'sending' THEN 'processing' END
        WHEN p_result = 'unknown' OR v_open THEN 'unknown'
        WHEN p_result = 'refused' OR v_pub.state = 'processing' THEN 'rejected'
        ELSE 'scheduled' END;
    IF v_after IS NULL THEN
        RETURN v_pub.state;
    END IF;
    UPDATE publication SET state = v_after, lease_until = NULL,
        note = CASE WHEN p_result = 'accepted' THEN ''
                    WHEN v_after = 'unknown' AND p_result <> 'unknown' THEN
                        p_detail || ' An earlier call of this post may have reached the platform all the same.'
                    ELSE p_detail END,
        post_id = CASE WHEN p_result IN ('accepted', 'processing') THEN coalesce(p_post, post_id) ELSE post_id END,
        permalink = CASE WHEN p_result IN ('accepted', 'processing') THEN coalesce(p_link, permalink) ELSE permalink END,
        not_before = p_retry
        WHERE id = v_pub.id;
    IF v_pub.state = 'unknown' THEN
        -- Its workflow may have left it to people and ended.
        INSERT INTO outbox (kind, subject_id) VALUES ('publication', v_pub.id);
    END IF;
    RETURN v_after;
END $$;

-- Two calls of one publication that both may stand, or a post that stands of one that was given up: to people, at once.
CREATE FUNCTION note_unexpected_post(p_attempt attempt, p_pub publication, p_post text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_sentence text;
BEGIN
    v_sentence := CASE
        WHEN p_pub.state IN ('published', 'verified', 'mismatch', 'removing', 'removal_unknown', 'removed') THEN
            CASE WHEN p_pub.post_id IS DISTINCT FROM p_post
                 THEN 'Two posts may stand: the platform accepted an earlier call too. Look, and take one down.' END
        WHEN p_pub.state NOT IN ('sending', 'processing', 'unknown') THEN
            'The platform says that it accepted this post, though the record says that it was not published. Look at once.'
        WHEN EXISTS (
            SELECT 1 FROM attempt t WHERE t.publication_id = p_pub.id AND t.epoch > p_attempt.epoch
              AND NOT EXISTS (SELECT 1 FROM receipt r WHERE r.attempt_id = t.id AND r.result IN ('not_sent', 'refused'))
              AND NOT (t.key_at = p_attempt.key_at AND EXISTS (
                  SELECT 1 FROM platform_key k JOIN account a ON a.platform = k.platform WHERE a.id = p_pub.account_id))) THEN
            'Two posts may stand: it was sent again, and now the platform says that it accepted the first call. '
            'Look, and take one down.' END;
    IF v_sentence IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO unexpected_post (attempt_id, publication_id, post_id, sentence)
        VALUES (p_attempt.id, p_pub.id, p_post, v_sentence) ON CONFLICT DO NOTHING;
    PERFORM audit_append('publication:' || p_pub.id, 'service', 'publication.unexpected_post', 36, p_pub.digest,
        jsonb_build_object('attempt', p_attempt.id, 'post', p_post), NULL);
END $$;
GRANT EXECUTE ON FUNCTION may_have_reached(uuid), two_people_said(text, uuid, integer),
    note_unexpected_post(attempt, publication, text),
    record_receipt(uuid, uuid, text, integer, text, text, text, timestamptz) TO countersign_worker;

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

-- ── dispatch(): as in 0002, and the only way out of UNKNOWN into another call ────────────────────────────────────
-- Holds are read after their locks are taken, which proves something only where every statement sees what has been committed.
CREATE OR REPLACE FUNCTION lock_before_holding(p_scope text, p_target text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'Placing a hold is safe in a READ COMMITTED transaction alone, and this one is %',
            upper(current_setting('transaction_isolation')) USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM pg_advisory_xact_lock(7301, hold_lock_key(p_scope, p_target));
END $$;

-- p_again: it is UNKNOWN and is to be sent again, on the word of two people (p_resend, used once) or, without one, because its
-- platform keeps the first call's key. Whatever then stands in the way, it stays UNKNOWN and says so.
DROP FUNCTION dispatch(uuid, integer, jsonb);
CREATE FUNCTION dispatch(p_publication uuid, p_epoch integer, p_verdict jsonb, p_again boolean DEFAULT false,
                         p_resend uuid DEFAULT NULL, OUT result text, OUT attempt_id uuid, OUT dispatched_at timestamptz,
                         OUT publish_at timestamptz, OUT epoch integer, OUT key_id uuid, OUT key_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_pub publication%ROWTYPE;
    v_draft draft%ROWTYPE;
    v_account account%ROWTYPE;
    v_submission submission%ROWTYPE;
    v_schedule schedule%ROWTYPE;
    v_refusal text;
    v_note text;
    v_limited timestamptz;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'Sending is safe in a READ COMMITTED transaction alone, and this one is %',
            upper(current_setting('transaction_isolation')) USING ERRCODE = 'invalid_transaction_state';
    END IF;
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
        WHERE a.person_id IN (SELECT d.person_id FROM decision d WHERE d.submission_id = v_pub.submission_id
                              UNION ALL SELECT unnest(ARRAY[p.asked_by, p.confirmed_by]) FROM proposal p WHERE p.id = p_resend)
        ORDER BY a.id FOR SHARE;

    -- Only now the clock: a wait for any lock counts.
    dispatched_at := clock_timestamp();
    SELECT * INTO v_submission FROM submission WHERE id = v_pub.submission_id;
    SELECT * INTO v_schedule FROM schedule WHERE draft_id = v_pub.draft_id ORDER BY revision DESC LIMIT 1;
    publish_at := v_schedule.publish_at;

    IF v_pub.state <> (CASE WHEN p_again THEN 'unknown' ELSE 'claimed' END) OR v_pub.epoch <> p_epoch THEN
        result := 'fenced';
        RETURN;
    END IF;
    -- The first call that may have reached the platform gives its key to all that follow.
    SELECT t.key_id, t.key_at INTO key_id, key_at FROM attempt t
        WHERE t.publication_id = v_pub.id
          AND NOT EXISTS (SELECT 1 FROM receipt r WHERE r.attempt_id = t.id AND r.result IN ('not_sent', 'refused'))
        ORDER BY t.epoch LIMIT 1;
    IF p_again THEN
        v_note := why_not_again(v_pub, v_account.platform, key_at, p_resend, dispatched_at);
        IF v_note IS NOT NULL THEN
            result := 'not_again';
            PERFORM stay_unknown(v_pub.id, p_resend, result, v_note);
            RETURN;
        END IF;
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
            hold_stops(v_account.platform, v_account.id, v_draft.id, dispatched_at, publish_at)),
        (5, 'revoked', 'An authorisation it needs no longer stands.',
            NOT coalesce(fully_authorised(v_submission.id, v_pub.digest, v_account.id, dispatched_at), false)),
        (6, 'revoked', 'Nobody authorised this draft for this account.',
            v_submission.draft_id <> v_pub.draft_id OR v_account.id <> ALL (v_submission.account_ids)),
        (7, 'revoked', 'Its account is disconnected.', v_account.status <> 'connected')
    ) AS r(rank, refusal, note, refused) WHERE r.refused ORDER BY r.rank LIMIT 1;
    IF v_refusal IS NOT NULL THEN
        result := v_refusal;
        IF p_again THEN
            PERFORM stay_unknown(v_pub.id, p_resend, result,
                CASE v_refusal WHEN 'held' THEN 'A hold stands.' ELSE v_note END);
        ELSE
            UPDATE publication SET state = v_refusal, note = v_note, lease_until = NULL WHERE id = v_pub.id;
        END IF;
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
    -- The platform's own answers said that it takes nothing more from this account before then: across all workers.
    SELECT max(q.reset_at) INTO v_limited FROM quota q
        WHERE q.account_id = v_account.id AND q.remaining <= 0 AND q.reset_at > dispatched_at;
    IF v_limited IS NOT NULL THEN
        result := 'limited';
        publish_at := v_limited;
        IF NOT p_again THEN
            UPDATE publication SET state = 'scheduled', lease_until = NULL, not_before = v_limited,
                note = 'The platform takes no more posts from this account for now. It is tried again when its limit resets.'
                WHERE id = v_pub.id;
        END IF;
        RETURN;
    END IF;

    attempt_id := gen_random_uuid();
    epoch := CASE WHEN p_again THEN v_pub.epoch + 1 ELSE v_pub.epoch END;
    key_id := coalesce(key_id, v_pub.id);
    key_at := coalesce(key_at, dispatched_at);
    UPDATE publication SET state = 'sending', note = '', epoch = dispatch.epoch, not_before = NULL,
        lease_until = dispatched_at + interval '30 seconds' WHERE id = v_pub.id;
    INSERT INTO attempt (id, publication_id, epoch, digest, verdict, dispatched_at, send_by, key_id, key_at, resend)
        VALUES (attempt_id, v_pub.id, dispatch.epoch, v_pub.digest, p_verdict, dispatched_at,
                dispatched_at + interval '2 seconds', key_id, key_at, p_resend);
    IF p_resend IS NOT NULL THEN
        INSERT INTO carried_out (act_id, publication_id, result, note) VALUES (p_resend, v_pub.id, 'sending', '');
    END IF;
    result := 'sending';
END $$;

-- As whoever asks and confirms is asked at the time (core/use_cases/publication_acts.py): neither touched the draft, and each
-- still is an account manager, or an authoriser with a grant that covers the account.
CREATE FUNCTION may_still_settle(p_person uuid, p_pub publication, p_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM person w WHERE w.id = p_person
          AND NOT EXISTS (SELECT 1 FROM contributor c WHERE c.draft_id = p_pub.draft_id AND c.person_id = w.id)
          AND ('account_manager' = ANY (w.roles)
               OR 'authoriser' = ANY (w.roles) AND EXISTS (
                   SELECT 1 FROM authority a WHERE a.person_id = w.id AND a.revoked_at IS NULL
                     AND a.valid_from <= p_at AND p_at < a.valid_until
                     AND (a.account_id IS NULL OR a.account_id = p_pub.account_id))))
$$;

-- Why this publication may not be sent again now, or NULL. The word of two people counts once, for what they looked at, for 15
-- minutes; a kept key counts while the platform surely still has it.
CREATE FUNCTION why_not_again(p_pub publication, p_platform text, p_key_at timestamptz, p_resend uuid, p_at timestamptz)
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE
        WHEN two_people_said('publication.abandon', p_pub.id, p_pub.epoch) THEN 'Two people gave it up.'
        WHEN two_people_said('publication.adopt', p_pub.id, p_pub.epoch) THEN 'Two people said which post it is.'
        WHEN p_resend IS NULL THEN
            CASE WHEN NOT coalesce((SELECT p_key_at + k.keeps > p_at + interval '1 minute' FROM platform_key k
                                    WHERE k.platform = p_platform), false)
                 THEN 'The platform no longer knows the first call by its key.'
                 WHEN (SELECT count(*) FROM attempt t WHERE t.publication_id = p_pub.id AND t.key_at = p_key_at) >= 5
                 THEN 'It was repeated under its key as often as makes sense.' END
        WHEN EXISTS (SELECT 1 FROM attempt t WHERE t.publication_id = p_pub.id AND t.dispatched_at > p_at - interval '1 minute')
        THEN 'The call before it was made less than a minute ago: its answer may still come.'
        WHEN EXISTS (SELECT 1 FROM carried_out c WHERE c.act_id = p_resend) THEN 'It was already sent again for that.'
        WHEN NOT EXISTS (
            SELECT 1 FROM proposal p WHERE p.id = p_resend AND p.kind = 'publication.resend'
              AND p.subject = 'publication:' || p_pub.id AND (p.detail ->> 'epoch')::integer = p_pub.epoch
              AND p.confirmed_at > p_at - interval '15 minutes')
        THEN 'Two people must ask for it: for what stands now, and no longer than 15 minutes ago.'
        WHEN NOT EXISTS (
            SELECT 1 FROM proposal p WHERE p.id = p_resend
              AND may_still_settle(p.asked_by, p_pub, p_at) AND may_still_settle(p.confirmed_by, p_pub, p_at))
        THEN 'One of the two who asked for it may not ask for it any more.' END
$$;

-- Still UNKNOWN, and why it was not sent again; what two people asked for is used up and must be asked for anew.
CREATE FUNCTION stay_unknown(p_publication uuid, p_resend uuid, p_result text, p_note text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE publication SET note = 'It was not sent again, and its outcome is still not known. ' || p_note
        WHERE id = p_publication;
    INSERT INTO carried_out (act_id, publication_id, result, note)
        SELECT p.id, p_publication, p_result, p_note FROM proposal p
        WHERE p.id = p_resend AND p.subject = 'publication:' || p_publication
        ON CONFLICT DO NOTHING;
END $$;
GRANT EXECUTE ON FUNCTION dispatch(uuid, integer, jsonb, boolean, uuid) TO countersign_worker;
