// What the guide and the page of both sides play: who asks, for what, and who decides.

export const ASKER = "Ravi";
const SCENES = [
  { words: "delete reports/q3.csv", title: "Delete a file", by: ["Mina"], note: "A manager decides." },
  { words: "transfer 1500 GBP to alice", title: "Transfer money", by: ["Mina", "Fay"], note: "A manager, then finance. Above 10,000 a director too." },
  { words: "drop database staging", title: "Drop a database", by: ["Mina", "Dora"], note: "A manager, then a director." },
  { words: "UPDATE products SET price = 900 WHERE name = 'Mug'", title: "Change a price", by: ["Mina"], note: "The card shows how many rows it would change." },
  { words: "What is the time in Europe/Paris?", title: "Ask an MCP server", by: ["Mina"], note: "No rule names its tools, so a manager decides.", time_server: true },
  { words: "email ann@example.com about Lunch: See you at noon.", title: "Send an e-mail", by: ["Mina"], note: "A manager decides, on the card or in the Mailbox." },
];

// `phrase` is null for the shipped agent; a graph of somebody else's takes other words,
// "" where none are known. `has_time_server`: whether there is the server that knows the time.
export function scenesFor({ phrase, has_time_server }) {
  if (phrase === null) return SCENES.filter((scene) => has_time_server || !scene.time_server);
  return phrase ? [{ words: phrase, title: phrase, by: ["Mina"], note: "A manager decides, then the graph answers." }] : [];
}
