// ── One manager: a name without a page of its own makes this page about him, a second click about all again ───────
let about = null;  // {id, name}
for (const name of all('a[data-link^="manager:"]:not([href])')) pickable(name);
function pickable(name) {
  name.setAttribute("role", "button");
  name.setAttribute("aria-pressed", "false");
  name.tabIndex = 0;
  name.classList.add("pickable");
}

// The names in rows that were packed lead where the others lead.
function namesLead(table) {
  for (const name of all("a[data-link]:not([href]):not(.pickable)", table))
    if (page.links[name.dataset.link]) name.href = page.links[name.dataset.link];
    else if (name.dataset.link.startsWith("manager:")) pickable(name);
}
const idOf = name => name.dataset.link.slice("manager:".length);

function only(who) {
  about = who;
  lists.forEach(list => list.only(who));
  for (const row of all(".matrix tbody tr")) {
    const name = row.querySelector("a[data-link^='manager:']");
    row.hidden = Boolean(who && name && idOf(name) !== who.id);
  }
  piles.forEach(pile => pile.fit());
  charts.forEach(chart => chart.only?.(who?.id));
  all("a.pickable").forEach(name => name.setAttribute("aria-pressed", idOf(name) === who?.id));
  bar.hidden = !who;
  bar.replaceChildren(...(who ? [make("b", {}, who.name), make("span", {}, page.texts.alone), clear] : []));
}

// Everybody again, before something else is chosen.
function leave() {
  if (about) only(null);
}

const clear = make("button", {type: "button"}, page.texts.everybody);
const bar = make("div", {class: "only", role: "status", hidden: true});
clear.addEventListener("click", leave);
document.body.append(bar);

function toggle(event) {
  const name = event.target.closest?.("a.pickable");
  if (!name) return;
  event.preventDefault();
  only(about?.id === idOf(name) ? null : {id: idOf(name), name: name.textContent});
}
document.addEventListener("click", toggle);
document.addEventListener("keydown", event => { if (event.key === "Enter" || event.key === " ") toggle(event); });
