-- The account book and the databases of the sandbox, in SQLite.
-- Amounts are in hundredths of their currency, as whole numbers.

-- name: make_accounts
-- The account book as it is at first: an account of our own and those whom it can pay.
CREATE TABLE accounts (
  name text NOT NULL,
  currency text NOT NULL CHECK (currency IN ('GBP', 'EUR', 'USD')),
  pence integer NOT NULL CHECK (typeof(pence) = 'integer' AND pence >= 0),
  own integer NOT NULL DEFAULT 0,
  PRIMARY KEY (name, currency)
);
CREATE TABLE transfers (
  id integer PRIMARY KEY,
  at text NOT NULL DEFAULT CURRENT_TIMESTAMP,
  payee text NOT NULL,
  currency text NOT NULL,
  pence integer NOT NULL CHECK (pence > 0)
);
INSERT INTO accounts (name, currency, pence, own) VALUES
  ('ours', 'GBP', 25000000, 1),
  ('ours', 'EUR', 25000000, 1),
  ('ours', 'USD', 25000000, 1),
  ('alice', 'GBP', 120000, 0),
  ('alice', 'EUR', 0, 0),
  ('alice', 'USD', 0, 0),
  ('bob', 'GBP', 4550, 0),
  ('bob', 'EUR', 30000, 0),
  ('bob', 'USD', 0, 0),
  ('carol', 'GBP', 0, 0),
  ('carol', 'EUR', 0, 0),
  ('carol', 'USD', 91025, 0),
  ('acme', 'GBP', 0, 0),
  ('acme', 'EUR', 0, 0),
  ('acme', 'USD', 0, 0);

-- name: make_database
-- Something to lose, the same in each database.
CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (
  id integer PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES customers,
  item text NOT NULL
);
INSERT INTO customers (name) VALUES ('Ada'), ('Grace'), ('Linus');
INSERT INTO orders (customer_id, item) VALUES
  (1, 'typewriter'), (1, 'ribbon'), (2, 'clock'), (3, 'kettle');

-- name: select_accounts
-- All balances, our own first.
SELECT name, currency, pence FROM accounts ORDER BY own DESC, name, currency;

-- name: select_payees
-- Who can be paid.
SELECT DISTINCT name FROM accounts WHERE NOT own ORDER BY name;

-- name: select_own
-- What our own account holds of a currency.
SELECT name, pence FROM accounts WHERE own AND currency = :currency;

-- name: book
-- Put an amount on an account, or take it off.
UPDATE accounts SET pence = pence + :pence WHERE name = :name AND currency = :currency;

-- name: note_transfer
-- The line of the book that says who was paid what.
INSERT INTO transfers (payee, currency, pence) VALUES (:payee, :currency, :pence);

-- name: select_tables
-- What a database consists of.
SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name;
