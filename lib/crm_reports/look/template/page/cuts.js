// ── Cuts: a name, a bar, a point or a period anywhere makes the whole page about it ──────────────────────────────
// Where the header can't ask for it (none of its choices, a view that nobody published) nothing can be clicked.
const isJoining = event => event.ctrlKey || event.metaKey || event.shiftKey;

// Where a click on "manager:17" leads: it alone, or all again where it is alone (a period stays); joining, it comes to those chosen or leaves them.
function cutTo(key, joins = false) {
  const [dimension, ...rest] = key?.split(":") ?? [], id = rest.join(":");
  const field = id && controls?.fields.find(each => each.name === dimension);
  if (dimension === "period" && field) return isAlone(key) ? undefined : addressOf(withValue(dimension, id));
  if (field?.kind !== "many" || !field.choices.some(choice => choice.id === id)) return undefined;
  const chosen = listOf(controls.state[dimension]), others = chosen.filter(each => each !== id);
  if (!joins) return addressOf(withValue(dimension, isAlone(key) ? [] : [id]));
  return addressOf(withValue(dimension, others.length < chosen.length ? others : [...others, id]));
}

function isAlone(key) {
  const [dimension, ...rest] = key.split(":");
  return same(listOf(controls.state[dimension]), [rest.join(":")]);
}

// What a tooltip says of it; nothing where a click does nothing. What a page is seldom about says what of it is kept.
const cutHint = key => !cutTo(key) ? "" : isAlone(key) ? page.texts.uncut : cutWords(key);
function cutWords(key = "") {
  const words = controls.published ? page.texts.cut_alone : page.texts.cut;  // of several together nothing was published
  const field = controls.fields.find(each => each.name === key.split(":")[0]);
  return field && !USUAL.includes(field.name) ? `${words} (${field.label})` : words;
}

// A name is a link to the page about it.
function cutByName(event) {
  const name = event.target.closest?.("a[data-link]"), address = name && !event.button && cutTo(name.dataset.link, isJoining(event));
  if (!address) return;
  event.preventDefault();
  go(address);
}
if (controls) document.addEventListener("click", cutByName);

// ── Charts: `layout.meta.cuts` says of what the keys are that the traces' `meta` has, if they don't; `layout.meta.periods` names the bars ──
const keyOf = ({cuts}, id) => cuts ? `${cuts}:${id ?? ""}` : id ?? "";
const isCutting = meta => meta && ("cuts" in meta || meta.periods);

function keyAt(chart, {data: {meta}, pointNumber}) {
  const {periods} = chart.figure.layout.meta;
  if (periods) return `period:${periods[meta]?.asks[pointNumber] ?? ""}`;
  return keyOf(chart.figure.layout.meta, Array.isArray(meta) ? meta[pointNumber] : meta);
}

const keysOf = ({figure: {data, layout: {meta}}}) => meta.periods ? Object.values(meta.periods).flatMap(({asks}) => asks).map(ask => `period:${ask}`)
  : data.flatMap(trace => trace.meta ?? []).map(id => keyOf(meta, id));

const hinted = (value, hint) => typeof value === "string" ? value.replace("<extra></extra>", () => `<br><i>${hint}</i><extra></extra>`)
  : Array.isArray(value) ? value.map(each => hinted(each, hint)) : value;

// Before it is drawn: its tooltips say what a click does, the names in it can be clicked.
function cutting(chart) {
  const {data, layout} = chart.figure, meta = layout.meta;
  const key = controls && isCutting(meta) && keysOf(chart).find(key => cutTo(key));
  if (!key) return;
  const hint = chart.drills ? page.texts.closer : cutWords(key);
  const templates = [...data, ...chart.menus.flatMap(menu => menu.buttons.map(button => button.args[0]))];
  for (const each of templates) if (each.hovertemplate) each.hovertemplate = hinted(each.hovertemplate, hint);
  for (const note of layout.annotations ?? []) if (note.name && cutTo(keyOf(meta, note.name))) note.hovertext = cutHint(keyOf(meta, note.name));
  chart.cuts = () => cuts(chart);
}

// A finger can't hover: its first touch of a point shows the tooltip, the second cuts.
let touches = 0;
addEventListener("pointerdown", event => { touches = event.pointerType === "touch" ? touches + 1 : 0; }, true);

function cuts(chart) {
  const {node, figure} = chart;
  let last = {};
  node.on("plotly_hover", ({points: [point]}) => node.classList.toggle("cuts", Boolean(cutTo(keyAt(chart, point)))));
  node.on("plotly_unhover", () => node.classList.remove("cuts"));
  node.on("plotly_clickannotation", ({annotation, event}) => go(cutTo(keyOf(figure.layout.meta, annotation.name), isJoining(event))));
  if (!chart.drills) node.on("plotly_click", ({points: [point], event}) => {
    const key = keyAt(chart, point);
    if (!touches || (last.key === key && last.touches < touches)) go(cutTo(key, isJoining(event)));
    if (last.key !== key) last = {key, touches};  // one touch may be told twice, as a touch and as a mouse
  });
}
