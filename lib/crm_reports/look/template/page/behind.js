// ── The rows behind a number: a click on it shows them, with the sum that makes it again ─────────────────────────────
// They lie in the page, or in a file beside it that comes with the first click. `page.rows.leads` says which numbers have any.
const {leads, address, sheet} = page.rows;
let rowsComing = null;
const comingRows = () => rowsComing ??= broughtRows().catch(error => { rowsComing = null; throw error; });

async function broughtRows() {
  const within = document.querySelector("script.behind");
  if (within) return heldIn(within);
  if (!address) return null;  // too many for a page that stands alone
  await new Promise((done, fail) => {
    const script = make("script", {src: address === "asked" ? `${location.pathname}.js${location.search}` : address});
    script.onload = done;
    script.onerror = () => fail(new Error("the rows could not be loaded"));
    document.head.append(script);
  });
  return JSON.parse(await unzipped(window.crmBehind));
}

// ── Which number a click means: its element, its metric, its row in the element's table ──
function numberAt(target) {
  const tile = target.closest?.("a.tile"), cell = target.closest?.("td.num, .matrix td"), node = tile ?? cell;
  const section = node?.closest("[data-element]"), known = leads[section?.dataset.element];
  if (!known || (!tile && target.closest("a, button"))) return null;
  const number = tile ? tileNumber(tile, section) : cell.closest(".matrix") ? matrixNumber(cell) : cellNumber(cell);
  return number && known.includes(number.metric) ? {node, id: section.dataset.element, ...number} : null;
}

const tileNumber = (tile, section) => tile.dataset.value === "" ? null
  : {metric: "value", row: all("a.tile", section).indexOf(tile), title: tile.querySelector(".label").textContent, shown: tile.querySelector(".num").textContent, whose: "", tip: tile.dataset.tip};

function matrixNumber(cell) {
  const {metric} = cell.closest("table").dataset, head = cell.closest("table").tHead.rows[0].cells[cell.cellIndex];
  if (!cell.dataset.row) return null;
  return {metric, row: Number(cell.dataset.row), title: head.firstChild.textContent, shown: cell.firstChild.textContent, whose: wordsOf(cell), tip: head.dataset.tip};
}

function cellNumber(cell) {
  const table = cell.closest("table"), head = table.tHead?.rows[0].cells[cell.cellIndex], line = cell.parentElement;
  if (!head?.dataset.name || table.matches(".list")) return null;
  const row = line.closest("tfoot") ? -1 : line.place ?? [...table.tBodies[0].rows].indexOf(line);
  const shown = cell.dataset.full ?? (cell.title || cell.firstChild.textContent);
  return {metric: head.dataset.name, row, title: head.dataset.inFull?.split(",\u00a0")[0] ?? head.querySelector(".told")?.firstChild.textContent ?? head.textContent, shown, whose: wordsOf(cell), tip: head.dataset.tip};
}

const wordsOf = cell => (cell.parentElement.querySelector("th") ?? cell.parentElement.cells[0])?.innerText.trim() ?? "";

// ── The rows of one number ──
function rowsOfNumber(data, {id, metric, row}) {
  const element = data.elements[id], size = element.ways[metric].length, ordinary = Array.from({length: size}, (_none, at) => at).filter(at => !element.totals.includes(at));
  const at = metric === "value" || !element.totals.length ? row : row < 0 ? element.totals[0] : ordinary[row];
  const way = data.ways[element.ways[metric][at < 0 ? size + at : at]];
  if (!way) return null;
  const facts = data.facts[way.facts];
  if (!facts.of) return {way, facts, places: null};
  const k = columnOf(facts, way.k), n = way.n === undefined ? null : columnOf(facts, way.n), [from, to] = (way.is_cut && element.days[at]) || [];
  const fits = way.keys.map(key => {
    const {texts, at: codes} = facts.keys[key], code = texts.indexOf(element.keys[key][at]);
    return place => codes[place] === code;
  });
  const own = way.rows && new Set(way.rows);
  const isIn = place => (!own || own.has(place)) && (from === undefined || (dayOf(facts, place)[0] >= from && dayOf(facts, place)[0] < to));
  const counts = place => k[place] !== null || (n && n[place] !== null);
  const places = k.map((_value, place) => place).filter(place => counts(place) && isIn(place) && fits.every(fit => fit(place)));
  return {way, facts, k, n, places: n ? [...places.filter(place => k[place]), ...places.filter(place => !k[place])] : places};
}

// What each row brings: null where the number does not count it. Equal numbers and those that stand close are written short.
const broughtBy = new Map();
function columnOf({count, parts}, place) {
  const part = parts[place];
  if (!broughtBy.has(part)) {
    const whole = new Array(count).fill(null);
    let at = 0;
    const places = part.at?.map(step => at += step) ?? whole.map((_none, number) => number);
    places.forEach((number, order) => { whole[number] = part.value ?? part.values[order]; });
    broughtBy.set(part, whole);
  }
  return broughtBy.get(part);
}

const dayOf = ({days}, place) => days.texts[days.at[place]];

// ── The sum that makes the number again ──
function sumOf({way, k, n, places}, data) {
  const own = places.map(place => k[place]).filter(value => value !== null), sum = own.reduce((all, value) => all + value, 0);
  const say = (text, value) => text.replace("{value}", () => value);
  const count = say(data.said.count, threes(places.length, data));
  if (!way.is_own) return `${count} · ${say(data.said.made_of, way.title)}`;
  if (way.way === "none") return `${count} · ${data.said.none}`;
  if (way.way === "ratio") {
    const of = places.map(place => n[place] ?? 0).reduce((all, value) => all + value, 0);
    return shareOf(sum, of, data);
  }
  if (way.is_part) return shareOf(sum, k.filter(value => value !== null && value !== undefined).reduce((all, value) => all + value, 0), data);
  if (way.way === "mean") return `${count} · ${say(data.said.mean, inWords(sum / own.length, way.unit, data))}`;
  if (way.way === "median") return `${count} · ${say(data.said.median, inWords(middleOf(own), way.unit, data))}`;
  if (way.way === "distinct") return `${count} · ${say(data.said.distinct, threes(new Set(own).size, data))}`;
  return way.unit === "count" && own.every(value => value === 1) ? count : `${count} · ${say(data.said.sum, inWords(sum, way.unit, data))}`;
}

const shareOf = (k, n, data) => data.said.share.replace("{k}", () => threes(k, data)).replace("{n}", () => threes(n, data)).replace("{share}", () => n ? inWords(k / n, "share", data) : "—");

function middleOf(values) {
  const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// A number as the page writes it, to the cent.
function threes(value, {words}, decimals = 2) {
  const [whole, rest] = Math.abs(value).toFixed(decimals).split("."), short = (rest ?? "").replace(/0+$/, "");
  return (value < 0 ? "−" : "") + whole.replace(/\B(?=(\d{3})+$)/g, words.space) + (short ? words.point + short : "");
}

const inWords = (value, unit, data) => [unit === "share" ? threes(100 * value, data, 1) : threes(value, data), data.words[unit] ?? ""].filter(Boolean).join(data.words.space);

// ── The drawer ──
const drawer = make("dialog", {class: "rows", "aria-labelledby": "rows-h"});
document.body.append(drawer);
// Its look comes with the script, which a site has once, and not with every page.
document.head.append(make("style", {}, `
.leads td.num,.leads .matrix td[data-row],.leads a.tile{cursor:pointer}
.leads td.num:hover,.leads .matrix td[data-row]:hover,.leads td:focus-visible{box-shadow:inset 0 -2px var(--accent)}
.leads .list td.num{cursor:auto;box-shadow:none}
dialog.rows{position:fixed;inset:0 0 0 auto;width:min(620px,100vw);max-width:none;height:100dvh;max-height:none;margin:0;padding:0;border:0;border-left:1px solid var(--line);background:var(--bg);color:var(--ink);box-shadow:-12px 0 40px #0003;overflow:auto;overscroll-behavior:contain}
dialog.rows::backdrop{background:#0003}
dialog.rows header{position:sticky;top:0;z-index:2;background:var(--card);border-bottom:1px solid var(--line);padding:14px 20px 10px}
dialog.rows .body{padding:12px 20px 32px}
dialog.rows .close{float:right;font:inherit;width:32px;height:32px;border:1px solid var(--line);border-radius:8px;background:var(--card);color:var(--ink);cursor:pointer;margin:0 0 4px 12px}
.crm dialog.rows h2{font-size:16px;margin:0}
dialog.rows .whose{margin:2px 0 0;overflow-wrap:anywhere}
dialog.rows .shown{font-size:24px;font-weight:640;letter-spacing:-.01em;margin:2px 0;line-height:1.25}
dialog.rows .sub{margin:0;font-size:13px}
dialog.rows .sum{font-weight:630;margin:0 0 8px}
dialog.rows table{width:100%;font-size:13.5px}
.crm dialog.rows tbody th{white-space:normal;overflow-wrap:anywhere;min-width:9em}
.crm dialog.rows tbody th i{display:block;font-style:normal;font-size:11.5px;line-height:1.3;color:var(--dim)}
dialog.rows .further{font:inherit;font-size:13px;border:1px solid var(--line);border-radius:7px;background:var(--card);color:var(--ink);padding:4px 12px;margin:8px 0;cursor:pointer}
@media(max-width:640px){dialog.rows{inset:auto 0 0;width:100vw;height:auto;max-height:86dvh;border:0;border-top:1px solid var(--line);border-radius:14px 14px 0 0}dialog.rows header{padding:12px 16px 8px}dialog.rows .body{padding:10px 16px 24px}}
@media print{dialog.rows{display:none}}
`));
drawer.addEventListener("click", event => { if (event.target === drawer) drawer.close(); });
const AT_ONCE = 100;

async function openRows(number) {
  const close = make("button", {type: "button", class: "close", "aria-label": page.texts.close}, "✕"), body = make("div", {class: "body"});
  close.addEventListener("click", () => drawer.close());
  const [, ...meaning] = (number.tip ?? "").split("\n");
  drawer.replaceChildren(make("header", {}, close, make("h2", {id: "rows-h"}, number.title), ...(number.whose ? [make("p", {class: "whose"}, number.whose)] : []),
    make("p", {class: "shown"}, number.shown), make("p", {class: "sub"}, meaning.join(" "))), body);
  if (!drawer.open) drawer.showModal();
  try {
    const data = await comingRows(), found = data && rowsOfNumber(data, number);
    body.replaceChildren(...(found?.places ? tableOf(data, found, number) : [make("p", {class: "missing"}, found || !data ? tooMany(data, found) : data.said.nowhere)]), ...listed(number));
  } catch (error) {
    failed(body, error);
  }
}

const tooMany = (data, found) => [found ? data.said.many.replace("{value}", found.facts.count) : page.texts.rows_alone,
  sheet ? page.texts.rows_sheet.replace("{value}", () => sheet) : page.texts.rows_fewer].join(" ");

// A tile's own link leads to a list of the page, or of another report.
function listed({node}) {
  if (!node.matches("a.tile[href]")) return [];
  const link = make("a", {href: node.href, class: "listed"}, page.texts.rows_listed);
  link.addEventListener("click", () => { drawer.close(); if (node.getAttribute("href") === "#deals") behind(node.dataset.counts); });
  return [make("p", {}, link)];
}

function tableOf(data, found, number) {
  const {way, facts, k, n, places} = found, subject = subjectsOf(data);
  const money = data.subjects.heads.findIndex(({name}) => name === "money"), isShare = way.way === "ratio";
  const hasValue = !isShare && way.is_own && !["none", "distinct"].includes(way.way) && !(way.unit === "count" || way.unit === "share" || way.is_part && k.every(value => value === null || value === 1));
  const heads = [data.subjects.heads[0].title, data.said.day, isShare ? data.said.counts : hasValue ? way.title : data.subjects.heads[money].title];
  const value = place => isShare ? (k[place] ? "✓" : "") : hasValue ? inWords(k[place], way.unit, data) : subject(facts.of[place])?.[money][1] ?? subject(facts.of[place])?.[money][0] ?? "—";
  const line = place => {
    const own = subject(facts.of[place]), what = facts.kinds?.texts[facts.kinds.at[place]];
    const small = [what, own?.[1][0], own && textOf("text", own[3])].filter(Boolean).join(" · ");
    return make("tr", {}, make("th", {scope: "row"}, own ? cell("title", own[0]) : data.said.nobody, make("i", {}, small)),
      make("td", {class: "day"}, dayOf(facts, place)[1] || "—"), make("td", {class: "num"}, value(place)));
  };
  const lines = make("tbody"), more = make("button", {type: "button", class: "further"});
  let shown = 0;
  const next = () => {
    lines.append(...places.slice(shown, shown += AT_ONCE).map(line));
    more.textContent = data.said.more.replace("{value}", threes(Math.max(places.length - shown, 0), data));
    more.hidden = shown >= places.length;
  };
  more.addEventListener("click", next);
  next();
  const saving = make("button", {type: "button"}, page.texts.csv);
  saving.addEventListener("click", () => save(linesOfNumber(data, found), `${number.id}-${number.metric}.csv`));
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads.map((text, at) => make("th", {scope: "col", class: at === 2 ? "num" : undefined}, text)))), lines);
  return [make("p", {class: "sum", role: "status"}, sumOf(found, data)), make("div", {class: "tools"}, saving),
    make("div", {class: "scroll", tabindex: "0", role: "group", "aria-label": number.title}, table), more];
}

// The deals and leads, each by its columns; leads stand behind the deals.
function subjectsOf({subjects}) {
  subjects.values ??= subjects.columns.map(valuesOf);
  return of => of === -1 ? null : subjects.values.map((column, at) => {
    const value = column(of >= 0 ? of : subjects.deals - 2 - of);
    return Array.isArray(value) ? value : [value];
  });
}

function linesOfNumber(data, {way, facts, k, n, places}) {
  const subject = subjectsOf(data), {heads} = data.subjects;
  const head = [...heads.map(({title}) => title), data.said.link, data.said.day, ...(facts.kinds ? [data.said.kind] : []), way.title, ...(n ? [data.said.of] : [])];
  return [head, ...places.map(place => {
    const own = subject(facts.of[place]) ?? heads.map(() => [""]);
    return [...heads.map((_head, at) => own[at][0]), own[0][1] ?? "", dayOf(facts, place)[1], ...(facts.kinds ? [facts.kinds.texts[facts.kinds.at[place]]] : []), k[place], ...(n ? [n[place]] : [])];
  })];
}

document.addEventListener("click", event => {
  const number = !event.defaultPrevented && !isJoining(event) && numberAt(event.target);
  if (!number || String(getSelection())) return;
  event.preventDefault();
  event.stopPropagation();
  openRows(number);
}, true);

// The keyboard: one stop in each table, from which arrows lead from number to number and Enter opens.
const cellsOf = table => all("td.num, .matrix td", table).filter(cell => numberAt(cell));
function stopAt(cell) {
  all("[tabindex='0']", cell.closest("table")).forEach(other => other.removeAttribute("tabindex"));
  cell.tabIndex = 0;
}
const STEPS = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
document.addEventListener("keydown", event => {
  const cell = event.target.closest?.("td"), step = STEPS[event.key];
  if (!cell || event.target !== cell) return;
  if (event.key === "Enter" || event.key === " ") { event.preventDefault(); const number = numberAt(cell); if (number) openRows(number); }
  if (!step) return;
  const rows = [...cell.closest("table").rows], line = rows[rows.indexOf(cell.parentElement) + step[0]], next = line?.cells[cell.cellIndex + step[1]];
  if (!next || !numberAt(next)) return;
  event.preventDefault();
  stopAt(next);
  next.focus();
});
for (const section of all("section.element")) if (leads[section.dataset.element]) section.classList.add("leads");
const stops = new IntersectionObserver(entries => entries.filter(entry => entry.isIntersecting).forEach(({target}) => {
  const first = !target.querySelector("[tabindex='0']") && cellsOf(target)[0];
  if (first) stopAt(first);
}));
all(".leads table").forEach(table => stops.observe(table));
