// ── Tables of several pipelines: one at a time on screen; paper and a page without scripts have all ──────────────────
const piles = all(".panes").map(pile => {
  const tables = all(":scope>.pane", pile);
  const choose = at => tables.forEach((pane, place) => {
    pane.classList.toggle("aside", place !== at);
    buttons[place].setAttribute("aria-pressed", place === at);
  });
  const buttons = tables.map((pane, place) => {
    const button = make("button", {type: "button"}, pane.querySelector("h3").textContent);
    button.addEventListener("click", () => choose(place));
    return button;
  });
  pile.before(make("div", {class: "pickers"}, make("fieldset", {class: "seg"}, make("legend", {}, page.texts.pipelines), ...buttons)));
  pile.classList.add("picked");
  choose(0);
  const has = pane => all("tbody tr", pane).some(row => !row.hidden);
  // Whoever the page is about is seen: where the table shown has nobody left, the first that has.
  return {fit: () => {
    const shown = tables.find(pane => !pane.classList.contains("aside"));
    if (!has(shown)) choose(Math.max(tables.findIndex(has), 0));
  }};
});
