"use strict";
(() => {
  const page = JSON.parse(document.getElementById("page").textContent);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // An element: make("button", {type: "button"}, "text", node, …). Texts never become HTML.
  function make(name, attributes = {}, ...inside) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) if (value !== undefined && value !== false) node.setAttribute(key, value);
    node.append(...inside);
    return node;
  }

  // ── Scripts: packed in the page, or beside it ─────────────────────────────────────────────────────────────────────
  const loading = {};
  function load(name) {
    return loading[name] ??= (async () => {
      const src = page.assets[name] ?? await unpacked(name);
      await new Promise((done, fail) => {
        const script = make("script", {src});
        script.onload = done;
        script.onerror = () => fail(new Error(`${name} could not be loaded`));
        document.head.append(script);
      });
    })();
  }

  async function unpacked(name) {
    const bytes = Uint8Array.from(atob(document.getElementById(`${name}-js`).textContent), each => each.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const text = await new Response(stream).text();
    return URL.createObjectURL(new Blob([text], {type: "text/javascript"}));
  }

  function failed(node, error) {
    console.error(error);
    node.replaceChildren(make("p", {class: "missing"}, page.texts.failed));
  }

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
    node, figure: JSON.parse(node.parentElement.querySelector("script.figure").textContent), theme: "light", drawn: null,
  }));

  function draw(chart) {
    return chart.drawn ??= load("plotly").then(() => drawNow(chart)).catch(error => failed(chart.node, error));
  }

  function drawNow(chart) {
    const {data, layout} = chart.figure;
    chart.menus = (layout.updatemenus ?? []).filter(menu => menu.type === "buttons");
    if (chart.menus.length) {
      layout.updatemenus = layout.updatemenus.filter(menu => menu.type !== "buttons");
      layout.margin = {...layout.margin, t: layout.meta?.panes ? 0 : 44};
      chart.node.before(pickers(chart));
    }
    layout.dragmode ??= false;
    delete layout.width;
    if (layout.meta?.panes) panes(chart);
    if (layout.meta?.people) people(chart);
    chart.theme = theme();
    const shown = chart.theme === "dark" ? recoloured({data, layout}, "dark") : {data, layout};
    chart.node.replaceChildren();
    tall(chart, layout.height);
    return Plotly.newPlot(chart.node, shown.data, shown.layout, config).then(() => {
      if (shown.data.some(trace => trace.ids)) chart.node.on("plotly_click", ({points: [point]}) => drill(chart, point.pointNumber));
      chart.node.dataset.drawn = data.length;
    });
  }

  // Without a height of its own the block follows the drawing, and collapses while plotly redraws.
  const tall = (chart, height) => Object.assign(chart.node.style, {minHeight: "", height: `${height ?? 420}px`});

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
      const buttons = menu.buttons.map((button, at) => {
        const node = make("button", {type: "button", "aria-pressed": at === (menu.active ?? 0)});
        node.innerText = plain(button.label);
        node.addEventListener("click", () => {
          buttons.forEach(each => each.setAttribute("aria-pressed", each === node));
          chart.drilled = false;
          Plotly.update(chart.node, ...recoloured(button.args, chart.theme));
        });
        return node;
      });
      return make("fieldset", {class: "seg"}, make("legend", {}, menu.name ?? ""), ...buttons);
    }));
  }

  // Managers in one chart: a button for each instead of plotly's legend.
  function people(chart) {
    const buttons = chart.figure.data.map((trace, at) => {
      const node = make("button", {type: "button", class: `who ${page.looks?.[trace.meta] ?? ""}`, "aria-pressed": trace.visible === true, "data-manager": trace.meta},
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

  // A click on a bar shows what it is made of: the shorter periods inside it; a second one goes back up.
  function drill(chart, point) {
    const bars = chart.node.data.filter(trace => trace.type === "bar" && trace.ids), sizes = bars.map(trace => trace.meta);
    const here = bars.find(trace => trace.visible !== false), at = sizes.indexOf(here.meta);
    const from = here.ids[point], to = here.ids[point + 1] ?? "9999";
    const inner = chart.drilled ? null : bars[at - 1];
    chart.drilled = Boolean(inner);
    const shown = inner ?? bars[sizes.indexOf(chart.cameFrom ?? here.meta)];
    chart.cameFrom = here.meta;
    const menu = chart.menus.find(each => each.buttons.length === sizes.length && each.buttons[0].args[0].visible);
    const button = menu?.buttons[sizes.indexOf(shown.meta)];
    if (!button || (!inner && shown === here)) return;
    const inside = shown.ids.map((id, place) => id >= from && id < to ? place : -1).filter(place => place >= 0);
    const [data, layout, traces] = recoloured(button.args, chart.theme);
    const range = inner && inside.length ? {"xaxis.range": [inside[0] - .6, inside.at(-1) + .6], "xaxis.tickvals": inside,
      "xaxis.ticktext": inside.map(place => shown.text?.[place] !== undefined ? plain(shown.customdata[place]).split("·")[0].split("\n")[0] : "")} : {};
    Plotly.update(chart.node, data, {...layout, ...range}, traces);
  }

  const plain = text => new DOMParser().parseFromString(text, "text/html").body.textContent;

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
  const drawAll = () => Promise.all(charts.map(draw));
  // The rest when there is time, so that a print has every chart.
  addEventListener("load", () => (window.requestIdleCallback ?? setTimeout)(drawAll));
  dark.addEventListener("change", () => charts.forEach(recolour));
  addEventListener("resize", () => charts.forEach(chart => chart.figure.layout.meta?.panes && chart.node.data && panes(chart)));

  // A4 is 680 px wide, whatever the window is; and paper is white.
  addEventListener("beforeprint", () => {
    printing = true;
    for (const chart of charts) {
      if (!chart.drawn && window.Plotly) { chart.drawn = Promise.resolve(); drawNow(chart); }
      if (!chart.node.data) continue;
      recolour(chart);
      Plotly.relayout(chart.node, {width: 680, autosize: false});
    }
  });
  addEventListener("afterprint", () => {
    printing = false;
    for (const chart of charts) if (chart.node.data) { recolour(chart); Plotly.relayout(chart.node, {width: null, autosize: true}); }
  });

  // ── Tables ────────────────────────────────────────────────────────────────────────────────────────────────────────
  const number = new Set(["number", "rate", "instant", "date"]);

  function cell(kind, value) {
    if (kind === "title") return value[1] ? make("a", {href: value[1], rel: "noopener noreferrer", target: "_blank"}, value[0]) : value[0];
    if (kind === "manager") return value[1] ? make("span", {}, make("i", {class: `dot ${value[1]}`}), value[0]) : value[0];
    if (kind === "status") return make("span", {class: `pill ${value[1]}`}, value[0]);
    if (kind === "rate") return make("span", {class: value[3] ? "few" : ""}, make("span", {}, value[1]), make("i", {class: "small"}, value[2]));
    const [said, below] = number.has(kind) ? value.slice(1) : Array.isArray(value) ? value : [value];
    return below ? make("span", {}, said, make("i", {class: "small"}, below)) : said;
  }

  // What a cell is sorted by: a rate of few comes after every real one, whichever way it is sorted.
  const key = (kind, value) => value[0] === null ? "" : kind === "rate" && value[3] ? `${value[0]}~` : value[0];

  const html = content => { const node = make("div", {}, content); return node.innerHTML; };
  const textOf = (kind, value) => Array.isArray(value) ? (number.has(kind) ? value[1] : value[0]) : value;

  function columnsOf(table) {
    return all("thead th", table).map(head => {
      const kind = head.dataset.kind, className = {number: "num", rate: "num rate", instant: "day", date: "day", title: "deal", text: "txt"}[kind] ?? "";
      return {kind, className, name: head.dataset.name, pick: "pick" in head.dataset, extra: "extra" in head.dataset, title: head.textContent};
    });
  }

  function enhance(table) {
    const columns = columnsOf(table), block = table.closest(".scroll"), source = block.nextElementSibling;
    const rows = source?.matches("script.rows") ? JSON.parse(source.textContent) : null;
    const count = rows ? rows.length : table.tBodies[0].rows.length;
    all("thead th", table).forEach(head => { head.dataset.tip = head.title; head.removeAttribute("title"); });
    const options = {
      order: [], autoWidth: false, paging: count > 30, pageLength: 25, orderMulti: false,
      layout: {topStart: null, topEnd: null, bottomStart: count > 30 ? "info" : null, bottomEnd: count > 30 ? "paging" : null},
      language: {thousands: "\u00a0", info: page.texts.info, infoEmpty: "", infoFiltered: "", zeroRecords: page.texts.empty, emptyTable: page.texts.empty,
                 paginate: {first: "«", last: "»", previous: "‹", next: "›"}},
    };
    if (rows) {
      table.tBodies[0].replaceChildren();
      options.data = rows;
      options.deferRender = true;
      options.columns = columns.map(({kind, className}, at) => ({
        className, cellType: kind === "title" ? "th" : "td",
        render: (_data, use, row) => use === "display" ? html(cell(kind, row[at])) : use === "filter" ? textOf(kind, row[at]) :
          number.has(kind) ? key(kind, row[at]) : textOf(kind, row[at]).toLowerCase(),
      }));
    }
    options.columnDefs = columns.map(({kind, extra}, at) => number.has(kind) ? {targets: at, type: "known", orderSequence: ["desc", "asc", ""]} :
      {targets: at, type: "string", visible: !(extra && rows)});
    const total = table.tFoot;  // stays as it is, below the rows however they are sorted
    total?.remove();
    const drawn = new DataTable(table, options);
    if (total) table.append(total);
    table.dataset.drawn = count;
    block.before(tools(table, drawn, columns, rows, count));
    const whose = columns.findIndex(column => column.kind === "manager");
    if (whose >= 0 && !rows) table.only = name => drawn.column(whose).search(name ? held => plain(held).trim() === name : "").draw();
    return drawn;
  }

  function tools(table, drawn, columns, rows, count) {
    const bar = make("div", {class: "tools"});
    if (count > 10) {
      const box = make("input", {type: "search", placeholder: page.texts.search, "aria-label": page.texts.search});
      box.addEventListener("input", () => drawn.search(box.value).draw());
      bar.append(box);
    }
    columns.forEach((column, at) => column.pick && rows && bar.append(...picker(drawn, column, at, rows)));
    const csv = make("button", {type: "button"}, page.texts.csv);
    csv.addEventListener("click", () => save(asCsv(table, columns, rows), `${table.closest("[data-element]")?.id ?? "table"}.csv`));
    const end = make("span", {class: "end"}, csv);
    if (page.workbook) end.append(make("a", {href: page.workbook}, page.texts.excel));
    bar.append(end);
    return bar;
  }

  // Where several statuses mean one outcome, they can be chosen together.
  function outcomes(column, values) {
    if (column.kind !== "status") return [];
    const by = outcome => [...values.keys()].filter(name => values.get(name)[1] === outcome);
    return ["won", "lost", "open"].filter(outcome => by(outcome).length > 1).map(outcome => [page.texts[outcome], by(outcome)]);
  }

  function picker(drawn, column, at, rows) {
    const values = new Map(rows.map(row => [textOf(column.kind, row[at]), row[at]]));
    if (values.size < 2) return [];
    const label = page.texts.all.replace("{title}", column.title);
    const names = [...values.keys()].sort((a, b) => a.localeCompare(b));
    const choices = [[label, null], ...outcomes(column, values), ...names.map(name => [name, [name]])];
    const box = make("select", {"aria-label": column.title, "data-name": column.name},
      ...choices.map(([text], at) => make("option", {value: at}, text)));
    box.addEventListener("change", () => {
      const fits = choices[box.value][1];
      box.classList.toggle("on", Boolean(fits));
      drawn.column(at).search(fits ? text => fits.includes(text) : "").draw();
    });
    box.pickText = text => {
      box.value = Math.max(0, choices.findIndex(([said]) => text && said === text));
      box.dispatchEvent(new Event("change"));
    };
    box.pickOutcome = outcome => {
      box.value = Math.max(0, choices.findIndex(([, fits]) => outcome && fits?.every(name => values.get(name)[1] === outcome)));
      box.dispatchEvent(new Event("change"));
    };
    return [box];
  }

  // A text that a spreadsheet would run as a formula gets an apostrophe before it.
  const quoted = value => {
    const text = value === null || value === undefined ? "" : String(value);
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) && !/^-?[\d.]+$/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };

  function asCsv(table, columns, rows) {
    const lines = rows ? rows.map(row => row.map((value, at) => number.has(columns[at].kind) ? value[0] : textOf(columns[at].kind, value)))
      : new DataTable.Api(table).rows().nodes().toArray().map(line => [...line.cells].map((each, at) =>
          number.has(columns[at].kind) ? (each.dataset.order ?? each.textContent).replace("~", "") : each.textContent.trim()));
    return "\ufeff" + [columns.map(each => each.title), ...lines].map(line => line.map(quoted).join(",")).join("\r\n");
  }

  function save(text, name) {
    const link = make("a", {href: URL.createObjectURL(new Blob([text], {type: "text/csv"})), download: name});
    link.click();
    URL.revokeObjectURL(link.href);
  }

  const tables = all("table.data");
  if (tables.length) load("tables").then(() => {
    DataTable.ext.errMode = "throw";
    // Missing values come last, rates of few before them, whichever way a column is sorted.
    const rank = value => value === "" ? 2 : String(value).endsWith("~") ? 1 : 0, bare = value => String(value).replace("~", "");
    const apart = (a, b) => isNaN(a) || isNaN(b) ? (a < b ? -1 : a > b ? 1 : 0) : a - b;
    const sorted = way => (a, b) => rank(a) - rank(b) || way * apart(bare(a), bare(b));
    DataTable.ext.type.order["known-asc"] = sorted(1);
    DataTable.ext.type.order["known-desc"] = sorted(-1);
    for (const table of tables) {
      const details = table.closest("details");
      if (details && !details.open) details.addEventListener("toggle", () => enhance(table), {once: true});
      else enhance(table);
    }
    wanted();
  }).catch(error => console.error(error));

  // ── The deals behind a tile ───────────────────────────────────────────────────────────────────────────────────────
  const deals = document.getElementById("deals");
  const behind = outcome => deals?.querySelector("select[data-name=status]")?.pickOutcome(outcome);
  const wanted = () => { const asked = /^#deals=(\w+)$/.exec(location.hash); if (asked && deals) { behind(asked[1]); deals.scrollIntoView(); } };
  for (const tile of all("a.tile[data-outcome]")) {
    if (!deals) tile.removeAttribute("href");
    else tile.addEventListener("click", () => behind(tile.dataset.outcome));
  }

  all("a[data-at][href]").forEach(link => { link.href = link.href.split("#")[0] + `#${link.dataset.at}`; });

  // ── One manager: a name without a page of its own makes this page about him, a second click about all again ───────
  let about = null;
  const names = all('a[data-link^="manager:"]:not([href])');
  if (names.length) for (const name of names) { name.setAttribute("role", "button"); name.tabIndex = 0; name.classList.add("pickable"); }

  function only(id, name) {
    about = about === id ? null : id;
    const who = about ? name : "";
    all("table.data").forEach(table => table.only?.(who));
    all(".matrix tbody tr").forEach(row => { const whose = row.querySelector("a[data-link^='manager:']"); row.hidden = Boolean(about && whose && whose.dataset.link !== `manager:${about}`); });
    all("select[data-name=manager]").forEach(box => box.pickText?.(who));
    charts.forEach(chart => chart.only?.(about));
    all("a.pickable").forEach(each => each.setAttribute("aria-pressed", Boolean(about) && each.dataset.link === `manager:${about}`));
    bar.hidden = !about;
    bar.replaceChildren(...(about ? [make("b", {}, name), " ", clear] : []));
  }
  const clear = make("button", {type: "button"}, page.texts.everybody);
  const bar = make("div", {class: "only", role: "status", hidden: true});
  clear.addEventListener("click", () => only(about, ""));
  document.body.append(bar);
  const chosen = event => event.target.closest?.("a.pickable");
  document.addEventListener("click", event => { const name = chosen(event); if (name) only(name.dataset.link.slice(8), name.textContent); });
  document.addEventListener("keydown", event => {
    const name = chosen(event);
    if (name && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); only(name.dataset.link.slice(8), name.textContent); }
  });

  // ── Tooltips: on every header and every number ────────────────────────────────────────────────────────────────────
  const tip = document.getElementById("tip");
  all(".matrix thead th").forEach(head => { if (head.title) { head.dataset.tip = head.title; head.removeAttribute("title"); } });

  function told(target) {
    const place = target.closest?.("[data-tip], table.data td, .matrix td");
    if (!place) return null;
    if (place.dataset.tip !== undefined) return place.dataset.tip ? [place, place.dataset.tip] : null;
    const head = place.closest("table").tHead.rows[0].cells[place.cellIndex];
    if (!head?.dataset.tip || !head.dataset.tip.includes("\n")) return null;
    const who = place.parentElement.querySelector("th")?.innerText.trim();
    const value = [...place.childNodes].map(node => node.textContent.trim()).filter(Boolean).join(" · ");
    return [place, [[who, value].filter(Boolean).join(": "), head.dataset.tip].join("\n")];
  }

  let pointed = null, pointedTop = 0;

  function point(event) {
    const found = told(event.target);
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
})();
