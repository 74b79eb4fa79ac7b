// ── Charts ────────────────────────────────────────────────────────────────────────────────────────────────────────
const toDark = Object.entries(page.twins);
const twins = {dark: new Map(toDark), light: new Map(toDark.map(pair => pair.reverse()))};
const hover = matchMedia("(hover: hover)").matches;
const config = {displaylogo: false, displayModeBar: hover ? "hover" : false, responsive: true, modeBarButtons: [["toImage"]], scrollZoom: false, doubleClick: false};

function recoloured(value, theme) {
  if (typeof value === "string") return value.replace(/#[0-9a-f]{6}\b/gi, hex => twins[theme].get(hex.toLowerCase()) ?? hex);
  if (Array.isArray(value)) return value.map(each => recoloured(each, theme));
  if (value && typeof value === "object" && !ArrayBuffer.isView(value))
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, recoloured(each, theme)]));
  return value;
}

const charts = all(".chart").filter(node => node.tagName === "DIV").map(node => ({
  node, figure: null, theme: "light", drawn: null,
}));
// What several figures have is said once, and stands in each as {"@": its place}.
const shared = heldIn(document.querySelector("script.shared"));
function whole(value, parts) {
  if (!value || typeof value !== "object") return value;
  if (Array.isArray(value)) return value[0] && typeof value[0] === "object" ? value.map(each => whole(each, parts)) : value;
  return "@" in value ? parts[value["@"]] : Object.fromEntries(Object.entries(value).map(([key, each]) => [key, whole(each, parts)]));
}
for (const chart of charts) chart.read = Promise.all([heldIn(chart.node.parentElement.querySelector("script.figure")), shared])
  .then(([figure, parts]) => { chart.figure = whole(figure, parts); });

// One chart a task, in the order that they are asked for: the first is seen while the others are still drawn.
let turns = Promise.resolve();
function draw(chart) {
  return chart.drawn ??= turns = Promise.all([load("plotly"), chart.read, turns]).then(paused).then(() => drawNow(chart)).catch(error => failed(chart.node, error));
}

function drawNow(chart) {
  const {data, layout} = chart.figure;
  if (chart.isBegun) return null;  // on paper
  chart.isBegun = true;
  chart.menus = (layout.updatemenus ?? []).filter(menu => menu.type === "buttons");
  if (chart.menus.length) {
    layout.updatemenus = layout.updatemenus.filter(menu => menu.type !== "buttons");
    layout.margin = {...layout.margin, t: layout.meta?.panes ? 0 : 44};
    chart.node.before(pickers(chart));
    drilling(chart);
  }
  layout.dragmode ??= false;
  roomForLegend(chart);
  fitScreen(chart);
  delete layout.width;
  if (layout.meta?.panes) panes(chart);
  if (layout.meta?.people) people(chart);
  cutting(chart);
  chart.theme = theme();
  const shown = chart.theme === "dark" ? recoloured({data, layout}, "dark") : {data, layout};
  chart.node.replaceChildren();
  tall(chart, layout.height);
  return Plotly.newPlot(chart.node, shown.data, shown.layout, config).then(() => {
    all("svg", chart.node).forEach(picture => picture.setAttribute("aria-hidden", true));  // its label and its data say the same
    chart.drills?.();
    chart.cuts?.();
    chart.node.dataset.drawn = data.length;
  });
}

// Without a height of its own the block follows the drawing, and collapses while plotly redraws.
const tall = (chart, height) => Object.assign(chart.node.style, {minHeight: "", height: `${height ?? 420}px`});

// On a phone the legend has lines of its own over what the axis says: plotly gives each entry the width of the widest.
function roomForLegend({node, figure: {data, layout}}) {
  if (!layout.showlegend || layout.legend?.y < 0 || node.clientWidth > 480) return;
  const names = data.filter(({name, showlegend, visible}) => name && showlegend !== false && visible !== false).map(({name}) => name.length);
  const perLine = Math.max(1, Math.floor(node.clientWidth / (50 + 7 * Math.max(0, ...names)))), more = 19 * Math.max(0, Math.ceil(names.length / perLine) - 1);
  layout.legend = {...layout.legend, yref: "container", y: 1, yanchor: "top"};
  layout.margin = {...layout.margin, t: (layout.margin?.t ?? 44) + 16 + more};
  layout.height = (layout.height ?? 420) + more;
}

// Beside what needs somebody a chart ends with the screen, as far as it can be read.
const LEAST_HEIGHT = 190;
function fitScreen({node, figure: {layout}}) {
  if (printing || innerWidth < 1000 || !node.matches("main.front>#dynamics *")) return;
  const room = innerHeight - (node.getBoundingClientRect().top + scrollY);
  layout.height = Math.min(layout.height ?? 420, Math.max(room, LEAST_HEIGHT));
}

let printing = false;
const theme = () => dark.matches && !printing ? "dark" : "light";

function recolour(chart) {
  if (!chart.node.data || chart.theme === theme()) return;
  chart.theme = theme();
  Plotly.react(chart.node, recoloured(chart.node.data, chart.theme), recoloured(chart.node.layout, chart.theme), config);
}

// Plotly's button menus as real buttons: they wrap on a phone and answer to the keyboard.
function pickers(chart) {
  return make("div", {class: "pickers"}, ...chart.menus.map(menu => {
    menu.nodes = menu.buttons.map((button, place) => {
      const node = make("button", {type: "button", "aria-pressed": String(place === (menu.active ?? 0))}, plain(button.label));
      node.addEventListener("click", () => choose(chart, menu, place));
      return node;
    });
    return make("fieldset", {class: "seg"}, make("legend", {}, menu.name ?? ""), ...menu.nodes);
  }));
}

function choose(chart, menu, place) {
  menu.nodes.forEach((node, at) => node.setAttribute("aria-pressed", at === place));
  return Plotly.update(chart.node, ...recoloured(menu.buttons[place].args, chart.theme)).then(() => chart.chosen?.(menu));
}

// Managers in one chart: a button for each instead of plotly's legend.
function people(chart) {
  const buttons = chart.figure.data.map((trace, at) => {
    const node = make("button", {type: "button", class: `who ${page.looks?.[trace.meta] ?? ""}`, "aria-pressed": String(trace.visible === true), "data-manager": trace.meta},
      make("i", {class: "dot", style: `--hue:${trace.line.color}`}), plain(trace.name));
    node.addEventListener("click", () => pick(at, node.getAttribute("aria-pressed") !== "true"));
    return node;
  });
  const pick = (at, shown) => {
    buttons[at].setAttribute("aria-pressed", shown);
    return Plotly.restyle(chart.node, {visible: shown ? true : "legendonly"}, [at]);
  };
  chart.only = id => {
    const usual = chart.figure.data.map(trace => trace.visible === true);
    const shown = chart.figure.data.map((trace, at) => id ? trace.meta === id : usual[at]);
    buttons.forEach((button, at) => button.setAttribute("aria-pressed", shown[at]));
    return Plotly.restyle(chart.node, {visible: shown.map(each => each || "legendonly")}, shown.map((_each, at) => at));
  };
  chart.figure.layout.showlegend = false;
  chart.node.before(make("fieldset", {class: "seg people"}, make("legend", {}, page.texts.who), ...buttons));
}

// Small multiples: as many columns as the width allows.
function panes(chart) {
  const {layout} = chart.figure, count = layout.meta.panes;
  const width = chart.node.clientWidth, columns = width < 330 ? 1 : width < 560 ? 2 : width < 860 ? 3 : 4;
  if (chart.columns === columns) return null;
  chart.columns = columns;
  const rows = Math.ceil(count / columns), wide = 1 / columns, high = 1 / rows, change = {height: 6 + 118 * rows};
  for (let place = 0; place < count; place++) {
    const row = Math.floor(place / columns), column = place % columns, name = place ? place + 1 : "";
    change[`xaxis${name}.domain`] = [column * wide, (column + 1) * wide - (column < columns - 1 ? .03 : 0)];
    change[`yaxis${name}.domain`] = [1 - (row + 1) * high + .12 * high, 1 - row * high - .26 * high];
  }
  if (chart.node.data) { tall(chart, change.height); return Plotly.relayout(chart.node, change); }
  layout.height = change.height;
  for (let place = 0; place < count; place++) {
    const name = place ? place + 1 : "";
    layout[`xaxis${name}`].domain = change[`xaxis${name}.domain`];
    layout[`yaxis${name}`].domain = change[`yaxis${name}.domain`];
  }
  return null;
}

const seen = new IntersectionObserver(entries => {
  for (const entry of entries) if (entry.isIntersecting) {
    seen.unobserve(entry.target);
    draw(charts.find(chart => chart.node === entry.target));
  }
}, {rootMargin: "300px"});
charts.forEach(chart => seen.observe(chart.node));
for (const fold of folds) fold.addEventListener("toggle", () => {
  if (fold.open) for (const chart of charts.filter(({node}) => fold.contains(node)))
    chart.node.data && !printing ? Plotly.Plots.resize(chart.node) : draw(chart);
});
// The rest when there is time, so that a print has every chart; whoever scrolls waits for one of them at most.
async function drawAll() {
  for (const chart of charts.filter(({node}) => !isFolded(node))) {
    await idle();
    await draw(chart);
  }
}
const allDrawn = new Promise(done => addEventListener("load", () => done(drawAll())));
if (charts.length) load("plotly").catch(() => null);  // each chart says what failed
dark.addEventListener("change", () => charts.forEach(recolour));
addEventListener("resize", () => charts.forEach(chart => chart.figure?.layout.meta?.panes && chart.node.data && panes(chart)));

// A4 is 680 px wide, whatever the window is; and paper is white.
addEventListener("beforeprint", () => {
  printing = true;
  for (const chart of charts) {
    if (window.Plotly && chart.figure) chart.drawn = drawNow(chart) ?? chart.drawn;
    if (!chart.node.data) continue;
    recolour(chart);
    Plotly.relayout(chart.node, {width: 680, autosize: false});
  }
});
addEventListener("afterprint", () => {
  printing = false;
  for (const chart of charts) if (chart.node.data) { recolour(chart); Plotly.relayout(chart.node, {width: null, autosize: true}); }
});
