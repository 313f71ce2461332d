-- Connecting accounts, and their sealed secrets.
SET LOCAL lock_timeout = '4s';

-- ── The register: who may be published as. An account is registered by one person and connected by two ───────────
ALTER TABLE account ADD COLUMN server TEXT DEFAULT '' NOT NULL;
ALTER TABLE account ADD COLUMN releaser UUID REFERENCES person (id);
ALTER TABLE account ADD COLUMN registered_by UUID REFERENCES person (id);
ALTER TABLE account ALTER COLUMN platform_account_id SET DEFAULT '';
ALTER TABLE account ALTER COLUMN status SET DEFAULT 'registered';
ALTER TABLE account DROP CONSTRAINT account_status_known;
ALTER TABLE account ADD CONSTRAINT account_status_known CHECK (status IN ('registered', 'connected', 'disconnected'));
ALTER TABLE account DROP CONSTRAINT account_platform_id_key;
-- Until it is connected nobody knows its id; a server's ids are its own.
CREATE UNIQUE INDEX account_platform_id_key ON account (platform, server, platform_account_id) WHERE platform_account_id <> '';
-- Bluesky's are the whole network's: the same account named by two servers would be posted to twice.
CREATE UNIQUE INDEX one_bluesky_account ON account (platform_account_id) WHERE platform = 'bluesky' AND status = 'connected';

-- ── Consents: begun by a person, carried out by the worker ───────────────────────────────────────────────────────
CREATE TABLE connection (
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    asked_by UUID NOT NULL,
    begun_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    state_hash BYTEA NOT NULL,
    browser TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    status TEXT DEFAULT 'begun' NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    found JSONB DEFAULT '[]' NOT NULL,
    moved_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT connection_status_known CHECK (status IN ('begun', 'exchanging', 'found', 'failed', 'connected', 'ended')),
    FOREIGN KEY(account_id) REFERENCES account (id),
    FOREIGN KEY(asked_by) REFERENCES person (id)
);
CREATE UNIQUE INDEX one_connection_in_force ON connection (account_id) WHERE status = 'connected';
CREATE INDEX connection_account_idx ON connection (account_id, begun_at);

-- This service as a server that asks for it knows it (Mastodon). The secret that belongs to it is in service_secret.
CREATE TABLE platform_app (
    platform TEXT NOT NULL,
    server TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    client_id TEXT,
    note TEXT DEFAULT '' NOT NULL,
    retry_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (platform, server, redirect_uri)
);

-- ── Secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE worker_key (
    id UUID NOT NULL,
    public_key BYTEA NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT worker_key_is_x25519 CHECK (octet_length(public_key) = 32)
);

-- What a person's browser brought, sealed to the worker. The api can put it here and never read it again.
CREATE TABLE connection_secret (
    connection_id UUID NOT NULL,
    purpose TEXT NOT NULL,
    worker_key_id UUID NOT NULL,
    sealed BYTEA NOT NULL,
    sealed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (connection_id, purpose),
    CONSTRAINT connection_secret_purpose_known CHECK (purpose IN ('verifier', 'code', 'app_password')),
    FOREIGN KEY(connection_id) REFERENCES connection (id),
    FOREIGN KEY(worker_key_id) REFERENCES worker_key (id)
);

CREATE TABLE token (
    id UUID NOT NULL,
    connection_id UUID NOT NULL,
    platform_account_id TEXT NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    sealed BYTEA NOT NULL,
    wrapped_key BYTEA NOT NULL,
    kek_id TEXT NOT NULL,
    refreshable BOOLEAN NOT NULL,
    granted_by TEXT DEFAULT '' NOT NULL,
    sealed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    ends_at TIMESTAMP WITH TIME ZONE,
    refused TEXT DEFAULT '' NOT NULL,
    tries INTEGER DEFAULT 0 NOT NULL,
    retry_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    CONSTRAINT token_once UNIQUE (connection_id, platform_account_id),
    FOREIGN KEY(connection_id) REFERENCES connection (id)
);

-- The service's own: the private half of each worker_key, the secret of each platform_app.
CREATE TABLE service_secret (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    sealed BYTEA NOT NULL,
    wrapped_key BYTEA NOT NULL,
    kek_id TEXT NOT NULL,
    sealed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT service_secret_once UNIQUE (kind, subject),
    CONSTRAINT service_secret_kind_known CHECK (kind IN ('worker_key', 'app'))
);

CREATE TABLE account_health (
    account_id UUID NOT NULL,
    can_post BOOLEAN NOT NULL,
    problem TEXT DEFAULT '' NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    ends_at TIMESTAMP WITH TIME ZONE,
    last_checked_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    last_refresh_at TIMESTAMP WITH TIME ZONE,
    last_success_at TIMESTAMP WITH TIME ZONE,
    warned_days INTEGER,
    PRIMARY KEY (account_id),
    FOREIGN KEY(account_id) REFERENCES account (id)
);

CREATE FUNCTION connection_may_move() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.status = 'connected' AND OLD.status <> 'connected' AND current_user <> 'countersign_owner' THEN
        RAISE EXCEPTION 'Only connect_account() puts a consent in force' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.status IN ('failed', 'ended') AND NEW.status <> OLD.status THEN
        RAISE EXCEPTION 'A consent that ended stays ended' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER connection_may_move BEFORE UPDATE ON connection FOR EACH ROW EXECUTE FUNCTION connection_may_move();

-- ── Two people connect and disconnect. Neither login can change an account's status or platform id otherwise ─────
-- The proposal must have been confirmed in this very transaction: what one act did, no other act does again.
CREATE FUNCTION confirmed_just_now(p_proposal uuid, p_kind text) RETURNS proposal
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_proposal proposal%ROWTYPE;
BEGIN
    SELECT * INTO v_proposal FROM proposal WHERE id = p_proposal AND kind = p_kind FOR UPDATE;
    IF NOT FOUND OR v_proposal.confirmed_at IS NULL OR v_proposal.confirmed_at < transaction_timestamp()
       OR v_proposal.withdrawn_at IS NOT NULL OR v_proposal.confirmed_by = v_proposal.asked_by THEN
        RAISE EXCEPTION 'This takes a proposal that a second person confirms in the same transaction'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN v_proposal;
END $$;

CREATE FUNCTION connect_account(p_proposal uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_proposal proposal%ROWTYPE := confirmed_just_now(p_proposal, 'account.connect');
    v_account account%ROWTYPE;
    v_connection connection%ROWTYPE;
    v_id text := v_proposal.detail ->> 'platform_account_id';
    v_handle text;
BEGIN
    SELECT * INTO v_account FROM account WHERE 'account:' || id = v_proposal.subject FOR UPDATE;
    IF NOT FOUND OR coalesce(v_id, '') = '' THEN
        RAISE EXCEPTION 'There is no such account to connect' USING ERRCODE = 'check_violation';
    END IF;
    IF v_account.platform_account_id NOT IN ('', v_id) THEN
        RAISE EXCEPTION 'An account keeps its platform id' USING ERRCODE = 'check_violation';
    END IF;
    IF v_account.platform = 'manual' THEN
        IF v_account.releaser IS NULL THEN
            RAISE EXCEPTION 'A manual account names who releases its posts' USING ERRCODE = 'check_violation';
        END IF;
    ELSE
        SELECT * INTO v_connection FROM connection
            WHERE id::text = v_proposal.detail ->> 'connection' AND account_id = v_account.id AND status = 'found' FOR UPDATE;
        SELECT one ->> 'handle' INTO v_handle FROM jsonb_array_elements(v_connection.found) AS one
            WHERE one ->> 'platform_account_id' = v_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'The consent did not find this account, or it no longer stands' USING ERRCODE = 'check_violation';
        END IF;
        UPDATE connection SET status = 'ended', moved_at = clock_timestamp()
            WHERE account_id = v_account.id AND status = 'connected';
        UPDATE connection SET status = 'connected', moved_at = clock_timestamp() WHERE id = v_connection.id;
    END IF;
    UPDATE account SET status = 'connected', platform_account_id = v_id, revision = revision + 1,
        handle = coalesce(nullif(nullif(v_handle, ''), v_id), handle) WHERE id = v_account.id;
    PERFORM audit_append(v_proposal.subject, (SELECT issuer || '|' || subject FROM person WHERE id = v_proposal.confirmed_by),
        'account.connected', 38, NULL, jsonb_build_object('proposal', v_proposal.id, 'platform', v_account.platform,
        'platform_account_id', v_id, 'revision', v_account.revision + 1), NULL);
    RETURN v_account.revision + 1;
END $$;

-- What waits at the gate is judged by the account's revision: from the moment this commits nothing more is sent there.
CREATE FUNCTION end_account_connection(p_account uuid) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_revision integer;
BEGIN
    UPDATE account SET status = 'disconnected', revision = revision + 1 WHERE id = p_account AND status = 'connected'
        RETURNING revision INTO v_revision;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'This account is not connected' USING ERRCODE = 'check_violation';
    END IF;
    -- Consents that wait for somebody's choice end too: what is revoked now must not come back by an older yes.
    UPDATE connection SET status = 'ended', moved_at = clock_timestamp()
        WHERE account_id = p_account AND status IN ('begun', 'exchanging', 'found', 'connected');
    RETURN v_revision;
END $$;

CREATE FUNCTION disconnect_account(p_proposal uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_proposal proposal%ROWTYPE := confirmed_just_now(p_proposal, 'account.disconnect');
    v_revision integer := end_account_connection(replace(v_proposal.subject, 'account:', '')::uuid);
BEGIN
    PERFORM audit_append(v_proposal.subject, (SELECT issuer || '|' || subject FROM person WHERE id = v_proposal.confirmed_by),
        'account.disconnected', 38, NULL, jsonb_build_object('proposal', v_proposal.id, 'revision', v_revision), NULL);
    RETURN v_revision;
END $$;

-- In an emergency one person at the terminal is enough: it can only silence. Connecting again takes two.
CREATE FUNCTION disconnect_in_emergency(p_by text, p_reason text) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_account uuid;
    v_revision integer;
BEGIN
    IF trim(coalesce(p_by, '')) = '' OR trim(coalesce(p_reason, '')) = '' THEN
        RAISE EXCEPTION 'An emergency names who acts and why' USING ERRCODE = 'check_violation';
    END IF;
    -- Whoever is being connected this moment is waited for, and silenced too; what only reads accounts goes on.
    LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE;
    FOR v_account IN SELECT id FROM account WHERE status = 'connected' ORDER BY id LOOP
        v_revision := end_account_connection(v_account);
        PERFORM audit_append('account:' || v_account, p_by, 'account.disconnected_in_emergency', 38, NULL,
            jsonb_build_object('reason', p_reason, 'revision', v_revision), NULL);
        RETURN NEXT v_account;
    END LOOP;
    -- Also what waits for an account that is not connected: its tokens stand at the platform, and an older yes would bring them in.
    UPDATE connection SET status = 'ended', moved_at = clock_timestamp() WHERE status IN ('begun', 'exchanging', 'found');
    -- Where people post by hand there is no consent to end: what was asked before ends itself.
    UPDATE proposal SET withdrawn_at = clock_timestamp()
        WHERE kind = 'account.connect' AND confirmed_at IS NULL AND withdrawn_at IS NULL;
END $$;

-- As in 0004; and what an emergency ends is withdrawn by no person of the service.
CREATE OR REPLACE FUNCTION proposal_is_answered_once() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (NEW.id, NEW.kind, NEW.subject, NEW.detail, NEW.reason, NEW.asked_by, NEW.asked_at, NEW.good_until)
        IS DISTINCT FROM (OLD.id, OLD.kind, OLD.subject, OLD.detail, OLD.reason, OLD.asked_by, OLD.asked_at, OLD.good_until) THEN
        RAISE EXCEPTION 'A proposal stays as it was asked' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.confirmed_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL THEN
        RAISE EXCEPTION 'A proposal is answered once' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.confirmed_by IS NOT NULL AND OLD.good_until <= clock_timestamp() THEN
        RAISE EXCEPTION 'A proposal that lapsed cannot be confirmed' USING ERRCODE = 'check_violation';
    END IF;
    NEW.confirmed_at := CASE WHEN NEW.confirmed_by IS NOT NULL THEN clock_timestamp() END;
    NEW.withdrawn_at := CASE WHEN NEW.withdrawn_by IS NOT NULL
        OR (NEW.withdrawn_at IS NOT NULL AND current_user = 'countersign_owner') THEN clock_timestamp() END;
    RETURN NEW;
END $$;

-- The platform said no to the person it sent back: the state that they brought is worth nothing any more.
CREATE FUNCTION deny_consent(p_connection uuid, p_person uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE connection SET status = 'ended', moved_at = clock_timestamp()
        WHERE id = p_connection AND asked_by = p_person AND status = 'begun'
$$;

-- The api reads no token; it may know which accounts still have one that is to go, so that people can be told.
CREATE FUNCTION accounts_losing_tokens() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT DISTINCT c.account_id FROM token t JOIN connection c ON c.id = t.connection_id WHERE c.status IN ('ended', 'failed')
$$;

-- ── Whose is what ────────────────────────────────────────────────────────────────────────────────────────────────
GRANT INSERT (id, platform, handle, name, owner_team, server, releaser, registered_by) ON account TO countersign_api;
GRANT SELECT ON connection, platform_app, worker_key, account_health TO countersign_api, countersign_worker;
GRANT INSERT (id, account_id, asked_by, state_hash, browser, redirect_uri) ON connection TO countersign_api;
GRANT INSERT (platform, server, redirect_uri) ON platform_app TO countersign_api;
GRANT INSERT (connection_id, purpose, worker_key_id, sealed) ON connection_secret TO countersign_api;
GRANT EXECUTE ON FUNCTION connect_account(uuid), disconnect_account(uuid), disconnect_in_emergency(text, text),
    accounts_losing_tokens(), deny_consent(uuid, uuid) TO countersign_api;

GRANT UPDATE (status, note, found, moved_at) ON connection TO countersign_worker;
GRANT UPDATE (client_id, note, retry_at) ON platform_app TO countersign_worker;
GRANT INSERT (id, public_key) ON worker_key TO countersign_worker;
GRANT DELETE ON worker_key TO countersign_worker;
GRANT SELECT, DELETE ON connection_secret TO countersign_worker;
GRANT SELECT, DELETE ON token, service_secret TO countersign_worker;
GRANT INSERT (id, connection_id, platform_account_id, version, sealed, wrapped_key, kek_id, refreshable, granted_by, expires_at,
              ends_at) ON token TO countersign_worker;
GRANT UPDATE (version, sealed, wrapped_key, kek_id, refreshable, sealed_at, expires_at, ends_at, refused, tries, retry_at)
    ON token TO countersign_worker;
GRANT INSERT (id, kind, subject, version, sealed, wrapped_key, kek_id) ON service_secret TO countersign_worker;
GRANT UPDATE (wrapped_key, kek_id) ON service_secret TO countersign_worker;
GRANT INSERT (account_id, can_post, problem, expires_at, ends_at, last_refresh_at, warned_days)
    ON account_health TO countersign_worker;
GRANT UPDATE (can_post, problem, expires_at, ends_at, last_checked_at, last_refresh_at, last_success_at, warned_days)
    ON account_health TO countersign_worker;
