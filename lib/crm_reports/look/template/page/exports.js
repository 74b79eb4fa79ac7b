// ── Exports: what is shown of an element, as CSV, and the workbook ────────────────────────────────────────────────
// A text that a spreadsheet would run as a formula gets an apostrophe before it.
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/;
const quoted = value => {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = typeof value === "string" && FORMULA.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

// A header says "%": 0.104 is 10.4.
const inUnit = ({unit}, value) => unit === "share" && value !== "" && value !== null && !isNaN(value) ? Number((100 * value).toPrecision(12)) : value;
const exported = (column, value) => number.has(column.kind) ? inUnit(column, value[0]) : textOf(column.kind, value);
const numeric = text => text === "" || isNaN(text) ? text : Number(text);
const exportedCell = (column, cell) => number.has(column.kind) ? inUnit(column, numeric((cell.dataset.order ?? cell.textContent.trim()).replace(/~$/, ""))) : cell.textContent.trim();

function exports(section, asLines) {
  const button = make("button", {type: "button", "aria-label": `${page.texts.csv}: ${section?.querySelector("h2")?.textContent ?? ""}`}, page.texts.csv);
  button.addEventListener("click", async () => save(await asLines(), `${section?.id || "table"}.csv`));
  return make("span", {class: "end"}, button, ...(page.workbook ? [make("a", {href: page.workbook}, page.texts.excel)] : []));
}

function save(lines, name) {
  const text = "\ufeff" + lines.map(line => line.map(quoted).join(",")).join("\r\n");
  const link = make("a", {href: URL.createObjectURL(new Blob([text], {type: "text/csv"})), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);  // the browser reads it when it gets to it
}

const texts = nodes => nodes.map(node => node?.textContent.trim().replace(/\s+/g, " ") ?? "");

const linesOfTable = async table => (await enhance(table)).asLines();

// A pipeline's name is a line of its own over its table.
const linesOfMatrix = table => [...texts(all(":scope>h3", table.closest(".pane") ?? table)).map(name => [name]), ...linesOfRows(table)];
const linesOfRows = table => [...table.rows].filter(row => !row.hidden).map(row => [...row.cells].map(cell => cell.dataset.order ? Number(cell.dataset.order) : texts([cell])[0]));

const linesOfTiles = tiles => tiles.map(tile => [...texts([tile.querySelector(".label")]), tile.dataset.value === "" ? "" : Number(tile.dataset.value),
  ...texts([tile.querySelector(".num"), tile.querySelector(".chg"), tile.querySelector(".note")])]);

async function linesOfChart(node) {
  const chart = charts.find(each => each.node === node);
  await chart.read;
  const {data} = chart.figure;
  return data.filter(trace => trace.visible !== false && trace.x?.length && trace.y?.length)
    .flatMap(trace => trace.x.map((x, at) => [plain(trace.name ?? ""), typeof x === "string" ? plain(x) : x, trace.y[at]]));
}

// What there is to export of an element that is no table of its own: those have their tools.
function linesOf(section) {
  const [table, matrix, chart] = ["table.data", "table.matrix", "div.chart"].map(kind => section.querySelector(kind));
  if (table) return table.closest("details:not(.more)") ? () => linesOfTable(table) : null;
  if (matrix) return () => all("table.matrix", section).flatMap(linesOfMatrix);
  if (chart) return () => linesOfChart(chart);
  const found = {tiles: all("a.tile", section), items: all(".needs li", section), words: all(".words div", section)};
  if (found.tiles.length) return () => linesOfTiles(found.tiles);
  if (found.items.length) return () => found.items.map(item => texts([item]));
  return found.words.length ? () => found.words.map(item => texts([item.querySelector("dt"), item.querySelector("dd")])) : null;
}

for (const section of all("section.element")) {
  const lines = linesOf(section), below = section.querySelector(":scope>.sub");
  if (lines && below) below.append(exports(section, lines));
}
