-- A small shop, to try the database tools with. Prices are in pence.
CREATE TABLE products (
  id integer PRIMARY KEY,
  name text NOT NULL UNIQUE,
  price integer NOT NULL CHECK (price > 0),
  stock integer NOT NULL CHECK (stock >= 0)
);
CREATE TABLE customers (
  id integer PRIMARY KEY,
  name text NOT NULL,
  city text NOT NULL
);
CREATE TABLE orders (
  id integer PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES customers,
  product_id integer NOT NULL REFERENCES products,
  amount integer NOT NULL CHECK (amount > 0),
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'sent', 'cancelled'))
);
INSERT INTO products (name, price, stock) VALUES
  ('Kettle', 3200, 14), ('Teapot', 2450, 6), ('Mug', 850, 120), ('Tray', 1900, 0);
INSERT INTO customers (name, city) VALUES
  ('Ada', 'London'), ('Grace', 'New York'), ('Linus', 'Helsinki');
INSERT INTO orders (customer_id, product_id, amount, status) VALUES
  (1, 1, 1, 'open'), (1, 3, 4, 'sent'), (2, 2, 1, 'open'), (3, 3, 2, 'open'),
  (3, 4, 1, 'cancelled');
