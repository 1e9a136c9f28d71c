"""How the pages of links look: one small sheet, light and dark, for a phone first."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1d1c1d; --dim: #56545a; --paper: #fff;
  --line: #c9c7cc; --field: #f6f5f7; --yes: #00674d; --no: #b3123d; --on: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #f1f0f2; --dim: #b5b2ba;
  --paper: #1b1a1d; --line: #55525b; --field: #26242a; --yes: #4cc79d; --no: #ff8ca6;
  --on: #16151a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 44rem; padding: 1rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.35rem; line-height: 1.25; }
h2 { font-size: 1.05rem; margin: 1.5rem 0 .4rem; }
pre { margin: 0; padding: .75rem; border: 1px solid var(--line); border-radius: .4rem;
  background: var(--field); white-space: pre-wrap; overflow-wrap: anywhere;
  font: .9rem/1.45 ui-monospace, monospace; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem .9rem; }
dt, small { color: var(--dim); }
dd { margin: 0; }
ol { margin: 0; padding-left: 1.4rem; }
label { display: block; margin: .9rem 0 .25rem; }
input, textarea { width: 100%; padding: .6rem; font: inherit; color: inherit;
  background: var(--field); border: 1px solid var(--line); border-radius: .4rem; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0; }
button { flex: 1 1 9rem; min-height: 3rem; font: inherit; font-weight: 600;
  cursor: pointer; color: var(--on); background: var(--yes);
  border: 0; border-radius: .4rem; }
a.button { flex: 1 1 9rem; padding: .7rem; text-align: center; font-weight: 600;
  text-decoration: none; color: var(--on); background: var(--yes);
  border-radius: .4rem; }
button.no { background: var(--no); }
button.other { color: var(--ink); background: transparent;
  border: 1px solid var(--line); }
:focus-visible { outline: 3px solid var(--yes); outline-offset: 2px; }
"""
