// ── Drill: a click on a bar shows the shorter periods inside it ───────────────────────────────────────────────────
// A chart that says what its bars are called (`layout.meta.periods`) can be gone down into, and back up by a button; where
// nothing is shorter a click goes back up, too; but where the page can be about a period, it asks for that one.
function drilling(chart) {
  const periods = chart.figure.layout.meta?.periods;
  if (!periods) return;
  const sizes = Object.keys(periods), menu = chart.menus.find(each => each.buttons.length === sizes.length && each.buttons[0].args[0].visible);
  if (!menu) return;
  const path = [];  // from where: size, places shown, what was clicked
  let size = sizes[menu.active], places = null;
  const bars = name => chart.node.data.find(trace => trace.type === "bar" && trace.meta === name);
  const name = make("b"), back = make("button", {type: "button", class: "back"}, `← ${page.texts.back}`), crumb = make("span", {class: "crumb", role: "status"});
  const alone = make("button", {type: "button"}, page.texts.this_period);
  chart.node.previousElementSibling.append(crumb);
  back.addEventListener("click", up);
  alone.addEventListener("click", () => go(path.at(-1).address));

  function inside(shorter, from, to) {
    const starts = bars(shorter).ids;
    return starts.map((start, at) => start < to && (starts[at + 1] ?? "9999") > from ? at : -1).filter(at => at >= 0);
  }

  function down(at) {
    const shorter = sizes[sizes.indexOf(size) - 1], starts = bars(size).ids;
    const found = shorter ? inside(shorter, starts[at], starts[at + 1] ?? "9999") : [];
    const address = cutTo(`period:${periods[size].asks[at]}`);
    if (!found.length) return address ? go(address) : up();
    path.push({size, places, name: periods[size].names[at], address});
    return show(shorter, found);
  }

  function up() {
    const last = path.pop();
    return last && show(last.size, last.places);
  }

  function show(to, found) {
    size = to;
    places = found;
    const at = sizes.indexOf(size);
    menu.nodes.forEach((node, place) => node.setAttribute("aria-pressed", place === at));
    return Plotly.update(chart.node, ...recoloured(menu.buttons[at].args, chart.theme)).then(look);
  }

  // Only the places shown: their own labels, an axis as high as they are, the numbers over the bars where there is room.
  function look() {
    name.textContent = path.at(-1)?.name ?? "";
    crumb.replaceChildren(...(path.length ? [back, name, ...(path.at(-1).address ? [alone] : [])] : []));
    const shown = bars(size), at = chart.node.data.indexOf(shown), few = places && places.length <= 16;
    if (!places) return Plotly.update(chart.node, {textposition: chart.figure.data[at].textposition}, {"yaxis.autorange": true}, [at]);
    const heights = [shown, chart.node.data[at + 1]].flatMap(trace => places.map(place => trace.y[place] ?? 0)), step = Math.ceil(places.length / 12);
    const low = Math.min(0, ...heights), high = Math.max(0, ...heights), labelled = places.filter((_place, order) => order % step === 0);
    return Plotly.update(chart.node, {textposition: few ? "outside" : "none"}, {
      "xaxis.range": [places[0] - .6, places.at(-1) + .6], "xaxis.tickvals": labelled,
      "xaxis.ticktext": labelled.map(place => periods[size].labels[place]),
      "yaxis.range": [low && low - (high - low) * .1, high + (high - low) * .1 || 1],
    }, [at]);
  }

  chart.chosen = chosen => {
    if (chosen === menu) {
      size = sizes[menu.nodes.findIndex(node => node.getAttribute("aria-pressed") === "true")];
      places = null;
      path.length = 0;
    }
    return path.length || chosen === menu ? look() : null;
  };
  chart.drills = () => {
    chart.node.classList.add("drills");
    chart.node.on("plotly_click", ({points: [point], event}) => {
      const address = isJoining(event) && cutTo(keyAt(chart, point));
      return address ? go(address) : down(point.pointNumber);
    });
  };
}
