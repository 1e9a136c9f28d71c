-- The trail becomes a chain for each workspace: every row has a number without gaps and
-- a hash over itself and the hash before it. docs/audit.md says it for outsiders.
ALTER TABLE requests ADD COLUMN critical boolean NOT NULL DEFAULT false;

-- What people wrote, by name: given as text, kept here as a digest, see `audit_texts`.
ALTER TABLE audit ADD COLUMN texts jsonb NOT NULL DEFAULT '{}';

-- The texts beside the trail. Their rows may be deleted, so that what a person wrote can
-- be erased; the digest in `audit` stays and the chain with it. The salt keeps short
-- texts from being guessed by their digests, and goes with them.
CREATE TABLE audit_texts (
  seq bigint NOT NULL,
  name text NOT NULL,
  salt text NOT NULL,
  text text NOT NULL,
  PRIMARY KEY (seq, name)
);

-- No foreign key: `audit verify` says what is missing, in any state of the tables.
CREATE TABLE audit_chain (
  team_id text NOT NULL,
  number bigint NOT NULL CHECK (number > 0),
  seq bigint NOT NULL UNIQUE,
  hash bytea NOT NULL,
  PRIMARY KEY (team_id, number)
);

-- The signed heads that a sink outside has taken.
CREATE TABLE audit_checkpoints (
  team_id text NOT NULL,
  number bigint NOT NULL,
  hash text NOT NULL,
  at timestamptz NOT NULL,
  key text NOT NULL,
  signature text NOT NULL,
  PRIMARY KEY (team_id, number)
);

-- History reads these rows alone.
CREATE INDEX audit_shown ON audit ((detail->>'ts'), (detail->>'channel'))
  WHERE event = 'shown';
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_received ON audit (conversation_id, seq) WHERE event = 'received';

-- A key's place by UTF-16 code units (RFC 8785, 3.2.3): the order of CESU-8 bytes, which
-- differ from UTF-8 beyond U+FFFF only.
CREATE FUNCTION utf16_order(key text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN octet_length(key) = char_length(key) THEN convert_to(key, 'UTF8')
  ELSE (
    SELECT string_agg(
      CASE WHEN ascii(letter) < 65536 THEN convert_to(letter, 'UTF8')
      ELSE decode(format('ed%s%sed%s%s',
        to_hex(160 + ((ascii(letter) - 65536) >> 16)),
        to_hex(128 + (((ascii(letter) - 65536) >> 10) & 63)),
        to_hex(176 + (((ascii(letter) - 65536) & 1023) >> 6)),
        to_hex(128 + ((ascii(letter) - 65536) & 63))), 'hex') END, ''::bytea
      ORDER BY place)
    FROM regexp_split_to_table(key, '') WITH ORDINALITY AS letters (letter, place))
  END
$$;

-- RFC 8785. Numbers are whole ones within 2^53, which is all that the trail holds.
-- PostgreSQL's own escapes in a JSON string are those of the RFC. Each fact goes through
-- here at its commit: what is ASCII is sorted by its bytes, which is the same and fast.
CREATE FUNCTION canonical_json(value jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  parts text := '';
  inner_value jsonb;
BEGIN
  CASE jsonb_typeof(value)
  WHEN 'object' THEN
    IF octet_length(value::text) = char_length(value::text) THEN
      RETURN (SELECT '{' || COALESCE(string_agg(
        to_json(key)::text || ':' || CASE WHEN jsonb_typeof(item) = 'string'
          THEN item::text ELSE canonical_json(item) END,
        ',' ORDER BY key COLLATE "C"), '') || '}'
        FROM jsonb_each(value) AS members (key, item));
    END IF;
    RETURN (SELECT '{' || COALESCE(string_agg(
      to_json(key)::text || ':' || canonical_json(item),
      ',' ORDER BY utf16_order(key)), '') || '}'
      FROM jsonb_each(value) AS members (key, item));
  WHEN 'array' THEN
    FOR place IN 0 .. jsonb_array_length(value) - 1 LOOP
      inner_value := value -> place;
      parts := parts || ',' || CASE WHEN jsonb_typeof(inner_value) = 'string'
        THEN inner_value::text ELSE canonical_json(inner_value) END;
    END LOOP;
    RETURN '[' || substr(parts, 2) || ']';
  WHEN 'number' THEN
    IF value::text ~ '^-?[0-9]{1,15}$' THEN
      RETURN value::text;
    END IF;
    IF value::numeric <> trunc(value::numeric)
      OR abs(value::numeric) > 9007199254740991 THEN
      RAISE EXCEPTION 'the audit trail takes whole numbers within 2^53 only';
    END IF;
    RETURN trunc(value::numeric)::text;
  ELSE
    RETURN value::text;
  END CASE;
END $$;

-- Texts leave the row before it is stored.
CREATE FUNCTION audit_set_texts_apart() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  given record;
  salt text;
BEGIN
  FOR given IN SELECT * FROM jsonb_each_text(NEW.texts) LOOP
    IF COALESCE(given.value, '') = '' THEN
      NEW.texts := NEW.texts - given.key;
      CONTINUE;
    END IF;
    salt := gen_random_uuid();
    INSERT INTO audit_texts VALUES (NEW.seq, given.key, salt, given.value);
    NEW.texts := jsonb_set(NEW.texts, ARRAY[given.key], to_jsonb(encode(sha256(
      convert_to(format(E'slack-approval-bot/audit-text/1\n%s\n%s', salt, given.value),
        'UTF8')), 'hex')));
  END LOOP;
  RETURN NEW;
END $$;

-- One row more at the end of its workspace's chain. The lock is held until the commit,
-- so that the next one sees this one; whatever goes wrong, two rows cannot have one
-- number.
CREATE FUNCTION audit_append_to_chain(fact audit) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  head audit_chain;
  following bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('audit'), hashtext(fact.team_id));
  SELECT * INTO head FROM audit_chain
  WHERE team_id = fact.team_id ORDER BY number DESC LIMIT 1;
  following := COALESCE(head.number, 0) + 1;
  INSERT INTO audit_chain VALUES (fact.team_id, following, fact.seq, sha256(convert_to(
    E'slack-approval-bot/audit/1\n'
    || '{"actor":' || to_json(fact.actor)
    || ',"at":"' || to_char(fact.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '","conversation_id":' || COALESCE(to_json(fact.conversation_id)::text, 'null')
    || ',"detail":' || canonical_json(fact.detail)
    || ',"event":' || to_json(fact.event)
    || ',"number":' || following
    || ',"previous":"' || encode(COALESCE(head.hash, ''), 'hex')
    || '","request_id":' || COALESCE(to_json(fact.request_id)::text, 'null')
    || ',"seq":' || fact.seq
    || ',"team_id":' || to_json(fact.team_id)
    || ',"texts":' || CASE WHEN fact.texts = '{}' THEN '{}'
      ELSE canonical_json(fact.texts) END
    || ',"via":' || to_json(fact.via) || '}', 'UTF8')));
END $$;

CREATE FUNCTION audit_link() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  PERFORM audit_append_to_chain(NEW);
  RETURN NULL;
END $$;

-- A role that may only insert into `audit` reaches the other tables by these two. They
-- look nowhere but in their own schema.
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_set_texts_apart() SET search_path = %I, pg_temp',
    current_schema());
  EXECUTE format('ALTER FUNCTION audit_link() SET search_path = %I, pg_temp',
    current_schema());
END $$;

-- What stands already is the beginning of the chain. The lock waits for transactions
-- that are writing to the trail, and keeps others from it meanwhile.
LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE;
DO $$
DECLARE
  fact audit;
BEGIN
  FOR fact IN SELECT * FROM audit ORDER BY seq LOOP
    PERFORM audit_append_to_chain(fact);
  END LOOP;
END $$;

CREATE TRIGGER audit_texts_apart BEFORE INSERT ON audit
  FOR EACH ROW EXECUTE FUNCTION audit_set_texts_apart();
ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_texts_apart;

-- Deferred: the chain's lock is taken at the commit, after every other lock, and held
-- for no longer than that.
CREATE CONSTRAINT TRIGGER audit_chained AFTER INSERT ON audit
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION audit_link();
ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_chained;

CREATE TRIGGER audit_chain_no_change BEFORE UPDATE OR DELETE ON audit_chain
  FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_chain_no_truncate BEFORE TRUNCATE ON audit_chain
  FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
ALTER TABLE audit_chain ENABLE ALWAYS TRIGGER audit_chain_no_change;
ALTER TABLE audit_chain ENABLE ALWAYS TRIGGER audit_chain_no_truncate;

CREATE TRIGGER audit_checkpoints_no_change BEFORE UPDATE OR DELETE ON audit_checkpoints
  FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_checkpoints_no_truncate BEFORE TRUNCATE ON audit_checkpoints
  FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
ALTER TABLE audit_checkpoints ENABLE ALWAYS TRIGGER audit_checkpoints_no_change;
ALTER TABLE audit_checkpoints ENABLE ALWAYS TRIGGER audit_checkpoints_no_truncate;

CREATE TRIGGER audit_texts_no_change BEFORE UPDATE ON audit_texts
  FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_texts_no_truncate BEFORE TRUNCATE ON audit_texts
  FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
ALTER TABLE audit_texts ENABLE ALWAYS TRIGGER audit_texts_no_change;
ALTER TABLE audit_texts ENABLE ALWAYS TRIGGER audit_texts_no_truncate;
