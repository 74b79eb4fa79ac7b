// ── Tooltips: on every header and every number ────────────────────────────────────────────────────────────────────
const tip = document.getElementById("tip");
const tipTexts = document.querySelector("script.tips");

// A text is its title, its meaning and, after "= ", its formula.
function explained(text) {
  const [title, ...lines] = text.split("\n"), formula = lines.at(-1)?.startsWith("= ") ? [" ", make("code", {}, lines.pop())] : [];
  return [make("dt", {}, title), make("dd", {}, lines.join("\n"), ...formula)];
}

if (tipTexts) heldIn(tipTexts).then(texts => {
  for (const place of all("[data-word]")) place.dataset.tip = texts[place.dataset.word];
  for (const list of all("[data-words]")) list.append(...list.dataset.words.split(" ").flatMap(place => explained(texts[place])));
});

// Where a click shows the rows, the tooltip says so.
function tipOf(target) {
  const found = saidOf(target);
  return found && numberAt(found[0]) ? [found[0], `${found[1]}\n${page.texts.rows_hint}`] : found;
}

function saidOf(target) {
  const name = target.closest?.("main a[data-link]"), hint = name && cutHint(name.dataset.link);
  if (hint) return [name, hint];
  const place = target.closest?.("[data-tip], table.data td, .matrix td");
  if (!place) return null;
  if (place.dataset.tip !== undefined) return place.dataset.tip ? [place, place.dataset.tip] : null;
  if (place.title) { place.dataset.full = place.title; place.removeAttribute("title"); }  // money that its column rounds
  const head = place.closest("table").tHead.rows[0].cells[place.cellIndex];
  if (!head?.dataset.tip || !(place.dataset.full || head.dataset.tip.includes("\n"))) return null;
  const who = place.parentElement.querySelector("th")?.innerText.trim();
  const value = place.dataset.full ?? [...place.childNodes].map(node => node.textContent.trim()).filter(Boolean).join(" · ");
  return [place, [[who, value].filter(Boolean).join(": "), head.dataset.tip].join("\n")];
}

let pointed = null, pointedTop = 0;

function point(event) {
  const found = tipOf(event.target);
  if (!found) return tip.hidePopover?.();
  tip.textContent = found[1];
  tip.showPopover?.();
  pointed = found[0];
  const {left, bottom, top} = pointed.getBoundingClientRect(), {offsetWidth, offsetHeight} = tip;
  pointedTop = top;
  tip.style.left = `${Math.max(8, Math.min(left, innerWidth - offsetWidth - 8))}px`;
  tip.style.top = `${bottom + 6 + offsetHeight < innerHeight ? bottom + 6 : top - 6 - offsetHeight}px`;
}
for (const event of ["pointerover", "focusin", "click"]) document.addEventListener(event, point);
addEventListener("keydown", event => event.key === "Escape" && tip.hidePopover?.());
addEventListener("scroll", () => {
  if (pointed && Math.abs(pointed.getBoundingClientRect().top - pointedTop) > 4) tip.hidePopover?.();
}, {passive: true});
