// ── Tables ────────────────────────────────────────────────────────────────────────────────────────────────────────
const number = new Set(["number", "rate", "instant", "date"]);

function cell(kind, value) {
  if (kind === "title") return value[1] ? make("a", {href: value[1], rel: "noopener noreferrer", target: "_blank"}, value[0]) : value[0];
  if (kind === "manager") return value[1] ? make("span", {}, make("i", {class: `dot ${value[1]}`}), cutTo(`manager:${value[2]}`) ? nameOf(value) : value[0]) : value[0];
  if (kind === "status") return make("span", {class: `pill ${value[1]}`}, value[0]);
  if (kind === "rate") return make("span", {class: value[3] ? "few" : ""}, make("span", {}, value[1]), make("i", {class: "small"}, value[2]));
  const [written, below] = number.has(kind) ? value.slice(1) : Array.isArray(value) ? value : [value];
  return below ? make("span", {}, written, make("i", {class: "small"}, below)) : written;
}

const nameOf = ([name, _look, id]) => make("a", {href: cutTo(`manager:${id}`), "data-link": `manager:${id}`}, name);

// What a cell is sorted by: a rate of few comes after every real one, whichever way it is sorted.
const key = (kind, value) => value[0] === null ? "" : kind === "rate" && value[3] ? `${value[0]}~` : value[0];

const node = content => content instanceof Node ? content : document.createTextNode(content);
const textOf = (kind, value) => Array.isArray(value) ? (number.has(kind) ? value[1] : value[0]) : value;
// By what a choice knows its rows: managers by their ids, two of one name are two; the rest by the very text.
const chosenBy = (kind, value) => kind === "manager" ? value[2] : textOf(kind, value);
// What is typed finds texts whatever their case and accents.
const bare = text => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

function columnsOf(table) {
  return all("thead th", table).map(head => {
    const kind = head.dataset.kind, className = {number: "num", rate: "num rate", instant: "day", date: "day", title: "deal", text: "txt"}[kind] ?? "";
    return {kind, className, name: head.dataset.name, unit: head.dataset.unit, pick: "pick" in head.dataset, extra: "extra" in head.dataset, title: head.dataset.inFull ?? head.textContent};
  });
}

// Its first rows stand in the page, the others are packed beneath it.
const unpacking = new Map();
function withAllRows(table) {
  if (!unpacking.has(table)) unpacking.set(table, putRows(table, table.closest(".scroll")?.nextElementSibling));
  return unpacking.get(table);
}

async function putRows(table, source) {
  if (!source?.matches("script.lines")) return;
  const body = table.tBodies[0], before = body.rows.length;
  body.insertAdjacentHTML("beforeend", (await heldIn(source)).join(""));
  namesLead(table);
  for (const row of [...body.rows].slice(before)) leadOn(row);
}

async function rowsOf(table) {
  await withAllRows(table);
  const source = table.closest(".scroll").nextElementSibling;
  if (!source?.matches("script.rows")) return null;
  return heldIn(source);
}

// What a column has at a place: a text, or several parts of one, made when it is asked for; `at` says which of them each row has.
function valuesOf({texts, at, ...column}) {
  const parts = texts ? [] : inFull(column), made = texts ? place => texts[place] : place => parts.map(part => part(place));
  return at ? place => made(at[place]) : made;
}

// The parts as they were before they were made short: days and instants are in seconds or steps of them, numbers say their own texts, addresses start alike.
function inFull({parts: [brief, ...texts], per, instants, threes, start, steps}) {
  let sum = 0;
  const values = steps ? brief.map(step => step === null ? null : sum += step) : brief;
  const known = (make, other = null) => place => values[place] === null ? other : make(values[place]);
  const first = per ? known(value => value / per) : instants ? known(value => `${new Date(1000 * value).toISOString().slice(0, 19).replace("T", " ")}+00:00`) : known(value => value);
  const others = start ? [place => texts[0][place] && start + texts[0][place]] : texts.map(part => place => part[place]);
  return [first, ...(threes ? [known(value => String(value).replace(/\B(?=(\d{3})+$)/g, threes), "—")] : []), ...others];
}

const lists = [];  // every table with its rows, and which of them are shown

// Missing values come last, rates of few before them, whichever way a column is sorted.
const rank = value => value === "" || value === "—" ? 2 : String(value).endsWith("~") ? 1 : 0, exact = value => String(value).replace(/~$/, "");
const numeral = text => isNaN(text) ? text : Number(text);
const SORTS = {
  known: {key: value => [rank(value), numeral(exact(value))], compare: (a, b) => isNaN(a) || isNaN(b) ? (a < b ? -1 : a > b ? 1 : 0) : a - b},
  words: {key: value => [2 * (rank(value) === 2), value], compare: new Intl.Collator(document.documentElement.lang).compare},
};
const sorted = ({compare}, way) => ([rankOfA, a], [rankOfB, b]) => rankOfA - rankOfB || way * compare(a, b);
const sortOf = kind => number.has(kind) ? "known" : "words";

// A table that can be sorted, searched and narrowed. A row is named by its place, so no name is ever compared as DataTables would.
// Of a long list DataTables gets the rows that it shows: it would go through twenty thousand of them twice before it showed ten.
class List {
  constructor(table, rows) {
    Object.assign(this, {table, rows, columns: columnsOf(table), fits: new Map(), boxes: new Map(), nobody: null, sortKeys: []});
    this.values = rows?.columns.map(valuesOf);
    this.lines = rows ? [] : [...table.tBodies[0].rows];
    this.lines.forEach((line, place) => { line.place = place; });
    for (const line of this.lines) for (const cell of line.cells) cell.dataset.order ??= cell.textContent;  // else sorted by its HTML
    this.size = rows ? rows.counts.length : this.lines.length;
    this.whose = this.columns.findIndex(column => column.kind === "manager");
    this.counts = JSON.parse(table.dataset.counts ?? "[]");
    if (this.counts.length) this.fits.set("counts", this.counting(this.counts[0][0]));
    const total = table.tFoot;  // stays as it is, below the rows however they are sorted
    total?.remove();
    if (rows) table.tBodies[0].replaceChildren();
    this.drawn = new DataTable(table, this.options());
    if (total) table.append(total);
    if (!rows) this.drawn.search.fixed("fits", (_text, _row, place) => this.isIn(place));
    this.drawn.on("draw", () => this.explain());
    if (!rows) this.drawn.draw();
    table.dataset.drawn = this.size;
    table.closest(".scroll").before(this.tools());
    lists.push(this);
    if (about) this.only(about);
  }

  options() {
    const {columns, rows} = this, paging = this.size > 15;
    return {
      order: [], autoWidth: false, paging, pageLength: 10, orderMulti: false,
      layout: {topStart: null, topEnd: null, bottomStart: paging ? "info" : null, bottomEnd: paging ? "paging" : null},
      language: {thousands: "\u00a0", info: `${page.texts.info}<span class="paper"> · ${page.texts.paper}</span>`, infoEmpty: "", infoFiltered: "", zeroRecords: "—", emptyTable: "—",
                 paginate: {first: "«", last: "»", previous: "‹", next: "›"}},
      ...(rows ? {serverSide: true, ajax: (asked, give) => give(this.answer(asked))} : {}),
      ...(rows ? {columns: columns.map(({kind, className, name, title}, at) => ({
        className: `${className} c-${name}`, cellType: kind === "title" ? "th" : "td",
        // On a phone a row is a card, whose numbers say what they are.
        createdCell: cell => { if (!["title", "customer"].includes(name)) cell.dataset.label = title; },
        render: (_value, use, row) => use === "display" ? node(cell(kind, row[at])) : "",  // whatever else it asks for, `answer` sorts
      }))} : {}),
      columnDefs: columns.map(({kind, extra}, at) => number.has(kind) ? {targets: at, type: "known", searchable: false, orderSequence: ["desc", "asc", ""]} :
        {targets: at, type: "words", searchable: false, visible: !(extra && rows)}),
    };
  }

  isIn(place) {
    return [...this.fits.values()].every(fit => fit(place));
  }

  answer({draw, start, length, order}) {
    const places = this.placesIn(order.map(({column, dir}) => [column, dir]));
    return {draw, recordsTotal: this.size, recordsFiltered: places.length, data: places.slice(start, length < 0 ? undefined : start + length).map(place => this.values.map(value => value(place)))};
  }

  // The rows that fit, sorted as asked: [column, "asc" or "desc"], or as they came.
  placesIn([[at, way] = []]) {
    const places = Array.from({length: this.size}, (_none, place) => place).filter(place => this.isIn(place));
    if (!way) return places;
    const {kind} = this.columns[at], sort = SORTS[sortOf(kind)], value = this.values[at];
    const keys = this.sortKeys[at] ??= Array.from({length: this.size}, (_none, place) => sort.key(number.has(kind) ? key(kind, value(place)) : textOf(kind, value(place))));
    const compare = sorted(sort, way === "asc" ? 1 : -1);
    return places.sort((one, other) => compare(keys[one], keys[other]));
  }

  tools() {
    const bar = make("div", {class: "tools"});
    if (this.counts.length > 1) bar.append(this.picker("counts", page.texts.counts, this.countChoices()));
    if (this.size > (this.rows ? 10 : 20)) bar.append(this.search());
    if (this.rows) this.columns.forEach((column, at) => column.pick && this.choicesOf(column, at, choices => bar.append(this.picker(column.name, column.title, choices))));
    const saving = exports(this.table.closest("[data-element]"), () => this.asLines()), sub = this.table.closest("[data-element]")?.querySelector(":scope>.sub");
    const isAlone = !bar.childElementCount && sub && !this.table.closest("details:not(.more)");
    (isAlone ? sub : bar).append(saving);
    return bar;
  }

  search() {
    const box = make("input", {type: "search", placeholder: page.texts.search, "aria-label": page.texts.search}), texts = [];
    const text = place => texts[place] ??= bare(this.rows ? this.values.flatMap(column => column(place)).filter(value => typeof value === "string").join(" ") : this.lines[place].textContent);
    box.addEventListener("input", () => {
      const words = bare(box.value).split(/\s+/).filter(Boolean);
      this.narrow("search", words.length ? place => words.every(word => text(place).includes(word)) : null);
    });
    return this.box = box;
  }

  counting(name) {
    const sign = 1 << this.counts.findIndex(([count]) => count === name);
    return place => Boolean(this.rows.counts[place] & sign);
  }

  countChoices() {
    return [...this.counts.map(([name, title]) => ({text: title, key: name, fit: this.counting(name)})), {text: page.texts.every, key: "", fit: null}];
  }

  choicesOf(column, at, use) {
    const value = this.values[at], texts = new Map(this.rows.counts.map((_mask, place) => value(place)).map(own => [chosenBy(column.kind, own), textOf(column.kind, own)]));
    if (texts.size < 2) return;
    const names = [...texts].sort(([, a], [, b]) => a.localeCompare(b, document.documentElement.lang));
    const choice = ([key, text]) => ({text, key, fit: place => chosenBy(column.kind, value(place)) === key});
    use([{text: page.texts.all.replace("{title}", () => column.title), key: null, fit: null}, ...names.map(choice)]);
  }

  picker(name, title, choices) {
    const box = make("select", {"aria-label": title, "data-name": name}, ...choices.map(({text}, at) => make("option", {value: at}, text)));
    const set = at => {
      box.value = at;
      box.classList.toggle("on", at > 0);
      this.narrow(name, choices[at].fit);
    };
    box.addEventListener("change", () => {
      const at = Number(box.value);
      if (name === "manager") leave();
      set(at);
    });
    this.boxes.set(name, {
      pick: key => set(Math.max(0, choices.findIndex(choice => choice.key === key))),
      offer: choice => { if (!choices.some(({key}) => key === choice.key)) box.append(make("option", {value: choices.push(choice) - 1}, choice.text)); },
    });
    return box;
  }

  narrow(name, fit) {
    if (fit) this.fits.set(name, fit);
    else this.fits.delete(name);
    this.drawn.draw();
  }

  whoseIs(place) {
    return this.rows ? this.values[this.whose](place)[2] : this.lines[place].querySelector("[data-manager]")?.dataset.manager;
  }

  // Only the rows of one person, {id, name}, or everybody's again. Somebody without rows has an empty list that says so.
  only(who) {
    if (this.whose < 0) return;
    this.nobody = who?.name;
    const fit = place => this.whoseIs(place) === who.id, box = this.boxes.get(this.columns[this.whose].name);
    if (!box) return this.narrow("manager", who && fit);
    if (who) box.offer({text: who.name, key: who.id, fit});
    box.pick(who ? who.id : null);
  }

  // The rows that count in that and have these values, and nothing else narrows them.
  behind(count, values = new Map()) {
    leave();
    if (this.box) this.box.value = "";
    this.fits.delete("search");
    this.boxes.forEach((box, name) => box.pick(name === "counts" ? count : values.get(name) ?? null));
  }

  explain() {
    const empty = this.table.querySelector("td.dt-empty");
    if (empty) empty.textContent = this.nobody && !this.has("counts", "manager") ? page.texts.nobody.replace("{name}", () => this.nobody) : page.texts.empty;
  }

  // Whether any row fits these alone.
  has(...names) {
    const fits = names.map(name => this.fits.get(name)).filter(Boolean);
    return Array.from({length: this.size}).some((_none, place) => fits.every(fit => fit(place)));
  }

  shown() {
    return this.rows ? this.placesIn(this.drawn.order()) : this.drawn.rows({search: "applied", order: "applied"}).indexes().toArray();
  }

  asLines() {
    return [this.columns.map(column => column.title), ...this.shown().map(place => this.columns.map((column, at) =>
      this.rows ? exported(column, this.values[at](place)) : exportedCell(column, this.lines[place].cells[at])))];
  }
}

const tables = all("table.data"), enhanced = new Map();
const ready = tables.length ? load("tables") : Promise.resolve();

// The table with its tools, once: when it comes into view, is asked for, or there is time.
function enhance(table) {
  if (!enhanced.has(table)) enhanced.set(table, ready.then(() => rowsOf(table)).then(rows => new List(table, rows)).catch(error => console.error(error)));
  return enhanced.get(table);
}

if (tables.length) ready.then(() => {
  DataTable.ext.errMode = "throw";
  for (const [name, sort] of Object.entries(SORTS))
    Object.assign(DataTable.ext.type.order, {[`${name}-pre`]: sort.key, [`${name}-asc`]: sorted(sort, 1), [`${name}-desc`]: sorted(sort, -1)});
  const open = table => !table.closest("details") || table.closest("details").open;
  tables.filter(table => !open(table)).forEach(table => table.closest("details").addEventListener("toggle", () => enhance(table), {once: true}));
  const inSight = new IntersectionObserver(entries => entries.filter(entry => entry.isIntersecting).forEach(({target}) => {
    inSight.unobserve(target);
    enhance(target);
  }), {rootMargin: "300px"});
  const shown = tables.filter(open);
  shown.forEach(table => inSight.observe(table));
  wanted();
  // The rest when there is time, after the charts that are looked at: a long list takes longer than all of them.
  const next = () => shown.length ? idle().then(() => enhance(shown.shift())).then(next) : null;
  allDrawn.then(next);
}).catch(error => console.error(error));

// ── The deals behind a tile ───────────────────────────────────────────────────────────────────────────────────────
const deals = document.getElementById("deals");
const behind = async (count, values) => {
  const table = deals?.querySelector("table.data");
  if (!table) return;
  unfold(deals);
  (await enhance(table))?.behind(count, values);
};
// #deals=in_work&manager=17&stage=Invoice: the rows that count in that, and are of him, there.
const wanted = () => {
  const asked = new URLSearchParams(location.hash.slice(1));
  if (asked.get("deals") && deals) { behind(asked.get("deals"), asked); deals.scrollIntoView(); }
};
for (const tile of all('a.tile[data-counts][href="#deals"]')) tile.addEventListener("click", () => behind(tile.dataset.counts));
addEventListener("hashchange", wanted);
const leadOn = place => all("a[data-at][href]", place).forEach(link => { link.href = link.href.split("#")[0] + `#${link.dataset.at}`; });
leadOn(document);
// What is folded is printed, and asked for by name, so it is whole at once; a chart's numbers wait to be opened.
for (const table of all("details.more table")) if (!table.closest("details:not(.more)")) withAllRows(table);
