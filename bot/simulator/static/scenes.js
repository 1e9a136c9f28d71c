// What the guide and the page of both sides play: who asks, for what, and who decides.

export const ASKER = "Ravi";
const SCENES = [
  { words: "delete reports/q3.csv", title: "Delete a file", by: ["Mina"], note: "A manager decides." },
  { words: "transfer 1500 GBP to alice", title: "Transfer money", by: ["Mina", "Fay"], note: "A manager, then finance. Above 10,000 a director too." },
  { words: "drop database staging", title: "Drop a database", by: ["Mina", "Dora"], note: "A manager, then a director." },
  { words: "UPDATE products SET price = 900 WHERE name = 'Mug'", title: "Change a price", by: ["Mina"], note: "The card shows how many rows it would change." },
  { words: "email ann@example.com about Lunch: See you at noon.", title: "Send an e-mail", by: ["Mina"], note: "A manager decides, on the card or in the Mailbox." },
];

// `phrase` is null for the shipped agent; a graph of somebody else's takes other words,
// "" where none are known.
export function scenesFor(phrase) {
  if (phrase === null) return SCENES;
  return phrase ? [{ words: phrase, title: phrase, by: ["Mina"], note: "A manager decides, then the graph answers." }] : [];
}
